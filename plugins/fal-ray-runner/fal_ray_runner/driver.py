"""The driver's process: joins the cluster and runs nodes.

Requests arrive on standard input; results leave on standard output.
"""

from __future__ import annotations

import os
import sys
from typing import Any, BinaryIO

from . import cluster, lines
from .runs import Runs


def main() -> None:
    """Runs until the plugin sends `close` or exits."""
    incoming, outgoing = _channel()
    messages = lines.read(incoming)
    settings = next(messages, None)
    if settings is None:
        return
    writer = lines.Writer(outgoing)
    try:
        ray = cluster.connect(settings["address"])
    except cluster.ClusterProblem as problem:
        writer.send(event="failed", code=problem.code, message=problem.message, help=problem.help)
        return
    runs = Runs(ray, settings, writer)
    runs.tell_cluster()
    writer.send(event="ready")
    for message in messages:
        if not _obey(runs, message):
            ray.shutdown()
            break
    # Don't wait for Ray's threads: the cluster ends the tasks once their driver is gone.
    sys.stderr.flush()
    os._exit(0)


def _obey(runs: Runs, message: dict[str, Any]) -> bool:
    op = message.pop("op")
    if op == "run":
        runs.start(message)
    elif op == "cancel":
        runs.cancel()
    elif op == "close":
        runs.close()
        return False
    return True


def _channel() -> tuple[BinaryIO, BinaryIO]:
    """Takes over standard input and output. Ray's prints go to standard error from here on, and its
    processes cannot read the plugin's messages."""
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return os.fdopen(incoming, "rb"), os.fdopen(outgoing, "wb")
