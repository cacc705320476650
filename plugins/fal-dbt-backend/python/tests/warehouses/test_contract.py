"""fal's own warehouses keep the contract that other packages' warehouses are held to."""

from fal_worker.warehouse.contract import *
