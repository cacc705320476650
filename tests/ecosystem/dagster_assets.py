"""Loads the dbt project in this folder as Dagster assets, and materializes them through fal-host.

Prints the assets with their parents, the success, and what was materialized and checked.
"""

import json
import os
import sys
from pathlib import Path

from dagster import AssetExecutionContext, materialize
from dagster_dbt import DbtCliResource, dbt_assets

project = Path.cwd()
dbt = DbtCliResource(
    project_dir=os.fspath(project),
    profiles_dir=os.fspath(project),
    dbt_executable=os.environ["FAL_HOST"],
)
parsed = dbt.cli([sys.argv[1]]).wait()


@dbt_assets(manifest=parsed.target_path / "manifest.json")
def shop(context: AssetExecutionContext, dbt: DbtCliResource):
    yield from dbt.cli(["build"], context=context).stream()


result = materialize([shop], resources={"dbt": dbt}, raise_on_error=False)
parents = {
    key.to_user_string(): sorted(parent.to_user_string() for parent in shop.asset_deps[key])
    for key in shop.keys
}
made = [event.asset_key.to_user_string() for event in result.get_asset_materialization_events()]
checks = result.get_asset_check_evaluations()
print(
    "RESULT "
    + json.dumps(
        {
            "parents": parents,
            "success": result.success,
            "made": sorted(made),
            "checks": len(checks),
            "passed": sum(check.passed for check in checks),
        }
    )
)
