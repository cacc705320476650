"""Objects that depend on a table end up the same when a Python model or dbt's SQL model replaces
it.
"""

import pyarrow as pa
import pytest


def sql_model(client) -> None:
    result = client.session.run("model.shop.by_dbt")
    assert result["status"] == "success", result["message"]


def python_model(client) -> None:
    result = client.write(pa.table({"id": [1], "amount": [2]}), "model.shop.by_us")
    assert result["status"] == "success", result["message"]


TABLES = {"by_dbt": sql_model, "by_us": python_model}


@pytest.fixture(scope="module", autouse=True)
def tables(client, role):
    for name in ("reader", role):
        client.query(
            f"do $$ begin create role {name}; exception when duplicate_object then null; end $$"
        )
    for build in TABLES.values():
        build(client)


def after_replacing(client, before: str, look: str) -> list:
    """Replaces each table; returns the query's result for each of them."""
    seen = []
    for table, build in TABLES.items():
        client.query(before.format(table=table))
        build(client)
        seen.append(client.query(look.format(table=table)))
    return seen


def test_a_view_of_the_user_falls(client):
    by_dbt, by_us = after_replacing(
        client,
        "create view of_{table} as select * from {table}",
        "select count(*) from pg_views where viewname = 'of_{table}'",
    )
    assert by_us == by_dbt == [(0,)]


def test_rights_given_by_hand_go(client):
    rights = "select privilege_type from information_schema.role_table_grants where table_name = '{table}' and grantee = 'reader'"
    by_dbt, by_us = after_replacing(client, "grant select on {table} to reader", rights)
    assert by_us == by_dbt == []


def test_rights_by_default_come(client):
    rights = "select privilege_type from information_schema.role_table_grants where table_name = '{table}' and grantee = 'reader'"
    client.query("alter default privileges in schema public grant select on tables to reader")
    by_dbt, by_us = after_replacing(client, "select 1", rights)
    client.query("alter default privileges in schema public revoke select on tables from reader")
    assert by_us == by_dbt == [("SELECT",)]


def test_a_foreign_key_of_the_user_falls_and_its_table_stays(client):
    before = (
        "alter table {table} add constraint {table}_key unique (id);"
        "create table child_of_{table} as select id from {table};"
        "alter table child_of_{table} add foreign key (id) references {table} (id)"
    )
    look = "select (select count(*) > 0 from child_of_{table}), count(*) from pg_constraint where conrelid = 'child_of_{table}'::regclass"
    by_dbt, by_us = after_replacing(client, before, look)
    assert by_us == by_dbt == [(True, 0)]


def test_indexes_rights_and_comments_of_the_configuration(client, role):
    """Both models get the same indexes, grants and comments."""
    indexes = "select replace(indexdef, tablename, '?') from pg_indexes where tablename = '{table}' order by 1"
    rights = f"select privilege_type from information_schema.role_table_grants where table_name = '{{table}}' and grantee = '{role}'"
    comments = "select obj_description('{table}'::regclass), col_description('{table}'::regclass, 1), col_description('{table}'::regclass, 2)"
    by_dbt, by_us = after_replacing(client, "select 1", indexes)
    assert [definition.partition(" ON ")[2] for (definition,) in by_us] == [
        definition.partition(" ON ")[2] for (definition,) in by_dbt
    ]
    assert len(by_us) == 2
    for look, expected in (
        (rights, [("SELECT",)]),
        (comments, [("Sorted; of $all$.", "The key; unique", None)]),
    ):
        by_dbt, by_us = after_replacing(client, "select 1", look)
        assert by_us == by_dbt == expected


def test_a_grant_that_fails_leaves_the_old_table(client, role):
    before = client.query("select * from by_us")
    client.query(f"drop owned by {role}; drop role {role}")
    result = client.write(pa.table({"id": [7], "amount": [7]}), "model.shop.by_us")
    assert result["status"] == "error"
    assert f'role "{role}" does not exist' in result["message"]
    assert client.query("select * from by_us") == before
    assert client.session.run("model.shop.by_dbt")["status"] == "error"
    client.query(f"create role {role}")
