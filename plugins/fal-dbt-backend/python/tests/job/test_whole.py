"""A job at the real gateway of a real session over DuckDB."""

import ast

import pytest

pytest.importorskip("dbt.adapters.duckdb")

from live.client import Client
from live.fixtures import ORDERS, begun, make_project, stub

TYPES = """
{{ config(materialized='table') }}
select * from (values
    (1::tinyint, 1::hugeint, 1.25::decimal(18, 3), true, 'ä🙂', date '2024-02-29', time '12:00:00',
     timestamp '2024-01-01 12:00:00.000001', timestamptz '2024-01-01 12:00:00+00', interval '1 month 2 days 3 seconds',
     '\\x00\\xFF'::blob, [1, null], {'a': 1, 'b': null::varchar}, uuid '00000000-0000-0000-0000-000000000001', 2::bigint),
    (null, null, null, null, null, null, null, null, null, null, null, null, null, null, null)
) t(i8, huge, dec, flag, txt, d, t, ts, tz, iv, bin, lst, st, id, i64)
"""
NAMES = "i8 huge dec flag txt d t ts tz iv bin lst st id i64".split()
NATIVE = """
def model(dbt, session):
    dbt.config(materialized="incremental")
    orders = dbt.ref("orders")
    if dbt.is_incremental:
        top = session.sql(f"select max(id) as top from {dbt.this}").df().top[0]
        orders = session.sql(f"select id + {top} as id, amount from orders")
    return orders
"""

# DuckDB reads a UUID as text and integers of 128 bits as decimals; polars knows one kind of time.
IN_ARROW = {"id": "VARCHAR", "huge": "DECIMAL(38,0)"}
IN_PANDAS = {"id": "VARCHAR", "huge": "BIGINT"}
CHANGES = {"pandas": IN_PANDAS, "polars": {**IN_PANDAS, "t": "TIME_NS"}}
CHANGES |= {"arrow": IN_ARROW, "reader": IN_ARROW}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    files = {
        "models/native.py": NATIVE,
        "models/types.sql": TYPES,
        "models/fal/scores.sql": stub("ref('orders')", "ref('types')", "ref('native')"),
    }
    root = make_project(tmp_path_factory.mktemp("whole") / "project", files)
    with begun(root, "models/fal/scores.sql", ran=(*ORDERS, "model.shop.types")) as session:
        yield Client(session)


@pytest.fixture
def job(client, start):
    """`job(code)` runs a whole job of `scores`; returns how it ended, and its recorded result."""

    def job(code):
        opened = client.open()
        ended = start(code, location=client.session.location, token=opened.token).end()
        return ended, client.close(opened, ended.ok)

    return job


def test_a_model(job):
    ended, result = job(
        'df = ref("orders")\ndf["amount"] = df.amount.fillna(0) * 2\nwrite_to_model(df)'
    )
    assert ended.ok, ended.error
    assert result["rows_affected"] == 3
    code = """
        rows = execute_sql(f"select sum(amount) as s from {this}")
        print(rows.s.dtype, rows.s[0], len(execute_sql("select * from {{ ref('orders') }}")))
        """
    assert job(code)[0].stdout == "int64 60 3\n"


def test_a_stream(job):
    code = 'write_to_model(b.to_pandas() for _ in range(5) for b in ref("orders", as_="reader"))'
    ended, result = job(code)
    assert ended.ok, ended.error
    assert result["rows_affected"] == 15


def columns(job, relation):
    """The columns of a relation, with the warehouse's names for their types."""
    code = f"""
        rows = execute_sql(f"describe select * from {relation}", as_="arrow").to_pylist()
        print({{row["column_name"]: row["column_type"] for row in rows}})
        """
    return ast.literal_eval(job(code)[0].stdout)


@pytest.mark.parametrize("form", ["pandas", "polars", "arrow", "reader"])
def test_types_survive(job, form):
    # polars has no intervals.
    columns_of = "* exclude iv" if form == "polars" else "*"
    query = f"select {columns_of} from {{{{ ref('types') }}}}"
    ended, _ = job(f"write_to_model(execute_sql({query!r}, as_={form!r}))")
    assert ended.ok, ended.error
    before, after = columns(job, "{{{{ ref('types') }}}}"), columns(job, "{this}")
    assert {name: kind for name, kind in after.items() if kind != before[name]} == CHANGES[form]
    code = f"""
        query = {query!r} + " intersect all select * from " + str(this)
        print(execute_sql(query, as_="arrow").num_rows)
        """
    assert job(code)[0].stdout == "2\n"


def test_a_failure_after_the_write(job):
    job('write_to_model(ref("orders"))')
    ended, result = job('write_to_model(ref("types"))\nraise ValueError("late")')
    assert ended.error["message"] == "ValueError: late"
    assert result["status"] == "error"
    assert job('print(len(execute_sql(f"select * from {this}")))')[0].stdout == "3\n"


def test_errors_of_dbt_are_plain(job):
    error = job('ref("nothing")')[0].error
    assert error["kind"] == "fal"
    assert "nothing" in error["message"]
    assert "gRPC" not in error["traceback"]
    assert "selec" in job('execute_sql("selec 1")')[0].error["message"]


def test_context(job):
    ended, _ = job(
        "print(context.current_model.name, target.type, [m.name for m in list_models()].count('orders'), var('x', 3))"
    )
    assert ended.stdout == "scores duckdb 1 3\n"


def test_a_native_model(client, start, job):
    ends = []

    def run(event):
        where = {"location": event["location"], "token": event["token"]}
        ended = start(event["code"], event["path"], kind="native", name="native", **where).end()
        ends.append(ended)
        error = None if ended.ok else ended.error
        client.session.ask("python_job_done", job=event["job"], ok=ended.ok, error=error)

    client.session.on_python_job = run
    for _ in range(2):
        result = client.session.run("model.shop.native")
        assert result["status"] == "success", (result, ends[-1].answer)
    ids = "execute_sql(\"select id from {{ ref('native') }} order by id\").id.tolist()"
    rows = job(f"print({ids})")[0]
    assert rows.stdout == "[1, 2, 3, 4, 5, 6]\n", (rows.answer, rows.stderr)
