"""Makes the package and the fixtures of `live` importable."""

import sys
from pathlib import Path

_TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(_TESTS), str(_TESTS.parent)]

from live.fixtures import open_session, project  # noqa: E402, F401
