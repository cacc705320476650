"""What becomes of a table's company when a Python model replaces it: the same as when dbt replaces a SQL model's table."""

from __future__ import annotations

import pyarrow as pa
import pytest


def sql_model(desk) -> None:
    result = desk.session.run("model.shop.by_dbt")
    assert result["status"] == "success", result["message"]


def python_model(desk) -> None:
    result = desk.write(pa.table({"id": [1], "amount": [2]}), "model.shop.by_us")
    assert result["status"] == "success", result["message"]


TABLES = {"by_dbt": sql_model, "by_us": python_model}


@pytest.fixture(scope="module", autouse=True)
def tables(desk, role):
    for name in ("reader", role):
        desk.query(
            f"do $$ begin create role {name}; exception when duplicate_object then null; end $$"
        )
    for build in TABLES.values():
        build(desk)


def after_replacing(desk, before: str, look: str) -> list:
    """What is seen of each table when it has been replaced."""
    seen = []
    for table, build in TABLES.items():
        desk.query(before.format(table=table))
        build(desk)
        seen.append(desk.query(look.format(table=table)))
    return seen


def test_a_view_of_the_user_falls(desk):
    by_dbt, by_us = after_replacing(
        desk,
        "create view of_{table} as select * from {table}",
        "select count(*) from pg_views where viewname = 'of_{table}'",
    )
    assert by_us == by_dbt == [(0,)]


def test_rights_given_by_hand_go(desk):
    rights = "select privilege_type from information_schema.role_table_grants where table_name = '{table}' and grantee = 'reader'"
    by_dbt, by_us = after_replacing(desk, "grant select on {table} to reader", rights)
    assert by_us == by_dbt == []


def test_rights_by_default_come(desk):
    rights = "select privilege_type from information_schema.role_table_grants where table_name = '{table}' and grantee = 'reader'"
    desk.query("alter default privileges in schema public grant select on tables to reader")
    by_dbt, by_us = after_replacing(desk, "select 1", rights)
    desk.query("alter default privileges in schema public revoke select on tables from reader")
    assert by_us == by_dbt == [("SELECT",)]


def test_a_foreign_key_of_the_user_falls_and_its_table_stays(desk):
    before = (
        "alter table {table} add constraint {table}_key unique (id);"
        "create table child_of_{table} as select id from {table};"
        "alter table child_of_{table} add foreign key (id) references {table} (id)"
    )
    look = "select (select count(*) > 0 from child_of_{table}), count(*) from pg_constraint where conrelid = 'child_of_{table}'::regclass"
    by_dbt, by_us = after_replacing(desk, before, look)
    assert by_us == by_dbt == [(True, 0)]


def test_indexes_rights_and_comments_of_the_configuration(desk, role):
    """The same for both models."""
    indexes = "select replace(indexdef, tablename, '?') from pg_indexes where tablename = '{table}' order by 1"
    rights = f"select privilege_type from information_schema.role_table_grants where table_name = '{{table}}' and grantee = '{role}'"
    comments = "select obj_description('{table}'::regclass), col_description('{table}'::regclass, 1), col_description('{table}'::regclass, 2)"
    by_dbt, by_us = after_replacing(desk, "select 1", indexes)
    assert [definition.partition(" ON ")[2] for (definition,) in by_us] == [
        definition.partition(" ON ")[2] for (definition,) in by_dbt
    ]
    assert len(by_us) == 2
    for look, expected in (
        (rights, [("SELECT",)]),
        (comments, [("Told; of $all$.", "The key; unique", None)]),
    ):
        by_dbt, by_us = after_replacing(desk, "select 1", look)
        assert by_us == by_dbt == expected


def test_a_grant_that_fails_leaves_the_old_table(desk, role):
    before = desk.query("select * from by_us")
    desk.query(f"drop owned by {role}; drop role {role}")
    result = desk.write(pa.table({"id": [7], "amount": [7]}), "model.shop.by_us")
    assert (result["status"], f'role "{role}" does not exist' in result["message"]) == (
        "error",
        True,
    )
    assert (desk.query("select * from by_us"), desk.session.run("model.shop.by_dbt")["status"]) == (
        before,
        "error",
    )
    desk.query(f"create role {role}")
