"""The five clouds over the test world.

Each translates its statements to DuckDB's dialect and has stand-ins for its client's classes.
"""

from __future__ import annotations

import io
import re
import threading
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from clouds.world import Adapter, ContextManager, Manager, World

_WORDS = [
    (r"\btimestamp_ntz\b", "timestamp"), (r"\btimestamp_tz\b", "timestamptz"), (r"\bvariant\b", "json"), (r"\bstring\b", "varchar"),
    (r"\bnumber\(", "decimal("), (r"\bfloat64\b", "double"), (r"\bint64\b", "bigint"), (r"\bbytes\b", "blob"), (r"\bbinary\b", "blob"),
    (r"\bvarbinary\b", "blob"), (r"\bdatetime\b", "timestamp"), (r"\bvarbyte\(\d+\)", "blob"), (r"\btimestamp\(6\)( with time zone)", r"timestamptz"),
    (r"\b(time|timestamp)\(6\)", r"\1"), (r"\b(big)?numeric\(", "decimal("), (r"varchar\(\d+\)", "varchar"), (r"float\b", "double"),
    (r"\b(parse_json|json_parse)\(", "json("), (r"\bSUPER\b", "json"),
]  # fmt: skip


def words(sql: str) -> str:
    """Translates the names of types, but neither string literals nor quoted column names."""
    parts = re.split(r"""('(?:[^'\\]|''|\\.)*'|"(?:[^"]|"")*")""", sql)
    for pattern, word in _WORDS:
        parts[::2] = [re.sub(pattern, word, part) for part in parts[::2]]
    return "".join(parts)


def backticks(sql: str) -> str:
    """Turns names in backticks into names in double quotes."""
    return re.sub(
        r"`((?:[^`]|``)*)`",
        lambda found: '"' + found[1].replace("``", "`").replace('"', '""') + '"',
        sql,
    )


def register(cursor: Any, contents: list[bytes]) -> None:
    """Makes a DuckDB table of uploaded files."""
    tables = [_narrow(pq.read_table(io.BytesIO(each))) for each in contents]
    nothing = pa.table({"c0": pa.array([], pa.int64())})
    cursor.register("uploaded", pa.concat_tables(tables) if tables else nothing)


def _narrow(table: pa.Table) -> pa.Table:
    """Narrows decimals to 38 digits, the most that DuckDB has."""
    types = [
        pa.decimal128(38, f.type.scale) if pa.types.is_decimal256(f.type) else f.type
        for f in table.schema
    ]
    return table.cast(pa.schema(list(zip(table.column_names, types))))


# Snowflake.


class Snowflake(Adapter):
    kind = "snowflake"

    def client(self) -> Any:
        return Connection(SnowflakeCursor, self.world)

    def run(self, sql: str, values: Any = None) -> Any:
        if sql.startswith(("create temporary stage", "drop stage")):
            self.world.step(sql)
            self.world.look()
            return None
        if sql.startswith("copy into"):
            return self._copy(sql)
        return super().run(sql, values)

    def translated(self, sql: str) -> str:
        sql = sql.replace("create or replace transient table", "create or replace table")
        found = re.fullmatch(r"insert overwrite into (.*?) \((.*)\) (select .*)", sql)
        if found:
            table, names, select = found.groups()
            sql = f"begin; delete from {table}; insert into {table} ({names}) {select}; commit"
        return words(sql)

    def _copy(self, sql: str) -> Any:
        found = re.match(
            r"copy into (.*?) \((.*)\) from \(select (.*) from @(\S+)\) file_format = \(type = parquet",
            sql,
        )
        table, names, values, stage = found.groups()
        contents = self.world.files_below(stage)
        values = values.replace("$1:", "")
        for pattern, word in (
            (r"to_timestamp_ntz\((\w+)::number\(38, 0\), 6\)", r"make_timestamp(\1::bigint)"),
            (
                r"to_timestamp_tz\((\w+)::number\(38, 0\), 6\)",
                r"make_timestamp(\1::bigint)::timestamptz",
            ),
            (r"parse_json\((\w+)::varchar\)::variant", r"json(\1)"),
        ):
            values = re.sub(pattern, word, values)
        cursor = self.connections.get_thread_connection().cursor
        register(cursor, contents)
        self.world.step(sql)
        cursor.execute(words(f"insert into {table} ({names}) select {values} from uploaded"))
        self.world.look()
        rows = [("f", "LOADED", pq.read_metadata(io.BytesIO(each)).num_rows) for each in contents]
        described = [("file",), ("status",), ("rows_loaded",)]
        return SimpleNamespace(description=described, fetchall=lambda: rows)


class Connection:
    """Imitates a client's connection, which makes cursors."""

    def __init__(self, cursor: Any, *arguments: Any) -> None:
        self._cursor, self._arguments = cursor, arguments
        self.arrow_number_to_decimal_setter = False

    def cursor(self) -> Any:
        return self._cursor(*self._arguments)


class SnowflakeCursor(ContextManager):
    """Imitates `snowflake.connector.cursor.SnowflakeCursor`: uploads and results."""

    def __init__(self, world: World, description: Any = None, batches: Any = None) -> None:
        self._world, self.description, self._batches = world, description, batches

    def execute(self, command: str) -> SnowflakeCursor:
        path, stage = re.fullmatch(
            r"put 'file://(.*)' @(\S+) auto_compress = false", command
        ).groups()
        self._world.step(re.sub(r"/.*/", "FOLDER/", command.replace(stage, stage.split(".")[-1])))
        self._world.upload(path, f"{stage}/{path.rpartition('/')[2]}")
        return self

    def fetch_arrow_batches(self, force_microsecond_precision: bool = False) -> Any:
        assert force_microsecond_precision
        return iter(self._batches)


# BigQuery.


class BigQueryManager(Manager):
    def __init__(self, adapter: Any) -> None:
        super().__init__(adapter)
        self.jobs_by_thread: dict[Any, list[str]] = {}

    def raw_execute(self, sql: str) -> Any:
        cursor = self._adapter.run(sql)
        return None, SimpleNamespace(schema=[], cursor=cursor)

    def generate_job_id(self) -> str:
        jobs = self.jobs_by_thread.setdefault(threading.get_ident(), [])
        jobs.append(f"job-{len(jobs)}")
        return jobs[-1]

    @staticmethod
    def table_ref(database: str, schema: str, table_name: str) -> str:
        return f"{database}.{schema}.{table_name}"


class BigQuery(Adapter):
    kind = "bigquery"
    quotes = "``"
    manager = BigQueryManager
    # It has none.
    add_query = None

    def client(self) -> Any:
        return BigQueryClient(self)

    def parse_partition_by(self, raw_partition_by: Any) -> Any:
        return raw_partition_by

    def is_replaceable(self, relation: Any, conf_partition: Any, conf_cluster: Any) -> bool:
        return True

    def translated(self, sql: str) -> str:
        sql = sql.replace("interval 12 hour))", "interval 12 hour)")
        sql = re.sub(r" options \(.*?\)(?=$|\s+as\b)", "", sql)
        sql = re.sub(r" options \(expiration_timestamp.*", "", sql)
        sql = sql.replace("begin transaction", "begin").replace("commit transaction;", "commit")
        sql = sql.replace("truncate table", "delete from")
        sql = re.sub(r"\btimestamp\b", "timestamptz", re.sub(r"\bdatetime\b", "timestamp_ntz", sql))
        sql = _angles(sql, "array", lambda parts: parts + "[]")
        sql = _angles(sql, "struct", lambda parts: f"struct({parts})")
        # DuckDB's decimals have at most 38 digits.
        sql = re.sub(r"\bbignumeric\(\d+, ", "decimal(38, ", sql)
        return backticks(words(sql))


def _angles(sql: str, word: str, write: Any) -> str:
    """Rewrites the angle brackets of `word<...>` with `write`."""
    while (start := sql.find(word + "<")) >= 0:
        depth, end = 1, start + len(word) + 1
        while depth:
            depth += {"<": 1, ">": -1}.get(sql[end], 0)
            end += 1
        sql = sql[:start] + write(sql[start + len(word) + 1 : end - 1]) + sql[end:]
    return sql


class BigQueryClient:
    """Imitates `google.cloud.bigquery.Client`."""

    def __init__(self, adapter: BigQuery) -> None:
        self._adapter, self.jobs, self.cancelled = adapter, {}, []

    def load_table_from_file(
        self, file_obj: Any, destination: str, *, job_id: str | None = None, job_config: Any = None
    ) -> Any:
        names = [field.name for field in job_config.schema]
        self._adapter.world.step(f"upload {', '.join(names)}")
        content = file_obj.read()
        assert pq.read_schema(io.BytesIO(content)).names == names
        self._adapter.world.files[f"{destination}/{job_id}"] = content
        return LoadJob(self._adapter, content, destination)

    def cancel_job(self, job_id: str) -> None:
        self.cancelled.append(job_id)

    def _ensure_bqstorage_client(self) -> Any:
        return None


class LoadJob:
    """Imitates `google.cloud.bigquery.LoadJob`."""

    def __init__(self, adapter: BigQuery, content: bytes, destination: str) -> None:
        self._adapter, self._content = adapter, content
        self._table = destination.rpartition(".")[2]

    def result(self) -> LoadJob:
        self._adapter.world.step(f"load into {self._table}")
        cursor = self._adapter.connections.get_thread_connection().cursor
        register(cursor, [self._content])
        kinds = cursor.execute(f'describe "{self._table}"').fetchall()
        values = [f"coalesce({name}, [])" if "[]" in kind else name for name, kind, *_ in kinds]
        cursor.execute(f'insert into "{self._table}" select {", ".join(values)} from uploaded')
        self._adapter.world.look()
        return self

    def cancel(self) -> None:
        pass


# Databricks.


class Databricks(Adapter):
    kind = "databricks"
    quotes = "``"

    def client(self) -> Any:
        # dbt-databricks's handle around a connection.
        return SimpleNamespace(_conn=DatabricksConnection(self.world))

    def run(self, sql: str, values: Any = None) -> Any:
        if sql.startswith("remove"):
            self.world.step(sql)
            del self.world.files[sql.split("'")[1]]
            return None
        if found := re.search(r" from parquet\.`(.*?)`", sql):
            cursor = self.connections.get_thread_connection().cursor
            register(cursor, self.world.files_below(found[1]))
        return super().run(sql, values)

    def translated(self, sql: str) -> str:
        sql = re.sub(r" from parquet\.`(.*?)`", " from uploaded", sql)
        found = re.fullmatch(r"insert overwrite table (.*?) (select .*)", sql)
        if found:
            sql = f"begin; delete from {found[1]}; insert into {found[1]} {found[2]}; commit"
        return words(backticks(spark(sql)))


_SPARK = [
    (r"\btimestamp\b(?!_)", "timestamptz"), (r"\btimestamp_ntz$", "timestamp "),
    (r"\btimestamptz$", "timestamptz "), (r"\bdate$", "date "), (r"\bX$", "unhex("),
    (r"(?<=\d)[LD]\b", ""), (r"\bdouble\($", "("),
]  # fmt: skip


def spark(sql: str) -> str:
    """Translates Spark's types and literals to DuckDB's."""
    parts = re.split(r"('(?:[^'\\]|\\.)*')", sql)
    parts[1::2] = [
        "'" + re.sub(r"\\(.)", r"\1", part[1:-1].replace("\\u0024", "$")).replace("'", "''") + "'"
        for part in parts[1::2]
    ]
    for pattern, word in _SPARK:
        parts[::2] = [re.sub(pattern, word, part) for part in parts[::2]]
    sql = "".join(
        part + (")" if before.endswith("unhex(") else "")
        for before, part in zip(["", *parts], parts)
    )
    pairs = lambda values: ", ".join(f"{k}: {v}" for k, v in zip(values[::2], values[1::2]))
    sql = _calls(sql, "array", lambda values: f"[{', '.join(values)}]")
    sql = _calls(sql, "map", lambda values: f"map {{{pairs(values)}}}")
    sql = _calls(sql, "named_struct", lambda values: f"{{{pairs(values)}}}")
    sql = _angles(sql, "array", lambda inside: inside + "[]")
    sql = _angles(sql, "map", lambda inside: f"map({inside})")
    fields = lambda inside: re.sub(r"(`[^`]*`):", r"\1", inside)
    return _angles(sql, "struct", lambda inside: f"struct({fields(inside)})")


def _calls(sql: str, name: str, write: Any) -> str:
    """Rewrites calls of the form `name(...)`, the innermost first."""
    while found := list(re.finditer(rf"\b{name}\(", sql)):
        values, end = _arguments(sql, found[-1].end())
        sql = sql[: found[-1].start()] + write(values) + sql[end:]
    return sql


def _arguments(sql: str, start: int) -> tuple[list[str], int]:
    values, depth, begin, position = [], 1, start, start
    while depth:
        if sql[position] == "'":
            position = sql.index("'", position + 1)
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(sql[position], 0)
        if depth == 0 or (depth == 1 and sql[position] == ","):
            values.append(sql[begin:position].strip())
            begin = position + 1
        position += 1
    return [value for value in values if value], position


class DatabricksConnection(Connection):
    """Imitates `databricks.sql.client.Connection`."""

    staging_allowed_local_path = None

    def __init__(self, world: World) -> None:
        super().__init__(DatabricksCursor, world, self)


class DatabricksCursor(ContextManager):
    """Imitates `databricks.sql.client.Cursor`."""

    def __init__(self, world: World, connection: Any = None, table: pa.Table | None = None) -> None:
        self._world, self._connection, self._table = world, connection, table

    def execute(self, operation: str) -> DatabricksCursor:
        path, place = re.fullmatch(r"put '(.*)' into '(.*)' overwrite", operation).groups()
        assert path.startswith(self._connection.staging_allowed_local_path)
        self._world.step(f"put FILE into {place}")
        self._world.upload(path, place)
        return self

    def fetchmany_arrow(self, size: int) -> pa.Table:
        part, self._table = self._table.slice(0, size), self._table.slice(size)
        return part


# Redshift.


class Redshift(Adapter):
    kind = "redshift"

    def client(self) -> Any:
        return RedshiftConnection(self)

    def run(self, sql: str, values: Any = None) -> Any:
        if values:
            sql = re.sub(r"to_varbyte\(%s::varchar\(65535\), 'hex'\)", "unhex(%s)", sql)
            parts = re.split(r"""("(?:[^"]|"")*")""", sql)
            sql = "".join(
                part if index % 2 else part.replace("%s", "?") for index, part in enumerate(parts)
            )
        return super().run(sql, values)

    def translated(self, sql: str) -> str:
        return words(sql)


class RedshiftConnection(Connection):
    """Imitates `redshift_connector.Connection`."""

    def __init__(self, adapter: Redshift) -> None:
        super().__init__(RedshiftCursor, adapter)
        self.adapter = adapter

    def commit(self) -> None:
        self.adapter.run("commit")

    def rollback(self) -> None:
        self.adapter.connections.get_thread_connection().cursor.rollback()


class RedshiftCursor:
    """Imitates `redshift_connector.Cursor`. A declared cursor is kept with its result."""

    def __init__(self, adapter: Redshift) -> None:
        self._adapter, self.description, self._rows = adapter, None, []

    def execute(self, operation: str, args: Any = None) -> RedshiftCursor:
        connection = self._adapter.connections.get_thread_connection()
        if declared := re.fullmatch(r"declare fal_rows cursor for (.*)", operation, re.DOTALL):
            cursor = self._adapter.run(declared[1])
            described = [(each[0], None) for each in cursor.description]
            connection.declared = (described, cursor.fetchall())
        elif fetched := re.fullmatch(r"fetch forward (\d+) from fal_rows", operation):
            self._adapter.world.step(operation)
            self.description, rows = connection.declared
            self._rows, rest = rows[: int(fetched[1])], rows[int(fetched[1]) :]
            connection.declared = (self.description, rest)
        else:
            self._adapter.run(operation, args)
        return self

    def fetchall(self) -> list[Any]:
        return self._rows


# Trino.


class Trino(Adapter):
    kind = "trino"

    def client(self) -> Any:
        # dbt-trino's wrapper around the client's connection.
        handle = Connection(TrinoCursor, self)
        return SimpleNamespace(handle=handle, cancel=lambda: None)

    def translated(self, sql: str) -> str:
        sql = re.sub(r"\b(bigint|double|date|time) '([^']*)'", r"'\2'::\1", sql)
        sql = re.sub(r"\btimestamp '([^']*) UTC'", r"'\1+00'::timestamptz", sql)
        sql = re.sub(r"\bX'([0-9a-f]*)'", r"unhex('\1')", sql)
        for number, word in (("-infinity", "-inf"), ("infinity", "inf"), ("nan", "nan")):
            sql = sql.replace(f"{number}()", f"'{word}'::double")
        return words(sql)


class TrinoCursor:
    """Imitates `trino.dbapi.Cursor`: a statement has ended once all its rows are fetched."""

    def __init__(self, adapter: Trino) -> None:
        self._adapter, self._sql, self._cursor, self.cancelled = adapter, "", None, False

    def execute(self, operation: str) -> TrinoCursor:
        self._sql = operation
        if not operation.startswith("insert"):
            self._cursor = self._adapter.run(operation)
        return self

    @property
    def description(self) -> Any:
        return self._cursor and self._cursor.description

    def fetchmany(self, size: int) -> list[Any]:
        return self._cursor.fetchmany(size)

    def fetchall(self) -> list[Any]:
        if self._cursor is None:
            self._cursor = self._adapter.run(self._sql)
        return self._cursor.fetchall()

    def cancel(self) -> None:
        self.cancelled = True


ADAPTERS = {each.kind: each for each in (Snowflake, BigQuery, Databricks, Redshift, Trino)}
