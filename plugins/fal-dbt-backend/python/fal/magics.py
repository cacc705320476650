"""The line magic `%init_fal`, which makes a Jupyter notebook see what a model sees.

```
from fal.magics import init_fal        # or: %load_ext fal.magics
%init_fal project_dir=.. profiles_dir=.. default_model_name=orders_forecast
```

Under `fal-host` these lines are dropped, so the same notebook is a model, a hook or a script.
"""

from __future__ import annotations

import shlex
from typing import Any

from fal_worker.job.error import FalError

from .namespace import current, make_current, names_of
from .project import FalDbt

__all__ = ["init_fal"]

_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_KNOWN = (
    "project_dir", "profiles_dir", "default_model_name", "target", "threads", "vars", "profile", "python", "keep_open",
    "keyword", "state", "defer", "arguments", "profile_target", "args_vars",
)  # fmt: skip


def init_fal(line: str = "") -> None:
    """`%init_fal project_dir=... profiles_dir=... default_model_name=...`: opens the project, and
    puts `ref`, `source`, `write_to_model` and the rest into the notebook.

    Paths with spaces stand in quotes. Called again it starts anew.
    """
    shell = _shell()
    if shell is None:
        raise FalError(
            "fal: %init_fal works in IPython and Jupyter only", help="Elsewhere use FalDbt."
        )
    make_current(None)  # ahead: the new one may want the same database
    try:
        fal = FalDbt(**arguments_of(line))
    except FalError as error:
        raise error.with_traceback(None) from None
    make_current(fal)
    shell.push(names_of(fal))
    info = fal.info
    model = f", model {fal.default_model_name}" if fal.default_model_name else ""
    print(
        f"fal: project {info.project_name}, target {info.target_name}{model} (dbt {info.dbt_version}, {info.adapter})"
    )


def arguments_of(line: str) -> dict[str, Any]:
    """Reads the magic's line as arguments of `FalDbt`."""
    given: dict[str, Any] = {}
    for word in _words(line):
        name, sign, value = word.partition("=")
        name = name.lstrip("-").replace("-", "_")
        if not sign or name not in _KNOWN:
            raise FalError(
                f"fal: %init_fal does not understand {word!r}",
                "fal::magic",
                f"It takes NAME=VALUE, with quotes around what has spaces; the names are {', '.join(_KNOWN)}.",
            )
        given[name] = _value(name, value)
    return given


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise FalError(f"fal: %init_fal cannot be read: {error}", "fal::magic") from None


def _value(name: str, text: str) -> Any:
    if name == "threads":
        if not text.isdecimal():
            raise FalError(f"fal: threads is a number, not {text!r}", "fal::magic")
        return int(text)
    if name in ("keep_open", "defer"):
        if text.lower() not in _FLAGS:
            raise FalError(f"fal: {name} is true or false, not {text!r}", "fal::magic")
        return _FLAGS[text.lower()]
    return text


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext fal.magics`"""
    shell.register_magic_function(init_fal, "line", "init_fal")


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext fal.magics`: ends dbt."""
    if current() is not None:
        make_current(None)


def _shell() -> Any:
    """The running IPython. Not imported here: without it being loaded there is none."""
    import sys

    get = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get() if get is not None else None


# An import alone is enough, as it was in fal.
if (_running := _shell()) is not None:
    load_ipython_extension(_running)
