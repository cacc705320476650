"""Adapts docs/, which is written for GitHub, to mkdocs.

Pages keep GitHub's Markdown and its links into the repository. A link that leads nowhere, or a page
that loads something from another host, is a warning, and warnings fail the build.
"""

from __future__ import annotations

import logging
import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LOG = logging.getLogger("mkdocs.hooks.web")

FENCE = re.compile(r"^\s*(`{3,})")
# Python-Markdown begins a list or a table only below an empty line, GitHub below any text.
BLOCKS = (re.compile(r"^\s*([-*]|\d+\.) "), re.compile(r"^\|"))
REPOSITORY = re.compile(r'^repository = "(.+)"$', re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s#]+)(#[^)\s]*)?\)")
LOADED = re.compile(
    r"<(?:(?:script|img|iframe)\b[^>]*? src|link\b(?=[^>]*? rel=\"?stylesheet)[^>]*? href)"
    r"=[\"']?((?:https?:)?//[^\"'> ]+)"
)


def on_config(config: Any) -> Any:
    """Takes the repository's address from Cargo.toml, and lists every decision."""
    found = REPOSITORY.search((ROOT / "Cargo.toml").read_text())
    # Not `repo_url`: the theme would ask that host for stars.
    config.extra["repository"] = found[1] if found else ""
    config.copyright = f'<a href="{config.extra["repository"]}">Source</a>, Apache-2.0'
    decisions = sorted(path.name for path in (ROOT / "docs/decisions").glob("[0-9]*.md"))
    config.nav[-1]["Decisions"] += [f"decisions/{name}" for name in decisions]
    return config


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Makes a page that Python-Markdown reads as GitHub does."""
    if page.file.src_uri.startswith("reference/"):
        # A search for an error code or a command should find its entry first.
        page.meta["search"] = {"boost": 4}
    folder = posixpath.dirname(f"docs/{page.file.src_uri}")
    lines: list[str] = []
    fence = ""
    for line in markdown.splitlines():
        found = FENCE.match(line)
        if found and (not fence or line.strip() == fence):
            fence = "" if fence else found[1]
        elif not fence:
            line = LINK.sub(
                lambda link: _link(link, folder, page, config.extra["repository"]), line
            )
            if begins_block(line, lines[-1] if lines else ""):
                lines.append("")
        lines.append(line)
    return "\n".join(lines)


def begins_block(line: str, above: str) -> bool:
    """Whether a list or a table begins here, directly below text."""
    if not above.strip() or above.startswith((" ", "\t")):
        return False
    return any(block.match(line) and not block.match(above) for block in BLOCKS)


def _link(link: re.Match[str], folder: str, page: Any, repository: str) -> str:
    """Turns a link to a file outside of docs/ into one to the repository."""
    target, anchor = link[1], link[2] or ""
    if "://" in target or target.startswith("mailto:"):
        return link[0]
    path = posixpath.normpath(posixpath.join(folder, target))
    is_folder = (ROOT / path).is_dir()
    if path.startswith("docs/") and not is_folder:
        return link[0]
    if not (ROOT / path).exists():
        LOG.warning("%s links to %s, which does not exist", page.file.src_uri, path)
    kind = "tree" if is_folder else "blob"
    return f"]({repository}/{kind}/main/{path}{anchor})"


def on_post_page(output: str, *, page: Any, **_: Any) -> str:
    """Refuses what a browser would load from another host."""
    for url in LOADED.findall(output):
        LOG.warning("%s loads %s", page.file.src_uri, url)
    return output
