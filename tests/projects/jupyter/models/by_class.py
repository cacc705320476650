"""With the Python package installed too, the runner's FalDbt is the one: it reads through this run's own session.

- ref('orders')
"""

from fal import FalDbt
from fal.dbt import FalDbt as NewerName
from faldbt.project import FalDbt as OlderName

for found in (FalDbt, NewerName, OlderName):
    assert found.__mro__[1].__module__ == "fal_worker.job.project", found.__mro__
fal = FalDbt(profiles_dir=".", project_dir=".")
write_to_model(fal.ref("orders"))
