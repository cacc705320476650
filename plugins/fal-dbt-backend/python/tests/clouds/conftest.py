"""Fixtures for the five clouds without a server.

They run over the test world, and use the types of the real clients where those are installed.
"""

import pytest
from clouds import libraries

libraries.stand_in()

from clouds.clouds import ADAPTERS
from clouds.world import World
from fal_worker.warehouse.registry import for_adapter


class Cloud:
    """One cloud over an empty warehouse."""

    def __init__(self, kind: str, **variables: str) -> None:
        self.kind, self.world = kind, World()
        self.adapter = ADAPTERS[kind](self.world, **variables)
        self.warehouse = for_adapter(self.adapter)


@pytest.fixture(params=sorted(ADAPTERS))
def cloud(request):
    return Cloud(request.param)


@pytest.fixture
def open_cloud():
    return Cloud
