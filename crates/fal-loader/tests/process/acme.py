"""A plugin by hand: every frame is written here, so that each can be wrong. `MISDEED` comes from the test."""

import json
import os
import signal
import struct
import subprocess
import sys
import time


def read():
    start = sys.stdin.buffer.read(4)
    if len(start) < 4:
        sys.exit(0)
    message = json.loads(sys.stdin.buffer.read(struct.unpack(">I", start)[0]))
    return message, sys.stdin.buffer.read(message.get("attachment", 0))


def write(message):
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    sys.stdout.buffer.write(struct.pack(">I", len(data)) + data)
    sys.stdout.buffer.flush()


def raw(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def hello(**changes):
    manifest = {
        "name": "acme",
        "version": "1.0.0",
        "interface": "1.0.0",
        "payload": 1,
        "stages": ["python-parser"],
    }
    write({"id": read()[0]["id"], "ok": dict(manifest, **changes)})


def call():
    """The first call of an open stage."""
    hello()
    write({"id": read()[0]["id"], "ok": None})
    return read()


def forever():
    while True:
        time.sleep(1)


MISDEED
