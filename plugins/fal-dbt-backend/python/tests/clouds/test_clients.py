"""The real clients: their methods accept the gateway's calls, and their types are as it expects."""

import datetime as dt
import inspect
import threading
import time
from decimal import Decimal
from importlib import import_module
from types import SimpleNamespace

import pyarrow as pa
import pytest
from clouds import clouds, libraries
from clouds.libraries import installed
from clouds.trino_server import TrinoServer
from fal_worker.errors import SessionError

# The stand-ins, and the names of the real classes and of the methods that they imitate.
IMITATED = [
    (clouds.SnowflakeCursor, "snowflake.connector.cursor:SnowflakeCursor",
        "execute fetch_arrow_batches"),
    (clouds.Connection, "snowflake.connector:SnowflakeConnection", "cursor"),
    (clouds.BigQueryClient, "google.cloud.bigquery:Client",
        "load_table_from_file cancel_job _ensure_bqstorage_client"),
    (clouds.LoadJob, "google.cloud.bigquery:LoadJob", "result cancel"),
    (libraries.SchemaField, "google.cloud.bigquery:SchemaField", "__init__"),
    (clouds.BigQueryManager, "dbt.adapters.bigquery.connections:BigQueryConnectionManager",
        "raw_execute generate_job_id table_ref"),
    (clouds.BigQuery, "dbt.adapters.bigquery.impl:BigQueryAdapter",
        "parse_partition_by is_replaceable"),
    (clouds.DatabricksCursor, "databricks.sql.client:Cursor", "execute fetchmany_arrow"),
    (clouds.DatabricksConnection, "databricks.sql.client:Connection", "cursor"),
    (clouds.RedshiftConnection, "redshift_connector:Connection", "cursor commit rollback"),
    (clouds.RedshiftCursor, "redshift_connector:Cursor", "execute fetchall"),
    (clouds.Connection, "trino.dbapi:Connection", "cursor"),
    (clouds.TrinoCursor, "trino.dbapi:Cursor", "execute fetchmany fetchall cancel"),
]  # fmt: skip
# This argument is passed only to clients that accept it.
ASKED_FOR = ("force_microsecond_precision",)


@pytest.mark.parametrize(
    ("double", "real", "method"),
    [(double, real, method) for double, real, methods in IMITATED for method in methods.split()],
)
def test_stand_ins_take_what_the_real_ones_take(double, real, method):
    module, _, name = real.partition(":")
    if not installed(module):
        pytest.skip(f"{module} is not installed here")
    ours = inspect.signature(getattr(double, method)).parameters
    theirs = inspect.signature(getattr(getattr(import_module(module), name), method)).parameters
    for parameter in ours:
        assert parameter in theirs or parameter in ASKED_FOR, f"{real} has no {parameter}"
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = {p.name for p in theirs.values() if p.default is p.empty and p.kind in positional}
    assert needed <= {*ours, "self", "cls"}


# BigQuery.


def needs(module: str):
    return pytest.mark.skipif(not installed(module), reason=f"{module} is not installed here")


@needs("google.cloud.bigquery")
def test_bigquery_names_types_as_its_client_does():
    from fal_worker.warehouse.cloud.bigquery import result_columns
    from google.cloud.bigquery import SchemaField, _pandas_helpers

    simple = ["BOOL", "BOOLEAN", "INT64", "INTEGER", "FLOAT64", "FLOAT", "STRING", "BYTES", "DATE", "TIME", "DATETIME", "TIMESTAMP",
              "NUMERIC", "BIGNUMERIC", "JSON", "GEOGRAPHY"]  # fmt: skip
    schema = [SchemaField(kind.lower(), kind) for kind in simple]
    schema.append(SchemaField("l", "INTEGER", mode="REPEATED"))
    inner = [SchemaField("a", "TIMESTAMP"), SchemaField("b", "STRING", mode="REPEATED")]
    schema.append(SchemaField("r", "RECORD", fields=inner))
    theirs = _pandas_helpers.bq_to_arrow_schema(schema)
    ours = [column.type for column in result_columns(schema)]
    assert [plain(type) for type in ours] == [plain(type) for type in theirs.types]


def plain(type: pa.DataType) -> str:
    """The type without the names of list items and without nullability."""
    return str(type).replace("item", "element").replace(" not null", "")


@needs("google.cloud.bigquery")
def test_bigquery_rows_without_the_storage_api():
    from fal_worker.warehouse.cloud.bigquery import _batches, result_columns
    from fal_worker.warehouse.cloud.read import spooled
    from google.cloud.bigquery import SchemaField
    from google.cloud.bigquery.table import RowIterator

    schema = [
        SchemaField("i", "INTEGER"),
        SchemaField("n", "NUMERIC"),
        SchemaField("ts", "TIMESTAMP"),
        SchemaField("l", "STRING", mode="REPEATED"),
    ]
    values = [["7", "1.25", "1709208000000000", [{"v": "a"}]], [None, None, None, []]]
    page = {"rows": [{"f": [{"v": value} for value in row]} for row in values], "totalRows": "2"}
    client = SimpleNamespace(project="p", _ensure_bqstorage_client=lambda: None)
    rows = RowIterator(client, lambda **_: page, "/x", schema, total_rows=2)
    got = spooled(
        SimpleNamespace(each=iter), result_columns(rows.schema), _batches(rows, None)
    ).reader.read_all()
    moment = dt.datetime(2024, 2, 29, 12, tzinfo=dt.timezone.utc)
    assert got.to_pydict() == {
        "i": [7, None],
        "n": [Decimal("1.25"), None],
        "ts": [moment, None],
        "l": [["a"], []],
    }


@needs("google.cloud.bigquery")
def test_bigquery_load_jobs(open_cloud):
    """Checks the configuration as it is sent to the server."""
    from clouds.world import relation

    sent = []
    cloud = open_cloud("bigquery")

    def load_table_from_file(file_obj, destination, *, job_id=None, job_config=None):
        sent.append(job_config.to_api_repr())
        raise SessionError("stop", "here")

    cloud.adapter.connections.handle = lambda _: SimpleNamespace(
        load_table_from_file=load_table_from_file
    )
    table = pa.table({
        "n": pa.array([Decimal("1.5")], pa.decimal128(20, 3)), "big": pa.array([Decimal(1)], pa.decimal128(38, 12)),
        "l": [[1]], "r": [{"a": dt.datetime(2024, 1, 1), "b": ["x"]}], "z": pa.array([0], pa.timestamp("us", "UTC")),
    })  # fmt: skip
    with pytest.raises(SessionError):
        cloud.warehouse.begin_write(relation(), table.to_reader())
    (config,) = sent
    fields = config["load"].pop("schema")["fields"]
    assert config == {
        "load": {
            "createDisposition": "CREATE_NEVER", "parquetOptions": {"enableListInference": True}, "sourceFormat": "PARQUET",
            "writeDisposition": "WRITE_APPEND",
        }
    }  # fmt: skip
    assert [(f["name"], f["type"], f["mode"], f.get("precision"), f.get("scale")) for f in fields] == [
        ("c0", "NUMERIC", "NULLABLE", 20, 3), ("c1", "BIGNUMERIC", "NULLABLE", 38, 12), ("c2", "INT64", "REPEATED", None, None),
        ("c3", "RECORD", "NULLABLE", None, None), ("c4", "TIMESTAMP", "NULLABLE", None, None),
    ]  # fmt: skip
    expected = [("a", "DATETIME", "NULLABLE"), ("b", "STRING", "REPEATED")]
    assert [(f["name"], f["type"], f["mode"]) for f in fields[3]["fields"]] == expected


# Databricks.


@needs("databricks.sql")
def test_databricks_uploads_what_the_connection_allows(tmp_path):
    from databricks.sql.client import Cursor

    cursor = Cursor.__new__(Cursor)
    row = SimpleNamespace(
        operation="PUT", localFile=str(tmp_path / "0.parquet"), presignedUrl="u", headers="{}"
    )
    cursor.active_result_set = SimpleNamespace(fetchone=lambda: row)
    cursor.connection = SimpleNamespace(
        session=SimpleNamespace(host="h"), get_session_id_hex=lambda: ""
    )
    put = []
    cursor._handle_staging_put = lambda **how: put.append(how["local_file"])
    cursor._handle_staging_operation(staging_allowed_local_path=str(tmp_path))
    assert put == [row.localFile]
    with pytest.raises(Exception, match="restricted"):
        cursor._handle_staging_operation(staging_allowed_local_path=str(tmp_path / "other"))


@needs("databricks.sql")
def test_databricks_gives_all_rows():
    """Uses the connector's own cursor and result, over a queue that holds the server's answers."""
    from databricks.sql.client import Cursor
    from databricks.sql.result_set import ThriftResultSet
    from databricks.sql.utils import ArrowQueue
    from fal_worker.warehouse.cloud.databricks import _tables

    table = pa.table(
        {"i": range(250_000), "ts": pa.array([0] * 250_000, pa.timestamp("us", "Etc/UTC"))}
    )
    for rows in (250_000, 200_000, 1, 0):
        result = ThriftResultSet.__new__(ThriftResultSet)
        result.results = ArrowQueue(table.slice(0, rows), rows)
        result._next_row_index, result.has_more_rows = 0, False
        result.has_been_closed_server_side = True
        cursor = Cursor.__new__(Cursor)
        cursor.open, cursor.active_result_set = True, result
        parts = list(_tables(cursor))
        assert (sum(part.num_rows for part in parts), parts[0].schema) == (rows, table.schema)


@needs("dbt.adapters.databricks")
def test_databricks_inner_parts():
    from dbt.adapters.databricks.handle import CursorWrapper, DatabricksHandle

    inside = SimpleNamespace(close=lambda: None, get_session_id_hex=lambda: "")
    assert CursorWrapper(inside)._cursor is inside
    assert DatabricksHandle(inside, False)._conn is inside


# Redshift.


@needs("redshift_connector")
def test_redshift_parameters():
    from fal_worker.warehouse.cloud.redshift import _WORDS, by_parameters
    from fal_worker.warehouse.cloud.types import columns
    from redshift_connector.core import convert_paramstyle

    table = pa.table(
        {
            '100% %s "x"': pa.array([Decimal("1.5")], pa.decimal128(9, 2)),
            "it's": [b"\xff"],
            "z": pa.array([0], pa.timestamp("us", "UTC")),
        }
    )
    sent = []

    def say(sql, values):
        statement, order = convert_paramstyle("format", sql)
        sent.append((statement, list(order(values))))

    names = ['"' + name.replace('"', '""') + '"' for name in table.column_names]
    described = columns(table.schema, _WORDS, {})
    sayer = SimpleNamespace(say=say)
    assert by_parameters(sayer, "t", names, described, table.to_reader()) == 1
    assert sent == [(
        'insert into t ("100% %s ""x""", "it\'s", "z") values ($1::decimal(9, 2), to_varbyte($2::varchar(65535), \'hex\'), $3::timestamptz)',
        ["1.50", "ff", "1970-01-01 00:00:00+00"],
    )]  # fmt: skip


@needs("dbt.adapters.redshift")
def test_redshift_names_of_types():
    from dbt.adapters.redshift.connections import get_datatype_name
    from fal_worker.warehouse.generic.read import described_type
    from redshift_connector.utils.oids import RedshiftOID

    adapter = SimpleNamespace(connections=SimpleNamespace(data_type_code_to_name=get_datatype_name))
    expected = {
        "BIGINT": pa.int64(), "SMALLINT": pa.int64(), "FLOAT": pa.float64(), "REAL": pa.float64(), "BOOLEAN": pa.bool_(), "DATE": pa.date32(),
        "TIMESTAMP": pa.timestamp("us"), "TIMESTAMPTZ": pa.timestamp("us", "UTC"), "TIME": pa.time64("us"), "VARCHAR": pa.string(),
        "BPCHAR": pa.string(), "NUMERIC": None, "SUPER": None, "VARBYTE": None,
    }  # fmt: skip
    assert {
        name: described_type(adapter, ("x", int(RedshiftOID[name]), None, None, None, None, None))
        for name in expected
    } == expected


# Trino.


@pytest.fixture
def trino():
    """The gateway over the real client, which talks to a stand-in for the server."""
    if not installed("trino"):
        pytest.skip("trino is not installed here")
    from clouds.conftest import Cloud
    from trino.dbapi import connect

    server, cloud = TrinoServer(), Cloud("trino")
    connection = connect(host="127.0.0.1", port=server.port, user="u")
    cloud.adapter.connections.handle = lambda _: SimpleNamespace(
        handle=connection, cancel=lambda: None
    )
    yield server, cloud
    server.close()


def signature(name: str, type: str, *arguments) -> dict:
    return {
        "name": name,
        "type": type,
        "typeSignature": {"rawType": type.partition("(")[0], "arguments": list(arguments)},
    }


def digits(value: int) -> dict:
    return {"kind": "LONG", "value": value}


def test_trino_pages_and_types(trino):
    server, cloud = trino
    server.columns = [
        signature("i", "bigint"), signature("n", "decimal(38, 2)", digits(38), digits(2)), signature("d", "double"), signature("s", "varchar", digits(2147483646)),
        signature("b", "varbinary"), signature("ts", "timestamp(6)", digits(6)),
        {**signature("z", "timestamp with time zone", digits(6)), "type": "timestamp(6) with time zone"}, signature("t", "time(6)", digits(6)),
        signature("l", "array(bigint)", {"kind": "TYPE", "value": {"rawType": "bigint", "arguments": []}}), signature("none", "date"),
    ]  # fmt: skip
    at, zoned = "2024-02-29 12:00:00.123456", "2024-02-29 12:00:00.000001 Europe/Paris"
    row = [7, "1.25", "NaN", "ü", "AP8=", at, zoned, "23:59:59.999999", [1, None], None]
    server.pages = [[row] * 8000, [], [row] * 8000]
    got = cloud.warehouse.read("select 1").reader.read_all()
    assert got.num_rows == 16_000
    assert got.schema.types == [
        pa.int64(), pa.decimal128(38, 2), pa.float64(), pa.string(), pa.binary(), pa.timestamp("us"), pa.timestamp("us", "UTC"),
        pa.time64("us"), pa.string(), pa.date32(),
    ]  # fmt: skip
    last = got.slice(15_999).to_pylist()[0]
    assert str(last.pop("d")) == "nan"
    assert list(last.values()) == [
        7, Decimal("1.25"), "ü", b"\x00\xff", dt.datetime(2024, 2, 29, 12, 0, 0, 123456),
        dt.datetime(2024, 2, 29, 11, 0, 0, 1, dt.timezone.utc), dt.time(23, 59, 59, 999999), "[1, null]", None,
    ]  # fmt: skip
    assert server.statements == ["select 1"]


def test_trino_query_is_cancelled(trino):
    server, cloud = trino
    server.endless, errors = True, []

    def read():
        try:
            cloud.warehouse.read("select endless")
        except SessionError as error:
            errors.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    assert server.waiting.wait(30)
    end = time.monotonic() + 30
    while thread.is_alive() and time.monotonic() < end:
        # Cancel repeatedly: the client may be between two pages.
        cloud.warehouse.cancel()
        thread.join(0.2)
    assert server.cancelled >= 1
    assert [error.code for error in errors] == ["gateway::cancelled"]
