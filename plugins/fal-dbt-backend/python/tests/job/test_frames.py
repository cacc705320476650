"""The objects that a model can write, and the errors for all others."""

import datetime as dt
import subprocess
import sys
import uuid
from decimal import Decimal

import duckdb
import numpy
import pandas
import polars
import pyarrow
import pytest
from fal_worker.job import frames
from fal_worker.job.error import FalError
from pyarrow import float64, int8, int64, list_, string, struct

ROWS = {"a": [1, 2, 3], "b": ["x", None, "z"]}


class Capsule:
    """An object with the Arrow C stream interface and nothing else."""

    def __init__(self, table):
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


class ArrayCapsule:
    """An object with the Arrow C interface for one batch and nothing else."""

    def __init__(self, batch):
        self._batch = batch

    def __arrow_c_array__(self, requested_schema=None):
        return self._batch.__arrow_c_array__(requested_schema)


class Sub(pandas.DataFrame):
    pass


DATABASE = duckdb.connect()


def relation():
    return DATABASE.from_arrow(pyarrow.table(ROWS))


def parts(*frames):
    yield from frames


ACCEPTED = {
    "pandas": lambda: pandas.DataFrame(ROWS),
    "pandas-subclass": lambda: Sub(ROWS),
    "polars": lambda: polars.DataFrame(ROWS),
    "polars-lazy": lambda: polars.DataFrame(ROWS).lazy(),
    "table": lambda: pyarrow.table(ROWS),
    "batch": lambda: pyarrow.RecordBatch.from_pydict(ROWS),
    "reader": lambda: pyarrow.table(ROWS).to_reader(),
    "duckdb": relation,
    "c-stream": lambda: Capsule(pyarrow.table(ROWS)),
    "c-array": lambda: ArrayCapsule(pyarrow.RecordBatch.from_pydict(ROWS)),
    "generator": lambda: parts(
        pandas.DataFrame(ROWS)[:1], pyarrow.table(ROWS).slice(1, 1), polars.DataFrame(ROWS)[2:]
    ),
    "iterator": lambda: iter([pyarrow.table(ROWS)]),
}


@pytest.mark.parametrize("make", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(make):
    assert frames.reader("write_to_model", make()).read_all().to_pydict() == ROWS


@pytest.mark.parametrize(
    "make",
    [ACCEPTED["polars"], ACCEPTED["duckdb"], ACCEPTED["table"]],
    ids=["polars", "duckdb", "table"],
)
def test_empty_frames_keep_their_columns(make):
    data = make()
    empty = data.slice(0, 0) if hasattr(data, "slice") else data.limit(0)
    table = frames.reader("f", empty).read_all()
    assert (table.num_rows, table.column_names) == (0, ["a", "b"])


def refusal(data):
    with pytest.raises(FalError) as caught:
        frames.reader("write_to_model", data).read_all()
    return str(caught.value)


REFUSED = {
    "None": (None, "NoneType (a function that returns nothing, perhaps)"),
    "list": ([1], "list (wrap it in pandas.DataFrame(...))"),
    "dict": ({"a": [1]}, "dict (wrap"),
    "text": ("x", "str"),
    "series": (pandas.Series([1]), "pandas.Series (make a table of it with .to_frame())"),
    "polars-series": (polars.Series([1]), "polars.Series (make"),
    "numpy": (numpy.zeros((2, 2)), "numpy.ndarray (wrap"),
    "array": (pyarrow.array([1]), "pyarrow.Int64Array"),
    "class": (pandas.DataFrame, "type"),
    "connection": (duckdb.connect(), "DuckDBPyConnection (take the result of .sql(...)"),
}


@pytest.mark.parametrize(("data", "reason"), REFUSED.values(), ids=REFUSED)
def test_refused(data, reason):
    message = refusal(data)
    assert message.startswith("fal: write_to_model does not take ")
    assert reason in message
    assert "It takes a pandas or polars DataFrame," in message


MIXED = {"good": [1, 2, 3], "bad": [1, "x", None]}
MESSAGES = [
    (MIXED, "column 'bad' mixes values of several types, int and str: row 2 is 'x'\nGive all of"),
    ({"id": [object()]}, "column 'id' holds values of type object, which no table"),
    ({"n": [2**70]}, "column 'n' holds integers of more than 64 bits"),
]


@pytest.mark.parametrize(("columns", "message"), MESSAGES)
def test_values_that_no_column_takes(columns, message):
    refused = refusal(pandas.DataFrame(columns))
    assert refused.startswith(f"fal: {message}")
    assert columns is not MIXED or refused.endswith("\nGive all of them one type.")


def test_uuids_are_written_or_told():
    data = pandas.DataFrame({"id": [uuid.UUID(int=1)]})
    try:
        table = frames.reader("f", data).read_all()
    except FalError as error:
        assert "'id' holds values of type UUID" in str(error)
    else:
        assert table.num_rows == 1


def test_names_of_columns():
    assert frames.reader("f", pandas.DataFrame([[1, 2]])).read_all().column_names == ["0", "1"]
    expected = "fal: there are 2 columns named 'a'"
    assert refusal(pandas.DataFrame([[1, 2]], columns=["a", "a"])) == expected
    expected = "fal: there are 2 columns named '1'"
    assert refusal(pandas.DataFrame([[1, 2]], columns=["1", 1])) == expected
    expected = "fal: column 1 of the DataFrame has no name"
    assert refusal(pandas.DataFrame([[1]], columns=[None])) == expected
    assert "several levels" in refusal(pandas.DataFrame({("a", "b"): [1]}))
    assert refusal(pandas.DataFrame()) == "fal: the data has no columns"
    assert (
        refusal(pyarrow.table([[1], [2]], names=["a", "a"])) == "fal: there are 2 columns named 'a'"
    )


def test_the_index_is_not_written(capsys):
    frame = pandas.DataFrame(ROWS, index=[7, 8, 9])
    assert frames.reader("f", frame).read_all().column_names == ["a", "b"]
    assert capsys.readouterr().err == ""
    frames.reader("f", frame.set_index("a"))
    expected = "fal: the index 'a' is not written; use reset_index() to keep it\n"
    assert capsys.readouterr().err == expected


def test_categories_are_written_as_their_values():
    for frame in (
        pandas.DataFrame({"c": pandas.Categorical(["x", "y", "x"])}),
        polars.DataFrame({"c": ["x", "y", "x"]}, {"c": polars.Categorical}),
    ):
        table = frames.reader("f", frame).read_all()
        assert table["c"].to_pylist() == ["x", "y", "x"]
        assert not pyarrow.types.is_dictionary(table["c"].type)


def test_an_all_none_column_has_no_type():
    frame = pandas.DataFrame({"x": pandas.Series([None, None], dtype=object)})
    assert frames.reader("f", frame).read_all().schema.field("x").type == pyarrow.null()


def test_a_generator_is_read_piece_by_piece():
    pulled = []

    def endless():
        number = 0
        while True:
            pulled.append(number)
            yield pyarrow.table({"n": [number]})
            number += 1

    stream = frames.reader("f", endless())
    assert [stream.read_next_batch()["n"][0].as_py() for _ in range(3)] == [0, 1, 2]
    assert len(pulled) <= 4


def test_parts_of_a_generator_must_agree():
    first = pyarrow.table({"a": [1]})
    text = refusal(parts(first, pyarrow.table({"b": [1]})))
    assert "part 2 of the generator has other columns" in text
    text = refusal(parts(first, pyarrow.table({"a": ["x"]})))
    assert "column 'a' of part 2 of the generator is string and does not fit int64" in text
    assert "does not take int" in refusal(parts(first, 3))
    assert "gave nothing" in refusal(parts())
    for one, other in (
        ([1], []),
        ([1], [None]),
        ({"a": 1}, {"a": None}),
        ({"a": [1]}, {"a": []}),
        ([1], None),
    ):
        nothing = parts(pyarrow.table({"a": [one]}), pyarrow.table({"a": [other]}))
        assert frames.reader("f", nothing).read_all()["a"].to_pylist() == [one, other]
    narrow = parts(first, pyarrow.table({"a": pyarrow.array([2], pyarrow.int8())}))
    assert frames.reader("f", narrow).read_all()["a"].to_pylist() == [1, 2]


def test_an_error_in_a_generator_is_the_users():
    def failing():
        yield pyarrow.table({"a": [1]})
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        frames.reader("f", failing()).read_all()


def test_large_tables_go_in_batches():
    frame = pandas.DataFrame({"x": numpy.arange(1_000_000)})
    assert max(batch.num_rows for batch in frames.reader("f", frame)) <= 122_880


def test_nothing_is_imported_that_the_data_is_not_of():
    code = "import sys, pyarrow\nfrom fal_worker.job import frames\nframes.reader('f', pyarrow.table({'a': [1]})).read_all()\n"
    code += "print([name for name in ('polars', 'duckdb') if name in sys.modules])"
    path = {"PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, env=path, capture_output=True, check=True).stdout == b"[]\n"


PARTS = {
    "a time of day": ([dt.date(2024, 1, 1)], [dt.datetime(2024, 1, 1, 5)]),
    "a date": ([dt.datetime(2024, 1, 1, 5)], [dt.date(2024, 1, 1)]),
    "a zone": ([dt.datetime(2024, 1, 1)], [dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)]),
    "text for numbers": (["a"], [1]),
    "numbers for text": ([1], ["1"]),
    "numbers for booleans": ([True], [1]),
    "a fraction": ([1], [2.5]),
    "a field": ([{"a": 1}], [{"a": 1, "b": 2}]),
    "all fields": ([{}], [{"b": "x"}]),
    "text for bytes": ([b"a"], ["a"]),
    "a large double": (numpy.array([1], "f4"), [1e40]),
    "a double": (numpy.array([1], "f4"), [0.1]),
    "a minus zero": ([1], [-0.0]),
    "a decimal that no double is": ([1.5], [Decimal("8488.98")]),
    "a double that no decimal is": ([Decimal("8488.98")], [0.1]),
    "a list of decimals": ([[1.5]], [[Decimal("0.1")]]),
    "a field that is a decimal": ([{"a": 1.5}], [{"a": Decimal("0.1")}]),
    "a list of numbers": ([["a"]], [[1]]),
}


@pytest.mark.parametrize("case", PARTS)
def test_a_later_part_keeps_its_values_or_is_refused(case):
    first, second = (pyarrow.array(values) for values in PARTS[case])
    parts = (pyarrow.table({"x": array}) for array in (first, second))
    with pytest.raises(
        FalError, match=r"column 'x' of part 2 of the generator is .* and does not fit"
    ):
        frames.reader("f", parts).read_all()


PAIR, FIRST = struct({"a": int8(), "b": int8()}), struct({"a": int8()})
NEW_YEAR = dt.datetime(2024, 1, 1)
WIDER = {
    "integers": (int64(), [1], int8(), [2]),
    "doubles that are whole": (int64(), [1], float64(), [2.0, None]),
    "integers among doubles": (float64(), [1.5], int64(), [2]),
    "NaN": (pyarrow.float32(), [1.5], float64(), [float("nan")]),
    "nothing": (string(), ["a"], pyarrow.null(), [None]),
    "a field less": (PAIR, [{"a": 1, "b": 2}], FIRST, [{"a": 1}]),
    "a unit": (pyarrow.timestamp("us"), [NEW_YEAR], pyarrow.timestamp("s"), [NEW_YEAR]),
    "words": (string(), ["a"], pyarrow.dictionary(int8(), string()), ["b", None]),
    "lists": (list_(int64()), [[1]], list_(int8()), [[2, None], []]),
}


@pytest.mark.parametrize("case", WIDER)
def test_a_later_part_may_have_another_type_for_its_values(case):
    kind, values, other, others = WIDER[case]
    parts = (
        pyarrow.table({"x": pyarrow.array(each, type)})
        for type, each in ((kind, values), (other, others))
    )
    read = frames.reader("f", parts).read_all()["x"]
    assert read.type == kind
    expected = [pyarrow.array(values, kind), pyarrow.array(others, other).cast(kind)]
    assert str(read.to_pylist()) == str([value for part in expected for value in part.to_pylist()])
