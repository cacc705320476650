"""What a holder of a lease's token may read, and what the gateway refuses, on both warehouses."""

import json

import pyarrow as pa
import pytest
from live.fixtures import stub
from live.job_client import GatewayError, refusal

from .conftest import FILES, LeaseClient, open_client

SECRET = "s3cret-of-the-machine"
MACROS = """
{% macro doubled(x) %}({{ x }} * 2){% endmacro %}
{% macro typed(x) %}{{ dbt.safe_cast(x, api.Column.translate_type('string')) }}{% endmacro %}
{% macro leak() %}'{{ env_var('FAL_TEST_SECRET') }}'{% endmacro %}
{% macro make() %}{% do run_query('create table pwned as select 1 as x') %}{% endmacro %}
"""
SOURCES = {
    "sources": [
        {"name": "out", "schema": "side", "tables": [{"name": "log"}]},
        {"name": "files", "tables": [{"name": "things", "meta": {"external_location": "read_csv('FOLDER/things.csv')"}},
                                     {"name": "plain", "meta": {"external_location": "FOLDER/things.csv"}}]},
    ]
}  # fmt: skip


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def checked(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("checked")
    (folder / "things.csv").write_text("id,name\n1,one\n2,two\n")
    (folder / "private.csv").write_text(f"secret\n{SECRET}\n")
    files = {
        **FILES,
        "models/sources.yml": json.dumps(SOURCES).replace("FOLDER", str(folder)),
        "macros/m.sql": MACROS,
        "models/fal/scores.sql": stub(
            "ref('orders')", "ref('raw_orders')", "ref('shared')", "ref('viewed')"
        ),
        "models/viewed.sql": "{{ config(materialized='view') }} select * from "
        + (
            f"read_csv('{folder}/things.csv')"
            if request.param == "duckdb"
            else "{{ ref('orders') }}"
        ),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAL_TEST_SECRET", SECRET)
        patch.setenv("FAL_TEST_PUBLIC", "public")
        with open_client(request, folder / "project", files) as client:
            client.session.run("model.shop.viewed")
            client.query("create schema if not exists side")
            client.query("create table side.log as select 7 as id")
            client.query(f"create table hidden as select '{SECRET}' as secret")
            client.query("create sequence numbers")
            client.query("create table scores__fal_stage as select 1 as x")
            client.folder = folder
            lent = client.lend("scores")
            client.attempt = lent.start()
            yield client


def world(client: LeaseClient) -> tuple:
    """Returns the state that refused statements must not change."""
    tables = client.query(
        "select table_schema || '.' || table_name as t from information_schema.tables where table_schema <> 'pg_catalog' order by 1"
    )
    return (
        tables,
        sorted(path.name for path in client.folder.iterdir()),
        client.table("orders"),
        client.table("side.log"),
    )


def sql(text: str) -> dict:
    return {"op": "sql", "sql": text}


def where(text: str) -> dict:
    return {"op": "ref", "args": ["orders"], "where": text}


# Requests with SQL that both warehouses refuse.
BOTH = [
    sql("create table pwned as select 1 as x"),
    sql("insert into orders select 9, 9"),
    sql("delete from orders"),
    sql("update orders set amount = 0"),
    sql("drop table orders"),
    sql("truncate orders"),
    sql("alter table orders add column z int"),
    sql("select 1; drop table orders"),
    sql("select 1; select 2"),
    sql("begin; select 1"),
    sql("set search_path = 'side'"),
    sql("select * from hidden"),
    sql('select * from "hidden"'),
    sql("select * from orders where exists (select 1 from hidden)"),
    sql("select * from orders union all select 1, length(secret) from hidden"),
    sql("select (select max(secret) from hidden)"),
    sql("with o as (select * from hidden) select * from o"),
    sql("with hidden as (select * from hidden) select * from hidden"),
    sql("select * from (with hidden as (select 1 as secret) select * from hidden) x, hidden"),
    sql("select * from information_schema.tables"),
    sql("select * from pg_catalog.pg_class"),
    sql("select current_setting('search_path')"),
    sql("select nextval('numbers')"),
    sql("explain select * from orders"),
    sql("select * from scores__fal_stage"),
    where("1=1) union all select 1, length(secret) from hidden where (1 = 1"),
    where("1=1) ; create table pwned as select 1 as x; --"),
    where("id in (select length(secret) from hidden)"),
    where("exists (select 1 from hidden)"),
    sql("select '{{ env_var('FAL_TEST_SECRET') }}' as x"),
    where("'{{ env_var('FAL_TEST_SECRET') }}' = 'x'"),
    sql("select {{ env_var('FAL_TEST_SECRET', '1') }} as x"),
    sql("{{ exceptions.raise_compiler_error(env_var('FAL_TEST_SECRET')) }}"),
    sql("select {{ leak() }} as x"),
    sql("{{ builtins.env_var('FAL_TEST_SECRET') }}"),
    sql("{{ context['env_var']('FAL_TEST_SECRET') }}"),
    where("{% do run_query('create table pwned as select 1 as x') %} 1=1"),
    sql("{% do make() %} select 1 as x"),
    sql(
        "{% call statement('x') %} create table pwned as select 1 as x {% endcall %} select 1 as x"
    ),
    sql("{% do adapter.execute('create table pwned as select 1 as x') %} select 1 as x"),
    sql("{% do adapter.drop_relation(ref('orders')) %} select 1 as x"),
    sql("{{ adapter.get_columns_in_relation(ref('orders')) }}"),
    sql("{{ graph.nodes }}"),
    sql("{{ model.raw_code }}"),
    sql("{{ flags.PROFILES_DIR }}"),
    sql("{{ dbt_metadata_envs }}"),
    sql("{{ invocation_args_dict }}"),
    sql("{% do write('x') %} select 1 as x"),
    sql("{{ load_agate_table() }}"),
    sql("{{ render('x') }}"),
    sql("{{ api.Relation.create(identifier='hidden') }}"),
    sql("select * from {{ ref('orders').create(identifier='hidden') }}"),
    sql("{{ ref('orders').create_from_source(namespace(resource_type='source')) }}"),
    sql("{{ ref.__init__.__globals__ }}"),
    sql("{{ ''.__class__.__mro__ }}"),
    {"op": "relation", "relation": "hidden"},
    {"op": "relation", "relation": "(select * from hidden) as it"},
    {"op": "relation", "relation": "orders; drop table orders; --"},
    {"op": "relation", "relation": "hidden", "columns": ["secret"]},
    {"op": "relation", "relation": "orders, hidden"},
    {**sql("drop table orders"), "raw": True},
    {**sql("select * from hidden"), "raw": True},
]
DUCKDB = [
    sql("select content from read_text('FOLDER/private.csv')"),
    sql("select * from read_csv('FOLDER/private.csv')"),
    sql("select * from read_csv('FOLDER/things.csv', header = false)"),
    sql("select * from 'FOLDER/private.csv'"),
    sql('select * from "FOLDER/private.csv"'),
    sql("select * from read_blob('FOLDER/private.csv')"),
    sql("select * from glob('FOLDER/*')"),
    sql("from read_text('/proc/self/environ')"),
    sql("copy (select 1) to 'FOLDER/pwned.csv'"),
    sql("copy orders from 'FOLDER/private.csv'"),
    sql("export database 'FOLDER/pwned'"),
    sql("attach 'FOLDER/pwned.duckdb'"),
    sql("install httpfs"),
    sql("load json"),
    sql("pragma database_list"),
    sql("set threads = 1"),
    sql("select getenv('FAL_TEST_SECRET')"),
    sql("select getvariable('x')"),
    sql("select * from duckdb_settings()"),
    sql("select * from duckdb_secrets()"),
    sql("select * from duckdb_tables"),
    sql("select * from sqlite_master"),
    sql("select * from query('select * from hidden')"),
    sql("select * from query_table('hidden')"),
    sql("select * from json_execute_serialized_sql(json_serialize_sql('select * from hidden'))"),
    sql("describe hidden"),
    sql("show tables"),
    sql("summarize hidden"),
    sql("select write_log('x')"),
    sql("select * from memory.main.hidden"),
    sql("call pragma_version()"),
    sql("checkpoint"),
    where("1=1) union all by name select * from read_text('FOLDER/private.csv') --"),
    where("(select length(content) from read_text('FOLDER/private.csv')) > 0"),
    {"op": "relation", "relation": "read_text('FOLDER/private.csv')"},
    {"op": "relation", "relation": "'FOLDER/private.csv'"},
]
POSTGRES = [
    sql("select pg_read_file('/etc/passwd')"),
    sql("select pg_ls_dir('.')"),
    sql("select lo_import('/etc/passwd')"),
    sql("select lo_create(0)"),
    sql("copy (select 1) to '/tmp/fal_pwned.csv'"),
    sql("copy orders to program 'touch /tmp/fal_pwned'"),
    sql("select pg_sleep(1)"),
    sql("select set_config('search_path', 'side', false)"),
    sql("select set_config('transaction_read_only', 'off', true)"),
    sql("select query_to_xml('select * from hidden', true, true, '')"),
    sql("select table_to_xml('hidden', true, true, '')"),
    sql("select * from pg_stat_activity"),
    sql("select * from pg_settings"),
    sql("select pg_terminate_backend(1)"),
    sql("select pg_advisory_lock(1)"),
    sql("select txid_current()"),
    sql("with gone as (delete from orders returning *) select * from gone"),
    sql("select * into pwned from orders"),
    sql("select * from orders for update"),
    sql("do $$ begin execute 'drop table orders'; end $$"),
    sql("select version()"),
    sql("select inet_server_addr()"),
    sql("prepare p as select 1"),
    sql("select * from ts_stat('select secret from hidden')"),
    sql("listen x"),
    sql("select has_table_privilege('hidden', 'select')"),
    sql("table hidden"),
    sql("select my_function()"),
    where("1=1) ; create table pwned as select 1 as x; select * from (select 1"),
]  # fmt: skip
# The parser refuses these, and it runs nothing either.
CODES = {"gateway::leased", "dbt::compile"}


def test_nothing_but_relations_of_the_project_is_read(checked: LeaseClient):
    checked.query(
        "create function my_function() returns int language sql as 'select 1'"
        if checked.warehouse == "postgres"
        else "create macro my_function() as 1"
    )
    attacks = BOTH + (DUCKDB if checked.warehouse == "duckdb" else POSTGRES)
    assert len(attacks) >= 80
    before, wrong = world(checked), []
    for attack in attacks:
        asked = json.loads(json.dumps(attack).replace("FOLDER", str(checked.folder)))
        try:
            rows = checked.attempt.read(**asked).to_pylist()
        except GatewayError as error:
            shown = f"{error.message} {error.help}"
            if error.code not in CODES or SECRET in shown or "Traceback" in shown:
                wrong.append((attack, error.code, error.message))
        else:
            wrong.append((attack, rows))
    assert not wrong, "\n".join(map(str, wrong))
    assert world(checked) == before


READS = [
    ({"op": "ref", "args": ["orders"]}, 3),
    ({"op": "ref", "args": ["shop", "orders"]}, 3),
    ({"op": "ref", "args": ["orders"], "columns": ["ID"]}, 3),
    ({"op": "ref", "args": ["orders"], "limit": 2}, 2),
    ({"op": "ref", "args": ["orders"], "limit": 0}, 0),
    (where("id > 1"), 2),
    (where("id > 1 -- a comment"), 2),
    (where("amount is null or amount between 10 and 15"), 2),
    (where("id in (select max(id) from {{ ref('raw_orders') }})"), 1),
    (where("id > {{ var('since', 1) }}"), 2),
    (where("{{ doubled('id') }} > 4"), 1),
    ({**where("id > 1"), "columns": ["amount"], "limit": 1}, 1),
    ({"op": "ref", "args": ["shared"]}, 3),
    ({"op": "ref", "args": ["shared"], "where": "id = 2", "columns": ["double"], "limit": 1}, 1),
    ({"op": "ref", "args": ["raw_orders"]}, 3),
    ({"op": "ref", "args": ["viewed"]}, None),
    ({"op": "source", "args": ["out", "log"]}, 1),
    ({"op": "source", "args": ["out", "log"], "where": "id = 7"}, 1),
    (sql("select * from {{ ref('orders') }}"), 3),
    (sql("select * from orders"), 3),
    ({**sql("select * from orders"), "raw": True}, 3),
    (sql("select * from {{ ref('shared') }} s join {{ ref('orders') }} o on o.id = s.id"), 3),
    (sql("select o.*, l.id as other from {{ ref('orders') }} o left join {{ source('out', 'log') }} l on l.id = o.id"), 3),
    (sql("with big as (select * from orders where id > 1), small as (select * from big where id < 3) select * from small"), 1),
    (sql("with recursive n as (select 1 as i union all select i + 1 from n where i < 5) select * from n"), 5),
    (sql("select id, sum(amount) over (order by id rows between 1 preceding and current row) as s, row_number() over () as r from orders"), 3),
    (sql("select rank() over (order by amount desc nulls last), lag(id) over (order by id) from orders"), 3),
    (sql("select amount, count(*), avg(id), max(id) filter (where id > 1), string_agg(cast(id as varchar), ',' order by id) from orders group by amount having count(*) > 0 order by 1"), 3),
    (sql("select count(distinct id) as n from orders;"), 1),
    (sql("select * from orders where id = 1 union all select * from orders where id = 2 except select 9, 9 order by 1 limit 2"), 2),
    (sql("select case when id > 1 then 'a' else upper('b') end, coalesce(amount, 0), nullif(id, 1), cast(id as double precision), amount::text from orders"), 3),
    (sql("select current_date, now(), extract(year from current_date), date_trunc('month', timestamp '2024-02-03 04:05:06'), interval '3 days'"), 1),
    (sql("select lower('A') || substring('abc', 2, 1), round(1.234, 2), abs(-1), trim(' x '), replace('a', 'a', 'b'), greatest(1, 2), random() < 2"), 1),
    (sql("select * from (values (1, 'a'), (2, 'b')) as t(x, y)"), 2),
    (sql("select * from generate_series(1, 4) as g"), 4),
    (sql("select distinct id from orders o where exists (select 1 from {{ ref('raw_orders') }} r where r.id = o.id) and id = any (select 2)"), 1),
    (sql("select '{{ target.name }}', '{{ target.schema }}', '{{ var('since', 3) }}', {{ typed('1') }}, '{{ this.identifier }}'"), 1),
    (sql("select '{{ env_var('FAL_TEST_PUBLIC') }}' as x"), 1),
    (sql("{% for i in range(2) %}{% if not loop.first %} union all {% endif %}select {{ i }} as i{% endfor %}"), 2),
    (sql("{% if is_incremental() %} select 1 as x where 1 = 0 {% else %} select 1 as x {% endif %}"), 1),
    (sql("select 'it''s; drop table orders -- /*' as x, \"id\" from orders /* ; */ -- end"), 3),
    (sql("select regexp_replace('abc', 'b', 'x'), 'abc' like '%b%', 'x' in ('x', 'y'), id between 1 and 2 from orders"), 3),
    (sql("select o.id from orders o, lateral (select o.id + 1 as next) l cross join (select 1 as one) e"), 3),
]  # fmt: skip
READS_DUCKDB = [
    ({"op": "source", "args": ["files", "things"]}, 2),
    ({"op": "source", "args": ["files", "plain"], "where": "id = 1"}, 1),
    (sql("select t.name, p.id from {{ source('files', 'things') }} t "
         "join {{ source('files', 'plain') }} as p using (id)"), 2),
    ({"op": "ref", "args": ["viewed"], "where": "name = 'one'"}, 1),
    (sql("from orders select id where id > 1"), 2),
    (sql("select * exclude (amount) replace (id + 1 as id), columns('i.*') from orders"), 3),
    (sql("select list_transform([1, 2], lambda x: x + 1), {'a': 1}.a, map {'k': 1}, [1, 2][1], "
         "json_extract('{\"a\": 1}', '$.a')"), 1),
    (sql("select unnest([1, 2, 3]) as u"), 3),
    (sql("select * from orders qualify row_number() over (order by id) = 1"), 1),
    (sql("select * from orders pivot (sum(amount) for id in (1, 2))"), None),
    (sql("select id::decimal(10, 2), try_cast('x' as integer), date '2024-01-01' + 1 from orders "
         "using sample 100%"), 3),
    (sql("select grouping(id), id, count(*) from orders group by rollup (id)"), 4),
]  # fmt: skip
READS_POSTGRES = [
    (sql("select *, * from orders"), 3),
    (sql("select array_agg(id), json_agg(amount), jsonb_build_object('a', 1) ->> 'a', "
         "to_char(now(), 'YYYY') from orders"), 1),
    (sql("select * from unnest(array[1, 2]) with ordinality, "
         "json_to_recordset('[{\"a\": 1}]') as r(a int)"), 2),
    (sql("select percentile_cont(0.5) within group (order by id), grouping(id) from orders "
         "group by grouping sets ((id), ())"), 4),
    (sql("select id from orders tablesample bernoulli (100)"), 3),
    (sql("select md5('x'), encode(sha256('x'), 'hex'), gen_random_uuid(), "
         "to_tsvector('a b') @@ to_tsquery('a'), current_user"), 1),
    (sql("select '1'::numeric(10, 2), '2024-01-01'::timestamptz at time zone 'UTC', "
         "'{1,2}'::int[] || 3, row(1, 2) = row(1, 2), null as n"), 1),
    (sql("values (1), (2)"), 2),
    (sql("table orders"), 3),
    (sql("select * from only orders order by id fetch first 1 rows only"), 1),
]  # fmt: skip


def test_what_the_documentation_shows_can_be_read(checked: LeaseClient):
    reads = READS + (READS_DUCKDB if checked.warehouse == "duckdb" else READS_POSTGRES)
    assert len(reads) >= 50
    wrong = []
    for asked, rows in reads:
        try:
            found = checked.attempt.read(**asked).num_rows
        except Exception as error:
            wrong.append((asked, error))
        else:
            if rows is not None and found != rows:
                wrong.append((asked, found))
    assert not wrong, "\n".join(map(str, wrong))


def test_what_reads_the_open_write_is_checked_as_well(checked: LeaseClient):
    lent = checked.lend("grown")
    attempt = lent.start()
    before = world(checked)
    attempt.write(pa.table({"id": [1, 2]}))
    assert attempt.ref("grown").num_rows == 2
    both = "select g.id from {{ ref('grown') }} g join {{ ref('orders') }} o using (id)"
    assert attempt.read(**sql(both)).num_rows == 2
    for text in (
        "drop table {}",
        "insert into {} select 3",
        "commit; select * from {}",
        "select * from {}, hidden",
        "select * from {} for update",
    ):
        for name in ("{{ ref('grown') }}", "grown", "grown__fal_stage"):
            error = refusal(attempt.read, **sql(text.replace("{}", name)))
            codes = ("gateway::leased", "gateway::database", "gateway::own_table")
            assert error.code in codes, error.message
            said = any(word in error.message for word in ("syntax", "exist"))
            assert error.code == "gateway::leased" or said
    assert attempt.ref("grown").num_rows == 2
    lent.settle(ok=False)
    assert world(checked) == before
