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


@pytest.mark.parametrize("page", ["alert_map", "calendar", "microphone", "speaker", "speaker_map", "target_map"])
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


async def test_assets_come_compressed_to_who_takes_it(house: House, built: Path):
    browser = house.browser()
    for name, kind in (("app.js", "text/javascript"), ("style.css", "text/css"), ("icons.svg", "image/svg+xml")):
        plain = (built / assets.manifest(built)[name]).read_bytes()
        for accepted, encoding in (("gzip, br", "gzip"), ("identity", None), ("gzip;q=0", None)):
            answer = await browser.get(assets.address(name), headers={"Accept-Encoding": accepted})
            assert answer.headers.get("content-encoding") == encoding, (name, accepted)
            assert answer.headers["content-type"].startswith(kind)
            assert answer.headers["vary"] == "Accept-Encoding"
            assert answer.content == plain


@pytest.mark.parametrize("accepted", ["gzip", "br, GZIP;q=0.5", "gzip;q=1"])
def test_gzip_is_sent_where_it_is_asked_for(accepted: str):
    assert assets.takes_gzip(accepted)


@pytest.mark.parametrize("accepted", ["gzip; q=0", "gzip;q=0.000", "br", ""])
def test_gzip_is_not_sent_where_it_is_not(accepted: str):
    assert not assets.takes_gzip(accepted)
