"""`python -m tests.values`, from the folder above `tests`."""

import sys
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_TESTS), str(_TESTS.parent)]

from values.command import main

if __name__ == "__main__":
    sys.exit(main())
