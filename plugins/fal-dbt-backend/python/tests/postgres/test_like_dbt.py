"""What hangs on a table when a Python model replaces it: the same happens as when dbt replaces a SQL model's table."""

from __future__ import annotations

import pyarrow as pa
import pytest


def sql_model(desk) -> None:
    assert desk.session.run("model.shop.orders")["status"] == "success"


def python_model(desk) -> None:
    assert desk.write(pa.table({"id": [1], "amount": [2]}))["status"] == "success"


TABLES = {"orders": sql_model, "scores": python_model}


@pytest.fixture(scope="module", autouse=True)
def roles(desk):
    desk.query("do $$ begin create role reader; exception when duplicate_object then null; end $$")
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
        desk, "create view of_{table} as select * from {table}", "select count(*) from pg_views where viewname = 'of_{table}'"
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

