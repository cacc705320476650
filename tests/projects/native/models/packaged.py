import importlib.metadata

import iniconfig


def model(dbt, fal):
    dbt.config(packages=["iniconfig==1.1.1"])
    assert iniconfig.__file__
    return dbt.ref("orders").assign(version=importlib.metadata.version("iniconfig"))
