"""Error messages of models: only the user's frames, and the exception's own text."""

import re
import sys
import textwrap

import pytest


@pytest.fixture
def fails(run):
    """`fails(code)` returns the error of a model that fails."""
    return lambda code, **rest: run(code, **rest).error


def test_a_traceback_shows_the_users_lines(fails):
    error = fails(
        """
        def divide(a, b):
            return a / b

        divide(1, 0)
        """
    )
    assert error["kind"] == "exception"
    assert error["message"] == "ZeroDivisionError: division by zero"
    lines = [
        line for line in error["traceback"].splitlines() if "^" not in line and "~" not in line
    ]
    assert lines == [
        "Traceback (most recent call last):",
        '  File "models/m.py", line 5, in <module>',
        "    divide(1, 0)",
        '  File "models/m.py", line 3, in divide',
        "    return a / b",
        "ZeroDivisionError: division by zero",
    ]


def test_frames_of_libraries_are_one_line(fails):
    error = fails(
        """
        import json
        def default(value):
            raise LookupError("mine")
        json.dumps([[[{1: object()}]]], default=default, indent=1)
        """
    )
    text = error["traceback"]
    assert text.count("json/") == 1
    assert "more frames of libraries]" in text
    assert (
        text.index("line 5, in <module>") < text.index("json/") < text.index("line 4, in default")
    )


def test_helpers_of_the_project_are_shown(fails, project):
    (project / "models" / "helper.py").write_text("def f():\n    raise ValueError('deep')\n")
    text = fails("import helper\nhelper.f()")["traceback"]
    assert "File \"models/helper.py\", line 2, in f\n    raise ValueError('deep')" in text


def test_frames_are_the_users_lines(fails, project):
    (project / "models" / "helper.py").write_text("import json\njson.loads('{')\n")
    assert fails("\nimport helper")["frames"] == [
        {"file": "models/m.py", "cell": None, "line": 2, "text": "import helper"},
        {"file": "models/helper.py", "cell": None, "line": 2, "text": "json.loads('{')"},
    ]
    (project / "models" / "helper.py").write_text("def :\n")
    expected = {"file": "models/helper.py", "cell": None, "line": 1, "text": "def :"}
    assert fails("import helper")["frames"][-1] == expected
    assert len(fails("def f(): f()\nf()")["frames"]) == 30


def test_errors_that_came_from_others_are_told(fails):
    error = fails(
        """
        try:
            {}["key"]
        except KeyError as error:
            raise ValueError("outer") from error
        """
    )
    text = error["traceback"]
    assert error["message"] == "ValueError: outer"
    assert "KeyError: 'key'" in text
    assert "The above exception was the direct cause" in text
    assert "fal_worker" not in text
    assert text.count('File "models/m.py"') == 2


def test_a_syntax_error_is_told_with_its_place_before_anything_runs(run):
    ended = run("print('never')\nx = = 1\n")
    assert ended.stdout == ""
    assert ended.error["kind"] == "syntax"
    assert ended.error["message"] == "SyntaxError: invalid syntax (models/m.py, line 2)"
    expected = ['  File "models/m.py", line 2', "    x = = 1", "        ^"]
    assert ended.error["traceback"].splitlines()[:3] == expected


def test_a_syntax_error_of_an_imported_file(fails, project):
    (project / "models" / "helper.py").write_text("def :\n")
    error = fails("import helper")
    assert error["message"].endswith("SyntaxError: invalid syntax")
    assert 'File "models/m.py", line 1, in <module>' in error["traceback"]
    assert 'File "models/helper.py", line 1' in error["traceback"]


def test_a_refused_frame_shows_no_frame_of_ours(fails):
    error = fails("write_to_model([1])")
    assert error["kind"] == "fal"
    assert error["message"].startswith("fal: write_to_model does not take list")
    assert [line for line in error["traceback"].splitlines() if line.startswith("  File")] == [
        '  File "models/m.py", line 1, in <module>'
    ]


def test_errors_of_the_gateway_are_plain(fails):
    error = fails(
        "try:\n    ref('nothing')\nexcept FalError as error:\n    print(error.code)\n    raise"
    )
    assert error["message"] == "there is no 'nothing'\nDeclare it."
    expected = ["FalError: there is no 'nothing'", "Declare it."]
    assert error["traceback"].splitlines()[-2:] == expected
    assert "gRPC" not in error["traceback"]
    assert "pyarrow" not in error["traceback"]


def test_a_refused_write_is_told(fails, gateway):
    gateway.refusal = "not today"
    error = fails("import pyarrow\nwrite_to_model(pyarrow.table({'a': range(1_000_000)}))")
    assert error["message"] == "not today"


def test_a_gateway_that_is_gone(fails, sockets):
    error = fails("ref('a')", location=f"grpc+unix://{sockets}/gone.sock")
    assert error["message"] == "fal: the data gateway does not answer: the dbt session has ended"
    error = fails("ref('a')", location="grpc+tcp://127.0.0.1:1")
    away = "the run has ended, or the network is broken"
    expected = f"fal: the data gateway at grpc+tcp://127.0.0.1:1 does not answer: {away}"
    assert error["message"] == expected


def test_a_second_write_is_refused_before_it_is_sent(run, gateway):
    table = "import pyarrow\nt = pyarrow.table({'a': [1]})\n"
    error = run(table + "write_to_model(t)\nwrite_to_model(t)").error
    assert error["message"].splitlines()[0] == "fal: write_to_model was already called at line 3"
    assert len(gateway.commands) == 1
    gateway.written.clear()
    code = "for _ in range(2):\n    try:\n        write_to_model(t)\n    except FalError as e:\n        print(e.code)"
    assert run(table + code).stdout == "worker::second_write\n"
    assert len(gateway.commands) == 2


def test_a_frame_that_was_refused_may_be_corrected(run, gateway):
    ended = run(
        "import pyarrow\ntry:\n    write_to_model(3)\nexcept FalError:\n    write_to_model(pyarrow.table({'a': [1]}))"
    )
    assert ended.ok
    assert gateway.model.to_pydict() == {"a": [1]}


def test_no_write(fails):
    assert fails("x = 1") == {
        "kind": "no_write",
        "message": "fal: the script ended without a call of write_to_model",
        "traceback": None,
    }


def test_a_write_that_failed_and_was_hidden(fails, gateway):
    gateway.refusal = "no"
    error = fails(
        "import pyarrow\ntry:\n    write_to_model(pyarrow.table({'a': [1]}))\nexcept Exception:\n    pass"
    )
    assert error["kind"] == "no_write"
    assert "write_to_model at line 3 failed" in error["message"]


def test_an_error_while_rows_are_made(fails):
    error = fails(
        """
        import pyarrow
        def rows():
            yield pyarrow.table({"a": [1]})
            raise KeyError("mine")
        write_to_model(rows())
        """
    )
    assert error["message"] == "KeyError: 'mine'"
    assert 'line 5, in rows\n    raise KeyError("mine")' in error["traceback"]
    assert "fal_worker" not in error["traceback"]
    assert "pyarrow/" not in error["traceback"]


def test_a_write_that_breaks_off_is_the_models_to_handle(run):
    code = """
        import pyarrow
        table = pyarrow.table({"a": [1]})
        def rows():
            yield table
            raise KeyError("mine")
        try:
            write_to_source(rows(), "s", "t")
        except KeyError:
            write_to_model(table)
        """
    # The gateway keeps nothing: a write counts only once its stream has ended.
    assert run(code).ok


def test_output_is_kept_when_the_model_fails(run):
    ended = run(
        "import sys\nprint('a', end='')\nprint('b', end='', file=sys.stderr)\nsys.stdout.write('c')\nraise ValueError"
    )
    assert (ended.stdout, ended.stderr) == ("ac", "b")


CHAIN = "e = None\nfor n in range(3000):\n    f = ValueError(n)\n    f.__cause__ = e\n    e = f\nraise e"
ODD = "class Odd(Exception):\n    def __str__(self):\n        raise ValueError\nraise Odd()"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise SystemExit('no orders today')", "SystemExit: no orders today"),
        (CHAIN, "ValueError: 2999"),
        # It cannot be printed.
        (ODD, "(?s)Odd: <.*"),
    ],
)
def test_messages(fails, code, message):
    assert re.fullmatch(message, fails(code)["message"])


def test_kinds(fails):
    assert fails("raise KeyboardInterrupt")["kind"] == "interrupted"
    assert fails("", project_dir=None)["kind"] == "internal"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="there were none")
def test_groups_of_errors(fails):
    text = fails(
        "def f(): raise ValueError(1)\ntry:\n    f()\nexcept ValueError as e:\n    raise ExceptionGroup('two', [e, KeyError('k')])"
    )["traceback"]
    assert "ValueError: 1" in text
    assert "KeyError: 'k'" in text
    assert 'File "models/m.py", line 1, in f' in text


def test_a_message_of_any_length_is_cut(fails):
    for character in "x", "\N{SNOWMAN}", "\U0001f44d", "\x00":
        error = fails(f"raise ValueError('begin' + {character!r} * 9_000_000 + 'end')")
        assert error["message"].startswith("ValueError: begin")
        assert error["message"].endswith("end")
        assert "characters left out ...]" in error["message"]
        assert "line 1, in <module>" in error["traceback"]
        assert len(error["message"]) < 101_000
        assert len(error["traceback"]) < 101_000
    for code in (
        "raise SystemExit('x' * 9_000_000)",
        "raise KeyError('x' * 9_000_000)",
        "eval('(' * 100 + 'x' * 9_000_000)",
    ):
        assert len(str(fails(code))) < 350_000


def test_the_text_that_ran_is_shown_and_not_the_text_on_disk(start, project):
    job = start("import os, time\nprint(1)\nwhile not os.path.exists('go'): time.sleep(0.01)\nboom")
    job.line()
    (project / "models" / "m.py").write_text(textwrap.dedent("x\n" * 10))
    (project / "go").touch()
    assert "line 4, in <module>\n    boom" in job.end().error["traceback"]


def test_a_package_that_is_not_there_leads_to_the_python_that_lacks_it(fails):
    error = fails("import slack_sdk_that_nobody_has.web")
    hint = f"install the package that has the module `slack_sdk_that_nobody_has` for {sys.executable}, or run this code in an environment"
    assert error["message"].startswith(
        "ModuleNotFoundError: No module named 'slack_sdk_that_nobody_has'\nhelp: " + hint
    )
    assert error["traceback"].endswith(error["message"])


@pytest.mark.parametrize(
    "code",
    ["import json.nothing", "raise ModuleNotFoundError('by hand')", "from json import nothing"],
)
def test_other_imports_that_fail_get_no_advice(fails, code):
    assert "help:" not in fails(code)["message"]
