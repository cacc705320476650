"""`python -m fal_host`: the program, in the place of this process."""

from __future__ import annotations

import os
import sys

from .program import NotFound, find

if __name__ == "__main__":
    try:
        program = find()
    except NotFound as error:
        sys.exit(f"error: {error}")
    os.execv(program, [program, *sys.argv[1:]])
