"""What the zygote imports ahead of the jobs, and why that is safe.

A module may be loaded before a fork when importing it starts no thread, or only threads whose
library repairs itself in the child (OpenBLAS and jemalloc do, by `pthread_atfork`). Not here on
purpose: polars, duckdb, torch, tensorflow, jax, ray, pyspark and dask's client start thread pools,
open runtimes or talk to a device when they are imported. `fork_is_safe` checks afterwards, so that
a release that breaks the rule costs speed and nothing else.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
import warnings

# Every job needs these, if the environment has them; the job's own modules too, so that a child
# imports nothing.
BASICS = (
    "numpy",
    "numpy.random",
    "pandas",
    "pyarrow",
    "pyarrow.flight",
    "fal_worker.job.run",
    "fal_worker.job.pandas_frames",
    "fal_worker.job.unfit",
)

# Top-level names that may be imported, with the submodules that cost most: their packages import
# them lazily.
SAFE: dict[str, tuple[str, ...]] = {
    # Numbers: threads only inside a call (OpenMP regions, OpenBLAS with fork handlers).
    "numpy": (),
    "pandas": (),
    "pyarrow": ("pyarrow.compute", "pyarrow.flight"),
    "scipy": ("scipy.sparse", "scipy.stats", "scipy.optimize"),
    "sklearn": (
        "sklearn.base",
        "sklearn.utils.validation",
        "sklearn.preprocessing",
        "sklearn.metrics",
    ),
    "statsmodels": ("statsmodels.api",),
    "patsy": (),
    "joblib": (),
    "threadpoolctl": (),
    "networkx": (),
    "sympy": (),
    # Forecasting: Stan runs in a separate process.
    "prophet": (),
    "cmdstanpy": (),
    "holidays": (),
    # Plots, without a display (see `environment`).
    "matplotlib": ("matplotlib.pyplot",),
    "seaborn": (),
    "PIL": ("PIL.Image",),
    # Pure Python and parsers.
    "attr": (),
    "attrs": (),
    "bs4": (),
    "certifi": (),
    "charset_normalizer": (),
    "dateutil": ("dateutil.parser",),
    "idna": (),
    "jinja2": (),
    "lxml": ("lxml.etree",),
    "nltk": (),
    "openpyxl": (),
    "pydantic": (),
    "pytz": (),
    "requests": (),
    "tqdm": (),
    "urllib3": (),
    "xlsxwriter": (),
    "yaml": (),
}

# Threads that may be there when we fork: jemalloc (in pyarrow) stops and restarts its own around a
# fork.
FORK_AWARE_THREADS = {"jemalloc_bg_thd"}


def environment() -> None:
    """Settings that libraries read when they are loaded; the user's own count more."""
    os.environ.setdefault("MPLBACKEND", "Agg")  # no display
    # Threads of OpenMP wait by spinning, as if they had the machine for themselves: several models
    # at a time took twice as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def basics() -> None:
    """Imports what every job needs."""
    for name in BASICS:
        _import(name)


def modules(names: list[str]) -> list[str]:
    """Imports those of `names` (dotted names are allowed) that are safe; answers with what is
    loaded.
    """
    wanted: list[str] = []
    for name in names:
        top = name.partition(".")[0]
        if top in SAFE:
            wanted += [top, *SAFE[top], name]
    loaded = [name for name in dict.fromkeys(wanted) if _import(name)]
    gc.collect()
    return loaded


def _import(name: str) -> bool:
    """Imports one module. Ignores a missing one; reports a broken one on the zygote's stderr."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(name)
    except ModuleNotFoundError:
        return False
    except Exception as error:  # noqa: BLE001 - an import runs any code of a third party
        print(
            f"fal: {name} could not be imported ahead: {type(error).__name__}: {error}",
            file=sys.stderr,
            flush=True,
        )
        return False
    return True


def fork_is_safe() -> bool:
    """Forks a child that ends at once, then looks which threads are left: OpenBLAS stops its own
    around a fork.
    """
    if not sys.platform.startswith("linux"):
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return _unknown_threads() == []


def _unknown_threads() -> list[str]:
    own = str(os.getpid())
    names = []
    for task in os.listdir("/proc/self/task"):
        if task == own:
            continue
        try:
            with open(f"/proc/self/task/{task}/comm") as file:
                names.append(file.read().strip())
        except OSError:
            continue  # it has just ended
    return [name for name in names if name not in FORK_AWARE_THREADS]
