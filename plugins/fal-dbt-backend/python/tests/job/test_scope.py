"""The names that a model sees, and the environment it runs in."""

import json

import pyarrow
import pytest
from stand_ins.supervisor import PYTHON, Zygote


@pytest.fixture
def prints(run):
    """`prints(code)` returns what a script prints. The script need not write."""

    def prints(code, **rest):
        ended = run(code, **rest)
        assert ended.ok or ended.error["kind"] == "no_write", ended.error["traceback"]
        return ended.stdout

    return prints


@pytest.mark.parametrize(
    ("call", "command"),
    [
        ("ref('a')", {"op": "ref", "args": ["a"], "version": None}),
        ("ref('p', 'a')", {"op": "ref", "args": ["p", "a"], "version": None}),
        ("ref('a', version=2)", {"op": "ref", "args": ["a"], "version": 2}),
        ("ref('a', v='3')", {"op": "ref", "args": ["a"], "version": "3"}),
        ("source('s', 't')", {"op": "source", "args": ["s", "t"]}),
        ("execute_sql('select 1 as x')", {"op": "sql", "sql": "select 1 as x"}),
    ],
)
def test_reading(prints, gateway, call, command):
    for name in ("a", "p.a", "s.t"):
        gateway.tables[name] = pyarrow.table({"x": [1]})
    assert prints(f"df = {call}\nprint(type(df).__name__, df.x.tolist())") == "DataFrame [1]\n"
    assert gateway.commands[0] == {"token": "t0ken", **command}


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("pandas", "DataFrame"),
        ("polars", "DataFrame"),
        ("arrow", "Table"),
        ("reader", "RecordBatchReader"),
    ],
)
def test_forms(prints, gateway, form, kind):
    gateway.tables["a"] = pyarrow.table({"x": [1, None]})
    code = f"df = ref('a', as_={form!r})\nprint(type(df).__module__.split('.')[0], type(df).__name__)\nwrite_to_model(df)"
    library = form if form in ("pandas", "polars") else "pyarrow"
    assert prints(code) == f"{library} {kind}\n"
    assert gateway.model.to_pydict() == {"x": [1, None]}


def test_a_reader_streams(prints, gateway):
    gateway.tables["a"] = pyarrow.Table.from_batches(
        [pyarrow.RecordBatch.from_pydict({"x": [n]}) for n in range(5)]
    )
    code = """
        def doubled():
            for batch in ref("a", as_="reader"):
                yield batch.to_pandas() * 2
        write_to_model(doubled())
        """
    prints(code)
    assert gateway.model["x"].to_pylist() == [0, 2, 4, 6, 8]
    assert gateway.batches == 5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("ref()", "fal: ref takes 1 or 2 names, not 0"),
        ("ref(3)", "fal: ref takes names as text, not int"),
        ("source('a')", "fal: source takes 2 names, not 1"),
        ("ref('a', as_='spark')", "fal: as_ is one of pandas, polars, arrow, reader, not 'spark'"),
        ("execute_sql(1)", "fal: execute_sql takes the text of a query, not int"),
        ("write_to_model(1, mode='append')", "fal: write_to_model does not take int"),
        ("var('nothing')", "fal: there is no var 'nothing'"),
        ("env_var('NOTHING_AT_ALL')", "fal: there is no environment variable 'NOTHING_AT_ALL'"),
    ],
)
def test_misuse(run, call, message):
    assert run(call).error["message"].splitlines()[0].startswith(message)


def test_modes(run, gateway):
    table = "import pyarrow\nt = pyarrow.table({'a': [1]})\n"
    wrong = {
        "write_to_source(t, 's', 't', mode='upsert')": "fal: mode is one of overwrite, append, not 'upsert'",
        "write_to_model(t, mode=1)": "fal: a mode is a text, not 1",
    }
    for call, message in wrong.items():
        assert run(table + call).error["message"] == message
    # The job doesn't know which strategies a model supports.
    assert run(
        table + "write_to_source(t, 's', 't')\nwrite_to_model(t, dtype={'a': 'x'}, mode='merge')"
    ).ok
    assert gateway.commands == [
        {"token": "t0ken", "op": "write_to_source", "args": ["s", "t"], "mode": "append"},
        {"token": "t0ken", "op": "write_to_model", "mode": "merge", "dtype": {"a": {"sql": "x"}}},
    ]


def test_without_a_mode_the_materialization_decides(run, gateway):
    assert run("import pyarrow\nwrite_to_model(pyarrow.table({'a': [1]}))").ok
    assert gateway.commands == [{"token": "t0ken", "op": "write_to_model", "mode": None}]


def test_is_incremental_is_asked_of_the_gateway(prints, gateway):
    assert prints("print(is_incremental())") == "True\n"
    assert [command["token"] for command in gateway.commands] == ["t0ken"]


# What scripts print.
PRINTED = {
    "lists": (
        "print(list_models()[0].name, list_models_ids()['model.p.a'], list_sources()[0].source_name)",
        "a success s\n",
    ),
    "functions can be pickled": (
        "import pickle\ndef f(): return 3\nprint(pickle.loads(pickle.dumps(f))())\nprint(type(pickle.loads(pickle.dumps(FalError('x', help='y')))))",
        "3\n<class 'FalError'>\n",
    ),
    "multiprocessing works": (
        "import multiprocessing\ndef f(n): return n * n\nwith multiprocessing.get_context('fork').Pool(2) as pool: print(pool.map(f, [1, 2, 3]))",
        "[1, 4, 9]\n",
    ),
    "imports of legacy fal": (
        "from fal.typing import *\nfrom fal.dbt.typing import ref as other\nfrom faldbt.magics import init_fal\nfrom fal.dbt.integration.magics import init_fal as init\n"
        "init_fal(project_dir='x', profiles_dir='y')\nprint(other is ref, init(1))",
        "True None\n",
    ),
    "characters": ("print('ä🙂', '\\ud800')", "ä🙂 \\ud800\n"),
    "a byte order mark": ("\ufeffprint('mark')", "mark\n"),
    "future imports": (
        "from __future__ import annotations\ndef f(x: nothing): pass\nprint(f.__annotations__)",
        "{'x': 'nothing'}\n",
    ),
}


@pytest.mark.parametrize("case", PRINTED)
def test_what_is_printed(prints, case):
    code, printed = PRINTED[case]
    assert prints(code) == printed


def test_context_is_asked_for_when_it_is_looked_at(prints, gateway):
    assert prints("print(1)") == "1\n"
    assert gateway.commands == []
    code = "m = context.current_model\nprint(m.name, m.alias, m.meta['owner'], 'current_model' in context, f'select * from {this}')"
    assert prints(code) == 'm m_alias ann True select * from "main"."m"\n'
    assert len(gateway.commands) == 1


def test_context_tells_what_it_has(run):
    assert "there is: current_model, this" in run("context.nothing").error["message"]


def test_vars_target_and_environment(prints):
    code = "print(var('a'), var('b', 2), target.name, env_var('HOME') != '', env_var('NOPE', 'd'))"
    assert prints(code, vars={"a": [1]}, target={"name": "dev"}) == "[1] 2 dev True d\n"


def test_vars_target_and_this_of_the_context(prints, gateway):
    gateway.context = {
        "vars": {"a": 1},
        "target": {"name": "prod"},
        "current_model": {"database": "d", "schema": "s", "alias": "m"},
    }
    assert prints("print(var('a'), var('b', 2), target.name, this)") == '1 2 prod "d"."s"."m"\n'
    assert len(gateway.commands) == 1


def test_the_script_is_main(prints, project):
    code = "import sys, os, __main__\nprint(__name__, __file__, sys.argv, sys.path[:2], os.getcwd(), __main__.__file__ == __file__)"
    file = str(project / "models" / "m.py")
    expected = (
        f"__main__ {file} {[file]} {[str(project / 'models'), str(project)]} {project} True\n"
    )
    assert prints(code) == expected


def test_a_forked_process_is_told_that_it_cannot_read(prints, gateway):
    gateway.tables["a"] = pyarrow.table({"x": [1]})
    code = """
        import os
        ref("a")
        if os.fork() == 0:
            try:
                ref("a")
            except FalError as error:
                print(error, flush=True)
            os._exit(0)
        os.wait()
        """
    assert prints(code).startswith(
        "fal: a process that the model started cannot read or write relations\n"
    )


def test_future_imports_of_the_worker_are_not_those_of_the_script(prints):
    assert json.loads(prints("def f(x: 3): pass\nprint(f.__annotations__['x'])")) == 3


HIDE = """
import sys
class Hider:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in {"pandas", "polars", "duckdb", NUMPY}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hider())
"""
# pyarrow before version 18 needs numpy.
NUMPY = "numpy" if int(pyarrow.__version__.partition(".")[0]) >= 18 else "none"


@pytest.fixture(scope="module", params=["fork", "spawn"])
def bare(request, sockets, tmp_path_factory):
    """A zygote of an environment that has pyarrow and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "sitecustomize.py").write_text(HIDE.replace("NUMPY", repr(NUMPY)))
    zygote = Zygote(sockets, PYTHONPATH=f"{PYTHON}:{folder}", FAL_WORKER_START=request.param)
    yield zygote
    zygote.close()


def test_pyarrow_is_enough(start, gateway, bare):
    gateway.tables["a"] = pyarrow.table({"x": [1, None]})
    ended = start("write_to_model(ref('a', as_='arrow'))", zygote=bare).end()
    assert ended.ok, ended.error
    assert gateway.model.to_pydict() == {"x": [1, None]}


def test_a_library_that_is_missing_is_named(start, gateway, bare):
    for call, message in (
        ("ref('a')", "fal: pandas is not installed in this environment"),
        ("ref('a', as_='polars')", "fal: polars is not installed"),
    ):
        error = start(call, zygote=bare).end().error
        assert error["message"].startswith(message)


def test_a_native_model_without_its_libraries(start, gateway, bare):
    code = "def model(dbt, session):\n    return dbt.ref('a')\nclass dbtObj:\n    def __init__(self, load): self.ref = load\n"
    message = start(code, zygote=bare, kind="native").end().error["message"]
    assert "pandas is not installed" in message


def test_a_singular_test_is_of_fals_class():
    from fal_worker.job import objects

    given = [
        {"name": "a", "test_type": "singular", "status": "pass"},
        {"name": "b", "test_type": "generic", "status": "fail"},
    ]
    expected = [objects.DbtSingularTest, objects.DbtGenericTest]
    assert [type(each) for each in objects.tests(given)] == expected
    assert [each.status.value for each in objects.tests(given)] == ["pass", "fail"]
