import iniconfig
import importlib.metadata

rows = ref("orders")
assert iniconfig.__file__
write_to_model(rows.assign(version=importlib.metadata.version("iniconfig")))
