"""The driver's process: joins the cluster and runs nodes. Standard input says which, standard output how they end."""

from __future__ import annotations

import os
import sys
from typing import Any, BinaryIO

from . import cluster, lines
from .runs import Runs


def main() -> None:
    """Until the plugin says `close`, or is gone."""
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
    # Ray's threads are not waited for: without its driver the cluster ends the tasks.
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
    """Takes both streams: what Ray prints from now on goes to standard error, and its processes cannot read ours."""
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return os.fdopen(incoming, "rb"), os.fdopen(outgoing, "wb")
