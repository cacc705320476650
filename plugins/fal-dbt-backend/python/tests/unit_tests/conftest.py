"""Makes the package and the stand-ins importable, and their fixtures known."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from stand_ins.fixtures import *  # noqa: E402, F403
