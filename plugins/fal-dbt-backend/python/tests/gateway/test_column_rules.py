"""Columns that DuckDB cannot store as they are: the error names them, however they are written."""

import pyarrow as pa
import pytest
from fal_worker.warehouse.column_rules import ColumnRules
from live.job_client import refusal

CASES = pa.table([["n1"], ["N1"], [3]], names=["Name", "NAME", "other"])
MESSAGE = "The frame has the columns `Name` and `NAME`, which are one name to DuckDB"


def extension(name: str, array: pa.Array) -> pa.Table:
    """An extension type for which this process has no class."""
    return pa.table(
        [array],
        schema=pa.schema([pa.field("x", array.type, metadata={"ARROW:extension:name": name})]),
    )


def test_columns_that_differ_in_case_only(client):
    writer = client.open()
    error = refusal(writer.write, CASES)
    assert error.code == "gateway::column_name"
    assert error.message == MESSAGE
    assert error.help == "Rename one of them."
    client.close(writer, ok=False)


def test_letters_that_duckdb_tells_apart(client, job):
    client.write(pa.table([[1], [2]], names=["ä", "Ä"]))
    assert job.ref("scores").to_pydict() == {"ä": [1], "Ä": [2]}


def test_fields_of_a_struct_that_differ_in_case_only(client):
    error = refusal(client.write, pa.table({"x": pa.array([[{"a": 1, "A": 2}]])}))
    expected = "The structs in column `x` have the fields `a` and `A`, which are one name to DuckDB"
    assert error.message == expected


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_names_that_cannot_be(client, name):
    assert refusal(client.write, pa.table([[1]], names=[name])).code == "gateway::column_name"


def nested(table: pa.Table) -> pa.Table:
    field = pa.field("s", pa.struct([table.schema.field(0)]))
    return pa.table(
        [pa.StructArray.from_arrays([table["x"].chunk(0)], fields=[table.schema.field(0)])],
        schema=pa.schema([field]),
    )


@pytest.mark.parametrize("within", [lambda table: table, nested], ids=["plain", "in a struct"])
def test_extension_types_are_not_taken_by_their_storage(client, within):
    table = within(extension("pandas.period", pa.array([648])))
    error = refusal(client.write, table)
    column = table.column_names[0]
    assert (
        error.message
        == f"The column `{column}` has the Arrow extension type `pandas.period`, which DuckDB has no type for"
    )
    assert "as text or numbers" in error.help


def test_tensors(client):
    tensor = pa.ExtensionArray.from_storage(
        pa.fixed_shape_tensor(pa.int8(), [2, 2]), pa.array([[1, 2, 3, 4]], pa.list_(pa.int8(), 4))
    )
    assert "`arrow.fixed_shape_tensor`" in refusal(client.write, pa.table({"x": tensor})).message


def test_extension_types_that_have_one(client, job):
    booleans = pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, 0, None], pa.int8()))
    client.write(
        pa.table({"x": booleans}).append_column(
            "j", extension("arrow.json", pa.array(['{"a": 1}', None, "2"]))["x"]
        )
    )
    assert job.ref("scores").to_pydict() == {"x": [True, False, None], "j": ['{"a": 1}', None, "2"]}


def test_rules_without_folding():
    rules = ColumnRules("it", fold=None, longest=3)
    rules.check(pa.schema([("a", pa.int8()), ("A", pa.int8())]))
    for names in (["a", "a"], ["abcd"]):
        with pytest.raises(Exception, match=r"twice|1 to 3 bytes"):
            rules.check(pa.schema([(name, pa.int8()) for name in names]))


def test_unions():
    sparse, dense = (pa.union([pa.field("n", pa.int64())], mode) for mode in ("sparse", "dense"))
    ColumnRules("it", has_unions=True).check(pa.schema([("x", pa.list_(sparse))]))
    for rules, type in ((ColumnRules("it", has_unions=True), dense), (ColumnRules("it"), sparse)):
        with pytest.raises(
            Exception, match=r"The column `x` holds \w+ unions of Arrow, which it has no type for"
        ):
            rules.check(pa.schema([("x", pa.list_(type))]))


def test_a_field_with_nul_in_its_name(client):
    error = refusal(client.write, pa.table({"x": pa.array([{"a\0b": 1}])}))
    assert (
        error.message
        == "The structs in column `x` have a field with NUL in its name, which DuckDB cannot keep"
    )
