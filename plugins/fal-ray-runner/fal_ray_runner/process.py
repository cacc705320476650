"""The driver's process in the plugin: starts it, exchanges messages, watches and ends it.

Ray's output arrives on standard error and goes to the log line by line; the last lines are kept
for error messages. The process reads from the plugin's pipe and exits when it closes, so that it
cannot outlive the plugin.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import IO, Any

from fal_plugin import PluginError

from . import lines

_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from fal_ray_runner.driver import main; main()"
_REFUSED = ("InvalidAuthToken", "Unauthenticated")
_TAIL = 12


class Driver:
    """A driver's process.

    Reader threads call `heard` with its messages and `said` with the lines that it prints.
    """

    def __init__(
        self,
        python: str,
        environment: Mapping[str, str],
        folder: str,
        heard: Callable[[lines.Message], None],
        said: Callable[[str], None],
        refused: Callable[[], None],
    ) -> None:
        self._heard, self._said, self._refused = heard, said, refused
        self._tail: deque[str] = deque(maxlen=_TAIL)
        command = [python, "-B", "-c", _START, os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(environment),
                cwd=folder,
            )
        except OSError as error:
            help = "`python` in the configuration of the Ray runner names a Python that has Ray"
            raise PluginError(
                "ray::python", f"the driver's Python cannot be started: {python}: {error}", help
            ) from None
        streams = (self._process.stdin, self._process.stdout, self._process.stderr)
        assert streams[0] and streams[1] and streams[2]
        self._to = lines.Writer(streams[0])
        self._overhearer = threading.Thread(target=self._overhear, args=(streams[2],), daemon=True)
        self._listener = threading.Thread(target=self._listen, args=(streams[1],), daemon=True)
        self._overhearer.start()
        self._listener.start()

    def send(self, **message: Any) -> bool:
        """Sends a message. Returns False if the driver is gone."""
        return self._to.send(**message)

    def stop(self, grace: float) -> None:
        """Ends the driver by closing its pipe. Kills it after `grace` seconds."""
        self._to.close()
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in (self._overhearer, self._listener):
            if thread is not threading.current_thread():
                thread.join(1.0)

    def last_words(self) -> str:
        """Returns how the driver ended and the last lines that it printed."""
        code = self._process.poll()
        end = "" if code is None else f"signal {-code}" if code < 0 else f"exit code {code}"
        return "\n".join([end, *self._tail]).strip()

    def _listen(self, stream: IO[bytes]) -> None:
        with stream:
            for message in lines.read(stream):
                self._heard(message)
        try:
            self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            pass
        # Read the rest of the output first, so that the message about the end contains it.
        self._overhearer.join(1.0)
        self._heard({"event": "gone", "words": self.last_words()})

    def _overhear(self, stream: IO[bytes]) -> None:
        with stream:
            for raw in stream:
                line = raw.decode("utf-8", "replace").rstrip()
                if not line:
                    continue
                self._tail.append(line)
                self._said(line)
                if any(sign in line for sign in _REFUSED):
                    self._refused()
