"""The contract of a warehouse, as tests that its author runs against a real database.

Import everything from here into a test module and define the fixture `opened` there;
docs/plugins/warehouses.md has an example. Every table is named `fal_contract_...`.
"""

from __future__ import annotations

import contextvars
import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from fal_worker.errors import SessionError

from .interface import PendingWrite, Warehouse

# How long an interrupted query may still run.
_CANCEL_SECONDS = 30


@dataclass(frozen=True)
class Opened:
    """A warehouse under test, and what its tests cannot know of the database."""

    warehouse: Warehouse
    # dbt's relation of a table's name, in a schema where tests may write.
    relation: Callable[[str], Any]
    # SQL that runs for longer than a minute; without it nothing is cancelled.
    slow_sql: str | None = None
    # Names of columns in `TYPES` for which the database has no type, so that they come back
    # otherwise.
    inexact: frozenset[str] = field(default_factory=frozenset)

    def write(self, name: str, table: pa.Table, mode: str = "overwrite") -> PendingWrite:
        """Begins a write as the gateway does."""
        self.warehouse.column_rules.check(table.schema)
        return self.warehouse.begin_write(self.relation(name), table.to_reader(), mode)

    def read(self, sql: str) -> pa.Table:
        """All rows of a statement."""
        reading = self.warehouse.read(sql)
        try:
            return reading.reader.read_all()
        finally:
            reading.close()

    def rows(self, name: str, *columns: str) -> list[tuple[Any, ...]]:
        """The rows of a table, in the order of the first column; the columns by any case."""
        table = self.read(f"select * from {self.relation(name)}")
        table = table.rename_columns([column.lower() for column in table.column_names])
        picked = [table[column].to_pylist() for column in columns]
        return sorted(zip(*picked), key=lambda row: (row[0] is None, row[0]))


OLD = pa.table({"id": [1, 2], "name": ["one", None]})
OLD_ROWS = [(1, "one"), (2, None)]


def with_old_rows(opened: Opened, name: str) -> None:
    """Makes the table, whatever there was."""
    opened.write(name, OLD).commit()
    assert opened.rows(name, "id", "name") == OLD_ROWS


# Reads.


def test_a_query_is_read(opened: Opened) -> None:
    table = opened.read("select 1 as a, 'x' as b")
    assert [column.lower() for column in table.column_names] == ["a", "b"]
    assert [column.to_pylist() for column in table.columns] == [[1], ["x"]]


def test_a_statement_without_a_result_is_committed(opened: Opened) -> None:
    with_old_rows(opened, "fal_contract_emptied")
    relation = opened.relation("fal_contract_emptied")
    # No columns, or what some drivers give: one row with the number of changed rows.
    assert opened.read(f"delete from {relation} where id = 1").num_rows in (0, 1)
    assert opened.rows("fal_contract_emptied", "id") == [(2,)]


def test_an_error_of_the_database_is_the_users(opened: Opened) -> None:
    with pytest.raises(SessionError):
        opened.read("select no_such_column from no_such_table")
    assert opened.read("select 1 as a").num_rows == 1


def test_a_stream_may_be_closed_early_and_twice(opened: Opened) -> None:
    with_old_rows(opened, "fal_contract_closed")
    reading = opened.warehouse.read(f"select * from {opened.relation('fal_contract_closed')}")
    reading.close()
    reading.close()
    with_old_rows(opened, "fal_contract_closed")


# Types.

TYPES = pa.table(
    {
        "id": pa.array([1, 2, 3], pa.int64()),
        "small": pa.array([-1, 0, None], pa.int16()),
        "fraction": pa.array([1.5, -0.25, None], pa.float64()),
        "exact": pa.array([Decimal("12345678.91"), Decimal("-0.01"), None], pa.decimal128(12, 2)),
        "label": pa.array(["ä", "", None], pa.string()),
        "flag": pa.array([True, False, None], pa.bool_()),
        "day": pa.array([dt.date(2024, 2, 29), dt.date(1969, 1, 1), None], pa.date32()),
        "at": pa.array([dt.datetime(2024, 1, 2, 3, 4, 5, 600), None, None], pa.timestamp("us")),
        "instant": pa.array(
            [dt.datetime(2024, 1, 2, tzinfo=dt.timezone.utc), None, None], pa.timestamp("us", "UTC")
        ),
        "raw": pa.array([b"\x00\xff", b"", None], pa.binary()),
    }
)


@pytest.mark.parametrize("column", TYPES.column_names)
def test_values_of_the_common_types_come_back(opened: Opened, column: str) -> None:
    table = TYPES.select(["id", column] if column != "id" else ["id"])
    pending = opened.write("fal_contract_types", table)
    assert pending.rows == 3
    pending.commit()
    found = [row[-1] for row in opened.rows("fal_contract_types", *table.column_names)]
    if column in opened.inexact:
        assert [value is None for value in found] == [
            value is None for value in table[column].to_pylist()
        ]
    else:
        assert found == table[column].to_pylist()


def test_a_column_without_values_can_be_written(opened: Opened) -> None:
    opened.write("fal_contract_null", pa.table({"id": [1], "nothing": pa.nulls(1)})).commit()
    assert opened.rows("fal_contract_null", "id", "nothing") == [(1, None)]


def test_no_rows_make_an_empty_table(opened: Opened) -> None:
    pending = opened.write("fal_contract_empty", OLD.slice(0, 0))
    assert (pending.rows, pending.commit()) == (0, True)
    assert opened.rows("fal_contract_empty", "id", "name") == []


# Writes.


def test_overwrite_replaces_rows_and_columns(opened: Opened) -> None:
    with_old_rows(opened, "fal_contract_overwritten")
    assert opened.write("fal_contract_overwritten", pa.table({"other": [7, 8, 9]})).commit() is True
    assert opened.rows("fal_contract_overwritten", "other") == [(7,), (8,), (9,)]


def test_append_goes_by_the_names_of_columns(opened: Opened) -> None:
    with_old_rows(opened, "fal_contract_appended")
    more = pa.table({"name": ["three"], "id": [3]})
    assert opened.write("fal_contract_appended", more, "append").commit() is False
    assert opened.rows("fal_contract_appended", "id", "name") == [*OLD_ROWS, (3, "three")]


def test_append_refuses_a_column_that_the_table_lacks(opened: Opened) -> None:
    with_old_rows(opened, "fal_contract_refused")
    with pytest.raises(SessionError):
        opened.write("fal_contract_refused", pa.table({"id": [3], "extra": [1]}), "append").commit()
    assert opened.rows("fal_contract_refused", "id", "name") == OLD_ROWS


def test_the_old_table_counts_until_the_commit(opened: Opened) -> None:
    with_old_rows(opened, "fal_contract_pending")
    pending = opened.write("fal_contract_pending", pa.table({"id": [9], "name": ["new"]}))
    try:
        assert opened.rows("fal_contract_pending", "id", "name") == OLD_ROWS
        # The write itself sees the new rows.
        reading = pending.read(f"select count(*) as n from {pending.relation}")
        assert reading.reader.read_all().column(0).to_pylist() == [1]
        reading.close()
        assert pending.identifier in str(pending.relation)
    finally:
        pending.commit()
    assert opened.rows("fal_contract_pending", "id", "name") == [(9, "new")]


def test_a_rollback_leaves_the_old_table(opened: Opened) -> None:
    with_old_rows(opened, "fal_contract_rolled_back")
    for mode in ("overwrite", "append"):
        opened.write("fal_contract_rolled_back", pa.table({"id": [9]}), mode).rollback()
        assert opened.rows("fal_contract_rolled_back", "id", "name") == OLD_ROWS
    with_old_rows(opened, "fal_contract_rolled_back")


def test_a_stream_that_breaks_leaves_the_old_table(opened: Opened) -> None:
    with_old_rows(opened, "fal_contract_broken")

    def batches() -> Iterator[pa.RecordBatch]:
        yield from OLD.to_batches()
        raise ValueError("the model failed")

    reader = pa.RecordBatchReader.from_batches(OLD.schema, batches())
    with pytest.raises(Exception, match="the model failed"):
        opened.warehouse.begin_write(opened.relation("fal_contract_broken"), reader)
    assert opened.rows("fal_contract_broken", "id", "name") == OLD_ROWS


def test_macros_of_dbt_run_before_the_commit_ends(opened: Opened) -> None:
    seen: list[tuple[bool, bool]] = []
    pending = opened.write("fal_contract_finished", OLD)
    pending.commit(lambda handle, is_new: seen.append((handle is not None, is_new)))
    assert seen == [(True, True)]


def test_tables_can_be_written_side_by_side(opened: Opened) -> None:
    failures: list[BaseException] = []

    def write(name: str) -> None:
        try:
            with_old_rows(opened, name)
        except BaseException as error:  # noqa: BLE001 (the test shows it)
            failures.append(error)

    threads = [_thread(write, f"fal_contract_side_{number}") for number in range(4)]
    for thread in threads:
        thread.join()
    assert failures == []


# Values and names that warehouses are known to change.

NASTY: dict[str, list[Any]] = {
    "quotes": ["it's", '"', "`", "\\", "\\'", "--", "/*"],
    "placeholders": ["%s", "%", "?", "{{ this }}", "${x}", ":a", "$1", "%(a)s"],
    "letters": ["", " ", "\n\t", "äöü", "😀", "\u0000", "x" * 10_000],
    "integers": [-(1 << 63), (1 << 63) - 1, 0],
    "floats": [float("inf"), float("-inf"), 1e308, 5e-324, -0.0],
    "days": [dt.date(1, 1, 1), dt.date(9999, 12, 31)],
    "moments": [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999)],
    "decimals": [Decimal("9" * 38), Decimal("-" + "9" * 38)],
}


@pytest.mark.parametrize("kind", NASTY)
def test_a_nasty_value_comes_back_or_is_refused_by_its_column(opened: Opened, kind: str) -> None:
    for value in NASTY[kind]:
        table = pa.table({"id": [1], "nasty": [value]})
        try:
            opened.write("fal_contract_nasty", table).commit()
        except SessionError as error:
            assert "nasty" in f"{error.message} {error.help}", (value, error.message)
            continue
        [(_, found)] = opened.rows("fal_contract_nasty", "id", "nasty")
        # Where a database has no type for it, a value may come back in another form, as text say.
        assert found == value or type(found) is not type(value), value


NAMES = ["select", "a b", 'with "quotes"', "with `ticks`", "100%", "%s", "ä", "a.b", "a;b", "a'b", "{{ a }}"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_nasty_name_of_a_column_is_kept_or_refused(opened: Opened, name: str) -> None:
    try:
        opened.write("fal_contract_names", pa.table({"id": [1], name: ["x"]})).commit()
    except SessionError:
        return
    assert opened.rows("fal_contract_names", "id", name.lower()) == [(1, "x")]


def test_names_that_differ_in_case_are_two_columns_or_refused(opened: Opened) -> None:
    try:
        opened.write("fal_contract_case", pa.table({"id": [1], "ID": [2]})).commit()
    except SessionError:
        return
    table = opened.read(f"select * from {opened.relation('fal_contract_case')}")
    assert sorted(column.to_pylist() for column in table.columns) == [[1], [2]]


# Interrupting.


def test_cancel_ends_a_query(opened: Opened) -> None:
    if opened.slow_sql is None:
        pytest.skip("the fixture `opened` names no slow SQL")
    failures: list[BaseException] = []

    def read(sql: str) -> None:
        try:
            opened.read(sql)
        except BaseException as error:  # noqa: BLE001 (the test shows it)
            failures.append(error)

    thread, end = _thread(read, opened.slow_sql), time.monotonic() + _CANCEL_SECONDS
    while thread.is_alive() and time.monotonic() < end:
        # Again and again, since the query may not have begun the first time.
        time.sleep(0.5)
        opened.warehouse.cancel()
    thread.join(1)
    assert not thread.is_alive(), f"the query still runs after {_CANCEL_SECONDS} seconds"
    assert len(failures) == 1, "the query ended as if nothing had happened"
    assert opened.read("select 1 as a").num_rows == 1


def _thread(function: Callable[[str], None], argument: str) -> threading.Thread:
    """Starts a thread in dbt's context, as the gateway does."""
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(function, argument), daemon=True)
    thread.start()
    return thread
