"""Compares selections.json with what dbt itself selects in this project.

    python against_dbt.py            says what differs; exit code 1 if anything does
    python against_dbt.py --write    writes dbt's answers into selections.json, and the project's nodes into NODES

Needs a Python with dbt-core and dbt-duckdb. Works on a copy of the project in a temporary folder.
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
TABLE = HERE / "selections.json"
NODES = HERE.parents[2] / "crates" / "fal-graph" / "tests" / "fixtures" / "selection_nodes.jsonl"

# Fields of a graph node that have the same name in dbt's manifest.
SAME = (
    "unique_id name resource_type package_name original_file_path path patch_path fqn tags language "
    "relation_name database schema alias source_name access group config meta"
).split()
# What changes from run to run or is of no use to a graph.
NOISE = {"created_at", "checksum", "root_path", "build_path", "compiled_path", "depends_on", "version", "latest_version"}
SECTIONS = "nodes sources exposures metrics semantic_models saved_queries unit_tests functions".split()


def graph_node(spec):
    """A node of the manifest as the host gets it: what it names, and everything else under `extra`."""
    node = {key: spec[key] for key in SAME if spec.get(key) is not None}
    node["depends_on"] = (spec.get("depends_on") or {}).get("nodes") or []
    for key in ("version", "latest_version"):
        if spec.get(key) is not None:
            node[key] = str(spec[key])
    if isinstance(node.get("tags"), str):
        node["tags"] = [node["tags"]]
    known = {*SAME, *NOISE}
    node["extra"] = {key: value for key, value in spec.items() if key not in known and value not in (None, [], {})}
    return node


def graph_nodes(manifest):
    for section in SECTIONS:
        for spec in manifest.get(section, {}).values():
            yield graph_node(spec)


def arguments(case):
    """The case as words of `dbt ls`."""
    words = ["--quiet", "ls", "--output", "json", "--output-keys", "unique_id"]
    for key in ("select", "exclude"):
        if case.get(key):
            words += [f"--{key}", *case[key]]
    for kind in case.get("resource_types", []):
        words += ["--resource-type", kind]
    if "selector" in case:
        words += ["--selector", case["selector"]]
    if "indirect" in case:
        words += ["--indirect-selection", case["indirect"]]
    return words


class Dbt:
    def __init__(self):
        from dbt.cli.main import dbtRunner

        self.unmatched = []
        self.runner = dbtRunner(callbacks=[self.on_event])

    def on_event(self, event):
        if event.info.name == "NoNodesForSelectionCriteria":
            self.unmatched.append(event.data.spec_raw)

    def answer(self, case):
        """What dbt makes of a case: ids and criteria that match nothing, or an error."""
        self.unmatched = []
        result = self.runner.invoke(arguments(case))
        if not result.success:
            return {"error": True}
        answer = {"expect": sorted(json.loads(line)["unique_id"] for line in result.result)}
        return answer | ({"unmatched": self.unmatched} if self.unmatched else {})


def question(case):
    return {key: value for key, value in case.items() if key not in ("expect", "unmatched", "error")}


def differences(cases, answered):
    for old, new in zip(cases, answered):
        if old != new:
            yield f"{question(new)}\n  table: {old}\n  dbt:   {new}"


def answer_all(cases):
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        shutil.copytree(HERE, project)
        os.environ["DBT_PROFILES_DIR"] = str(project)
        os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
        os.chdir(project)
        dbt = Dbt()
        assert dbt.runner.invoke(["--quiet", "deps"]).success
        assert dbt.runner.invoke(["--quiet", "parse"]).success
        manifest = json.loads((project / "target" / "manifest.json").read_text())
        answered = [question(case) | dbt.answer(case) for case in cases]
        os.chdir(HERE)
    return manifest, answered


def write(manifest, answered):
    lines = ",\n".join(json.dumps(case) for case in answered)
    TABLE.write_text(f"[\n{lines}\n]\n")
    NODES.parent.mkdir(parents=True, exist_ok=True)
    NODES.write_text("".join(json.dumps(node) + "\n" for node in graph_nodes(manifest)))
    write_selectors("selection_selectors.json", manifest["selectors"])
    raw = yaml.safe_load((HERE / "selectors.yml").read_text())["selectors"]
    write_selectors("selection_selectors_raw.json", {selector["name"]: selector for selector in raw})


def write_selectors(name, selectors):
    NODES.with_name(name).write_text(json.dumps(selectors, indent=1) + "\n")


def main():
    cases = json.loads(TABLE.read_text())
    manifest, answered = answer_all(cases)
    if "--write" in sys.argv[1:]:
        write(manifest, answered)
        return 0
    found = list(differences(cases, answered))
    print("\n".join(found) or f"dbt agrees with all {len(cases)} selections")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
