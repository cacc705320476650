"""A worker runs a lease's script."""

import sys

import pytest

from fal_ray_runner import remote


class Table:
    nbytes = 10


def lease(body: str) -> str:
    return f"import sys\ndef lease(store):\n    {body}\nif __name__ == '__main__': raise SystemExit(9)\n"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return 0", (0, "")),
        ("return 1", (1, "")),
        ("print('first\\nfal: no gateway', file=sys.stderr); return 3", (3, "fal: no gateway")),
        ("raise ValueError('odd')", (3, "ValueError: odd")),
        ("sys.exit(1)", (1, "")),
        ("sys.exit('text')", (1, "")),
    ],
)
def test_how_a_lease_ends(body: str, expected: tuple, capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stderr
    assert remote.run(lease(body), remote.Store({}, 0, 1.0)) == expected
    assert sys.stderr is before


def test_a_script_that_is_none() -> None:
    assert remote.run("nonsense here", remote.Store({}, 0, 1.0))[0] == 3


def test_tables_come_from_the_store_or_not_at_all(monkeypatch: pytest.MonkeyPatch, ray: object) -> None:
    monkeypatch.setitem(sys.modules, "ray", ray)
    store = remote.Store({"held": ["rows"], "lost": [ConnectionError()]}, 0, 1.0)
    assert [store.get(name) for name in ("held", "lost", "never")] == ["rows", None, None]
    assert (store.from_store, store.missing) == (1, 2)


@pytest.mark.parametrize(("keep", "kept"), [(10, True), (9, False), (-1, False)])
def test_a_table_is_kept_if_there_is_room(keep: int, kept: bool) -> None:
    store = remote.Store({}, keep, 1.0)
    store.put("m", Table())
    assert (store.table is not None) is kept


@pytest.mark.parametrize(("code", "size"), [(0, 10), (1, None)])
def test_a_node_that_failed_hands_nothing_on(monkeypatch: pytest.MonkeyPatch, code: int, size: object) -> None:
    monkeypatch.setattr(remote, "here", lambda: {"node": "n"})
    script = lease(f"store.put('m', T()); return {code}") + "class T: nbytes = 10\n"
    place, end, table = remote.node(script, {}, 100, 1.0)
    assert (place, end["code"], end["bytes"], table is None) == ({"node": "n"}, code, size, size is None)
    monkeypatch.setattr(remote, "node", lambda *_: iter([place, end, table]))
    assert remote.node_at_once(script, {}, 100, 1.0) == ({**place, **end}, table)


def test_a_python_is_looked_at(monkeypatch: pytest.MonkeyPatch, ray: object) -> None:
    monkeypatch.setitem(sys.modules, "ray", ray)
    assert remote.look("/no/such/python").startswith("it cannot be started")
    assert "No module named" in remote.look(f"{sys.executable} -S -I")
