"""Says with which version it runs; outside of the environments there may be any or none."""
import os
from importlib.metadata import version

place = "an environment" if "VIRTUAL_ENV" in os.environ else "dbt's Python"
found = version("iniconfig") if "VIRTUAL_ENV" in os.environ else "any"
print(f"{context.current_model.name}: {place} with iniconfig {found}")
