from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.controller import House, open_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A running controller with an empty database: only the country is in it."""
    async with open_house(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
async def quiet_house(tmp_path: Path) -> AsyncIterator[House]:
    """As `house`, with nothing running behind it."""
    async with open_house(tmp_path / "data", services=()) as opened:
        yield opened
