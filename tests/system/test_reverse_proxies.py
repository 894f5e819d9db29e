"""The controller behind the real nginx and the real Caddy, configured as `deploy/` says."""

import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from websockets.sync.client import connect

from controller.accounts.models import User, UserSession
from controller.live.arriving import Piece
from controller.live.keeping import desk_of
from controller.web import assets, build
from loa.brokers import free_port
from protocol.live import FRAME_MS
from tests.support.controller import PASSWORD
from tests.support.eventually import eventually
from tests.support.proxies import VISITOR, Proxy, proxy
from tests.support.site import Site, running_site
from tests.support.spoken import tone

MIB = 1024 * 1024
KINDS = ("nginx", "caddy")
LOUD = 20
"""A level in −dBov, as a frame begins with it."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("site")) as running:
        running.ask(lambda: running.house.commune("07339", speakers=1))
        yield running


@pytest.fixture(scope="module", params=KINDS)
def front(request: pytest.FixtureRequest, site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    upstream = site.url.removeprefix("http://")
    with proxy(request.param, tmp_path_factory.mktemp(request.param), upstream) as running:
        yield running


async def addresses_of(site: Site, name: str) -> list[str]:
    async with site.house.database.reading() as session:
        wanted = select(UserSession.address).join(User, User.id == UserSession.user_id).where(User.name == name)
        return list(await session.scalars(wanted))


def test_somebody_signs_in_and_the_true_address_is_kept(site: Site, front: Proxy):
    name = f"lan-{front.port}"
    site.ask(lambda: site.house.user(name, "07339"))
    with front.browser(**{"X-Forwarded-For": "9.9.9.9", "X-Forwarded-Proto": "http"}) as browser:
        answer = browser.post("/sign-in", data={"username": name, "password": PASSWORD, "next": "/records"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/records")
        given = answer.headers.get_list("set-cookie")
        assert given
        assert all("secure" in each.lower() and "httponly" in each.lower() for each in given)
        assert browser.get("/records").status_code == 200
    assert site.ask(lambda: addresses_of(site, name)) == [VISITOR]


def test_what_makes_browsers_strict_arrives_once(front: Proxy):
    with front.browser() as browser:
        headers = browser.get("/sign-in").headers
    for name in ("content-security-policy", "referrer-policy", "x-content-type-options", "cache-control"):
        assert len(headers.get_list(name)) == 1, name


def test_what_changes_is_told_at_once(site: Site, front: Proxy):
    _, secret = site.ask(lambda: site.house.user(f"ha-{front.port}", "07339"))
    with (
        front.browser(Authorization=f"Bearer {secret}") as browser,
        browser.stream("GET", "/events") as stream,
    ):
        lines = stream.iter_lines()
        assert next(lines).startswith("retry:")
        site.hears("07339-1", playing=f"now-{front.port}")
        assert any(line == "event: speakers" for line in lines)


def test_who_speaks_live_is_heard_and_told_who_hears_it(site: Site, front: Proxy):
    _, secret = site.ask(lambda: site.house.user(f"live-{front.port}", "07339"))
    wish = {"area_code": "07339", "title": "Họp dân", "targets": [{"kind": "area", "key": "07339"}]}
    with front.browser(Authorization=f"Bearer {secret}") as browser:
        begun = browser.post("/api/v1/live-sessions", json=wish)
        assert begun.status_code == 201, begun.text
        session = begun.json()["id"]
        desk = desk_of(site.house.runtime)
        with connect(
            f"wss://localhost:{front.port}/api/v1/live-sessions/{session}/sound",
            ssl=front.tls,
            additional_headers={"Authorization": f"Bearer {secret}"},
        ) as line:
            assert json.loads(line.recv(timeout=30))["speakers"] == 1
            for number, frame in enumerate(tone(5)):
                line.send(Piece.HEAD.pack(LOUD, number * FRAME_MS) + frame)
            eventually(lambda: desk[session].standing.loud_at is not None, within_s=30, what="it is heard")
            assert browser.post(f"/api/v1/live-sessions/{session}/end").status_code == 202
            while json.loads(line.recv(timeout=30))["ended"] is None:
                pass


def test_what_pages_bring_comes_compressed_and_whole(front: Proxy):
    build.build()
    assets.manifest.cache_clear()
    plain = (build.DIST / assets.manifest()["speaker_map.js"]).read_bytes()
    with front.browser() as browser:
        packed = browser.get(assets.address("speaker_map.js"), headers={"Accept-Encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert int(packed.headers["content-length"]) < len(plain) / 3
        assert "accept-encoding" in packed.headers["vary"].lower()
        assert packed.content == plain
        bare = browser.get(assets.address("speaker_map.js"), headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in bare.headers
        assert bare.content == plain


def test_a_body_that_is_too_long_is_refused_before_it_is_sent(front: Proxy):
    head = (
        f"POST /api/v1/clips HTTP/1.1\r\nHost: localhost:{front.port}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {300 * MIB}\r\n\r\n"
    )
    with (
        socket.create_connection(("127.0.0.1", front.port), timeout=30) as plain,
        front.tls.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(head.encode())
        assert secure.recv(4096).split(b"\r\n")[0].startswith(b"HTTP/1.1 413")


def test_the_controllers_own_limit_explains_itself(front: Proxy):
    with front.browser() as browser:
        answer = browser.post("/api/v1/session", json={"name": "x" * 2 * MIB, "password": "x"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_body_of_unknown_length_is_refused_too(front: Proxy):
    def endless() -> Iterator[bytes]:
        for _ in range(3 * 16):
            yield b" " * (MIB // 16)

    with front.browser() as browser:
        answer = browser.post("/api/v1/session", content=endless(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_foreign_name_shows_no_form(front: Proxy):
    with front.browser() as browser:
        assert "<form" in browser.get("/sign-in").text
    with front.browser(Host="evil.example") as browser:
        assert "<form" not in browser.get("/sign-in").text


def test_browsers_are_spoken_to_in_http_2(front: Proxy):
    tls = ssl.create_default_context(cafile=str(front.folder / "cert.pem"))
    tls.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", front.port), timeout=30) as plain,
        tls.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        assert secure.selected_alpn_protocol() == "h2"


def ask_with_secrets(front: Proxy) -> None:
    with front.browser(Referer=f"{front.url}/join/geheim-1") as browser:
        browser.get("/join/geheim-2?then=geheim-3")
        browser.get("/subscriptions/geheim-7.ics")
        browser.get("/content/abc?until=1&signature=geheim-4")
        browser.get("/sign-in/openid/callback?code=geheim-5&state=geheim-6")
        browser.get("/healthz?last")
    eventually(lambda: front.written().count("/healthz") >= 2, within_s=30, what="it is logged")


def test_no_secret_is_logged(front: Proxy):
    ask_with_secrets(front)
    written = front.written()
    assert "/join/-" in written
    assert "/content/abc" in written
    assert "geheim" not in written


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_is_logged_when_the_controller_is_away(tmp_path: Path, kind: str):
    with proxy(kind, tmp_path, f"127.0.0.1:{free_port()}", awaits=502) as front:
        ask_with_secrets(front)
        assert "geheim" not in front.written()
