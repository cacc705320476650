"""Reads a run_results.json with dbt's own loader and prints its nodes: `run_results.py PATH`."""

import json
import sys

from dbt.artifacts.schemas.run import RunResultsArtifact

read = RunResultsArtifact.read_and_check_versions(sys.argv[1])
print(
    json.dumps(
        sorted(f"{result.unique_id.split('.', 2)[-1]} {result.status}" for result in read.results)
    )
)
