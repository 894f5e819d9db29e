import gzip
import json
from pathlib import Path

import pytest

from controller.web import assets, build
from tests.support.controller import House

LOCK = build.FRONTEND / "package-lock.json"


@pytest.fixture(scope="module")
def built() -> Path:
    """The assets, built."""
    build.build()
    assets.manifest.cache_clear()
    return build.DIST


def test_the_lock_names_no_registry():
    packages = json.loads(LOCK.read_text())["packages"]
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert all(package.get("integrity") for name, package in packages.items() if name)


def test_nothing_is_done_when_nothing_changed(built: Path):
    before = {path.name: path.stat().st_mtime_ns for path in built.iterdir()}
    assert build.build() is False
    assert {path.name: path.stat().st_mtime_ns for path in built.iterdir()} == before


def test_a_first_visit_is_light(built: Path):
    first = ("app.js", "desk.js", "style.css", "icons.svg", "favicon.svg")
    assert sum((built / assets.manifest(built)[name]).stat().st_size for name in first) < 120_000


@pytest.mark.parametrize("page", ["calendar", "microphone", "speaker", "speaker_map"])
def test_what_one_page_brings_besides_is_light_where_a_proxy_compresses(built: Path, page: str):
    files = [built / file for name, file in assets.manifest(built).items() if name.partition(".")[0] in {page, "app"}]
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) < 100_000


async def test_assets_are_kept_for_ever_and_nothing_else_is_served(house: House, built: Path):
    browser = house.browser()
    answer = await browser.get(assets.address("style.css"))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]
    for name in ("manifest.json", ".inputs", "..%2f..%2fbuild.py", "nothing.js"):
        assert (await browser.get(f"/static/{name}")).status_code == 404, name
