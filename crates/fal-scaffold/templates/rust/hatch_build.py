"""Builds the library for the wheel, and names the systems that the wheel fits."""

import subprocess

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import platform_tags


class Library(BuildHookInterface):
    def initialize(self, version, build_data):
        subprocess.run(["cargo", "build", "--release"], cwd=self.root, check=True)
        # This system and newer ones: build on the oldest that your users have.
        build_data["tag"] = f"py3-none-{next(platform_tags())}"
        build_data["pure_python"] = False
