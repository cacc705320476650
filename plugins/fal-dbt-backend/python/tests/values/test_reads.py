"""Every type of the warehouses, read in every form: the value, or a refusal that names the column."""

import pytest

pytest.importorskip("dbt.adapters.duckdb")
pytest.importorskip("polars")

from fal_worker.job.error import FalError
from values import canonical
from values.client import open_client
from values.oracle import Place, difference
from values.readable_types import DUCKDB, POSTGRES, POSTGRES_INTERNAL, Form
from values.trial import columns_of

FORMS = ("arrow", "pandas", "polars")


@pytest.fixture(scope="module")
def duckdb():
    with open_client("duckdb") as at:
        yield at


@pytest.fixture(scope="module")
def postgres():
    pytest.importorskip("dbt.adapters.postgres")
    pytest.importorskip("adbc_driver_postgresql")
    with open_client("postgres") as at:
        yield at


def ids(table):
    return [
        pytest.param(read, form, id=f"{read.sql}-{form}")
        for reads in table.values()
        for read in reads
        for form in FORMS
    ]


def check(at, read, form):
    source = read.sql if " from " in read.sql else f"{read.sql} as wanted"
    sql = (
        f"select 1 as before, {source}"
        if source is not read.sql
        else f"select * from (select {read.sql}) v(wanted)"
    )
    if form in read.refused:
        with pytest.raises(FalError) as caught:
            at.sql(sql, form)
        assert "wanted" in str(caught.value).partition("\n")[0]
        assert read.refused[form] in str(caught.value)
        assert caught.value.help, "it says what to do"
        assert "Traceback" not in str(caught.value)
        return
    value = read.value.form if isinstance(read.value, Form) else canonical.of_value(read.value)
    found = columns_of(form, at.sql(sql, form))["wanted"]
    assert difference([value], found, Place("pyarrow", at.warehouse, form)) is None


@pytest.mark.parametrize(("read", "form"), ids(DUCKDB))
def test_duckdb(duckdb, read, form):
    check(duckdb, read, form)


@pytest.mark.parametrize(("read", "form"), ids(POSTGRES))
def test_postgres(postgres, read, form):
    try:
        check(postgres, read, form)
    except FalError as error:
        if "built with libxml support" not in str(error):
            raise
        pytest.skip("this PostgreSQL is built without libxml, as the one of PyPI")


def test_the_table_has_every_type_of_duckdb(duckdb):
    there = duckdb.sql("select distinct logical_type as name from duckdb_types()")[
        "name"
    ].to_pylist()
    assert set(there) <= set(DUCKDB)


def test_the_table_has_every_type_of_postgres(postgres):
    sql = """select typname::text as name from pg_type where typtype in ('b', 'r', 'm') and typname not like '\\_%'
        and typnamespace = 'pg_catalog'::regnamespace"""
    assert set(postgres.sql(sql)["name"].to_pylist()) <= set(POSTGRES) | POSTGRES_INTERNAL


def test_no_rows_are_refused_as_well(duckdb):
    with pytest.raises(FalError, match="the column 'wanted' holds an INTERVAL"):
        duckdb.sql("select interval '1 day' as wanted where false", "polars")


@pytest.mark.parametrize("letter", ["a", "é", "日"])
def test_a_long_error_arrives(duckdb, letter):
    with pytest.raises(FalError, match=f"{letter * 20_000}.* characters"):
        duckdb.sql(f"select error(repeat('{letter}', 100000)) as x")


@pytest.mark.parametrize("form", ["pandas", "polars"])
def test_sums_are_integers_of_64_bits_in_both_where_they_fit(duckdb, form):
    frame = duckdb.sql(
        "select 9223372036854775807::hugeint as small, 9223372036854775808::hugeint as large", form
    )
    assert str(frame["small"].dtype).lower() == "int64"
    assert str(frame["large"].dtype) == (
        "object" if form == "pandas" else "Decimal(precision=38, scale=0)"
    )
