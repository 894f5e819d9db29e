"""A controller that alerts, and the two officers that its commune wants for a release."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controller.alerts.keeping import alerting
from controller.broadcasting import planning
from tests.support.alert_desk import COMMUNE, Desk, says
from tests.support.controller import House, open_house
from tests.support.postgres import Cluster


@pytest.fixture(params=["sqlite", "postgresql"])
async def house(request: pytest.FixtureRequest, tmp_path: Path, cluster: Cluster) -> AsyncIterator[House]:
    """A controller that says what alerts are in force; its one commune wants two people for a release."""
    url = await cluster.migrated() if request.param == "postgresql" else ""
    async with open_house(tmp_path / "data", database_url=url, services=(planning, alerting)) as opened:
        await opened.commune(COMMUNE, speakers=3)
        await says(opened, COMMUNE, {"release": "second_person"})
        yield opened


@pytest.fixture
async def maker(house: House) -> Desk:
    return await Desk.of(house, "nguoi-soan")


@pytest.fixture
async def releaser(house: House) -> Desk:
    return await Desk.of(house, "nguoi-phat")
