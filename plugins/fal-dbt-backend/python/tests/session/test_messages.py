"""The messages of `protocol.py` are those that the plugin interface publishes and the notes
describe.
"""

import json
import re
from pathlib import Path

import pytest
from fal_worker import protocol
from fal_worker.engine.session import Session

ROOT = Path(__file__).parents[5]
SCHEMAS = json.loads((ROOT / "docs/plugins/schemas/execution-backend.json").read_text())["$defs"]
PUBLISHED = """BeginRequest CloseResponse CompileRequest CompileResponse LoadRequest NodeResult
    OpenRequest PythonModel RunGraph SelectRequest""".split()


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_message_has_the_fields_that_are_published(name):
    message = getattr(protocol, name)
    assert set(message.__annotations__) == set(SCHEMAS[name]["properties"])


def test_the_session_has_the_operations_that_the_notes_describe():
    notes = (ROOT / "docs/notes/worker-protocol.md").read_text()
    section = notes.partition("## Session")[2].partition("\n## ")[0]
    described = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    operations = [name[3:] for name in dir(Session) if name.startswith("op_")]
    assert sorted(described) == sorted(operations)
