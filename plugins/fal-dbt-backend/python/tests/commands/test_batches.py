"""Batches compared with an oracle that tries every set of nodes, and the number of calls of a run."""

from __future__ import annotations

import itertools
import random

import pytest
from fal_worker.engine.commands.batches import WELL, Plan, with_tests

STATUSES = ["success", "error", "skipped", "warn", "pass", "fail"]


def some_plan(random):
    """Draws a plan of up to eight nodes, some of which are not part of the run."""
    names = [f"n{i}" for i in range(random.randint(1, 8))]
    parents = {
        name: random.sample(names[:i], random.randint(0, min(i, 3))) for i, name in enumerate(names)
    }
    kinds = {name: random.choice("ddde-") for name in names}
    dbt = frozenset(name for name in names if kinds[name] == "d")
    elsewhere = frozenset(name for name in names if kinds[name] == "e")
    some = (frozenset(name for name in dbt | elsewhere if random.random() < 0.2) for _ in range(4))
    return Plan(parents, dbt, elsewhere, *some)


def allowed(plan, batch, asked, ended, settled):
    """Whether dbt can run this set: every node upstream has succeeded or is part of the set."""

    def in_turn(node):
        before = plan.before(node)
        done = all(ended.get(p) in WELL or p in batch for p in before)
        waits = {
            p for p in before if p in plan.hooked or (p in plan.followed and node not in plan.tests)
        }
        return node in asked or (node not in plan.held and done and waits <= settled)

    return all(node not in ended and in_turn(node) for node in batch)


@pytest.mark.parametrize("seed", range(300))
def test_the_batch_is_the_largest_set_that_may_run(seed):
    chance = random.Random(seed)
    plan = some_plan(chance)
    every = sorted(plan.dbt | plan.elsewhere)
    ended = {name: chance.choice(STATUSES) for name in every if chance.random() < 0.4}
    asked = {name for name in plan.dbt if name not in ended and chance.random() < 0.3}
    settled = {
        name for name in plan.hooked | plan.followed if name in ended and chance.random() < 0.5
    }
    batch = plan.next(asked, ended, settled)
    sets = (
        set(s)
        for size in range(len(plan.dbt) + 1)
        for s in itertools.combinations(sorted(plan.dbt), size)
    )
    largest = max((s for s in sets if allowed(plan, s, asked, ended, settled)), key=len)
    assert batch == largest
    assert asked <= batch


def depth(plan):
    """How often a path leaves dbt: one less than the number of calls that any order needs."""
    known: dict[str, int] = {}

    def of(node):
        if node not in known:
            steps = [of(p) + (p in plan.dbt and node in plan.elsewhere) for p in plan.before(node)]
            known[node] = max(steps, default=0)
        return known[node]

    return max((of(node) for node in plan.dbt), default=-1)


@pytest.mark.parametrize("seed", range(300))
def test_a_run_needs_as_few_calls_as_the_graph_allows(seed):
    plan = some_plan(random.Random(seed))
    plan = Plan(plan.parents, plan.dbt, plan.elsewhere)
    ended: dict[str, str] = {}
    calls = 0
    while len(ended) < len(plan.dbt | plan.elsewhere):
        # The host runs every node that it can run itself before it waits for dbt.
        ready = {
            n
            for n in plan.dbt | plan.elsewhere
            if n not in ended and all(p in ended for p in plan.before(n))
        }
        own = ready & plan.elsewhere
        if own:
            ended.update(dict.fromkeys(own, "success"))
            continue
        batch = plan.next({min(ready)}, ended)
        assert ready <= batch
        ended.update(dict.fromkeys(batch, "success"))
        calls += 1
    assert calls == depth(plan) + 1


def test_tests_come_before_what_depends_on_all_that_they_test():
    parents = {
        "a": [],
        "b": ["a"],
        "c": ["b"],
        "d": ["a"],
        "of_a": ["a"],
        "of_b_and_d": ["b", "d"],
        "e": ["c", "d"],
        "u": [],
    }
    order = with_tests(parents, ["of_a", "of_b_and_d"], {"u": "b"})
    assert order["b"] == {"a", "of_a", "u"}
    assert order["d"] == {"a", "of_a"}
    assert order["c"] == {"b"}
    assert order["e"] == {"c", "d", "of_b_and_d"}
    assert order["of_b_and_d"] == {"b", "d"}


def test_a_unit_test_runs_with_its_model_or_by_itself():
    order = with_tests({"a": [], "m": ["a"], "u": []}, [], {"u": "m"})
    plan = Plan(order, frozenset({"a", "m", "u"}), frozenset(), unit_tests={"u": "m"})
    assert plan.next({"u"}, {}) == {"a", "m", "u"}
    held = Plan(
        order, frozenset({"a", "m", "u"}), frozenset(), held=frozenset({"m"}), unit_tests={"u": "m"}
    )
    assert held.next({"u"}, {}) == {"a"}
    assert held.next({"u"}, {"a": "success"}) == {"u"}
    assert held.next({"m"}, {"a": "success", "u": "pass"}) == {"m"}
