"""The parts of the benchmark that do not measure."""

import os
import subprocess

import pytest
from bench.data import times
from bench.itself import measurements
from bench.memory import kilobytes, tree
from bench.programs import median
from bench.projects import Python, models
from bench.table import Rate, Table


def test_rows_are_aligned_as_markdown_wants():
    table = Table()
    table.times("run", 1.5, "dbt run", 3, "≤ 0.9")
    table.time("graph", 0.00579)
    table.rates("rows", Rate(2000, 2), "COPY", Rate(1000, 2))
    assert table.lines[2:] == [
        "| run | 1.50 s | dbt run: 3.00 s | 0.50 | ≤ 0.9 |",
        "| graph | 5.79 ms |  |  |  |",
        "| rows | 1000 rows/s | COPY: 500 rows/s | 0.50 |  |",
    ]


def test_the_median_is_one_of_the_times():
    assert (median([9, 1, 4]), median([9, 1])) == (4, 1)


def test_times_are_found_in_lines_of_a_run():
    found = times("08:00:00  reads | BENCH read-arrow 0.25\nBENCH read-arrow 0.5\nother\n")
    assert found["read-arrow"] == [0.25, 0.5]


def test_lines_of_the_benchmark_of_graphs_are_understood():
    line = "select tag:nightly+                  1.24 ms"
    assert measurements(f"{line}\nrunning 3 tests") == [
        ("select tag:nightly+", pytest.approx(0.00124))
    ]


@pytest.mark.parametrize(("chains", "nodes", "python"), [(16, 50, 9), (1, 5, 2)])
def test_both_projects_hold_the_same_models(chains, nodes, python):
    work = models(chains, 10)
    assert len(work) == nodes
    assert sum(isinstance(it, Python) for it in work.values()) == python


def test_a_process_finds_itself_and_its_child():
    own = os.getpid()
    with subprocess.Popen(["sleep", "60"]) as child:
        found = tree(own)
        child.kill()
    assert found[0] == own
    assert child.pid in found
    assert kilobytes(own, "smaps_rollup", "Pss") > 100
    assert kilobytes(own, "status", "VmHWM") > 100
