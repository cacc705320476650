"""The hooks of the site over docs/."""

from pathlib import Path
from types import SimpleNamespace

from web.hooks import begins_block, on_page_markdown, on_post_page

PAGE = SimpleNamespace(file=SimpleNamespace(src_uri="guide/verbs.md"), meta={})
REPOSITORY = "https://forge.example/fal-host"
CONFIG = SimpleNamespace(extra={"repository": REPOSITORY})


def read(text):
    return on_page_markdown(text, page=PAGE, config=CONFIG)


def test_lists_and_tables_begin_below_an_empty_line():
    assert read("Two:\n- one\n- two") == "Two:\n\n- one\n- two"
    assert read("<!-- made -->\n| a |\n|---|") == "<!-- made -->\n\n| a |\n|---|"
    assert not begins_block("- two", "- one")
    assert not begins_block("- two", "  continued")


def test_blocks_of_code_stay():
    text = "```sh\necho\n- [x](../../nothing.md)\n```"
    assert read(text) == text


def test_links_out_of_docs_lead_to_the_repository(caplog):
    assert read("[a](../../README.md)") == f"[a]({REPOSITORY}/blob/main/README.md)"
    assert read("[a](../../crates)") == f"[a]({REPOSITORY}/tree/main/crates)"
    inside = "[a](flags.md#deferring), [b](https://example.com), [c](#here)"
    assert read(inside) == inside
    assert not caplog.records
    read("[a](../../gone.md)")
    assert "gone.md, which does not exist" in caplog.text


def test_pages_that_load_from_elsewhere_are_told(caplog):
    on_post_page('<a href="https://a.example">a</a><script src="own.js">', page=PAGE)
    on_post_page('<link rel="canonical" href="https://a.example/">', page=PAGE)
    assert not caplog.records
    on_post_page('<script defer src="https://b.example/x.js">', page=PAGE)
    on_post_page('<link rel="stylesheet" href="//c.example/x.css">', page=PAGE)
    assert "b.example" in caplog.text and "c.example" in caplog.text


def test_the_requirements_are_pinned():
    lines = (Path(__file__).parents[1] / "web/requirements.txt").read_text().splitlines()
    assert all("==" in line for line in lines if not line.startswith("#"))
