"""Reads the artifacts in the target folder by the classes of dbt-artifacts-parser."""

import json
from pathlib import Path

from dbt_artifacts_parser.parser import parse_manifest, parse_run_results

target = Path("target")
manifest = parse_manifest(json.loads((target / "manifest.json").read_text()))
results = parse_run_results(json.loads((target / "run_results.json").read_text()))
models = {
    node.name: [node.config.materialized, node.language, node.relation_name]
    for node in manifest.nodes.values()
    if node.unique_id.startswith("model.") and node.language == "python"
}
print("RESULT " + json.dumps({"models": models, "results": len(results.results)}))
