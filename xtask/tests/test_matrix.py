"""The parts of the matrix that run nothing."""

import pytest
from matrix import BEGIN, END, count, is_minor, needs_overrides, render, replaced

PYTEST = "FAILED tests/a.py::x\n2 failed, 407 passed, 1 skipped, 1 error in 215.50s (0:03:35)"
NEXTEST = "     Summary [ 148.533s] 20 tests run: 19 passed (1 slow), 1 failed, 240 skipped\n  FAIL a 1 passed"
CARGO = "test result: ok. 3 passed; 0 failed; 0 ignored\n\ntest result: FAILED. 1 passed; 2 failed; 0 ignored"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PYTEST, {"passed": 407, "failed": 3, "skipped": 1}),
        (NEXTEST, {"passed": 19, "failed": 1, "skipped": 0}),
        (CARGO, {"passed": 4, "failed": 2, "skipped": 0}),
        ("error: could not compile", None),
    ],
)
def test_every_runner_is_understood(text, expected):
    assert count(text) == expected


def test_versions_are_numbers():
    assert needs_overrides("1.12") and needs_overrides("2.0") and not needs_overrides("1.8")
    assert is_minor("1.12.6", "1.12") and not is_minor("1.12.6", "1.1")


def test_only_the_table_of_the_page_changes():
    page = f"# Title\n{BEGIN}old\n{END}rest\n"
    assert replaced(page, "new\n") == f"# Title\n{BEGIN}new\n{END}rest\n"


def test_a_line_says_what_was_installed_and_how_it_went():
    versions = ["1.8.10", "1.11.1", "1.9.1", "1.16.3", "2.0.0", "3.11.7"]
    names = ["dbt-core", "dbt-duckdb", "dbt-postgres", "dbt-adapters", "duckdb", "python"]
    counts = {"passed": 4, "failed": 1, "skipped": 9}
    installed = dict(zip(names, versions))
    earlier = ["| 1.8.9 | old |", "| 1.10.1 | old |", "| 2.0.0rc1 (Fusion) | old |"]
    page = "\n".join([BEGIN.strip(), *earlier, END.strip(), "| 1.1.1 | elsewhere |"])
    results = {"installed": installed, "all": False, "python": counts, "e2e": counts}
    known = {"1.1": {}, "1.8": results, "1.10": {}, "2.0.0rc1": {}}
    assert render(known, page).splitlines()[2:] == [
        "| 1.8.10 | 1.11.1 | 1.9.1 | 1.16.3 | 2.0.0 | 3.11.7"
        " | 4 passed, 1 failed, 9 skipped | 4 passed, 1 failed, 9 skipped |",
        *earlier[1:],
    ]
