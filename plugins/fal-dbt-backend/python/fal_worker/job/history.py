"""`In`, `Out`, `_` and their like: what the cells of a notebook were, and what they gave."""

from __future__ import annotations

import re
from typing import Any

# A notebook that names none of these does not keep its results alive: they may be large.
_RESULTS = re.compile(r"\b(?:_{1,3}|_\d+|_oh|Out)\b")
_RECENT = ("_", "__", "___")


class History:
    """Keeps the names up to date in the notebook's namespace, as IPython does."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._names = namespace
        self._wanted = False
        self._inputs: list[str] = []
        self._results: dict[int, Any] = {}
        self._recent: list[Any] = ["", "", ""]

    def expect(self, text: str) -> None:
        """Looks for the names of results in code that is about to run."""
        self._wanted = self._wanted or _RESULTS.search(text) is not None

    def begin(self, text: str) -> None:
        """A cell starts."""
        if not self._inputs:
            self._inputs.append("")
            self._names.update(
                {
                    "In": self._inputs,
                    "_ih": self._inputs,
                    "Out": self._results,
                    "_oh": self._results,
                }
            )
            self._names.update(zip(_RECENT, self._recent))
        for distance, name in enumerate(("_i", "_ii", "_iii"), 1):
            self._names[name] = self._inputs[-distance] if distance <= len(self._inputs) else ""
        self._inputs.append(text)
        self._names[f"_i{len(self._inputs) - 1}"] = text

    def result(self, value: Any) -> None:
        """The value of the cell's last expression."""
        if value is None or not self._wanted or value is self._results:
            return
        # `for _ in ...` takes the name for the notebook itself.
        if all(self._names.get(name) is old for name, old in zip(_RECENT, self._recent)):
            self._recent = [value, *self._recent[:2]]
            self._names.update(zip(_RECENT, self._recent))
        number = len(self._inputs) - 1
        self._results[number] = self._names[f"_{number}"] = value
