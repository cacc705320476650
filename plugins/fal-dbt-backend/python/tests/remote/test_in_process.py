"""A lease in the process that asks for it, with a store of tables."""

from __future__ import annotations

import base64

import pyarrow as pa

from .conftest import Runner, ended

RUN = """
import os, runpy, sys
import pyarrow as pa

class Store(dict):
    put = dict.__setitem__

store = Store({"model.p.a": pa.table({"x": pa.array([7], pa.int32())})})
lease = runpy.run_path(sys.argv[1], run_name="fal_lease")["lease"]
code = lease(store if len(sys.argv) < 3 else None)
print("after", code, sorted(store), store.get("model.p.m"), __name__, os.getcwd(), sys.modules["__main__"].__dict__ is globals())
print("still here", file=sys.stderr)
sys.exit(code)
"""
READS = """
import os
print("in it", __name__, flush=True)
os.system("echo from a child")
a = ref("a", as_="arrow")
b = ref("b", as_="arrow")
print(a.schema.field("x").type, a["x"].to_pylist(), b["y"].to_pylist())
write_to_model(a)
"""
LOOPS = """
print("looping", flush=True)
while True:
    pass
"""
HELD = """
import ctypes
print("held", flush=True)
ctypes.CDLL(None).sleep(1000)
"""


def start(runner: Runner, code: str, *words: str, timeout: float | None = None, **more):
    program = runner.folder / "program.py"
    program.write_text(RUN)
    return runner.start(str(program), str(runner.script(code, timeout, **more)), *words)


def schema(table: pa.Table) -> str:
    return base64.b64encode(table.schema.serialize()).decode()


def test_tables_come_from_the_store_and_go_there(runner: Runner):
    gateway = runner.gateway
    gateway.inputs = {"a": {"unique_id": "model.p.a", "schema": schema(pa.table({"x": [1]}))}}
    gateway.tables = {"a": pa.table({"x": [1]}), "b": pa.table({"y": [2]})}
    more = {"inputs": [{"unique_id": "model.p.a", "relation": "a"}], "output_is_rows": True}
    done = ended(start(runner, READS, **more))
    assert done.returncode == 0, gateway.answer
    assert gateway.answer["ok"] is True, gateway.answer
    assert gateway.model == pa.table({"x": [7]}), gateway.answer
    assert gateway.of("stdout") == ["in it __main__", "from a child", "int64 [7] [2]"]
    assert (
        done.stdout.startswith("after 0 ['model.p.a', 'model.p.m'] pyarrow.Table\nx: int64")
        and "[[7]] __main__ / True" in done.stdout
    )
    assert done.stderr == "still here\n"
    assert runner.left() == []
    # A second attempt, without a store.
    gateway.written.clear()
    done = ended(start(runner, READS, "no store", **more))
    assert (done.returncode, gateway.model, gateway.starts) == (0, pa.table({"x": [1]}), 2)


def test_a_failure_hands_on_nothing(runner: Runner):
    code = "import pyarrow as pa\nwrite_to_model(pa.table({'x': [1]}))\nraise ValueError('late')"
    done = ended(start(runner, code, output_is_rows=True))
    assert done.stdout.startswith("after 1 ['model.p.a'] None")
    assert runner.gateway.answer["error"]["message"] == "ValueError: late"


def test_what_a_model_does_to_its_frame_after_the_write_is_not_handed_on(runner: Runner):
    code = "import pandas\ndf = pandas.DataFrame({'x': [1.5, 2.5]})\nwrite_to_model(df)\ndf.iloc[0, 0] = 99.0\nprint(df['x'].tolist())"
    done = ended(start(runner, code, output_is_rows=True))
    assert runner.gateway.of("stdout") == ["[99.0, 2.5]"]
    assert runner.gateway.model.to_pydict() == {"x": [1.5, 2.5]}
    assert "[[1.5,2.5]]" in done.stdout, done.stdout


def test_code_is_stopped_or_its_process(runner: Runner):
    gateway = runner.gateway
    process = start(runner, LOOPS)
    gateway.await_line("looping")
    gateway.stop = True
    done = ended(process)
    assert done.stdout.startswith("after 3 ") and done.stderr.startswith(
        "fal: the run was interrupted"
    )
    assert (gateway.answer, runner.left()) == (None, [])
    gateway.stop = False
    done = ended(start(runner, HELD, timeout=1.0))
    assert (done.returncode, gateway.answer["error"]["kind"], done.stdout) == (1, "timeout", "")
    assert runner.left() == []
