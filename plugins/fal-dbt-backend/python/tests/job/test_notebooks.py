"""Notebook models: cells, magics, shell lines."""

import json

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
    assert error["frames"] == [
        {"file": "models/n.ipynb", "cell": 3, "line": 2, "text": "f()"},
        {"file": "models/n.ipynb", "cell": 1, "line": 2, "text": "nonesuch()"},
    ]


def test_a_decorated_function_keeps_its_lines(notebook):
    error = notebook(
        "1", "import functools\n@functools.lru_cache\ndef f():\n    nonesuch()", "f()"
    ).error
    assert 'File "models/n.ipynb", Cell 3, line 4, in f\n    nonesuch()' in error["traceback"]


def test_a_syntax_error_names_cell_and_line(notebook):
    ended = notebook("print(1)", "x = 1\ny = = 2")
    assert ended.stdout == ""
    assert ended.error["kind"] == "syntax"
    assert ended.error["message"] == "SyntaxError: invalid syntax (models/n.ipynb, Cell 3, line 2)"
    assert ended.error["frames"] == [
        {"file": "models/n.ipynb", "cell": 3, "line": 2, "text": "y = = 2"}
    ]
    expected = ['  File "models/n.ipynb", Cell 3, line 2', "    y = = 2"]
    assert ended.error["traceback"].splitlines()[:2] == expected
    expected = "SyntaxError: 'return' outside function (models/n.ipynb, Cell 3, line 2)"
    assert notebook("1", "x\nreturn 3").error["message"] == expected


def test_a_second_write_names_the_cell(notebook):
    message = notebook(WRITE, "pass\n" + WRITE).error["message"]
    assert message.splitlines()[0] == "fal: write_to_model was already called at Cell 1, line 2"


OUTPUT = {
    "await": (
        "import asyncio\nasync def f():\n    return 3",
        "x = await f()",
        "print(x, await asyncio.sleep(0, 4))",
        "print(asyncio.run(f()))",
        "3 4\n3\n",
    ),
    "a future import holds for later cells": (
        "from __future__ import annotations",
        "def f(x: nothing): pass\nprint(f.__annotations__)",
        "{'x': 'nothing'}\n",
    ),
    "display": ("display(1, 'x')", "1\n'x'\n"),
    "a result that no cell names is not kept": (
        "import weakref\nclass C: pass\nc = C()\nw = weakref.ref(c)\nc",
        "del c",
        "print(w())",
        "None\n",
    ),
}


@pytest.mark.parametrize("case", OUTPUT)
def test_output(notebook, case):
    *cells, output = OUTPUT[case]
    assert notebook(*cells).stdout == output


def test_an_error_behind_await(notebook):
    error = notebook("async def f():\n    nonesuch()", "await f()").error
    assert "Cell 1, line 2, in f\n    nonesuch()" in error["traceback"]
    assert "fal_worker" not in error["traceback"]


def test_warnings_name_the_cell(notebook):
    text = notebook("1", "import warnings\nwarnings.warn('careful')").stderr
    assert "n.ipynb, Cell 3:2: UserWarning: careful" in text


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
        f"{magic('cd', '../models')}\nprint({magic('pwd')}[-7:])",
        f"x = {magic('time', '1 + 2')}\nprint(x)",
        cell_magic("time", "", "y = 5\nz = 6"),
        "print(y + z)",
        cell_magic("writefile", "made.txt", "text"),
        cell_magic("bash", "", "cat made.txt"),
        cell_magic("python3", "", "print(40 + 2)"),
        cell_magic("capture", "out", "print('silent')"),
        "print(repr(out.stdout))",
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
        *(
            magic(name, "inline")
            for name in ("matplotlib", "load_ext", "autoreload", "config", "init_fal")
        ),
        *(
            cell_magic(name, "", "<b>")
            for name in ("html", "javascript", "latex", "markdown", "svg")
        ),
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
    assert error["message"].startswith(
        "fal: a model does not install packages while it runs\nPut the package"
    )


def test_a_failing_program_fails_the_model(notebook):
    assert "CalledProcessError" in notebook(cell_magic("bash", "", "exit 4")).error["message"]


def test_an_error_in_a_timed_cell(notebook):
    error = notebook(cell_magic("time", "", "x = 1\nnonesuch")).error
    assert 'File "models/n.ipynb", Cell 1, line 1, in <module>' in error["traceback"]
    assert "line 2, in <module>" in error["traceback"]


def test_names_of_a_notebook_are_not_in_scripts_of_libraries(notebook):
    assert "is not there in a model" in notebook("get_ipython().kernel").error["message"]


CAPTURE = "# get_ipython(): %%capture"


def test_a_captured_cell_keeps_its_output(notebook):
    ended = notebook(
        f"{CAPTURE} out\nimport sys\nprint('a')\nprint('b', file=sys.stderr)\nget_ipython().system('echo c; echo d >&2')",
        "print(repr((out.stdout, out.stderr, out.outputs, str(out))))\nout.show()",
        f"# %%time\n\n{CAPTURE} --no-stderr only\nprint('e')\nprint('f', file=sys.stderr)",
        "print(repr((only.stdout, only.stderr)))",
        f"{CAPTURE}\nprint('dropped')",
        f"{CAPTURE} nothing\n# no code",
        "print(repr(nothing.stdout))",
        "# %%capture is only a comment here\nprint('shown')",
    )
    assert ended.error is None or ended.error["kind"] == "no_write"
    assert ended.stdout.splitlines() == [
        r"('a\nc\n', 'b\nd\n', [], 'a\nc\n')", "a", "c", r"('e\n', '')", "''", "shown",
    ]  # fmt: skip
    assert ended.stderr.splitlines() == ["b", "d", "f"]


def test_a_captured_cell_that_fails_shows_its_output(notebook):
    ended = notebook(f"{CAPTURE} out\nprint('before')\nnonesuch()")
    assert ended.stdout == "before\n"
    assert 'File "models/n.ipynb", Cell 1, line 3, in <module>' in ended.error["traceback"]
    assert "unrecognized arguments: --all" in notebook(f"{CAPTURE} out --all\n1").error["message"]


def test_results_and_inputs_of_cells(notebook):
    ended = notebook(
        "40 + 2",
        "_ + 1",
        "'quiet';",
        "None",
        "x = 7",
        "print(_, __, repr(___), Out, _1, _2)",
        "print(In[1].strip(), _i.strip(), _i2.strip(), len(In))",
        "import asyncio\nawait asyncio.sleep(0, 5)",
        "print(_)",
        "for _ in range(3): pass\n1 + 1",
        "print(_, Out[10])",
    )
    assert ended.stdout.splitlines() == [
        "43 42 '' {1: 42, 2: 43} 42 43",
        "40 + 2 print(_, __, repr(___), Out, _1, _2) _ + 1 8",
        "5",
        "2 2",
    ]


def write_notebook(path, *cells):
    kinds = [{"cell_type": "markdown", "source": "# Title"}]
    kinds += [
        {"cell_type": "code", "source": source, "outputs": [], "execution_count": None}
        for source in cells
    ]
    path.write_text(
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": kinds})
    )


def test_run_of_a_notebook(notebook, project):
    write_notebook(
        project / "models" / "other.ipynb",
        "%matplotlib inline\nvalue = [\n  10\n  %3,\n]",
        "files = !printf 'a\\nb'\n!echo $word\nif True:\n    !echo inside\nvalue?",
        "%%capture kept\nprint('silent')",
        "%%time\ntimed = 1\n!echo timed",
        "import sys\nargs = sys.argv[1:]\n'dropped'",
        "import asyncio\nslept = await asyncio.sleep(0, 3)",
        "text = '''\n%no magic\n!neither\n'''",
    )
    ended = notebook(
        "word = 'hi'\n'kept'",
        magic("run", "./other.ipynb -x 1"),
        "print(value, files, repr(kept.stdout), timed, args, slept, repr(text), __file__[-8:], _)",
        magic("run", "other"),
    )
    lines = [line for line in ended.stdout.splitlines() if "time:" not in line]
    assert lines == [
        "hi", "inside", "timed",
        r"[1] ['a', 'b'] 'silent\n' 1 ['-x', '1'] 3 '\n%no magic\n!neither\n' /n.ipynb kept",
        "hi", "inside", "timed",
    ]  # fmt: skip


def test_errors_of_a_notebook_that_is_run(notebook, project):
    write_notebook(project / "models" / "other.ipynb", "x = 1\nnonesuch()")
    error = notebook("pass", magic("run", "other.ipynb")).error
    text = error["traceback"]
    assert 'File "models/other.ipynb", Cell 2, line 2, in <module>\n    nonesuch()' in text
    write_notebook(project / "models" / "other.ipynb", "x = = 1")
    text = notebook(magic("run", "other.ipynb")).error["traceback"]
    assert 'other.ipynb", Cell 2, line 1' in text
    (project / "models" / "other.ipynb").write_text("[1]")
    assert "other.ipynb is not a notebook" in notebook(magic("run", "other.ipynb")).error["message"]
    message = notebook(magic("run", "nowhere.py")).error["message"]
    assert "%run finds no file" in message
    assert "relative to its own folder" in message


def test_a_notebook_runs_in_its_own_folder(notebook, run, project):
    (project / "models" / "rows.csv").write_text("a\n1\n")
    (project / "models" / "helper.py").write_text("import sys\nhelped = sys.argv")
    ended = notebook(
        f"print(open('rows.csv').read())\n{magic('run', 'helper.py 5')}\nprint(helped[1:])"
    )
    assert ended.stdout == "a\n1\n\n['5']\n"
    assert run("import os\nprint(os.getcwd())").stdout == f"{project}\n"


@pytest.mark.parametrize("path", ["models/sub/n.ipynb", "models/sub/m.py"])
def test_relative_imports(run, project, path):
    folder = project / "models" / "sub"
    folder.mkdir()
    (folder / "near.py").write_text("name = 'near'")
    (project / "models" / "above.py").write_text("name = 'above'")
    code = (
        "from . import near\nfrom .near import name\nfrom .. import above\nprint(name, above.name)"
    )
    lines = [{"cell": 1, "line": n + 1} for n in range(4)] if path.endswith("ipynb") else None
    assert run(code, path=path, lines=lines).stdout == "near above\n"
