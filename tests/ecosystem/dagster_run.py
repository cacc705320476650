"""Materializes the assets of `definitions`.

Prints the assets with their parents, the success, and what was materialized and checked.
"""

import json

from dagster import materialize
from definitions import dbt, jaffle_shop

result = materialize([jaffle_shop], resources={"dbt": dbt}, raise_on_error=False)
parents = {
    key.to_user_string(): sorted(parent.to_user_string() for parent in jaffle_shop.asset_deps[key])
    for key in jaffle_shop.keys
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
