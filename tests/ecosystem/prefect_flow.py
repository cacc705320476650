"""Builds the dbt project in this folder in a Prefect flow, through fal-host."""

import os
from pathlib import Path

from prefect import flow
from prefect_dbt.cli.commands import DbtCoreOperation


@flow
def shop():
    folder = Path.cwd()
    operation = DbtCoreOperation(
        commands=[f"{os.environ['FAL_HOST']} build"],
        project_dir=folder,
        profiles_dir=folder,
        env=dict(os.environ),
    )
    return operation.run()


shop()
print('RESULT {"success": true}')
