"""What dbt's own loader reads in a run_results.json: `run_results.py PATH`."""

import json
import sys

from dbt.artifacts.schemas.run import RunResultsArtifact

read = RunResultsArtifact.read_and_check_versions(sys.argv[1])
print(
    json.dumps(
        sorted(f"{result.unique_id.split('.', 2)[-1]} {result.status}" for result in read.results)
    )
)
