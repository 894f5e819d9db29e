"""Maps over the tiles of a server that the place has chosen, in a real browser."""

import json
import re
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from controller.areas.models import Area
from controller.devices.models import Device
from tests.support.browser import built_site, sign_in
from tests.support.site import Site

TILE_PX = 256
WHOSE = "© Sở Nông nghiệp & Môi trường"
WEST, SOUTH, EAST, NORTH = 106.1, 21.2, 106.2, 21.3
MIDDLE = (SOUTH + NORTH) / 2
MAPS = pytest.mark.parametrize(
    ("path", "marks"),
    [
        ("/speakers/map", "good 1, good 1"),
        ("/schedules/new", "off 1, off 1"),
        ("/emergency/{alert}", "wait 1, wait 1"),
    ],
    ids=["speakers", "targets", "alert"],
)
SHOWN = """url => new Promise(tell =>
    Object.assign(new Image(), { src: url, onload: () => tell(true), onerror: () => tell(false) }))"""
FETCHED = "url => fetch(url, { mode: 'no-cors' }).then(() => true, () => false)"
PAINTED = """canvas => {
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    const row = (y) => Array.from({ length: width }, (_, x) => data[4 * (y * width + x) + 3]);
    const painted = Array.from({ length: height }, (_, y) => y).filter((y) => row(y).some((alpha) => alpha));
    const middle = Math.round((painted[0] + painted.at(-1)) / 2);
    return [painted.length, row(middle).filter((alpha) => alpha === 255).length];
}"""
"""How high all is that is painted, and how much of the row in its midst is covered."""


def png(side_px: int) -> bytes:
    """A grey picture."""
    rows = zlib.compress((b"\0" + b"\x99" * side_px) * side_px)
    head = struct.pack(">IIBBBBB", side_px, side_px, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


class Tiles(ThreadingHTTPServer):
    """A server of tiles that notes what it was asked for, and answers nobody once it is dead."""

    dead = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Tiles

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.server.dead:
            return
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.end_headers()
        self.wfile.write(png(TILE_PX))

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Tiles]:
    with Tiles() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def server() -> Iterator[Tiles]:
    with serving() as tiles:
        yield tiles


@pytest.fixture
def tiles(server: Tiles) -> Tiles:
    server.asked.clear()
    server.dead = False
    return server


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, server: Tiles) -> Iterator[Site]:
    address = f"{server.url}/{{z}}/{{x}}/{{y}}.png"
    with built_site(tmp_path_factory.mktemp("site"), tiles=address, tiles_attribution=WHOSE) as running:
        yield running


@pytest.fixture
def page(site: Site, context: BrowserContext, commune: str) -> Page:
    return sign_in(context, site, commune)


@pytest.fixture
def alert(site: Site, commune: str) -> str:
    """The draft of an alert for a commune that has an outline, with its speakers in the midst of it."""

    async def drafted() -> str:
        async with site.house.database.transaction() as session:
            ring = [[WEST, SOUTH], [EAST, SOUTH], [EAST, NORTH], [WEST, NORTH], [WEST, SOUTH]]
            outline = {"type": "Polygon", "coordinates": [ring]}
            (await session.get_one(Area, commune)).polygon = json.dumps(outline)
            for number, lon in ((1, WEST + 0.03), (2, EAST - 0.03)):
                speaker = await session.get_one(Device, f"{commune}-{number}")
                speaker.lat, speaker.lon = MIDDLE, lon
        writer = await site.house.signed_in(commune, f"{commune}-w")
        targets = [{"kind": "area", "key": commune}]
        answer = await writer.post("/api/v1/alerts", json={"area_code": commune, "headline": "Lũ", "targets": targets})
        return str(answer.json()["id"])

    return site.ask(drafted)


def opened_map(page: Page, address: str) -> Locator:
    page.goto(address)
    if "/schedules/" in address:
        page.locator("summary", has_text="Chọn trên bản đồ").click()
    return page.locator("[data-map]:visible")


@MAPS
def test_a_map_lies_on_the_tiles_of_the_server_and_says_whose_they_are(
    *, site: Site, page: Page, tiles: Tiles, alert: str, path: str, marks: str
):
    shown = opened_map(page, site.url + path.format(alert=alert))
    expect(shown).to_have_attribute("data-marks", marks)
    expect(shown.locator(".leaflet-tile-loaded").first).to_have_css("opacity", "1")
    expect(shown.locator(".leaflet-tile:not(.leaflet-tile-loaded)")).to_have_count(0)
    sides = shown.locator(".leaflet-tile").evaluate_all("tiles => tiles.map(tile => tile.naturalWidth)")
    assert set(sides) == {TILE_PX}
    assert all(re.fullmatch(r"/\d+/\d+/\d+\.png", each) for each in tiles.asked)
    expect(shown.locator(".leaflet-control-attribution")).to_have_text(WHOSE)
    assert page.complaints == []


@MAPS
def test_a_dead_tile_server_takes_neither_outlines_nor_marks_from_a_map(
    *, site: Site, page: Page, tiles: Tiles, alert: str, path: str, marks: str
):
    tiles.dead = True
    shown = opened_map(page, site.url + path.format(alert=alert))
    expect(shown).to_have_attribute("data-marks", marks)
    page.wait_for_load_state("networkidle")
    assert tiles.asked
    expect(shown.locator(".leaflet-tile-loaded")).to_have_count(0)
    height = shown.evaluate("map => map.clientHeight")
    painted, covered = shown.locator("canvas").evaluate(PAINTED)
    assert painted > height / 3, "the outline"
    assert covered > 30, "two marks"
    assert page.complaints == []


def test_pictures_come_from_the_tile_server_and_nothing_else_from_anywhere(site: Site, page: Page, tiles: Tiles):
    tile = f"{tiles.url}/1/1/1.png"
    with serving() as stranger:
        assert page.evaluate(SHOWN, tile)
        assert page.complaints == []
        assert not page.evaluate(SHOWN, f"{stranger.url}/1/1/1.png")
        assert not page.evaluate(FETCHED, f"{tiles.url}/2/2/2.png")
        assert stranger.asked == []
    assert tiles.asked == ["/1/1/1.png"]
    assert page.complaints, "the policy refused them, not the network"
    policy = page.goto(site.url).headers["content-security-policy"]  # type: ignore[union-attr]
    assert [each for each in policy.split("; ") if tiles.url in each] == [f"img-src 'self' {tiles.url} data:"]
