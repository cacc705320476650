"""The real clients: their methods accept the gateway's calls, and their types are as it expects."""

from __future__ import annotations

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

# Each method of a stand-in, and the real method that it imitates.
SIGNATURES = [
    (clouds.SnowflakeCursor.execute, "snowflake.connector.cursor", "SnowflakeCursor.execute"),
    (
        clouds.SnowflakeCursor.fetch_arrow_batches,
        "snowflake.connector.cursor",
        "SnowflakeCursor.fetch_arrow_batches",
    ),
    (clouds.SnowflakeHandle.cursor, "snowflake.connector", "SnowflakeConnection.cursor"),
    (
        clouds.BigQueryClient.load_table_from_file,
        "google.cloud.bigquery",
        "Client.load_table_from_file",
    ),
    (clouds.BigQueryClient.cancel_job, "google.cloud.bigquery", "Client.cancel_job"),
    (
        clouds.BigQueryClient._ensure_bqstorage_client,
        "google.cloud.bigquery",
        "Client._ensure_bqstorage_client",
    ),
    (clouds.LoadJob.result, "google.cloud.bigquery", "LoadJob.result"),
    (clouds.LoadJob.cancel, "google.cloud.bigquery", "LoadJob.cancel"),
    (libraries.SchemaField.__init__, "google.cloud.bigquery", "SchemaField.__init__"),
    (
        clouds.BigQueryManager.raw_execute,
        "dbt.adapters.bigquery.connections",
        "BigQueryConnectionManager.raw_execute",
    ),
    (
        clouds.BigQueryManager.generate_job_id,
        "dbt.adapters.bigquery.connections",
        "BigQueryConnectionManager.generate_job_id",
    ),
    (
        clouds.BigQueryManager.table_ref,
        "dbt.adapters.bigquery.connections",
        "BigQueryConnectionManager.table_ref",
    ),
    (
        clouds.BigQuery.parse_partition_by,
        "dbt.adapters.bigquery.impl",
        "BigQueryAdapter.parse_partition_by",
    ),
    (
        clouds.BigQuery.is_replaceable,
        "dbt.adapters.bigquery.impl",
        "BigQueryAdapter.is_replaceable",
    ),
    (clouds.DatabricksCursor.execute, "databricks.sql.client", "Cursor.execute"),
    (clouds.DatabricksCursor.fetchmany_arrow, "databricks.sql.client", "Cursor.fetchmany_arrow"),
    (clouds.DatabricksConnection.cursor, "databricks.sql.client", "Connection.cursor"),
    (clouds.RedshiftConnection.cursor, "redshift_connector", "Connection.cursor"),
    (clouds.RedshiftConnection.commit, "redshift_connector", "Connection.commit"),
    (clouds.RedshiftConnection.rollback, "redshift_connector", "Connection.rollback"),
    (clouds.RedshiftCursor.execute, "redshift_connector", "Cursor.execute"),
    (clouds.RedshiftCursor.fetchall, "redshift_connector", "Cursor.fetchall"),
    (clouds.TrinoConnection.cursor, "trino.dbapi", "Connection.cursor"),
    (clouds.TrinoCursor.execute, "trino.dbapi", "Cursor.execute"),
    (clouds.TrinoCursor.fetchmany, "trino.dbapi", "Cursor.fetchmany"),
    (clouds.TrinoCursor.fetchall, "trino.dbapi", "Cursor.fetchall"),
    (clouds.TrinoCursor.cancel, "trino.dbapi", "Cursor.cancel"),
]


# This argument is passed only to clients that accept it.
ASKED_FOR = ("force_microsecond_precision",)


@pytest.mark.parametrize(
    ("ours", "module", "name"),
    SIGNATURES,
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_stand_ins_take_what_the_real_ones_take(ours, module, name):
    if not installed(module):
        pytest.skip(f"{module} is not installed here")
    real = import_module(module)
    for part in name.split("."):
        real = getattr(real, part)
    theirs = inspect.signature(real).parameters
    for parameter in inspect.signature(ours).parameters.values():
        assert parameter.name in theirs or parameter.name in ASKED_FOR, (
            f"{name} has no parameter {parameter.name}"
        )
    needed = {
        each.name
        for each in theirs.values()
        if each.default is each.empty
        and each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    }
    assert needed <= {*inspect.signature(ours).parameters, "self", "cls"}


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
    schema.append(
        SchemaField(
            "r",
            "RECORD",
            fields=[SchemaField("a", "TIMESTAMP"), SchemaField("b", "STRING", mode="REPEATED")],
        )
    )
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
    assert [(f["name"], f["type"], f["mode"]) for f in fields[3]["fields"]] == [
        ("a", "DATETIME", "NULLABLE"),
        ("b", "STRING", "REPEATED"),
    ]


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
        result.results, result._next_row_index, result.has_more_rows = (
            ArrowQueue(table.slice(0, rows), rows),
            0,
            False,
        )
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
    assert (
        by_parameters(
            SimpleNamespace(say=say),
            "t",
            names,
            columns(table.schema, _WORDS, {}),
            table.to_reader(),
        )
        == 1
    )
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
    row = [
        7,
        "1.25",
        "NaN",
        "ü",
        "AP8=",
        "2024-02-29 12:00:00.123456",
        "2024-02-29 12:00:00.000001 Europe/Paris",
        "23:59:59.999999",
        [1, None],
        None,
    ]
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
