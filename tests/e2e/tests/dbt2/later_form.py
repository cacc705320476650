"""dbt 2, with what it writes in the form of builds since 2.0.0-beta.1.

It runs the `dbt` beside its Python, which is an earlier build. The form is that of the public source
of dbt-core 2.0.0-beta.2: rows of run_results.json have all keys, `args` is flat, threads have other
names, and events carry the name of their code. The version stays, since the build has the other
properties of its version. No build since the beta was ever run here.
"""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

KEYS = ["message", "failures", "compiled", "compiled_code", "relation_name", "batch_results"]
CODED = re.compile(r"\[(?:error|warning)\] \[(\w+) \((dbt\d+)\)\]: ", re.DOTALL)


def event(line):
    """Rewrites a line of the log."""
    try:
        found = json.loads(line)
        info = found["info"]
    except (ValueError, TypeError, KeyError):
        return line
    if coded := CODED.match(info["msg"]):
        info["name"], info["code"] = coded.groups()
    return json.dumps(found) + "\n"


def rewrite(path):
    """Rewrites run_results.json."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return
    for row in found["results"]:
        for key in KEYS:
            row.setdefault(key, None)
        row["thread_id"] = f"{row['thread_id']} (worker)"
    found["args"] |= found["args"].pop("__other__", {})
    path.write_text(json.dumps(found))


def target(words):
    """Returns the folder of the artifacts."""

    def given(flag, default):
        return words[words.index(flag) + 1] if flag in words else default

    project = Path(given("--project-dir", "."))
    return project / given("--target-path", os.environ.get("DBT_TARGET_PATH", "target"))


def main():
    words = sys.argv[1:]
    results = target(words) / "run_results.json"
    results.unlink(missing_ok=True)
    command = [Path(sys.executable).with_name("dbt"), *words]
    # Ctrl-C goes to dbt too, which ends by itself.
    signal.signal(signal.SIGINT, lambda *_: None)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as dbt:
        for line in dbt.stdout:
            sys.stdout.write(event(line))
            sys.stdout.flush()
    rewrite(results)
    sys.exit(dbt.returncode if dbt.returncode >= 0 else 128 - dbt.returncode)


main()
