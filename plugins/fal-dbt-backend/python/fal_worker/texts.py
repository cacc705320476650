"""Helpers for text: errors that quote too much are shortened, and Jinja is recognized.

Needs nothing installed.
"""

from __future__ import annotations

import hashlib

# Characters. In JSON a character has up to twelve bytes, and the supervisor reads an answer of up
# to 16 MiB.
LONGEST = 100_000


def shortened(text: str, longest: int = LONGEST) -> str:
    """The text, or its beginning and end with a note between them of how much is left out."""
    if len(text) <= longest:
        return text
    head, tail = longest * 3 // 4, longest // 4
    return f"{text[:head]}\n[... {len(text) - head - tail} characters left out ...]\n{text[len(text) - tail :]}"


def has_jinja(text: str) -> bool:
    """Whether the text has Jinja to render."""
    return any(sign in text for sign in ("{{", "{%", "{#"))


def stage_name(identifier: str, longest: int | None) -> str:
    """The name of the staging table of a model's table; names have up to `longest` bytes."""
    suffix = "__fal_stage"
    name = identifier.encode()
    if longest is not None and len(name) + len(suffix) > longest:
        # Two long names that differ at their end only must not meet.
        mark = hashlib.sha256(name).hexdigest()[:8]
        start = name[: longest - len(suffix) - 9].decode(errors="ignore")
        return f"{start}_{mark}{suffix}"
    return identifier + suffix
