"""Whether there is Jinja in a text. Needs nothing installed: the session, the job and the second engine ask."""

_SIGNS = ("{{", "{%", "{#")


def has_jinja(text: str) -> bool:
    """Whether there is something to render."""
    return any(sign in text for sign in _SIGNS)
