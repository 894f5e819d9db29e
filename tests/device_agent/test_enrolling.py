"""Enrolling against a real controller over HTTP, with whoever may stand between."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from controller.accounts.roles import Role
from device_agent.documents import ConfigStore
from device_agent.enrolling import Enroller
from device_agent.errors import ControllerUnreachable, EnrolmentRefused
from device_agent.identity import IdentityStore, Own
from protocol.enrolment import ENROL_PATH, EnrolmentAnswer, EnrolmentCode, Identity
from protocol.errors import UnknownKey
from protocol.messages import Config, KeyNotice
from protocol.signing import SigningKey, sign, verify
from protocol.trust import EVERYBODY
from tests.support.boards import Board
from tests.support.site import Site, running_site

SPEAKER = "07339-1"
NOON = datetime(2026, 11, 26, 5, 0, tzinfo=UTC)
YEARS = timedelta(days=3650)
Change = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("site")) as site:
        site.ask(lambda: site.house.commune("07339", speakers=1))
        yield site


@pytest.fixture(scope="module")
def technician(site: Site) -> Iterator[httpx.Client]:
    _, token = site.ask(lambda: site.house.user("technician", "07339", roles=[Role.TECHNICIAN]))
    with httpx.Client(base_url=site.url, headers={"Authorization": f"Bearer {token}"}, trust_env=False) as client:
        yield client


def code_for(technician: httpx.Client) -> EnrolmentCode:
    return EnrolmentCode.parse(technician.post(f"/api/v1/devices/{SPEAKER}/enrolment-code").json()["code"])


class Pole:
    """An unenrolled board, and what it tells whoever stands before it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.said: list[str] = []
        self.waits: list[float] = []
        self.folder = folder
        self.on_wait: Callable[[], object] = lambda: None
        self.enroller = Enroller(folder, url, agent_version="1", say=self.said.append, sleep=self._wait)

    def _wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.on_wait()

    @property
    def own(self) -> Own | None:
        return IdentityStore(self.folder).load()


@contextmanager
def between(site: Site, *, request: Change = lambda body: body, answer: Change = lambda body: body) -> Iterator[str]:
    """Somebody on the way who reads and changes everything."""

    class Thief(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with httpx.Client(trust_env=False) as client:
                got = client.post(site.url + self.path, json=request(body))
            said = json.dumps(answer(got.json()) if got.is_success else got.json()).encode()
            self.send_response(got.status_code)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Thief) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_code_brings_the_identity_and_never_travels(site: Site, technician: httpx.Client, tmp_path: Path):
    code, seen = code_for(technician), []

    def note(body: dict[str, Any]) -> dict[str, Any]:
        seen.append(json.dumps(body))
        return body

    with between(site, request=note, answer=note) as url:
        own = Pole(tmp_path, url).enroller.with_code(code)
    assert own.identity.device_id == SPEAKER
    assert len(seen) == 2
    assert not any(code.secret in each or "PRIVATE" in each for each in seen)
    again = Pole(tmp_path, site.url)
    assert again.enroller.with_code(code) == own
    assert "already" in again.said[0]


def other_key(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"request": Board().request}


def other_trust(body: dict[str, Any]) -> dict[str, Any]:
    identity = Identity.model_validate_json(body["identity"])
    theirs = identity.model_copy(update={"trusted_keys": (SigningKey.generate().public,)})
    return body | {"identity": theirs.model_dump_json()}


@pytest.mark.parametrize(
    "changes",
    [
        {"request": other_key},
        {"request": lambda body: {key: body[key] for key in body if key not in {"code_id", "proof"}}},
        {"answer": other_trust},
        {"answer": lambda body: body | {"proof": None}},
        {"answer": lambda body: body | {"proof": "0" * 64}},
        {"answer": lambda body: body | {"state": "waiting", "identity": None, "proof": None}},
        {"answer": lambda _: {"nonsense": True}},
    ],
    ids=["its own key", "no code", "its own orders", "no proof", "wrong proof", "says wait", "nonsense"],
)
def test_whoever_stands_between_gets_nothing_believed(
    site: Site, technician: httpx.Client, tmp_path: Path, changes: dict[str, Change]
):
    with between(site, **cast("Any", changes)) as url, pytest.raises((EnrolmentRefused, ControllerUnreachable)):
        Pole(tmp_path, url).enroller.with_code(code_for(technician))
    assert IdentityStore(tmp_path).load() is None


def test_after_a_lost_answer_it_asks_again_and_is_who_it_was_to_be(
    site: Site, technician: httpx.Client, tmp_path: Path
):
    code = code_for(technician)
    with between(site, answer=lambda _: {}) as url, pytest.raises(ControllerUnreachable):
        Pole(tmp_path, url).enroller.with_code(code)
    assert Pole(tmp_path, site.url).enroller.with_code(code).identity.device_id == SPEAKER


def test_another_code_makes_it_another_key(site: Site, technician: httpx.Client, tmp_path: Path):
    first = Pole(tmp_path, site.url).enroller.with_code(code_for(technician))
    second = Pole(tmp_path, site.url).enroller.with_code(code_for(technician))
    assert first.key != second.key


def test_enrolled_anew_it_forgets_whom_a_thief_with_the_recovery_key_made_it_believe(
    site: Site, technician: httpx.Client, tmp_path: Path
):
    recovery, thief = SigningKey.generate(), SigningKey.generate()
    own = Pole(tmp_path, site.url).enroller.with_code(code_for(technician))
    honest = own.identity.trusted_keys[0]
    stolen = recovery.public.model_copy(update={"role": "recovery"})
    taught = ConfigStore(tmp_path, SPEAKER, (honest, stolen), lambda _: None)
    notice = KeyNotice(serial=10**15, keys=(thief.public,), revoked=(honest.kid,))
    order = config_by(thief, sign(notice, audience=EVERYBODY, key=recovery, now=NOON, lifetime=YEARS))
    taught.heed(order)
    taught.save(order, verify(order, Config, audiences={SPEAKER}, keys=taught.keys, now=NOON), NOON)
    assert not trusts(taught, honest.kid)
    again = ConfigStore(tmp_path, SPEAKER, (honest, stolen), lambda _: None)
    again.load()
    assert again.current() is not None

    anew = Pole(tmp_path, site.url).enroller.with_code(code_for(technician))
    store = ConfigStore(tmp_path, SPEAKER, anew.identity.trusted_keys, lambda _: None)
    store.load()
    assert trusts(store, honest.kid)
    assert not trusts(store, thief.public.kid)
    assert store.current() is None
    assert not store.heed(order)
    assert trusts(store, honest.kid)


def trusts(store: ConfigStore, kid: str) -> bool:
    try:
        return store.keys[kid] is not None
    except UnknownKey:
        return False


def config_by(key: SigningKey, *notices: str) -> str:
    body = Config(device=SPEAKER, version=10**15, keys=(key.public,), notices=notices)
    return sign(body, audience=SPEAKER, key=key, now=NOON, lifetime=YEARS)


def test_a_wrong_code_says_what_to_do(site: Site, tmp_path: Path):
    with pytest.raises(EnrolmentRefused, match=r"new one|Mã"):
        Pole(tmp_path, site.url).enroller.with_code(EnrolmentCode.parse("0000-0000-0000"))


def test_without_a_code_it_shows_its_fingerprint_and_waits(site: Site, technician: httpx.Client, tmp_path: Path):
    pole = Pole(tmp_path, site.url)

    def let_in() -> None:
        if len(pole.waits) == 3:
            mark = pole.said[-1].rpartition(": ")[2].replace(" ", "")
            wish = {"device_id": SPEAKER, "replace": True}
            technician.post(f"/api/v1/enrolment/applications/{mark}/approval", json=wish).raise_for_status()

    pole.on_wait = let_in
    assert pole.enroller.by_approval().identity.device_id == SPEAKER
    assert len(pole.waits) == 3
    assert pole.waits[0] < pole.waits[2]


def test_without_a_code_only_an_address_that_proves_itself_is_asked(tmp_path: Path):
    with pytest.raises(EnrolmentRefused, match="https"):
        Pole(tmp_path, "http://loa.example.vn").enroller.by_approval()


def test_turned_away_it_ends(site: Site, technician: httpx.Client, tmp_path: Path):
    pole = Pole(tmp_path, site.url)

    def turn_away() -> None:
        mark = pole.said[-1].rpartition(": ")[2].replace(" ", "")
        technician.post(f"/api/v1/enrolment/applications/{mark}/rejection").raise_for_status()

    pole.on_wait = turn_away
    with pytest.raises(EnrolmentRefused, match="turned away"):
        pole.enroller.by_approval()


def test_a_controller_that_is_away_is_asked_again_and_then_said_to_be_so(tmp_path: Path):
    pole = Pole(tmp_path, "http://127.0.0.1:9")
    with pytest.raises(ControllerUnreachable, match="cannot be reached"):
        pole.enroller.with_code(EnrolmentCode.parse("0000-0000-0000"))
    assert len(pole.waits) == 4


def test_the_answer_names_the_key_that_was_asked_for(site: Site):
    board = Board()
    with httpx.Client(base_url=site.url, trust_env=False) as client:
        answer = EnrolmentAnswer.model_validate(client.post(ENROL_PATH, json=board.asks()).json())
    assert answer.fingerprint == board.fingerprint
