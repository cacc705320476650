"""Snowflake's own cursor and converter, fed with a server's answers.

Skipped where the connector is not installed.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from decimal import Decimal
from types import SimpleNamespace
from unittest.mock import MagicMock

import pyarrow as pa
import pytest
from clouds.libraries import installed
from fal_worker.errors import SessionError

if not installed("snowflake.connector"):
    pytest.skip("snowflake-connector-python is not installed here", allow_module_level=True)

from fal_worker.warehouse.cloud.snowflake import Snowflake
from snowflake.connector.cursor import SnowflakeCursor


def column(name: str, type: str, precision=None, scale=None) -> dict:
    size = {"precision": precision, "scale": scale, "length": None, "byteLength": None}
    return {"name": name, "type": type, "nullable": True, **size}


def field(name: str, type: pa.DataType, logical: str, precision=38, scale=0) -> pa.Field:
    """A field with the metadata by which the server describes its columns."""
    size = {"precision": str(precision), "scale": str(scale), "charLength": "0"}
    return pa.field(name, type, metadata={"logicalType": logical, **size})


class Connection:
    """The parts of a connection that dbt, the gateway and the cursor use."""

    def __init__(
        self, columns: list[dict], tables: list[pa.Table] | None, rows: list | None = None
    ) -> None:
        self.handle = MagicMock(
            _session_parameters={"TIMEZONE": "America/Los_Angeles"},
            log_max_query_length=0,
            client_fetch_threads=1,
            client_fetch_use_mp=False,
        )
        self.handle.check_arrow_conversion_error_on_every_column = True
        self.adapter = SimpleNamespace(connections=self)
        self._columns, self._tables, self._rows = columns, tables, rows

    def run(self, sql: str) -> SnowflakeCursor:
        # Attributes that the connector reads from its connection.
        self.handle.arrow_number_to_decimal = self.handle.arrow_number_to_decimal_setter
        cursor = SnowflakeCursor(self.handle)
        if self._tables is None:
            total = len(self._rows or [])
            self.handle.converter.to_python_method = lambda *_: lambda value: value
            data = {"rowset": self._rows, "queryResultFormat": "json"}
        else:
            total = sum(table.num_rows for table in self._tables)
            data = {"rowsetBase64": encoded(self._tables), "queryResultFormat": "arrow"}
        counts = {"total": total, "returned": total}
        cursor._init_result_and_meta({"rowtype": self._columns, **data, **counts})
        return cursor

    def fetch(self, cursor, rows):
        return cursor.fetchmany(rows)

    each = staticmethod(iter)

    def failures(self):
        import contextlib

        return contextlib.nullcontext()

    def exception_handler(self, _):
        return self.failures()

    @staticmethod
    def data_type_code_to_name(code: int) -> str:
        from snowflake.connector.constants import FIELD_ID_TO_NAME

        return FIELD_ID_TO_NAME[code]


def encoded(tables: list[pa.Table]) -> str:
    if not tables:
        return ""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, tables[0].schema) as writer:
        for table in tables:
            writer.write_table(table)
    return base64.b64encode(sink.getvalue().to_pybytes()).decode()


def read(columns: list[dict], *tables: pa.Table) -> pa.Table:
    return Snowflake.read_on(None, Connection(columns, list(tables)), "select 1").reader.read_all()


DAY = int(dt.datetime(2024, 2, 29, 12, tzinfo=dt.timezone.utc).timestamp())


def test_types():
    pair = pa.struct([("epoch", pa.int64()), ("fraction", pa.int32())])
    triple = pa.struct([("epoch", pa.int64()), ("fraction", pa.int32()), ("timezone", pa.int32())])
    columns = [
        ("I", "fixed", field("I", pa.int8(), "FIXED"), 38, 0, [7, None], pa.int64(), [7, None]),
        ("N", "fixed", field("N", pa.int16(), "FIXED", 10, 2), 10, 2, [125, None], pa.decimal128(38, 2), [Decimal("1.25"), None]),
        ("BIG", "fixed", field("BIG", pa.decimal128(38, 0), "FIXED"), 38, 0, [Decimal(10**30), None], pa.decimal128(38, 0), [Decimal(10**30), None]),
        ("R", "real", field("R", pa.float64(), "REAL"), None, None, [float("inf"), None], pa.float64(), [float("inf"), None]),
        ("S", "text", field("S", pa.string(), "TEXT"), None, None, ["ü", None], pa.string(), ["ü", None]),
        ("V", "variant", field("V", pa.string(), "VARIANT"), None, None, ['{"a": 1}', None], pa.string(), ['{"a": 1}', None]),
        ("A", "array", field("A", pa.string(), "ARRAY"), None, None, ["[1]", None], pa.string(), ["[1]", None]),
        ("B", "binary", field("B", pa.binary(), "BINARY"), None, None, [b"\x00", None], pa.binary(), [b"\x00", None]),
        ("L", "boolean", field("L", pa.bool_(), "BOOLEAN"), None, None, [True, None], pa.bool_(), [True, None]),
        ("D", "date", field("D", pa.date32(), "DATE"), None, None, [dt.date(9999, 12, 31), None], pa.date32(), [dt.date(9999, 12, 31), None]),
        ("T", "time", field("T", pa.int64(), "TIME", scale=9), None, 9, [1_000_001_999, None], pa.time64("us"), [dt.time(0, 0, 1, 1), None]),
        ("NTZ", "timestamp_ntz", field("NTZ", pair, "TIMESTAMP_NTZ", scale=9), None, 9,
         [{"epoch": DAY, "fraction": 123_456_789}, None], pa.timestamp("us"), [dt.datetime(2024, 2, 29, 12, 0, 0, 123456), None]),
        ("FAR", "timestamp_ntz", field("FAR", pair, "TIMESTAMP_NTZ", scale=9), None, 9,
         [{"epoch": 253402300799, "fraction": 0}, None], pa.timestamp("us"), [dt.datetime(9999, 12, 31, 23, 59, 59), None]),
        ("MS", "timestamp_ntz", field("MS", pa.int64(), "TIMESTAMP_NTZ", scale=3), None, 3,
         [DAY * 1000 + 5, None], pa.timestamp("us"), [dt.datetime(2024, 2, 29, 12, 0, 0, 5000), None]),
        ("LTZ", "timestamp_ltz", field("LTZ", pair, "TIMESTAMP_LTZ", scale=9), None, 9,
         [{"epoch": DAY, "fraction": 1000}, None], pa.timestamp("us", "UTC"), [dt.datetime(2024, 2, 29, 12, 0, 0, 1, dt.timezone.utc), None]),
        ("TZ", "timestamp_tz", field("TZ", triple, "TIMESTAMP_TZ", scale=9), None, 9,
         [{"epoch": DAY, "fraction": 1000, "timezone": 1440 + 120}, None], pa.timestamp("us", "UTC"),
         [dt.datetime(2024, 2, 29, 12, 0, 0, 1, dt.timezone.utc), None]),
    ]  # fmt: skip
    schema = pa.schema([each[2] for each in columns])
    table = pa.table([pa.array(each[5], each[2].type) for each in columns], schema=schema)
    got = read([column(each[0], each[1], each[3], each[4]) for each in columns], table)
    assert {f.name: f.type for f in got.schema} == {each[0]: each[6] for each in columns}
    assert {name: got[name].to_pylist() for name in got.column_names} == {
        each[0]: each[7] for each in columns
    }


def test_integers_as_wide_as_they_come():
    """The integers of a batch are as wide as its values need, but a column has one type."""
    one = pa.table([pa.array([1], pa.int8())], schema=pa.schema([field("I", pa.int8(), "FIXED")]))
    got = read([column("I", "fixed", 38, 0)], one)
    assert (got.schema.field("I").type, got["I"].to_pylist()) == (pa.int64(), [1])


def test_no_rows_have_types():
    got = read(
        [
            column("I", "fixed", 38, 0),
            column("N", "fixed", 10, 2),
            column("TZ", "timestamp_tz", None, 9),
        ]
    )
    assert got.schema.types == [pa.int64(), pa.decimal128(38, 2), pa.timestamp("us", "UTC")]
    assert got.num_rows == 0


def test_what_comes_without_arrow():
    connection = Connection(
        [column("name", "text"), column("rows", "fixed", 38, 0)], None, [["T", "5"], ["U", None]]
    )
    got = Snowflake.read_on(None, connection, "show tables").reader.read_all()
    assert got.to_pydict() == {"name": ["T", "U"], "rows": ["5", None]}


def test_uploads_are_what_the_connector_takes_for_uploads():
    from snowflake.connector.constants import FileTransferType

    put = "put 'file:///tmp/0.parquet' @s auto_compress = false"
    assert SnowflakeCursor.get_file_transfer_type(put) is FileTransferType.PUT
    assert json.dumps(SessionError("a", "b").to_dict())
