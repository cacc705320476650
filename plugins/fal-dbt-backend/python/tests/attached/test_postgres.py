"""Scripts on PostgreSQL: the same reads and writes as on DuckDB."""

import pytest

pytest.importorskip("dbt.adapters.postgres")
pytest.importorskip("adbc_driver_postgresql")

from attached.conftest import FILES, ScriptClient
from live.fixtures import ORDERS, begun, make_project
from postgres.conftest import Database, server  # noqa: F401


@pytest.fixture(scope="module")
def client(server, tmp_path_factory, zygote, numbers):
    kept = ("dbt_project.yml", "macros/twice.sql", "models/elsewhere.sql")
    files = {
        **{name: FILES[name] for name in kept},
        "profiles.yml": Database(server).profile(),
        "models/schema.yml": "sources: [{name: out, schema: written, tables: [{name: log}]}]",
    }
    root = make_project(tmp_path_factory.mktemp("attached") / "project", files)
    scripts = ["script.orders.AFTER.s.py"]
    ran = (*ORDERS, "model.shop.elsewhere")
    with begun(root, "models/fal/scores.sql", ran=ran, scripts=scripts) as session:
        yield ScriptClient(session, zygote, numbers)


def test_scripts_read_and_write(client):
    code = """
    import pandas as pd
    print(len(ref("orders")), execute_sql("select {{ twice(2) }} as x").x[0], context.current_model.status, target.type)
    write_to_source(pd.DataFrame({"n": ["1"], "t": ["a"]}), "out", "log", dtype={"n": "BIGINT"}, mode="overwrite")
    write_to_source(pd.DataFrame({"t": ["b"]}), "out", "log")
    try:
        write_to_source(pd.DataFrame({"new": ["b"]}), "out", "log")
    except FalError as error:
        print("new" in str(error))
    def rows():
        yield pd.DataFrame({"t": ["c"]})
        raise KeyError("mine")
    try:
        write_to_source(rows(), "out", "log")
    except KeyError:
        pass
    write_to_model(pd.DataFrame({"x": [1, 2]}))
    write_to_model(pd.DataFrame({"x": [3]}), mode="append")
    """
    ended, result = client.script(code, model="model.shop.elsewhere")
    assert ended.ok, ended.answer
    assert ended.stdout == "3 4 success postgres\nTrue\n"
    expected = [{"n": 1, "t": "a"}, {"n": None, "t": "b"}]
    assert client.query("select n, t from written.log order by t") == expected
    assert client.query("select pg_typeof(n)::text as n from written.log limit 1") == [
        {"n": "bigint"}
    ]
    expected = [{"x": 1}, {"x": 2}, {"x": 3}]
    assert client.query("select x from {{ ref('elsewhere') }} order by 1") == expected
    assert client.session.run("model.shop.elsewhere")["status"] == "success"


def test_dicts_are_jsonb_as_they_are(client):
    code = """
    import datetime as dt, decimal, pandas as pd
    frame = pd.DataFrame({
        "id": [1, 2, 3],
        "d": [{"id": 1, "v": "x"}, {"id": 2.5, "extra": True, "at": dt.date(2024, 1, 2)}, None],
        "l": [[{"a": 1}], [{"b": [1, "x"]}], []],
        "n": [[1, 2], [], None],
        "j": [{"a": decimal.Decimal("1.50")}, {}, {"a": None}],
    })
    write_to_source(frame, "out", "log", mode="overwrite", dtype={"j": "json"})
    write_to_source((frame[i:i + 1] for i in range(2)), "out", "log", dtype={"j": "json"})
    """
    ended, _ = client.script(code)
    assert ended.ok, ended.answer
    rows = client.query("select d::text, l::text, n, j::text from written.log order by id, d::text")
    expected = [
        {"d": '{"v": "x", "id": 1}', "l": '[{"a": 1}]', "n": [1, 2], "j": '{"a": 1.50}'},
        {
            "d": '{"at": "2024-01-02", "id": 2.5, "extra": true}',
            "l": '[{"b": [1, "x"]}]',
            "n": [],
            "j": "{}",
        },
        {"d": None, "l": "[]", "n": None, "j": '{"a": null}'},
    ]
    assert [{**row, "n": row["n"] if row["n"] is None else list(row["n"])} for row in rows] == [
        expected[0], expected[0], expected[1], expected[1], expected[2]
    ]  # fmt: skip
    kinds = client.query(
        "select pg_typeof(d)::text as d, pg_typeof(l)::text as l, pg_typeof(n)::text as n, pg_typeof(j)::text as j from written.log limit 1"
    )
    assert kinds == [{"d": "jsonb", "l": "jsonb", "n": "bigint[]", "j": "json"}]


def test_dicts_that_no_json_can_be(client):
    for value, reason in {
        "float('inf')": "infinite numbers",
        "1j": "values of type complex",
        "{1: 2}": "dicts with keys that are no text",
    }.items():
        ended, _ = client.script(
            f"import pandas as pd\nwrite_to_source(pd.DataFrame({{'d': [{{}}, {{'a': {value}}}]}}), 'out', 'log', mode='overwrite')"
        )
        assert not ended.ok
        text = str(ended.answer)
        assert f"column 'd' holds {reason}, which JSON has no value for: row 2 is " in text
