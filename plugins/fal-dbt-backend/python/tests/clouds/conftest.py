"""The five clouds without a server: over a world of tests, with the real clients' types where these are installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

_TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(_TESTS), str(_TESTS.parent)]

from clouds import libraries  # noqa: E402

libraries.stand_in()

from clouds.clouds import ADAPTERS  # noqa: E402
from clouds.world import World  # noqa: E402
from fal_worker.warehouse.registry import for_adapter  # noqa: E402


class Cloud:
    """One of them, empty."""

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
