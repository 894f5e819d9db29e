"""One town for the days of all its people: it takes longer to start than most of what they do."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.web import assets, build
from tests.support.children import running
from tests.support.days import Commune, Town, open_town


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the days on one worker."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.xdist_group("days"))


@pytest.fixture(scope="package")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    build.build()
    assets.manifest.cache_clear()
    with open_town(tmp_path_factory.mktemp("town")) as opened:
        yield opened
    left = running()
    assert not left, f"left running: {left}"


@pytest.fixture(params=["desk", "phone"])
def commune(town: Town, request: pytest.FixtureRequest) -> Commune:
    commune = town.communes[request.param]
    town.is_whole()
    town.asks_for_approval(commune, "none")
    return commune
