"""A `dbt` that does wrong what FAULTY_DBT_SEED draws, and notes what it really built.

Its project: `a <- b <- c` (tables), `b <- e` (ephemeral) `<- d`, and a test `t` of `a`.
"""

import json
import os
import random
import signal
import subprocess
import sys

PARENTS = {"a": [], "b": ["a"], "c": ["b"], "e": ["b"], "d": ["e"], "t": ["a"]}
ORDER = ["a", "t", "b", "e", "d", "c"]
WORDS = sys.argv[1:]
chance = random.Random(os.environ["FAULTY_DBT_SEED"] + WORDS[0])


def unique_id(name):
    return f"{'test' if name == 't' else 'model'}.p.{name}"


def argument(name):
    return WORDS[WORDS.index(name) + 1]


TARGET = os.path.join(argument("--project-dir"), "target")
FAULTS = """
    none none fails_a_node dies exits_0 exits_1 kills_itself prints_junk long_line not_utf8 no_file empty_file cut_file
    old_file lost_rows foreign_rows unknown_status null_status no_events no_success_events contradicts leaves_a_child
    renders_not closes_stdout cut_manifest
""".split()
# Two, so that faults meet. A file names them where the environment must stay the same.
named = os.environ["FAULTY_DBT_BUILT"] + ".faults"
if os.path.exists(named):
    with open(named) as file:
        fault, second = file.read().split()
else:
    fault, second = chance.choices(FAULTS, k=2)


def is_(name):
    return name in (fault, second)


lines = 0
last = chance.randint(0, 30)


def write(text):
    global lines
    lines += 1
    if is_("dies") and lines > last:
        sys.stdout.flush()
        os._exit(chance.choice([0, 0, 1, 2, 3]))
    if is_("kills_itself") and lines > last:
        os.kill(os.getpid(), signal.SIGKILL)
    if is_("prints_junk") and chance.random() < 0.3:
        print(
            chance.choice(
                ['{"info": 3}', "{", "null", "[1]", '{"info":{"name":"X"}', "hello", "\x1b[0m"]
            )
        )
    if is_("not_utf8") and chance.random() < 0.3:
        sys.stdout.flush()
        sys.stdout.buffer.write(b"\xff\xfe{\n")
    if is_("long_line") and chance.random() < 0.2:
        print("x" * 100_000)
    try:
        print(text, flush=True)
    except (OSError, ValueError):
        pass


def event(name, message, level="info", node=None, **data):
    if node:
        status = data.get("status", "started")
        data["node_info"] = {"unique_id": unique_id(node), "node_status": status}
    info = {"name": name, "level": level, "msg": message, "thread": "Thread-1"}
    write(json.dumps({"info": info, "data": data}))


def manifest():
    nodes = {}
    for name, parents in PARENTS.items():
        kind = "test" if name == "t" else "model"
        materialized = {"e": "ephemeral", "t": "test"}.get(name, "table")
        nodes[unique_id(name)] = {
            "unique_id": unique_id(name), "name": name, "resource_type": kind, "package_name": "p", "language": "sql",
            "fqn": ["p", name], "path": f"{name}.sql", "original_file_path": f"models/{name}.sql", "alias": name,
            "database": "p", "schema": "main", "tags": [], "meta": {}, "config": {"materialized": materialized, "enabled": True},
            "depends_on": {"nodes": [unique_id(parent) for parent in parents]},
        }  # fmt: skip
    version = os.environ["FAULTY_DBT_VERSION"]
    metadata = {"project_name": "p", "dbt_version": version, "adapter_type": "duckdb"}
    return json.dumps({"metadata": metadata, "nodes": nodes, "sources": {}})


def put(name, text):
    os.makedirs(TARGET, exist_ok=True)
    with open(os.path.join(TARGET, name), "w") as file:
        file.write(text)


def run():
    """Builds what is selected, and returns rows and exit code."""
    selected = {
        word.split(",")[0].removeprefix("fqn:p.") for word in WORDS[WORDS.index("--select") + 1 :]
    }
    failing = (
        chance.choice([name for name in ORDER if name in selected]) if is_("fails_a_node") else None
    )
    rows, bad = [], set()
    for name in ORDER:
        if name == "e":
            if is_("renders_not"):
                bad.add("e")
                event("Generic", "[error] [JinjaError (dbt1501)]: no such macro", "error", "e")
                rows.append(row("e", "error", "Failed to render"))
            continue
        if name not in selected:
            continue
        if any(parent in bad for parent in PARENTS[name]):
            bad.add(name)
            rows.append(row(name, "skipped", "Skipped due to upstream failure"))
            continue
        event("NodeStart", f"Began {name}", "debug", name)
        well = name != failing
        if well:
            with open(os.environ["FAULTY_DBT_BUILT"], "a") as file:
                file.write(name + "\n")
        else:
            bad.add(name)
        good = "pass" if name == "t" else "success"
        status = good if well else ("fail" if name == "t" else "error")
        said = status
        if is_("contradicts") and well and chance.random() < 0.5:
            # It did not build it after all: of the log and the file, one says so.
            forget(name)
            status, said = chance.choice([(status, "error"), ("error", said)])
            bad.add(name)
        silent = is_("no_events") or (is_("no_success_events") and said == good)
        if not silent:
            event("LogModelResult", f"{name} {said}", "info", name, status=said, execution_time=0.1)
        rows.append(row(name, status, "Succeeded" if status == good else "Compilation Error"))
    return rows, 1 if bad else 0


def forget(name):
    path = os.environ["FAULTY_DBT_BUILT"]
    with open(path) as file:
        names = file.read().split()
    names.remove(name)
    with open(path, "w") as file:
        file.write("".join(f"{name}\n" for name in names))


def row(name, status, message):
    return {
        "unique_id": unique_id(name),
        "status": status,
        "message": message,
        "execution_time": 0.1,
        "timing": [],
    }


def artifact(rows):
    if is_("lost_rows"):
        rows = [each for each in rows if chance.random() < 0.6]
    if is_("foreign_rows"):
        rows = [
            row("z", "error", "elsewhere"),
            *rows,
            {"status": "success"},
            row("y", "success", ""),
        ]
    for each in rows:
        if is_("unknown_status") and chance.random() < 0.4:
            each["status"] = chance.choice(["transmogrified", "reused!", "Success "])
        if is_("null_status") and chance.random() < 0.4:
            each["status"] = None
    text = json.dumps({"metadata": {}, "args": {}, "results": rows, "elapsed_time": 1})
    if is_("cut_file"):
        text = text[: chance.randint(0, len(text) - 1)]
    if is_("empty_file"):
        text = ""
    if not is_("no_file"):
        put("run_results.json", text)


if is_("leaves_a_child"):
    subprocess.Popen(["sleep", "600"])
event("MainReportVersion", "Running with dbt")
is_parse = WORDS[0] == "parse"
if is_parse:
    code = 0
else:
    rows, code = run()
    if is_("closes_stdout"):
        os.close(1)
    artifact(rows)
text = manifest()
is_cut = is_("cut_file") if is_parse else is_("cut_manifest")
put("manifest.json", text[: chance.randint(0, len(text) - 1)] if is_cut else text)
if not is_parse:
    event("CommandCompleted", "Done")
if is_("exits_0"):
    code = 0
if is_("exits_1"):
    code = 1
os._exit(code)
