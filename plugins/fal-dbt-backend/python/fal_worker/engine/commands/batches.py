"""Which nodes the next call of dbt may run. Pure: knows neither processes nor time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

# Statuses after which what depends on a node may run.
WELL = frozenset({"success", "pass", "warn", "no-op"})


@dataclass(frozen=True)
class Plan:
    """What a run consists of. `parents` may name nodes that are in neither set: order goes through them."""

    parents: Mapping[str, Iterable[str]]
    # What dbt runs.
    dbt: frozenset[str]
    # What runs elsewhere, between the calls of dbt.
    elsewhere: frozenset[str]
    # Nodes with scripts or hooks ahead of them, which only the host knows of: they run when they are asked for, never before.
    held: frozenset[str] = frozenset()
    # Those with hooks behind them, which belong to them: what comes next waits until it is asked for.
    hooked: frozenset[str] = frozenset()
    # Those with scripts behind them: what comes next waits likewise, but for data tests.
    followed: frozenset[str] = frozenset()
    tests: frozenset[str] = frozenset()
    # In `build`, unit tests with their models: dbt runs them there together, and not alone.
    unit_tests: Mapping[str, str] = field(default_factory=dict)
    _before: dict[str, frozenset[str]] = field(default_factory=dict, compare=False, repr=False)

    def before(self, node: str) -> frozenset[str]:
        """The nodes of this run that come right before it, through any that are not part of it."""
        if node not in self._before:
            found, seen, stack = set(), set(), list(self.parents.get(node, ()))
            while stack:
                parent = stack.pop()
                if parent in self.dbt or parent in self.elsewhere:
                    found.add(parent)
                elif parent not in seen:
                    seen.add(parent)
                    stack.extend(self.parents.get(parent, ()))
            self._before[node] = frozenset(found)
        return self._before[node]

    def settled_by(self, asked: str) -> frozenset[str]:
        """Whose hooks and scripts have ended, since the host asks for what comes behind them."""
        return self.before(asked) & (
            self.hooked if asked in self.tests else self.hooked | self.followed
        )

    def next(
        self, asked: Iterable[str], ended: Mapping[str, str], settled: Set[str] = frozenset()
    ) -> set[str]:
        """The largest set that dbt can run now: what is asked for, and all whose turn comes once the rest of the set has
        run. `ended` are the statuses of what has run, `settled` the nodes whose hooks and scripts have ended. Unit tests whose
        models are not in the set make a set of their own."""
        batch = {node for node in asked if node in self.dbt and node not in ended}
        waiting = {node for node in self.dbt - self.held - batch if node not in ended}
        while found := {node for node in waiting if self._is_next(node, batch, ended, settled)}:
            batch |= found
            waiting -= found
        alone = {
            node for node in batch if node in self.unit_tests and self.unit_tests[node] not in batch
        }
        return batch - alone or alone

    def _is_next(
        self, node: str, batch: set[str], ended: Mapping[str, str], settled: Set[str]
    ) -> bool:
        before = self.before(node)
        return self.settled_by(node) <= settled and all(
            parent in batch or ended.get(parent) in WELL for parent in before
        )


def with_tests(
    parents: Mapping[str, Iterable[str]], tests: Iterable[str], unit_tests: Mapping[str, str]
) -> dict[str, set[str]]:
    """The order of `build`: a data test comes before what depends on all that it tests, a unit test (named with its model)
    before its model."""
    order = {node: set(its) for node, its in parents.items()}
    for unit_test, model in unit_tests.items():
        order.setdefault(model, set()).add(unit_test)
    checks = set(tests)
    below = _Below(
        {
            node: its
            for node, its in parents.items()
            if node not in checks and node not in unit_tests
        }
    )
    for test in checks:
        tested = list(parents.get(test, ()))
        for node in below.all_of(tested) if tested else ():
            order[node].add(test)
    return order


class _Below:
    """What depends on nodes."""

    def __init__(self, parents: Mapping[str, Iterable[str]]) -> None:
        self._children: dict[str, set[str]] = {}
        for node, its in parents.items():
            for parent in its:
                self._children.setdefault(parent, set()).add(node)
        self._known: dict[str, set[str]] = {}

    def all_of(self, nodes: list[str]) -> set[str]:
        """What comes behind every one of them; of one node, its children are enough."""
        if len(nodes) == 1:
            return self._children.get(nodes[0], set())
        return set.intersection(*(self._of(node) for node in nodes))

    def _of(self, node: str) -> set[str]:
        if node not in self._known:
            found, stack = set(), [node]
            while stack:
                fresh = self._children.get(stack.pop(), set()) - found
                found |= fresh
                stack.extend(fresh)
            self._known[node] = found
        return self._known[node]
