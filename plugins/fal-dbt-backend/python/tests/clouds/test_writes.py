"""The statements of a table's write in each cloud, their order, and what is left when one fails."""

import datetime as dt
import json
from decimal import Decimal

import pyarrow as pa
import pytest
from clouds.world import Finish, relation
from dbt.adapters.base import Column
from fal_worker.errors import SessionError
from fal_worker.warehouse.interface import Place
from live.job_client import refusal

OLD, NEW = pa.table({"x": [1]}), pa.table({"x": [2, 3]})


def write(
    cloud, table: pa.Table, mode="overwrite", types=None, place=Place.MODEL, finish=None
) -> bool:
    pending = cloud.warehouse.begin_write(
        relation(type=None), table.to_reader(), mode, types, place
    )
    assert pending.rows == table.num_rows
    return pending.commit(finish)


def test_rows_wait_for_the_commit(cloud):
    write(cloud, OLD)
    pending = cloud.warehouse.begin_write(relation(), NEW.to_reader())
    assert cloud.world.rows() == [(1,)]
    assert pending.commit() is True
    assert cloud.world.rows() == [(2,), (3,)]
    assert cloud.world.tables() == ["scores"]
    assert cloud.world.files == {} or cloud.kind != "databricks"


def test_rolled_back(cloud):
    write(cloud, OLD)
    cloud.warehouse.begin_write(relation(), NEW.to_reader()).rollback()
    assert (cloud.world.rows(), cloud.world.tables()) == ([(1,)], ["scores"])


def test_a_model_has_its_options_and_what_is_done_behind(cloud):
    finish = Finish(cloud.world, cloud.adapter, options="/* clustered */ ")
    write(cloud, OLD, finish=finish)
    assert write(cloud, NEW, finish=finish) is True
    assert finish.calls == [True, True]
    assert any("/* clustered */" in step for step in cloud.world.steps)
    assert (cloud.world.rows(), cloud.world.tables()) == ([(2,), (3,)], ["scores"])


@pytest.mark.parametrize("configured", [False, True])
def test_a_fault_at_every_step(cloud, configured):
    """Readers see the old or the new rows. Only Trino has no table between the two renamings."""
    write(cloud, OLD)
    world, number = cloud.world, 0
    gap = cloud.kind == "trino"
    while True:
        finish = Finish(world, cloud.adapter) if configured else None
        number += 1
        world.steps, world.seen, world.fail_at = [], [], number
        broke = None
        try:
            write(cloud, NEW, finish=finish)
        except SessionError as error:
            broke = error
        world.fail_at = None
        assert all(
            rows in ([(1,)], [(2,), (3,)]) or (gap and rows is None) for rows in world.seen
        ), world.steps
        if broke is None and number > len(world.steps):
            break
        assert world.rows() in ([(1,)], [(2,), (3,)]), world.steps
        assert broke is None or "the fault" in broke.message
        write(cloud, OLD)
        assert world.tables() == ["scores"], (number, world.steps)
    assert number > 4


def test_append(cloud):
    write(cloud, pa.table({"x": [1], "y": ["a"]}))
    assert write(cloud, pa.table({"Y": pa.array([None, "b"]), "x": [2, 3]}), mode="append") is False
    write(cloud, pa.table({"x": pa.array([None], pa.null())}), mode="append")
    assert cloud.world.rows() == [(1, "a"), (2, None), (3, "b"), (None, None)]
    error = refusal(write, cloud, pa.table({"z": [1]}), mode="append")
    assert error.code == "gateway::unknown_columns"


def test_a_column_without_values_is_appended_to_one_of_any_type(open_cloud):
    for kind, variables in (
        ("bigquery", {}),
        ("databricks", {}),
        ("databricks", {"fal_staging_volume": "/Volumes/a/b/c"}),
    ):
        cloud = open_cloud(kind, **variables)
        write(cloud, pa.table({"l": [[1]], "s": [{"a": 1}]}))
        cloud.adapter.get_columns_in_relation = lambda _: [
            Column("l", "array<bigint>"),
            Column("s", "struct<`a` bigint>"),
        ]
        write(cloud, pa.table({"s": pa.nulls(1), "l": pa.nulls(1)}), mode="append")
        assert cloud.world.rows()[1] == (None, None)


def test_scripts_keep_a_table_with_the_same_columns(cloud):
    write(cloud, OLD)
    kept = cloud.kind != "trino"
    for place in (Place.OF_A_MODEL, Place.SOURCE):
        assert write(cloud, NEW, place=place) is not kept
        assert cloud.world.rows() == [(2,), (3,)]
    assert write(cloud, pa.table({"y": [1]}), place=Place.SOURCE) is True
    assert (cloud.world.rows(), cloud.world.tables()) == ([(1,)], ["scores"])


def test_a_view_makes_room(cloud):
    cloud.world.database.execute("create view scores as select 7 as x")
    write(cloud, NEW)
    assert (cloud.world.rows(), cloud.world.tables()) == ([(2,), (3,)], ["scores"])
    with pytest.raises(SessionError) as caught:
        cloud.world.database.execute("create or replace view v as select 7 as x")
        cloud.warehouse.begin_write(relation("v"), NEW.to_reader(), "append")
    assert caught.value.code == "gateway::append_to_view"


def test_no_rows(cloud):
    write(cloud, pa.table({"x": pa.array([], pa.int64()), "n": pa.array([], pa.null())}))
    assert cloud.world.rows() == []
    assert [row[0] for row in cloud.world.database.execute("describe scores").fetchall()] == (
        ["X", "N"] if cloud.kind == "snowflake" else ["x", "n"]
    )


ODD = ["two words", 'say "hi"', "100%s %(a)s", "dé.à", "select", "MiXed", "it's"]
ODD += ["semi;colon", "back\\slash", "c0", "{x}"]


def test_odd_names(cloud):
    write(cloud, pa.table({name: [number] for number, name in enumerate(ODD)}))
    expected = [
        name.upper() if cloud.kind == "snowflake" and name in ("select", "c0") else name
        for name in ODD
    ]
    assert cloud.world.arrow().to_pydict() == {
        name: [number] for number, name in enumerate(expected)
    }


@pytest.mark.parametrize("names", [["a", "A"], ["a", "a"], [""]])
def test_names_that_cannot_be(cloud, names):
    error = refusal(
        cloud.warehouse.column_rules.check, pa.schema([(name, pa.int64()) for name in names])
    )
    assert error.code == "gateway::column_name"
    assert cloud.world.steps == []


def test_values(cloud):
    """The table's values for each Arrow type; times without a type in the cloud become text."""
    nan, zone = float("nan"), dt.timezone(dt.timedelta(hours=2))
    table = pa.table({
        "b": [True, False, None],
        "i": pa.array([-(1 << 63), (1 << 63) - 1, None]),
        "tiny": pa.array([-1, 127, None], pa.int8()),
        "u": pa.array([0, (1 << 64) - 1, None], pa.uint64()),
        "f": [1.5, nan, None],
        "inf": [float("inf"), float("-inf"), None],
        "half": pa.array([0.5, 1e-3, None], pa.float32()),
        "dec": pa.array([Decimal("-1.2345"), Decimal("12345678901234567890123456789012.5"), None], pa.decimal128(38, 4)),
        "wide": pa.array([Decimal("1.25"), Decimal(-9), None], pa.decimal256(50, 2)),
        "s": ["it's 100% ${HOME} \\ \"quoted\" \n; ünï😀", "", None],
        "bin": [b"\x00\xff'", b"", None],
        "d": [dt.date(1, 1, 1), dt.date(9999, 12, 31), None],
        "t": [dt.time(23, 59, 59, 999999), dt.time(0), None],
        "ts": pa.array([dt.datetime(2024, 2, 29, 12, 30, 0, 123456), dt.datetime(1700, 1, 1), None], pa.timestamp("us")),
        "ns": pa.array([1_700_000_000_123_456_000, 0, None], pa.timestamp("ns")),
        "tz": pa.array([dt.datetime(2024, 2, 29, 12, tzinfo=zone), dt.datetime(1999, 1, 1, tzinfo=zone), None], pa.timestamp("us", "Europe/Paris")),
        "cat": pa.array(["a", "b", None]).dictionary_encode(),
        "none": pa.nulls(3),
        "id": pa.array([bytes(range(16)), None, None], pa.uuid()),
    })  # fmt: skip
    write(cloud, table)
    got = cloud.world.arrow().rename_columns(table.column_names).to_pydict()
    time = [dt.time(23, 59, 59, 999999), dt.time(0), None]
    expected = {
        **table.to_pydict(),
        "t": ["23:59:59.999999", "00:00:00", None] if cloud.kind == "databricks" else time,
        "ns": [dt.datetime(2023, 11, 14, 22, 13, 20, 123456), dt.datetime(1970, 1, 1), None],
        "id": ["00010203-0405-0607-0809-0a0b0c0d0e0f", None, None],
    }
    floats = got.pop("f"), expected.pop("f")
    assert repr(floats[0]) == repr(floats[1])
    assert got == expected


NESTED = {
    "l": pa.array([[1, 2], [], None], pa.list_(pa.int32())),
    "st": pa.array(
        [{"a": 1, "b": "x'y"}, {"a": None, "b": None}, None],
        pa.struct([("a", pa.int64()), ("b", pa.string())]),
    ),
    "m": pa.array([[("k", 1.5)], [], None], pa.map_(pa.string(), pa.float64())),
    "ll": pa.array([[[1], []], [None], None], pa.list_(pa.list_(pa.int64()))),
}
AS_JSON = {"l": ["[1, 2]", "[]", None], "st": ['{"a": 1, "b": "x\'y"}', '{"a": null, "b": null}', None], "m": ['{"k": 1.5}', "{}", None],
           "ll": ["[[1], []]", "[null]", None]}  # fmt: skip


def test_nested_values(cloud):
    write(cloud, pa.table(NESTED))
    got = cloud.world.arrow().rename_columns(list(NESTED)).to_pydict()
    native = {name: array.to_pylist() for name, array in NESTED.items()}
    if cloud.kind == "bigquery":
        assert loaded(got) == {**loaded(AS_JSON), "st": native["st"], "l": [[1, 2], [], []]}
    else:
        assert loaded(got) == (native if cloud.kind == "databricks" else loaded(AS_JSON))


def loaded(columns: dict) -> dict:
    """Parses JSON, since equal JSON may differ in white space."""
    return {
        name: [json.loads(value) if isinstance(value, str) else value for value in values]
        for name, values in columns.items()
    }


def test_types_that_the_user_gives(cloud):
    types = {"a": "varchar(9)" if cloud.kind == "redshift" else "varchar", "b": "double"}
    write(cloud, pa.table({"a": [1, 2], "b": ["1", None]}), types=types)
    assert cloud.world.rows() == [("1", 1.0), ("2", None)]


@pytest.mark.parametrize(
    ("type", "code"),
    [
        (pa.duration("s"), "gateway::type"),
        (pa.month_day_nano_interval(), "gateway::type"),
        (pa.decimal256(76, 40), "gateway::type"),
    ],
)
def test_types_that_no_cloud_has(cloud, type, code):
    error = refusal(
        cloud.warehouse.begin_write, relation(), pa.table({"x": pa.array([None], type)}).to_reader()
    )
    assert (error.code, "`x`" in error.message) == (code, True)
    assert cloud.world.steps == []


def test_a_decimal_too_large(cloud):
    table = pa.table({"x": pa.array([Decimal(10) ** 45], pa.decimal256(50, 0))})  # 46 digits
    error = refusal(write, cloud, table)
    assert (error.code, "`x`" in error.message) == ("gateway::value", True)


def test_nanoseconds_are_refused_with_their_row(cloud):
    batches = [
        pa.record_batch([pa.array(values, pa.timestamp("ns"))], ["x"])
        for values in ([0, 1000], [2000, 1])
    ]
    with pytest.raises(SessionError, match="The column `x` holds, in row 4, a value that the type"):
        write(cloud, pa.Table.from_batches(batches))


def test_a_stream_that_fails_leaves_nothing(cloud):
    def batches():
        yield from NEW.to_batches()
        raise SessionError("gateway::broken_off", "The data broke off")

    write(cloud, OLD)
    stream = pa.RecordBatchReader.from_batches(NEW.schema, batches())
    error = refusal(cloud.warehouse.begin_write, relation(), stream)
    assert error.code == "gateway::broken_off"
    assert (cloud.world.rows(), cloud.world.tables()) == ([(1,)], ["scores"])


PARSED = {
    "snowflake": ("variant", "parse_json($1:c0::varchar)::variant"),
    "bigquery": ("JSON", "parse_json(c0) as `x`"),
    "databricks": ("variant", "parse_json('[1]')"),
    "redshift": ("SUPER", "json_parse(?::varchar(65535))"),
    "trino": ("JSON", "json_parse('[1]')"),
}


def test_text_is_parsed_for_a_type_of_json(cloud):
    """A cast would turn the text into a JSON string."""
    type, expected = PARSED[cloud.kind]
    cloud.warehouse.begin_write(
        relation(), pa.table({"x": ["[1]"]}).to_reader(), "overwrite", {"x": type}
    ).commit()
    assert cloud.world.rows() == [("[1]",)]
    assert any(expected in step for step in cloud.world.steps), cloud.world.steps
