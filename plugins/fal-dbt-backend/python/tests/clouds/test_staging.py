"""Files staged in a place that the user names: a Databricks volume, an S3 folder for Redshift."""

import io
import os
import sys
from types import ModuleType

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from clouds.world import relation
from fal_worker.errors import SessionError
from fal_worker.warehouse.cloud.loading import Files
from fal_worker.warehouse.cloud.types import Words, columns
from live.job_client import refusal

TABLE = pa.table({"x": [1, 2], "s": ["it's \\ `q`", None]})
VOLUME = {"fal_staging_volume": "/Volumes/main/default/stage/"}


def write(cloud, table: pa.Table, **how) -> None:
    cloud.warehouse.begin_write(relation(), table.to_reader(), **how).commit()


def test_volume(open_cloud):
    cloud = open_cloud("databricks", **VOLUME)
    write(cloud, TABLE)
    assert cloud.world.rows() == [(1, "it's \\ `q`"), (2, None)]
    place = "/Volumes/main/default/stage/fal_ID"
    assert cloud.world.steps == [
        "create table \"memory\".\"main\".\"scores__fal_tmp\" (`x` bigint, `s` string)",
        f"put FILE into {place}/0.parquet",
        f'insert into "memory"."main"."scores__fal_tmp" (`x`, `s`) select cast(c0 as bigint), cast(c1 as string) from parquet.`{place}`',
        f"remove '{place}/0.parquet'",
        'create or replace table "memory"."main"."scores" as select `x`, `s` from "memory"."main"."scores__fal_tmp"',
        'drop table if exists "scores__fal_tmp"',
    ]  # fmt: skip
    assert cloud.world.files == {}


def test_volume_without_rows_and_with_a_fault(open_cloud):
    cloud = open_cloud("databricks", **VOLUME)
    write(cloud, TABLE.slice(0, 0))
    assert cloud.world.rows() == []
    for number in (1, 2, 3):
        cloud.world.steps, cloud.world.fail_at = [], number
        with pytest.raises(SessionError):
            write(cloud, TABLE)
        cloud.world.fail_at = None
        assert (cloud.world.rows(), cloud.world.files, cloud.world.tables()) == ([], {}, ["scores"])


def test_volume_and_variables_that_cannot_be(open_cloud, monkeypatch):
    monkeypatch.setenv("FAL_STAGING_VOLUME", "/tmp/x")
    error = refusal(write, open_cloud("databricks"), TABLE)
    assert (error.code, "/tmp/x" in error.message) == ("gateway::variable", True)
    error = refusal(write, open_cloud("databricks", fal_staging_volume=7), TABLE)
    assert error.code == "gateway::variable"


class S3:
    """Imitates boto3's S3 client."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.deleted: list[str] = []

    def upload_file(self, Filename: str, Bucket: str, Key: str) -> None:
        with open(Filename, "rb") as file:
            self.objects[f"s3://{Bucket}/{Key}"] = file.read()

    def delete_object(self, Bucket: str, Key: str) -> None:
        self.deleted.append(f"s3://{Bucket}/{Key}")


@pytest.fixture
def s3(monkeypatch):
    made = S3()
    module = ModuleType("boto3")
    module.client = lambda service: {"s3": made}[service]
    monkeypatch.setitem(sys.modules, "boto3", module)
    return made


@pytest.mark.parametrize("role", [{}, {"fal_iam_role": "arn:aws:iam::1:role/r"}])
def test_s3(open_cloud, s3, role, monkeypatch):
    cloud = open_cloud("redshift", fal_s3_staging="s3://bucket/fal/", **role)
    copies = []

    def run(sql, values=None):
        if not sql.startswith("copy"):
            return type(cloud.adapter).run(cloud.adapter, sql, values)
        copies.append(sql)
        (content,) = s3.objects.values()
        cursor = cloud.adapter.connections.get_thread_connection().cursor
        cursor.register("uploaded", pq.read_table(io.BytesIO(content)))
        return cursor.execute(f"insert into {sql.split(' ')[1]} select * from uploaded")

    cloud.adapter.run = run
    write(cloud, TABLE)
    assert cloud.world.rows() == [(1, "it's \\ `q`"), (2, None)]
    (key,) = s3.objects
    access = "iam_role 'arn:aws:iam::1:role/r'" if role else "iam_role default"
    assert copies == [
        f'copy "memory"."main"."scores__fal_tmp" from \'{key.rpartition("/")[0]}/\' {access} format as parquet'
    ]
    assert s3.deleted == [key]


def test_s3_is_left_alone_for_types_that_copy_does_not_take(open_cloud, s3):
    cloud = open_cloud("redshift", fal_s3_staging="s3://bucket/fal")
    write(cloud, pa.table({"z": pa.array([0], pa.timestamp("us", "UTC"))}))
    assert (s3.objects, len(cloud.world.rows())) == ({}, 1)
    error = refusal(write, open_cloud("redshift", fal_s3_staging="bucket"), TABLE)
    assert error.code == "gateway::variable"


def test_files_hold_what_the_frame_holds():
    """Rows are split into files of about the same size, and one at a time is kept."""
    table = pa.table({
        "i": pa.array(range(300_000)), "ns": pa.array(range(0, 300_000_000, 1_000), pa.timestamp("ns")), "d": pa.array(["a", "b"] * 150_000).dictionary_encode(),
    })  # fmt: skip
    files = Files(
        columns(table.schema, Words("?"), {}), table.to_reader(max_chunksize=50_000), most=1 << 18
    )
    parts, seen = [], []
    with files.opened() as paths:
        for path in paths:
            parts.append(pq.read_table(path))
            seen.append(path)
    assert len(parts) > 2
    whole = pa.concat_tables(parts)
    assert whole.schema.names == ["c0", "c1", "c2"]
    assert whole.num_rows == 300_000
    assert files.rows == 300_000
    assert whole["c0"].to_pylist() == list(range(300_000))
    assert whole["c2"].to_pylist()[-2:] == ["a", "b"]
    assert not any(os.path.exists(path) for path in seen)


def test_a_statement_with_literals_is_never_too_long(open_cloud):
    from fal_worker.warehouse.cloud import trino

    cloud = open_cloud("trino")
    table = pa.table({"s": ["x" * 300_000] * 7, "i": range(7)})
    write(cloud, table)
    inserts = [step for step in cloud.world.steps if step.startswith("insert")]
    assert [step.count("bigint '") for step in inserts] == [2, 2, 2, 1]
    assert max(map(len, inserts)) < trino._CHARACTERS + 1000 < 1_000_000
    assert len(cloud.world.rows()) == 7
