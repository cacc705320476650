"""Runs fal-host as dbt's `dbtRunner` runs dbt: one call, and a result with the nodes.

    import fal_host

    result = fal_host.run(["build", "--select", "orders+"])
    if not result.success:
        raise SystemExit(str(result.exception))
    for node in result.result.results:
        print(node.unique_id, node.status)

The work is done by the program `fal-host`: the one that the variable `FAL_HOST` names, else the one
that was installed with this package, else the one on the search path.
"""

from __future__ import annotations

from .program import NotFound, find
from .results import NodeResult, Results
from .runner import Ended, RunnerResult, run

__all__ = ["Ended", "NodeResult", "NotFound", "Results", "RunnerResult", "find", "run"]
