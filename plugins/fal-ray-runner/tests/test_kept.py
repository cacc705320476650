"""The tables that are held in the object store."""

from fal_ray_runner.kept import Kept


def test_the_oldest_make_room() -> None:
    kept = Kept(limit=100)
    for number in range(5):
        kept.put(f"m{number}", number, 40)
    assert kept.references(["m0", "m3", "m4", "other"]) == {"m3": 3, "m4": 4}
    assert (kept.bytes, kept.kept, kept.dropped) == (80, 5, 3)


def test_a_table_above_the_limit_pushes_nothing_out() -> None:
    kept = Kept(limit=100)
    kept.put("small", 1, 100)
    kept.put("large", 2, 101)
    assert kept.references(["small", "large"]) == {"small": 1}


def test_the_same_node_again_is_counted_once() -> None:
    kept = Kept(limit=100)
    kept.put("m", 1, 60)
    kept.put("m", 2, 70)
    assert (kept.references(["m"]), kept.bytes) == ({"m": 2}, 70)


def test_nothing_is_held_at_the_end_and_where_it_is_switched_off() -> None:
    kept = Kept(limit=-1)
    kept.put("m", 1, 0)
    assert kept.references(["m"]) == {}
    kept = Kept(limit=10)
    kept.put("m", 1, 5)
    kept.count(3, 1)
    kept.clear()
    assert kept.references(["m"]) == {}
    assert str(kept).startswith("3 reads from the object store, 1 by the gateway; 1 tables kept")
