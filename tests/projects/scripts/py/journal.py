"""Lines in a file, one for each script that ran."""

import pathlib

FILE = pathlib.Path(__file__).parent.parent / "journal.txt"


def note(name, model):
    line = name if model is None else f"{name} {model.name} {model.status}"
    with FILE.open("a") as file:
        file.write(line + "\n")
