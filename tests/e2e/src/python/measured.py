"""Runs a program and prints how it ended.

Prints its exit code, both streams, the seconds, and the peak memory of its largest process.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time

deadline, *command = sys.argv[1:]
with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
    begun = time.monotonic()
    started = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
    )
    try:
        code = started.wait(float(deadline))
    except subprocess.TimeoutExpired:
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()
        code = None
    seconds = time.monotonic() - begun
    texts = []
    for stream in (out, err):
        stream.seek(0)
        texts.append(stream.read().decode("utf-8", "backslashreplace"))
print(
    json.dumps(
        {
            "code": code,
            "stdout": texts[0],
            "stderr": texts[1],
            "seconds": seconds,
            "kib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,
        }
    )
)
