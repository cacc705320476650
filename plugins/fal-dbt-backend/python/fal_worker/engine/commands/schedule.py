"""Answers requests for single nodes with as few calls of dbt as the order of the run allows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from fal_worker.errors import Interrupted, SessionError, from_exception

from .batches import Plan

# The host asks for several nodes in one go: what comes within this time belongs together.
_TOGETHER = 0.05


class Schedule:
    """One call of dbt at a time, on a thread of its own."""

    def __init__(
        self,
        plan: Plan,
        results: dict[str, dict[str, Any]],
        call: Callable[
            [Callable[[], set[str]], Callable[[dict[str, Any]], None]], list[dict[str, Any]]
        ],
    ) -> None:
        """`call` gets a function that says which nodes to run, to be called when dbt's turn has come, and one for results that
        are known before the end; it gives all results of the call. `results` is where all of them are collected."""
        self.plan, self._results, self._call = plan, results, call
        self._changed = threading.Condition()
        self._asked: dict[str, Future[dict[str, Any]]] = {}
        self._settled: set[str] = set()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="fal-batches", daemon=True)
        self._thread.start()

    def ask(self, unique_id: str) -> Future[dict[str, Any]]:
        future: Future[dict[str, Any]] = Future()
        self.reached(unique_id)
        with self._changed:
            if self._closed:
                raise Interrupted()
            if unique_id in self._results:
                future.set_result(self._results[unique_id])
                return future
            if unique_id not in self.plan.dbt:
                raise SessionError(
                    "session::unknown_node", f"{unique_id} is no node of `begin` that dbt runs"
                )
            self._asked[unique_id] = future
            self._changed.notify_all()
        return future

    def reached(self, unique_id: str) -> None:
        """The host has come to this node, so that it is done with what comes before."""
        with self._changed:
            self._settled |= self.plan.settled_by(unique_id)

    def close(self) -> None:
        """No more calls; whoever waits is told."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def join(self, timeout: float | None = None) -> None:
        self._thread.join(timeout)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._asked)
                if self._closed and not self._asked:
                    return
            time.sleep(_TOGETHER)
            self._work_once(set())

    def _work_once(self, batch: set[str]) -> None:
        try:
            results = self._call(lambda: self._begin(batch), self._early)
            self._end(batch, {result["unique_id"]: result for result in results}, None)
        except BaseException as error:  # whoever waits must hear of it
            self._end(batch, {}, from_exception(error))

    def _begin(self, batch: set[str]) -> set[str]:
        with self._changed:
            statuses = {uid: str(result["status"]) for uid, result in list(self._results.items())}
            batch |= self.plan.next(self._asked, statuses, self._settled)
        return batch

    def _early(self, result: dict[str, Any]) -> None:
        with self._changed:
            future = self._asked.pop(result["unique_id"], None)
            self._results[result["unique_id"]] = result
        if future is not None:
            future.set_result(result)

    def _end(
        self, batch: set[str], results: dict[str, dict[str, Any]], error: SessionError | None
    ) -> None:
        with self._changed:
            self._results.update(results)
            # With an error before its turn, all that was asked for failed.
            over = [
                (uid, future)
                for uid, future in self._asked.items()
                if uid in results or uid in batch or not batch or self._closed
            ]
            for uid, _ in over:
                del self._asked[uid]
        for uid, future in over:
            if uid in results:
                future.set_result(results[uid])
            else:
                future.set_exception(
                    error or SessionError("dbt::no_result", f"dbt ended without a result of {uid}")
                )
