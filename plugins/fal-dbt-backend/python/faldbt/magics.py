"""`%init_fal` under the name that it had in fal's first versions."""

from fal.magics import init_fal, load_ipython_extension, unload_ipython_extension

__all__ = ["init_fal", "load_ipython_extension", "unload_ipython_extension"]
