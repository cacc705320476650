"""What hatchling does not know of the wheel: its version and description, the program and its tag.

`cargo xtask wheel` names the installation that goes into the wheel and the wheel's platform.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import tomllib
from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

ROOT = Path(__file__).parents[1]
# A link or picture in Markdown of a file of the repository, and not of a place on the web or in the
# page.
LINK = re.compile(r"(!?)(\[[^\]]*\]\()(?![a-z]+:|#)(?=[^)\s]+\))")


class Metadata(MetadataHookInterface):
    """The version of the workspace, and the README with links that work on an index's page."""

    def update(self, metadata: dict[str, Any]) -> None:
        package = tomllib.loads((ROOT / "Cargo.toml").read_text("utf-8"))["workspace"]["package"]
        readme = (ROOT / "README.md").read_text("utf-8")
        metadata["version"] = package["version"]
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": LINK.sub(lambda link: _at_release(package, *link.groups()), readme),
        }


def _at_release(package: dict[str, str], picture: str, start: str) -> str:
    """Returns the start of a link into the release's files: a page, or a picture itself."""
    form = "raw" if picture else "blob"
    return f"{picture}{start}{package['repository']}/{form}/v{package['version']}/"


class Installation(BuildHookInterface[Any]):
    """The program as a script, its plugins and the plugin interface as data."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            raise RuntimeError(
                "fal-host has no editable install: `cargo xtask wheel` makes a wheel"
            )
        try:
            layout = Path(os.environ["FAL_HOST_LAYOUT"])
            platform = os.environ["FAL_HOST_PLATFORM"]
        except KeyError:
            raise RuntimeError("`cargo xtask wheel` makes the wheel of fal-host") from None
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"
        build_data["shared_scripts"][str(layout / "bin/fal-host")] = "fal-host"
        build_data["shared_data"][str(layout / "lib")] = "lib"
