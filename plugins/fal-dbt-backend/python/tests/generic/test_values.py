"""Conversion of a driver's values to an Arrow column, without a warehouse."""

import datetime as dt
import uuid
from decimal import Decimal as D

import pyarrow as pa
import pytest
from fal_worker.errors import SessionError
from fal_worker.warehouse.generic.read import Column
from fal_worker.warehouse.spool import Spool

DAY, NOON = dt.date(2020, 1, 1), dt.datetime(2020, 1, 1, 12)
MIDNIGHT, EAST = dt.datetime(2020, 1, 1), dt.timezone(dt.timedelta(hours=2))

# The batches of a column, the type of the resulting column, and its values where they are others.
SETTLED = {
    "int and Decimal": ([[1], [D("2.50")]], "decimal128(38, 2)"),
    "Decimals of more and more digits": ([[D("1.5")], [D("-0.125")]], "decimal128(38, 3)"),
    "wider than 38": ([[D(1)], [D("1e38")], [D("0.1")]], "decimal256(76, 1)"),
    "large integers": ([[1], [2**64]], "decimal128(38, 0)"),
    "date and datetime": ([[DAY], [NOON]], "timestamp[us]", [MIDNIGHT, NOON]),
    "in one batch": ([[DAY, NOON, None]], "timestamp[us]", [MIDNIGHT, NOON, None]),
    "zones": ([[NOON.replace(tzinfo=EAST)]], "timestamp[us, tz=UTC]"),
    "NULL first": ([[None], [True]], "bool"),
    "NULL only": ([[None], [None]], "null"),
    "JSON": ([[{"a": [1]}], [[None, "é"]]], "string", ['{"a": [1]}', '[null, "é"]']),
    "UUID": ([[uuid.UUID(int=1)]], "string", ["00000000-0000-0000-0000-000000000001"]),
    "bytes": ([[memoryview(b"a"), bytearray(b"b"), b"c"]], "binary", [b"a", b"b", b"c"]),
    "time": ([[dt.time(1, 2, 3)]], "time64[us]"),
    "time with a zone": ([[dt.time(1, 2, tzinfo=EAST)]], "string", ["01:02:00+02:00"]),
    "timedelta": ([[dt.timedelta(days=1)]], "duration[us]"),
}


@pytest.mark.parametrize("case", SETTLED)
def test_settled(case):
    batches, kind, values = (*SETTLED[case], None)[:3]
    column = Column("x")
    arrays = [column.add(batch) for batch in batches]
    settled = [column.settled(array) for array in arrays]
    assert str(column.type) == kind
    given = [value for batch in batches for value in batch]
    expected = given if values is None else values
    assert [value for array in settled for value in array.to_pylist()] == expected


MIXED = {
    "integers in some rows and text in others": [[1], ["a"]],
    "times without a zone in some rows and times with a zone in others": [
        [NOON, NOON.replace(tzinfo=EAST)]
    ],
    "booleans in some rows and integers in others": [[True, 1]],
    "the number NaN, which no decimal can be": [[D("NaN")]],
    "values of the Python type `builtins.complex`, which is not known here": [[1j]],
}


@pytest.mark.parametrize("mixture", MIXED)
def test_what_does_not_fit_is_an_error(mixture):
    column = Column("x")
    with pytest.raises(SessionError) as caught:
        for batch in MIXED[mixture]:
            column.add(batch)
    assert caught.value.message == f"The column `x` holds {mixture}"


def test_the_driver_tells_the_precision():
    column = Column("x", pa.decimal128(10, 2))
    assert str(column.add([D("1.5")]).type) == "decimal128(10, 2)"
    # The driver's description may be wrong about this.
    column.add([D("0.125")])
    assert str(column.type) == "decimal128(38, 3)"


@pytest.mark.parametrize("room", [0, 1 << 20])
def test_a_spool_keeps_batches_of_changing_types(room):
    batches = [
        pa.record_batch({"x": pa.array(values)}) for values in ([1], [2], [0.5], [None], ["a"])
    ]
    spool = Spool(room)
    for batch in batches:
        spool.add(batch)
    assert list(spool) == batches
