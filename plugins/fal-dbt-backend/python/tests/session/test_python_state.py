"""`state:` and deferral take the code and the tables of Python models into account."""

import json
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from fal_worker.engine.python_state import PythonState
from fal_worker.project.graph import Files
from live.fixtures import make_project
from live.process import Refused


@dataclass
class Hash:
    name: str = "sha256"
    checksum: str = "of the stub"


@dataclass
class Node:
    name: str
    package_name: str = "shop"
    checksum: Hash = field(default_factory=Hash)

    @property
    def unique_id(self):
        return f"model.{self.package_name}.{self.name}"

    @property
    def original_file_path(self):
        return f"models\\fal\\{self.name}.sql"


def noted(root, *names, warn=pytest.fail):
    """Returns a state whose models are scripts, and its manifest."""
    models = [
        {"path": f"models/{name}", "stub_path": f"models/fal/{name.split('.')[0]}.sql"}
        for name in names
    ]
    nodes = [Node(name.split(".")[0]) for name in [*names, "of_dbt.sql"]] + [
        Node("a", package_name="other")
    ]
    metadata = SimpleNamespace(project_name="shop")
    manifest = SimpleNamespace(nodes={node.unique_id: node for node in nodes}, metadata=metadata)
    return PythonState(manifest, Files("shop", "dbt_packages"), str(root), models, warn), manifest


def notebook(source, count=None, title="A title"):
    code = {"cell_type": "code", "source": [source], "execution_count": count, "outputs": []}
    return json.dumps({"cells": [{"cell_type": "markdown", "source": [title]}, code]})


@pytest.fixture
def models(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models/a.py").write_text("x = 1\n")
    (tmp_path / "models/b.ipynb").write_text(notebook("x = 1"))
    return tmp_path


CHANGES = [
    ("models/a.py", "x = 2\n", {"model.shop.a"}),
    ("models/a.py", "x = 1\r\n", set()),
    ("models/b.ipynb", notebook("x = 1", count=3, title="Another"), set()),
    ("models/b.ipynb", notebook("x = 2"), {"model.shop.b"}),
    ("models/b.ipynb", "no notebook", {"model.shop.b"}),
    ("models/a.py", b"\xff", set()),
]


@pytest.mark.parametrize(("path", "content", "changed"), CHANGES)
def test_the_code_decides(models, path, content, changed):
    _, before = noted(models, "a.py", "b.ipynb")
    (models / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    state, _ = noted(models, "a.py", "b.ipynb")
    of_dbt = {"model.shop.of_dbt"}
    assert state.answer("modified", of_dbt, before) == changed | of_dbt
    assert state.answer("modified.body", set(), before) == changed
    expected = {"model.shop.a", "model.shop.b"} - changed
    assert state.answer("unmodified", {"model.shop.a", "model.shop.b"}, before) == expected
    assert state.answer("modified.configs", set(), before) == set()


def test_a_model_of_a_package_has_no_code_of_ours(models):
    _, manifest = noted(models, "a.py")
    assert manifest.nodes["model.other.a"].checksum == Hash()
    assert manifest.nodes["model.shop.a"].checksum.name == "fal-sha256"


def test_a_model_that_was_not_there_is_dbts_to_judge(models):
    state, _ = noted(models, "a.py", "b.ipynb")
    assert state.answer("modified", set(), SimpleNamespace(nodes={})) == set()


def test_a_state_that_does_not_tell_is_said_once(models):
    said = []
    state, _ = noted(models, "a.py", "b.ipynb", warn=said.append)
    of_dbt = SimpleNamespace(nodes={f"model.shop.{name}": Node(name) for name in "ab"})
    assert state.answer("modified", set(), of_dbt) == set()
    assert state.answer("unmodified", {"model.shop.a"}, of_dbt) == {"model.shop.a"}
    assert len(said) == 1 and "code of a, b was" in said[0], said


def test_the_manifest_of_a_session_tells_of_the_code(tmp_path, open_session):
    root = make_project(tmp_path / "p", {"models/x.py": "x = 1\n", ".dbtignore": "x.py\n"})
    session = open_session(root, command="ls", execute=False)
    session.load("models/fal/scores.sql")
    with pytest.raises(Refused, match="--state DIR"):
        session.ask("select", method="state", value="modified")
    nodes = json.loads((root / "target/manifest.json").read_text())["nodes"]
    assert nodes["model.shop.scores"]["checksum"]["name"] == "fal-sha256"
    assert nodes["model.shop.orders"]["checksum"]["name"] == "sha256"
