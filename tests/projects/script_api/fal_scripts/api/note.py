"""Notes for the test, one JSON line each."""

import json


def note(context, script, **what):
    with open(context.config.target_path / "notes.jsonl", "a") as file:
        file.write(json.dumps({"script": script, **what}) + "\n")
