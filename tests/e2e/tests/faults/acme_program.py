"""A program with all four stages that misbehaves once.

`ACME_PROGRAM_FAULT` names the fault and its moment: `STAGE METHOD COUNT FAULT`. The program is
written from the protocol's description alone.
"""

import json
import os
import signal
import struct
import sys
import threading
import time

INTERFACE = "1.1.0"
STAGES = ["python-parser", "notebook-parser", "stub-writer", "execution-backend"]
PARENTS = {"b": ["a"], "c": ["b"], "below": ["fails"]}

words = os.environ.get("ACME_PROGRAM_FAULT", "").split(" ", 3)
PLAN = (words[0], words[1], int(words[2]), words[3]) if len(words) == 4 else None
incoming, outgoing = sys.stdin.buffer, os.fdopen(os.dup(1), "wb", buffering=0)
os.dup2(2, 1)
writing, counting, cancelled = threading.Lock(), threading.Lock(), threading.Event()
opened, sessions, calls = {}, {}, 0


class Refusal(Exception):
    def __init__(self, error):
        super().__init__()
        self.error = error


def write(data):
    with writing:
        while data:
            data = data[outgoing.write(data) :]


def frame(message):
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    write(struct.pack(">I", len(data)) + data)


def mark(variable):
    if os.environ.get(variable):
        open(os.environ[variable], "w").close()


def due(stage, method):
    global calls
    if PLAN is None or PLAN[:2] != (stage, method):
        return None
    with counting:
        calls += 1
        if calls != PLAN[2]:
            return None
    mark("ACME_FIRED")
    return PLAN[3]


def for_ever():
    while True:
        time.sleep(60)


def act(fault):
    """Acts on a fault before the answer."""
    if fault == "hangs":
        for_ever()
    elif fault == "spins":
        while True:
            pass
    elif fault == "is slow":
        time.sleep(0.2)
    elif fault == "panics":
        raise RuntimeError("acme cannot stand it")
    elif fault == "refuses":
        error = {
            "code": "acme::licence",
            "message": "the licence of acme is out of date",
            "help": None,
        }
        raise Refusal({"kind": "plugin", "error": error})
    elif fault == "refuses without words":
        raise Refusal({"kind": "plugin", "error": {"code": "", "message": "", "help": None}})
    elif fault == "complains":
        print("acme complains", file=sys.stderr, flush=True)
    elif fault == "leaks threads":
        for _ in range(8):
            threading.Thread(target=for_ever, daemon=True).start()
    elif fault == "aborts":
        os.abort()
    elif fault == "crashes":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif fault.startswith("exits with "):
        os._exit(int(fault[11:]))
    elif fault == "leaves a child":
        if os.fork() == 0:
            os.execvp("sleep", ["sleep", "600"])
    elif fault == "babbles":
        write(b"debug: colourless green ideas sleep furiously\n" * 3)
    elif fault == "babbles a little":
        write(b"hm")
        for_ever()
    elif fault == "begins a frame and ends":
        write(struct.pack(">I", 500) + b'{"id"')
        os._exit(0)
    elif fault == "begins a frame and hangs":
        write(struct.pack(">I", 500) + b'{"id"')
        for_ever()
    elif fault == "announces too much":
        write(b"\xff\xff\xff\xff")
        for_ever()
    elif fault == "announces a huge attachment":
        frame({"id": 1, "ok": None, "attachment": 1 << 60})
    elif fault == "closes its output":
        outgoing.close()
        for_ever()
    elif fault == "closes everything":
        outgoing.close()
        os.closerange(0, 64)
        for_ever()
    elif fault == "is deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for_ever()
    elif fault == "answers a call that was never made":
        frame({"id": 4711, "ok": None})
    elif fault == "tells nonsense":
        for event in (7, "x", {"session": "x"}, {"session": 1, "body": {"event": "colour"}}):
            frame({"event": event, "stage": 1})
        frame({"event": None, "stage": "x"})
    elif fault == "tells much":
        for _ in range(5000):
            tell("line")
    elif fault == "tells for ever":
        threading.Thread(
            target=lambda: [(tell("still there"), time.sleep(0.001)) for _ in iter(int, 1)],
            daemon=True,
        ).start()
    elif fault == "tells of another node":
        tell("hello", "model.elsewhere.x")
    elif fault == "complains much":
        print("acme complains of everything " * 3000, file=sys.stderr, flush=True)


def tell(line, node="model.acme.a"):
    for number in list(opened):
        for session in list(sessions) or [1]:
            body = {"event": "output", "unique_id": node, "stream": "stdout", "line": line}
            frame({"event": {"session": session, "body": body}, "stage": number})


def spoiled(fault, id, answer):
    """Returns the bytes to send instead of the answer; `None` to send nothing."""
    if fault == "answers nonsense":
        return b"colourless green ideas"
    if fault == "answers nothing":
        return b""
    if fault == "answers half":
        return json.dumps({"id": id, "ok": answer}).encode()[:-3]
    if fault == "answers in no encoding":
        return b'{"id": %d, "ok": "\xff\xfe"}' % id
    if fault == "answers too much":
        return {"id": id, "ok": "x" * (60 << 20)}
    if fault == "answers in another shape":
        return {"id": id, "ok": {"colour": [7]}}
    if fault == "answers outside":
        stub = {"path": "acme/../../outside.sql", "content": "-- acme"}
        return {"id": id, "ok": "../outside" if isinstance(answer, str) else stub}
    if fault == "answers with the user's file":
        return {"id": id, "ok": {"path": "acme/user_too.sql", "content": "-- acme"}}
    if fault == "answers null":
        return {"id": id, "ok": None}
    if fault == "answers both":
        return {"id": id, "ok": answer, "error": {"kind": "panic", "message": "acme"}}
    if fault == "answers neither":
        return {"id": id}
    if fault == "errs nonsensically":
        return {"id": id, "error": "colourless green ideas"}
    if fault == "errs without a word":
        return {"id": id, "error": None}
    if fault == "answers about another node":
        return json.loads(
            json.dumps({"id": id, "ok": answer}).replace("model.acme.", "model.elsewhere.")
        )
    if fault == "answers twice":
        frame({"id": id, "ok": answer})
    if fault == "never answers":
        return None
    return {"id": id, "ok": answer}


def result(unique_id):
    return {
        "unique_id": unique_id,
        "status": "error" if unique_id.endswith(".fails") else "success",
        "message": "ACME",
    }


def node(model):
    name = model["name"]
    parents = ["model.acme." + parent for parent in PARENTS.get(name, [])]
    path = model.get("stub_path") or model["path"]
    return {
        "unique_id": "model.acme." + name, "name": name, "resource_type": "model", "package_name": "acme",
        "original_file_path": path, "fqn": ["acme", name], "depends_on": parents,
    }  # fmt: skip


def session_call(method, session, body, runner):
    if method == "open":
        sessions[session] = body
    elif method == "load":
        info = {
            "project_name": "acme",
            "adapter": "acme",
            "threads": 2,
            "target_path": sessions[session]["project_dir"] + "/target",
        }
        return {
            "info": info,
            "nodes": [] if runner else [node(model) for model in body["python_models"]],
        }
    elif method == "select":
        return ["model.acme.a", "model.acme.b", "model.acme.c"]
    elif method == "run_node":
        if os.environ.get("ACME_WAITS"):
            mark("ACME_WAITS")
            cancelled.wait(20)
        return result(body["unique_id"])
    elif method == "lend":
        lease = {
            "lease": body["unique_id"],
            "script": sessions[session]["state_dir"] + "/lease.py",
            "gateway": {"location": "", "token": ""},
        }
        return {"kind": "lease", "lease": lease}
    elif method == "settle":
        return body["result"]
    elif method == "compile":
        return {"sql": body["sql"]}
    elif method == "cancel":
        cancelled.set()
    elif method == "close":
        return {}
    return None


def perform(stage, config, method, body, attachment):
    text = attachment.decode("utf-8", "replace")
    if stage == "python-parser":
        names = [line[8:] for line in text.splitlines() if line.startswith("# needs ")]
        place = {
            "start": 0,
            "end": 0,
            "from": {"line": 1, "column": 1},
            "to": {"line": 1, "column": 1},
        }
        depends = [
            {
                "kind": "ref",
                "text": f"ref('{name}')",
                "args": [name],
                "version": None,
                "origin": "code",
                "span": place,
            }
            for name in names
        ]
        return {
            "kind": "script", "docstring": None, "dependencies": depends, "unresolved": [], "writes": [],
            "write_count": {"min": 1, "max": 1}, "imports": [], "diagnostics": [],
        }  # fmt: skip
    if stage == "notebook-parser":
        return (
            ["pynb"]
            if method == "extensions"
            else {"python": text, "lines": [], "language": "python", "diagnostics": []}
        )
    if stage == "stub-writer":
        if method == "folder":
            return "acme"
        if method == "judge":
            return "ours" if body["content"].startswith("-- acme\n") else "foreign"
        refs = "".join("-- {{ " + one["text"] + " }}\n" for one in body["dependencies"])
        content = (
            "-- acme\n{{ config(materialized='ephemeral') }}\n"
            + refs
            + "select * from {{ this }}\n-- end\n"
        )
        return {"path": "acme/" + body["model"] + ".sql", "content": content}
    if method == "capabilities":
        runner = bool(config.get("runner"))
        return {"sql": not runner, "python": True, "lends": not runner}
    return session_call(method, body["session"], body["body"], bool(config.get("runner")))


def manifest(fault):
    good = {
        "name": "acme-program", "version": "0.3.0", "interface": INTERFACE, "payload": 1, "stages": STAGES,
        "description": "One fault at one moment", "config_schema": {"type": "object"}, "features": [],
    }  # fmt: skip
    changes = {
        "has no name": {"name": ""},
        "has no stage": {"stages": []},
        "has unknown stages": {"stages": ["colours"]},
        "has a bad schema": {"config_schema": {"type": "anything"}},
        "is too new": {"interface": "9.0.0"},
        "is of no version": {"interface": "new"},
    }
    return {**good, **changes.get(fault, {})}


def answer(message, attachment):
    id, method, number = message["id"], message["method"], message.get("stage")
    if method == "hello":
        stage, moment = "plugin", "hello"
    elif isinstance(number, int):
        stage, moment = opened[number][0], method
    else:
        stage, moment = number, "opens"
    fault = due(stage, moment)
    try:
        if fault is not None:
            act(fault)
        if method == "hello":
            value = manifest(fault)
        elif moment == "opens":
            value, opened[message["as"]] = None, (stage, message.get("body") or {})
        else:
            value = perform(*opened[number], method, message.get("body"), attachment)
        answer = spoiled(fault, id, value) if fault is not None else {"id": id, "ok": value}
    except Refusal as refusal:
        answer = {"id": id, "error": refusal.error}
    except Exception as error:
        answer = {
            "id": id,
            "error": {"kind": "panic", "message": f"acme: {type(error).__name__}: {error}"},
        }
    if answer is not None:
        frame(answer)


def main():
    while True:
        start = incoming.read(4)
        if len(start) < 4:
            fault = due("plugin", "goodbye")
            if fault is not None:
                act(fault)
            os._exit(0)
        message = json.loads(incoming.read(struct.unpack(">I", start)[0]))
        attachment = incoming.read(message.get("attachment") or 0)
        stage = opened.get(message.get("stage")) if isinstance(message.get("stage"), int) else None
        if stage is not None and stage[0] == "execution-backend":
            threading.Thread(target=answer, args=(message, attachment), daemon=True).start()
        else:
            answer(message, attachment)


main()
