from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from tests.support.controller import House, open_house
from tests.support.postgres import Cluster, running_cluster


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> Iterator[None]:
    """Tracebacks as text: drawing them takes seconds."""
    structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()])
    yield
    structlog.reset_defaults()


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


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server."""
    with running_cluster() as running:
        yield running


@pytest.fixture
async def postgres_url(cluster: Cluster) -> str:
    """The address of an empty PostgreSQL database."""
    return await cluster.database()


@pytest.fixture
async def migrated_url(cluster: Cluster) -> str:
    """The address of a PostgreSQL database with the newest schema."""
    return await cluster.migrated()


@pytest.fixture
async def postgres_house(tmp_path: Path, migrated_url: str) -> AsyncIterator[House]:
    """As `quiet_house`, on PostgreSQL."""
    async with open_house(tmp_path / "data", database_url=migrated_url, services=()) as opened:
        yield opened


@pytest.fixture(params=["quiet_house", "postgres_house"])
def either_house(request: pytest.FixtureRequest, cluster: Cluster) -> House:  # the server outlives the test
    """A controller on SQLite, then on PostgreSQL."""
    opened: House = request.getfixturevalue(request.param)
    return opened
