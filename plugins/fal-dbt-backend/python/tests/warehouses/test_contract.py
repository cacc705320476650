"""fal's own warehouses pass the contract tests for other packages' warehouses."""

from fal_worker.warehouse.contract import *
