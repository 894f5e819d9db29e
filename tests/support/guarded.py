"""Real brokers behind the files that `loa broker-config` writes, and clients that show a certificate at their door."""

import queue
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as mqtt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from paho.mqtt.enums import CallbackAPIVersion

from controller.authority.authority import CONTROLLER_NAME, Authority
from controller.broker.access import Access, Admitted, access
from controller.broker.repository import RevokedName
from controller.broker.setup import Kind, Setup, write_access, write_certificates, write_lasting, write_revoked
from loa.brokers import free_port
from loa.process import Child
from protocol import topics
from schedules.types import DeviceId
from tests.support.eventually import eventually
from tests.support.wire import hang_up

HERE = "127.0.0.1"


@dataclass(frozen=True)
class Pass:
    """A certificate and its key, as files."""

    cert: Path
    key: Path

    @property
    def serial(self) -> int:
        return x509.load_pem_x509_certificate(self.cert.read_bytes()).serial_number


class Office:
    """An authority, and passes of any age that it writes into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority.load(folder, datetime.now(UTC))
        self.root = folder / "root.crt"
        self.root.write_text(self.authority.certificate)

    def speaker(self, name: str, *, age: timedelta = timedelta()) -> Pass:
        """A speaker's certificate, issued so long ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        said = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "anything")])
        request = x509.CertificateSigningRequestBuilder().subject_name(said).sign(key, hashes.SHA256())
        pem = request.public_bytes(Encoding.PEM).decode()
        certificate = self.authority.issue_device(pem, name, datetime.now(UTC) - age)
        plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return self._write(name, plain, certificate)

    def controller(self) -> Pass:
        made = self.authority.issue_client(CONTROLLER_NAME, datetime.now(UTC))
        return self._write(CONTROLLER_NAME, made.key, made.certificate)

    def _write(self, name: str, key: str, certificate: str) -> Pass:
        stem = f"{name}-{len(list(self.folder.iterdir()))}"
        cert, private = self.folder / f"{stem}.crt", self.folder / f"{stem}.key"
        cert.write_text(certificate)
        private.write_text(key)
        return Pass(cert, private)


class Guarded:
    """One real broker. `admit` and `revoke` write its files anew, `reload` makes it read them."""

    def __init__(self, kind: Kind, folder: Path, office: Office, *, speakers: int = 100) -> None:
        self.office = office
        self.folder = folder / "files"
        self.log = folder / "broker.log"
        self._data = folder / "data"
        for each in (self.folder, self._data):
            each.mkdir(parents=True)
        self.setup = Setup(
            kind=kind,
            hosts=(HERE,),
            folder=self.folder,
            data=self._data,
            bind=HERE,
            port=free_port(),
            speakers=speakers,
        )
        self.port = self.setup.port
        self.access = Access((), "")
        self._child: Child | None = None
        write_lasting(self.folder, self.setup)
        write_certificates(self.folder, self.setup, office.authority, datetime.now(UTC))
        self.revoke()
        self.admit()

    @property
    def kind(self) -> Kind:
        return self.setup.kind

    def admit(self, *admitted: Admitted, muted: Sequence[str] = ()) -> None:
        self.access = access(admitted, muted)
        write_access(self.folder, self.setup, self.access)

    def revoke(self, *passes: Pass) -> None:
        now = datetime.now(UTC)
        write_revoked(self.folder, self.office.authority, [RevokedName("", each.serial, now) for each in passes], now)

    def start(self) -> None:
        command, env = self._command()
        self._child = Child("broker", command, log=self.log, env=env)
        try:
            eventually(self._accepts, within_s=20, what=f"{self.kind} accepts; see {self.log}")
        except BaseException:
            self.stop()
            raise

    def reload(self) -> None:
        assert self._child is not None
        with suppress(ProcessLookupError):
            self._child._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _accepts(self) -> bool:
        try:
            with socket.create_connection((HERE, self.port), timeout=0.5):
                return True
        except OSError:
            return False

    def _command(self) -> tuple[list[str], dict[str, str]]:
        match self.kind:
            case Kind.MOSQUITTO:
                # Where the tests run as root it would become another user, who may not read this folder.
                config = self._data / "mosquitto.conf"
                config.write_text((self.folder / "mosquitto.conf").read_text() + "user root\n")
                return [
                    shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin") or "",
                    "-c",
                    str(config),
                ], {}
            case Kind.NATS:
                program = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or "nats-server"
                return [program, "-c", str(self.folder / "nats.conf")], {}
            case Kind.EJABBERD:
                # Without a node's name there is no cluster, and no port mapper that would outlive the test.
                env = {
                    "EJABBERD_CONFIG_PATH": str(self.folder / "ejabberd.yml"),
                    "EJABBERD_LOG_PATH": str(self._data / "ejabberd.log"),
                    "ERL_LIBS": next(str(each.parent) for each in Path("/usr/lib").glob("*/ejabberd-*")),
                    "HOME": str(self._data),
                }
                return ["erl", "-noinput", "-mnesia", "dir", f'"{self._data}/spool"', "-s", "ejabberd"], env


@contextmanager
def reloading(broker: Guarded) -> Iterator[None]:
    """Make the broker read its files whenever they change, as the units in `deploy/` do."""
    ended = threading.Event()

    def stamps() -> list[tuple[str, int]]:
        return [(each.name, each.stat().st_mtime_ns) for each in sorted(broker.folder.glob("[!.]*"))]

    def watch() -> None:
        seen = stamps()
        while not ended.wait(0.05):
            with suppress(FileNotFoundError):
                now = stamps()
                if now != seen:
                    seen = now
                    broker.reload()

    watching = threading.Thread(target=watch, name="reloading")
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join()


class Refused(Exception):
    """The broker did not let somebody in."""


class Caller:
    """A client at the broker's door."""

    def __init__(
        self,
        broker: Guarded,
        shown: Pass | None,
        *,
        name: str,
        client_id: str = "",
        will: str | None = None,
    ) -> None:
        version = mqtt.MQTTv311 if broker.kind is Kind.NATS else mqtt.MQTTv5
        self._v5 = version == mqtt.MQTTv5
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id or topics.client_id(DeviceId(name)),
            protocol=version,
            reconnect_on_failure=False,
        )
        self._broker = broker
        self.name = name
        self.heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.everything: list[tuple[str, bytes]] = []
        self._let_in: queue.Queue[bool] = queue.Queue()
        self._granted: queue.Queue[list[Any]] = queue.Queue()
        self.gone = threading.Event()
        self.client.username_pw_set(name)
        if will is not None:
            self.client.will_set(will, b"will", qos=1, retain=True)
        self.client.tls_set(
            str(broker.office.root), str(shown.cert) if shown else None, str(shown.key) if shown else None
        )
        self.client.on_connect = lambda _c, _u, _f, reason, _p: self._let_in.put(not reason.is_failure)
        self.client.on_disconnect = lambda *_: (self.gone.set(), self._let_in.put(False))
        self.client.on_message = self._hear
        self.client.on_subscribe = lambda _c, _u, _m, reasons, _p: self._granted.put(reasons)

    def __enter__(self) -> Self:
        try:
            self.client.connect(HERE, self._broker.port, keepalive=20)
        except (OSError, ValueError) as error:
            raise Refused(str(error)) from error
        self.client.loop_start()
        try:
            let_in = self._let_in.get(timeout=10)
        except queue.Empty:
            let_in = False
        if not let_in:
            self.__exit__()
            raise Refused(f"{self.name} was not let in")
        return self

    def __exit__(self, *_: object) -> None:
        hang_up(self.client)

    def listen(self, *filters: str) -> bool:
        """Subscribe, and wait for the answers; whether all were granted. Mosquitto says so of what it denies, too."""
        granted = True
        for each in filters:
            self.client.subscribe(each, qos=1)
            granted = not any(reason.is_failure for reason in self._granted.get(timeout=10)) and granted
        return granted

    def say(self, topic: str, payload: bytes | str = b"x", *, retain: bool = False, qos: int = 1) -> None:
        """Publish; with QoS 1 wait until the broker has answered, if it does."""
        sent = self.client.publish(topic, payload, qos=qos, retain=retain)
        with suppress(RuntimeError):
            sent.wait_for_publish(3)

    def hears(self, topic: str, payload: bytes = b"x", *, within_s: float = 10) -> bool:
        """Wait for a message; what comes before it is kept in `everything`."""
        deadline = time.monotonic() + within_s
        while (topic, payload) not in self.everything:
            try:
                self.everything.append(self.heard.get(timeout=max(0.01, deadline - time.monotonic())))
            except queue.Empty:
                return False
        return True

    def topics(self) -> set[str]:
        return {topic for topic, _ in self.everything}

    def die(self) -> None:
        """Break the line without a word: the broker says the will."""
        sock = self.client.socket()
        if sock is not None:
            sock.shutdown(socket.SHUT_RDWR)

    def _hear(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self.heard.put((message.topic, bytes(message.payload)))


def may_come_in(callers: Iterable[Caller]) -> list[bool]:
    """Whether each is let in."""
    found = []
    for caller in callers:
        try:
            with caller:
                found.append(True)
        except Refused:
            found.append(False)
    return found
