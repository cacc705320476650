#!/usr/bin/env python3
"""A plugin that does nothing, in Python."""

import fal_plugin


class Echo(fal_plugin.PythonParser):
    def parse(self, path: str, text: str) -> dict[str, str]:
        return {"kind": "helper"}


fal_plugin.serve("echo", "1.0.0", {"python-parser": Echo}, description="Does nothing")
