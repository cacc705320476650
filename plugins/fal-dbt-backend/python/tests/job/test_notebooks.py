"""Notebook models: cells, magics, shell lines."""

import pytest

WRITE = "import pyarrow\nwrite_to_model(pyarrow.table({'a': [1]}))"


@pytest.fixture
def notebook(run):
    """`notebook(*cells)` runs code cells that are the cells 1, 3, 5, ... of a notebook."""

    def notebook(*cells):
        code, lines = [], []
        for number, cell in enumerate(cells):
            for line, text in enumerate(cell.strip("\n").split("\n"), 1):
                code.append(text)
                lines.append({"cell": 2 * number + 1, "line": line})
        return run("\n".join(code), path="models/n.ipynb", lines=lines)

    return notebook


def test_a_notebook_runs(notebook, gateway):
    ended = notebook("x = 1", "x + 1", "print(x, __file__[-8:])", WRITE)
    assert ended.ok, ended.error
    assert ended.stdout == "1 /n.ipynb\n"


def test_an_error_names_cell_and_line(notebook):
    error = notebook("def f():\n    nonesuch()", "x = 1\nf()").error
    assert error["message"] == "NameError: name 'nonesuch' is not defined"
    lines = [line for line in error["traceback"].splitlines() if "^" not in line]
    assert lines == [
        "Traceback (most recent call last):",
        '  File "models/n.ipynb", Cell 3, line 2, in <module>',
        "    f()",
        '  File "models/n.ipynb", Cell 1, line 2, in f',
        "    nonesuch()",
        "NameError: name 'nonesuch' is not defined",
    ]


def test_a_decorated_function_keeps_its_lines(notebook):
    error = notebook("1", "import functools\n@functools.lru_cache\ndef f():\n    nonesuch()", "f()").error
    assert 'File "models/n.ipynb", Cell 3, line 4, in f\n    nonesuch()' in error["traceback"]


def test_a_syntax_error_names_cell_and_line(notebook):
    ended = notebook("print(1)", "x = 1\ny = = 2")
    assert ended.stdout == ""
    assert ended.error["kind"] == "syntax"
    assert ended.error["message"] == "SyntaxError: invalid syntax (models/n.ipynb, Cell 3, line 2)"
    assert ended.error["traceback"].splitlines()[:2] == ['  File "models/n.ipynb", Cell 3, line 2', "    y = = 2"]
    assert (
        notebook("1", "x\nreturn 3").error["message"] == "SyntaxError: 'return' outside function (models/n.ipynb, Cell 3, line 2)"
    )


def test_a_second_write_names_the_cell(notebook):
    message = notebook(WRITE, "pass\n" + WRITE).error["message"]
    assert message.splitlines()[0] == "fal: write_to_model was already called at Cell 1, line 2"


def test_await_at_top_level(notebook):
    ended = notebook(
        "import asyncio\nasync def f():\n    return 3",
        "x = await f()",
        "print(x, await asyncio.sleep(0, 4))",
        "print(asyncio.run(f()))",
    )
    assert ended.stdout == "3 4\n3\n"


def test_an_error_behind_await(notebook):
    error = notebook("async def f():\n    nonesuch()", "await f()").error
    assert "Cell 1, line 2, in f\n    nonesuch()" in error["traceback"]
    assert "fal_worker" not in error["traceback"]


def test_future_imports_hold_for_later_cells(notebook):
    ended = notebook("from __future__ import annotations", "def f(x: nothing): pass\nprint(f.__annotations__)")
    assert ended.stdout == "{'x': 'nothing'}\n"


def test_warnings_name_the_cell(notebook):
    assert "n.ipynb, Cell 3:2: UserWarning: careful" in notebook("1", "import warnings\nwarnings.warn('careful')").stderr


def magic(name, line=""):
    return f"get_ipython().run_line_magic({name!r}, {line!r})"


def cell_magic(name, line, body):
    return f"get_ipython().run_cell_magic({name!r}, {line!r}, {body!r})"


def test_shell_lines(notebook):
    ended = notebook(
        "word = 'hi'\nprint('first')\nget_ipython().system('echo $word {word.upper()} $HOME; exit 3')",
        "lines = get_ipython().getoutput('printf \"a\\nb\\n\"')\nprint(lines, lines.n, lines.s, lines.l, _exit_code)",
        "def f():\n    local = 5\n    get_ipython().system('echo $local')\nf()",
    )
    first, *rest = ended.stdout.splitlines()
    assert first == "first"
    assert rest[0].startswith("hi HI /")
    assert rest[1:] == ["['a', 'b'] a", "b a b ['a', 'b'] 0", "5"]


def test_magics_that_do_something(notebook, project):
    ended = notebook(
        f"{magic('env', 'MARK=7')}\nprint({magic('env', 'MARK')})",
        f"{magic('cd', 'models')}\nprint({magic('pwd')}[-7:])",
        f"x = {magic('time', '1 + 2')}\nprint(x)",
        cell_magic("time", "", "y = 5\nz = 6"),
        "print(y + z)",
        cell_magic("writefile", "made.txt", "text"),
        cell_magic("bash", "", "cat made.txt"),
        cell_magic("python3", "", "print(40 + 2)"),
        cell_magic("capture", "out", "print('silent')"),
        "print(repr(out))",
        magic("timeit", "-n 3 y + z"),
    )
    lines = ended.stdout.splitlines()
    assert [line for line in lines if "time:" not in line and "per loop" not in line] == [
        "env: MARK=7", "7", str(project / "models"), "/models", "3", "11", "text", "42", "'silent\\n'",
    ]  # fmt: skip
    assert sum("wall time:" in line for line in lines) == 2
    assert sum("per loop" in line for line in lines) == 1


def test_magics_that_are_passed_over(notebook):
    ended = notebook(
        *(magic(name, "inline") for name in ("matplotlib", "load_ext", "autoreload", "config", "init_fal")),
        *(cell_magic(name, "", "<b>") for name in ("html", "javascript", "latex", "markdown", "svg")),
        "import os\nprint(os.environ['MPLBACKEND'])",
    )
    assert (ended.stdout, ended.stderr) == ("Agg\n", "")


def test_an_unknown_magic_is_told_and_ignored(notebook):
    ended = notebook("pass\n" + magic("dance", "x"), cell_magic("sing", "", "la"), WRITE)
    assert ended.ok
    assert ended.stderr.splitlines() == [
        "fal: %dance is not known here and was ignored (Cell 1, line 2)",
        "fal: %%sing is not known here and was ignored (Cell 3, line 1)",
    ]


@pytest.mark.parametrize("name", ["pip", "conda"])
def test_installing_is_refused(notebook, name):
    error = notebook(magic(name, "install x")).error
    assert error["message"].startswith("fal: a model does not install packages while it runs\nPut the package")


def test_a_failing_program_fails_the_model(notebook):
    assert "CalledProcessError" in notebook(cell_magic("bash", "", "exit 4")).error["message"]


def test_an_error_in_a_timed_cell(notebook):
    error = notebook(cell_magic("time", "", "x = 1\nnonesuch")).error
    assert 'File "models/n.ipynb", Cell 1, line 1, in <module>' in error["traceback"]
    assert "line 2, in <module>" in error["traceback"]


def test_display(notebook):
    assert notebook("display(1, 'x')").stdout == "1\n'x'\n"


def test_names_of_a_notebook_are_not_in_scripts_of_libraries(notebook):
    assert "is not there in a model" in notebook("get_ipython().kernel").error["message"]
