from fal.typing import *
from faldbt.magics import init_fal

from fal import FalDbt

init_fal("project_dir=. profiles_dir=.")
fal = FalDbt(profiles_dir=".", project_dir=".")
print(fal.project_name, fal.ref("orders").shape, len(ref("orders")), [model.name for model in fal.list_models()].count("orders"))
