"""The tables that `FalDbt` writes."""

import subprocess
import sys
import threading

import pandas
import polars
import pytest
from fal import FalError


def rows(*ids):
    return pandas.DataFrame({"id": list(ids)})


def test_a_model_is_replaced_and_appended_to(fal):
    fal.write_to_model(rows(1, 2), target_model_name="written")
    assert fal.ref("written")["id"].tolist() == [1, 2]
    fal.write_to_model(rows(3), "written", mode="append")
    assert fal.ref("written")["id"].tolist() == [1, 2, 3]
    fal.write_to_model(polars.DataFrame({"id": [9]}), "shop", "written")
    assert fal.ref("written")["id"].tolist() == [9]


def test_a_source_is_appended_to_and_replaced(fal):
    fal.write_to_source(rows(1), "raw", "log")
    fal.write_to_source(rows(2), "raw", "log")
    assert fal.source("raw", "log")["id"].tolist() == [1, 2]
    fal.write_to_source(rows(3), "raw", "log", mode="overwrite")
    assert fal.source("raw", "log")["id"].tolist() == [3]


def test_another_process_sees_it_at_once_while_the_session_lives(fal, shop, elsewhere):
    fal.write_to_model(rows(5), "written")
    assert elsewhere(shop, "from written") == [(5,)]
    elsewhere(shop, "insert into written values (6)")
    assert fal.ref("written")["id"].tolist() == [5, 6]


def test_a_database_that_another_process_holds_for_a_moment_is_waited_for(fal, shop):
    program = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read(1)"
    command = [sys.executable, "-c", program, str(shop / "shop.duckdb")]
    fal.write_to_model(rows(7), "written")
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        other.stdout.readline()
        letting_go = threading.Timer(0.3, other.stdin.close)
        letting_go.start()
        assert fal.ref("written")["id"].tolist() == [7]
        letting_go.join()


def test_refusals_leave_the_table(fal):
    fal.write_to_model(rows(4), "written")
    with pytest.raises(FalError, match="needs the name of a model"):
        fal.write_to_model(rows(1))
    with pytest.raises(FalError, match="no model writen\nDid you mean `written`"):
        fal.write_to_model(rows(1), "writen")
    with pytest.raises(FalError, match="does not take list"):
        fal.write_to_model([1], "written")
    with pytest.raises(FalError, match="mode is one of"):
        fal.write_to_model(rows(1), "written", mode="replace")
    assert fal.ref("written")["id"].tolist() == [4]
