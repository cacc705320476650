"""What the public forge's workflows may do, and when."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
NAMES = ["ci", "release"]


def workflow(name):
    # YAML 1.1 reads the key `on` as true.
    text = (ROOT / f".github/workflows/{name}.yml").read_text("utf-8")
    return yaml.safe_load(re.sub(r"^on:", "'on':", text, flags=re.MULTILINE))


def steps(name, job):
    return workflow(name)["jobs"][job]["steps"]


def commands(name, job):
    return [step["run"] for step in steps(name, job) if "run" in step]


@pytest.mark.parametrize("name", NAMES)
def test_actions_are_pinned_by_commit_and_jobs_may_only_read(name):
    found = workflow(name)
    assert found["permissions"] == {"contents": "read"}
    for job in found["jobs"].values():
        uses = [step["uses"] for step in job["steps"] if "uses" in step]
        assert uses and all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in uses)
        assert "timeout-minutes" in job


def test_ci_is_the_script_that_a_merge_must_pass():
    assert commands("ci", "tests")[-1] == ".ci/run"


def test_the_release_is_built_and_checked_before_it_is_kept():
    assert commands("release", "build")[-2:] == [
        "cargo xtask wheel --portable",
        "cargo xtask release",
    ]


def test_only_a_tag_that_a_person_approved_is_uploaded():
    found = workflow("release")
    assert found["on"]["push"] == {"tags": ["v*"]}
    allowed = [name for name, job in found["jobs"].items() if "id-token" in str(job)]
    assert allowed == ["upload"]
    upload = found["jobs"]["upload"]
    assert upload["if"] == "github.event_name == 'push' && github.ref_type == 'tag'"
    assert (upload["environment"], upload["needs"]) == ("release", "build")
    assert "secrets." not in str(found)
