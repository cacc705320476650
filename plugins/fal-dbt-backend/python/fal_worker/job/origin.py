"""Whose a source file is, and how its lines are called in messages."""

from __future__ import annotations

import enum
import os
import re
import sys
import sysconfig

from .cells import MARK

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_CELL = re.compile(rf'File "([^"\n]*){MARK}(\d+)", line')


class Kind(enum.Enum):
    """Whose a file is."""

    USER = "user"
    LIBRARY = "library"
    OURS = "ours"


class Origins:
    """Names files from the project's point of view."""

    def __init__(self, file: str, project_dir: str) -> None:
        self._file = file
        self._project = os.path.normpath(project_dir) + os.sep
        paths = sysconfig.get_paths()
        places = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")} | set(
            _library_prefixes()
        )
        self._libraries = tuple(os.path.normpath(place) + os.sep for place in places)

    def kind(self, name: str) -> Kind:
        """Whose the file of a frame is. A `.venv` within the project is not the user's code."""
        if name.startswith(_OURS):
            return Kind.OURS
        if name.partition(MARK)[0] == self._file:
            return Kind.USER
        if name.startswith("<frozen ") or "site-packages" in name or "dist-packages" in name:
            return Kind.LIBRARY
        if name.startswith(self._libraries) or not (os.path.isabs(name) or name.startswith("<")):
            return (
                Kind.LIBRARY
            )  # relative names are those of compiled extensions: "pyarrow/table.pxi"
        return Kind.USER

    def is_in_project(self, module: str) -> bool:
        """Whether the project has a file or folder of this name at its top, which is a module that could be meant."""
        place = os.path.join(self._project, module)
        return os.path.isdir(place) or os.path.isfile(place + ".py")

    def shown(self, name: str) -> str:
        """The name, below the project where it is there."""
        return name[len(self._project) :] if name.startswith(self._project) else name

    def split(self, name: str) -> dict[str, str | int | None]:
        """The file and cell (`None` in a script) that a code object's file name stands for."""
        file, _, cell = name.rpartition(MARK)
        if not cell.isdigit():
            return {"file": self.shown(name), "cell": None}
        return {"file": self.shown(file), "cell": int(cell)}

    def with_cells(self, text: str) -> str:
        """A traceback with `File "models/a.ipynb", Cell 3, line 2` for the names under which cells are compiled."""
        return _CELL.sub(rf'File "\1"{MARK}\2, line', text)

    def place(self, name: str, line: int) -> str:
        """The short form: without the file, if it is the model's own."""
        file, _, cell = name.partition(MARK)
        if cell:
            return f"Cell {cell}, line {line}"
        return f"line {line}" if file == self._file else f"{self.shown(file)}, line {line}"


def _library_prefixes() -> list[str]:
    """Where Python itself lives, for the case of a virtual environment: its standard library is elsewhere."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return [os.path.join(prefix, "lib", version) for prefix in (sys.prefix, sys.base_prefix)]
