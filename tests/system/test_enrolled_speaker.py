"""A speaker from its first minute on: enrolled over HTTP, let in by its certificate, renewed, shut out."""

import json
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from cryptography import x509

from controller.authority.authority import Authority
from device_agent.identity import IdentityStore, Own, request_of
from loa.nodes import ControllerNode, Node
from loa.officer import Officer
from tests.support.eventually import eventually
from tests.support.guarded_door import GuardedMosquitto

SPEAKER = "tan-yen-1"
AREA = "VN"


class Pole:
    """A board with no more than its sound set up."""

    def __init__(self, folder: Path, controller: ControllerNode) -> None:
        self.state = folder / "state"
        self.config = folder / "agent.toml"
        self.controller = controller
        folder.mkdir()
        self.config.write_text(f'state_dir = "{self.state}"\nsink = "wav"\n[broker]\nkeepalive_s = 5\n')
        self.agent = Node("agent", "agent", "run", "--config", str(self.config), logs=folder)

    def enroll(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "loa", "agent", "enroll", "--config", str(self.config)]
        command += ["--controller", self.controller.url, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    @property
    def own(self) -> Own:
        own = IdentityStore(self.state).load()
        assert own is not None
        return own

    def said(self) -> str:
        return self.agent.log.read_text() if self.agent.log.exists() else ""


class Centre:
    """Controller and broker."""

    def __init__(self, folder: Path, controller: ControllerNode, broker: GuardedMosquitto, officer: Officer) -> None:
        self.folder = folder
        self.controller = controller
        self.broker = broker
        self.officer = officer

    def code(self) -> str:
        made = self.officer.create(f"/devices/{SPEAKER}/enrolment-code", {})
        code: str = made["code"]
        return code

    def online(self) -> bool:
        return bool(self.officer.get(f"/devices/{SPEAKER}/state")["online"])


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    data = tmp_path / "controller"
    data.mkdir(mode=0o700)
    authority = Authority.load(data, datetime.now(UTC))
    with GuardedMosquitto(tmp_path / "broker", authority) as broker:
        env = {"LOA_SPEAKER_BROKER": f"mqtts://127.0.0.1:{broker.door}"}
        controller = ControllerNode(data, broker, logs=tmp_path, env=env)
        controller.command("areas", "load", "--province", "24")
        controller.command("user", "add", "tester", "--area", AREA, "--all-roles")
        token = controller.command("user", "token", "tester")
        with controller, Officer(controller.url, token) as officer:
            eventually(controller.is_ready, within_s=60, what=controller.last_words(20))
            officer.create("/devices", {"id": SPEAKER, "name": "Tân Yên", "area_code": AREA})
            yield Centre(tmp_path, controller, broker, officer)


@pytest.fixture
def pole(centre: Centre, tmp_path: Path) -> Iterator[Pole]:
    pole = Pole(tmp_path / "pole", centre.controller)
    try:
        yield pole
    finally:
        pole.agent.stop()


def test_a_code_is_all_it_takes(centre: Centre, pole: Pole):
    code = centre.code()
    done = pole.enroll("--code", code.lower().replace("-", " "))
    assert done.returncode == 0, done.stderr
    again = pole.enroll("--code", code)
    assert again.returncode == 0, again.stderr

    pole.agent.start()
    eventually(centre.online, within_s=60, what=pole.agent.last_words(20))
    assert not _listening(pole.agent), "a speaker listens on no port"
    _no_secrets_told(pole, code)
    for path in pole.state.iterdir():
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, f"{path.name} can be read by others"

    before = pole.own.certificate.serial_number
    store = IdentityStore(pole.state)
    pole.agent.stop()
    _age(store, centre)
    pole.agent.start()
    eventually(lambda: "certificate_renewed" in pole.said(), within_s=60, what=pole.agent.last_words(20))
    eventually(centre.online, within_s=60, what=pole.agent.last_words(20))
    assert pole.own.certificate.serial_number != before
    assert pole.own.certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=80)
    _no_secrets_told(pole, code)


def test_without_a_code_it_waits_until_somebody_lets_it_in(centre: Centre, pole: Pole):
    pole.config.write_text(f'controller = "{centre.controller.url}"\n' + pole.config.read_text())
    pole.agent.start()
    waiting = eventually(
        lambda: centre.officer.get("/enrolment/applications"), within_s=60, what=pole.agent.last_words(20)
    )
    mark = waiting[0]["fingerprint"]
    assert mark in pole.said().replace(" ", "")
    centre.officer.create(f"/enrolment/applications/{mark}/approval", {"device_id": SPEAKER})
    eventually(centre.online, within_s=60, what=pole.agent.last_words(20))


def test_who_was_shut_out_stays_out(centre: Centre, pole: Pole):
    assert pole.enroll("--code", centre.code()).returncode == 0
    centre.officer.create(f"/devices/{SPEAKER}/certificates/revocation", {})
    centre.broker.stop()
    centre.broker.refuse(pole.own.certificate.serial_number)
    centre.broker.start()
    pole.agent.start()
    eventually(lambda: "link_lost" in pole.said(), within_s=60, what=pole.agent.last_words(20))
    assert not centre.online()


def _listening(agent: Node) -> list[object]:
    """The sockets on which the agent or one of its children waits for others."""
    assert agent.child is not None
    family = [psutil.Process(agent.child.pid), *psutil.Process(agent.child.pid).children(recursive=True)]
    sockets = [each for process in family for each in process.net_connections("inet")]
    assert sockets, "it has a connection to the broker at least"
    return [each for each in sockets if each.status == psutil.CONN_LISTEN or (each.type == 2 and not each.raddr)]


def _no_secrets_told(pole: Pole, code: str) -> None:
    """Neither the log nor anything but its own files holds a secret."""
    secrets = [line for line in pole.own.key.splitlines() if not line.startswith("-----")]
    secrets += [code, code.replace("-", ""), "PRIVATE KEY"]
    told = pole.said() + json.dumps([path.name for path in pole.state.rglob("*")])
    holders = {"identity.json", "identity.pem", "next-key.pem"}
    for path in pole.state.rglob("*"):
        if path.is_file() and path.name not in holders:
            told += path.read_bytes().decode(errors="replace")
    found = [secret[:4] for secret in secrets if secret in told]
    assert not found
    assert not re.search(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", pole.said()), "no token is logged"


def _age(store: IdentityStore, centre: Centre) -> None:
    """Give the speaker the certificate that it would have had eighty days ago."""
    own = store.load()
    assert own is not None
    authority = Authority.load(centre.controller.data_dir, datetime.now(UTC))

    old = authority.issue_device(request_of(own.private), SPEAKER, datetime.now(UTC) - timedelta(days=89, hours=23))
    identity = own.identity.model_copy(update={"certificate": old + authority.certificate})
    store.adopt(identity, own.private, own.code_id)
    assert x509.load_pem_x509_certificate(old.encode()).not_valid_after_utc > datetime.now(UTC)
