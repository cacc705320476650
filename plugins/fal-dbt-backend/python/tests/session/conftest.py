"""The fixtures of sessions."""

from live.fixtures import open_session, project  # noqa: F401
