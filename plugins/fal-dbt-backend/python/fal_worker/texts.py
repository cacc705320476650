"""Helpers for text: errors that quote too much are shortened, and Jinja is recognized.

Needs nothing installed.
"""

from __future__ import annotations

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
