"""An MQTT broker as our own child process, on the loopback interface only: for the demo and the tests.

Two kinds with one interface: iotcore (rumqttd from PyPI, nothing to install) and Debian's Mosquitto.
"""

import random
import shutil
import socket
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Literal, Self

from controller.broker.limits import Limits
from loa.process import Child

BrokerKind = Literal["embedded", "mosquitto"]

MAX_PAYLOAD_BYTES = 1024 * 1024
HOUSE = 100
"""Speakers of a broker for which nobody says how many there are."""
_START_TIMEOUT_S = 10.0
_QUIET_PORTS = (15_000, 32_000)


class BrokerUnavailable(Exception):
    """The broker cannot run here; the sentence says what to do."""


class Broker(ABC):
    """A broker that can be started, stopped, and killed; ports stay the same over restarts."""

    kind: ClassVar[BrokerKind]

    def __init__(self, data_dir: Path, *, port: int = 0, port_v311: int = 0, logs: Path | None = None) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        """Speaks MQTT 5."""
        self.port_v311 = port_v311 or free_port()
        """Speaks MQTT 3.1.1."""
        self._logs = logs or data_dir
        self._child: Child | None = None

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self._child is not None and self._child.returncode is None

    def start(self) -> None:
        """Start it and return when it accepts connections."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        for port in (self.port, self.port_v311):
            if not port_is_free(port):
                raise BrokerUnavailable(f"Port {port} is in use by another program.")
        self._child = Child("broker", self._command(), log=self._logs / "broker.log")
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not (_accepts(self.port) and _accepts(self.port_v311)):
            if not self.running or time.monotonic() > deadline:
                words = self._child.last_words()
                self.stop()
                raise BrokerUnavailable(f"The {self.kind} broker did not start. {words}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it properly."""
        if self._child is not None:
            self._child.stop()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._child is not None:
            self._child.kill()

    @abstractmethod
    def forget(self) -> None:
        """While it is down: lose everything it remembered, as a broker on a new machine has."""

    @abstractmethod
    def _command(self) -> list[str]:
        """Write the configuration and return the command that starts it."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class EmbeddedBroker(Broker):
    """iotcore: memory only, so each start is a start without data."""

    kind = "embedded"

    def _command(self) -> list[str]:
        config = self.data_dir / "broker.toml"
        listeners = {"v4": self.port_v311, "v5": self.port}
        config.write_text(_ROUTER + "".join(_listener(name, port) for name, port in listeners.items()))
        return [sys.executable, "-m", "iotcore", "--config", str(config), "--log-level", "CRITICAL"]

    def forget(self) -> None:
        """Nothing to do: it never remembers."""


class Mosquitto(Broker):
    """Debian's Mosquitto, keeping its retained messages on disk."""

    kind = "mosquitto"
    limits = Limits(speakers=HOUSE)
    """As for a real broker: by its defaults it would lose what thousands say to the controller at once."""

    def _command(self) -> list[str]:
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin") or shutil.which("mosquitto")
        if program is None:
            raise BrokerUnavailable("Mosquitto is not installed. On Debian: sudo apt install mosquitto")
        config = self.data_dir / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} 127.0.0.1\n"
            f"listener {self.port_v311} 127.0.0.1\n"
            "allow_anonymous true\n"
            f"message_size_limit {MAX_PAYLOAD_BYTES}\n"
            "persistence true\n"
            f"persistence_location {self.data_dir}/\n"
            "persistence_file mosquitto.db\n"
            f"max_queued_messages {self.limits.queued_messages}\n"
            f"{self._saving()}"
            # As root, stay root: the data folder is ours, and this broker hears the loopback interface only.
            "user root\n"
            "log_dest stderr\n"
            "log_type error\n"
            "log_type warning\n"
        )
        return [program, "-c", str(config)]

    def _saving(self) -> str:
        """How much a SIGKILL may cost: one message of a small house; the default would lose half an hour of them."""
        if self.limits.speakers <= HOUSE:
            return "autosave_on_changes true\nautosave_interval 1\n"
        # The whole store is written each time.
        return f"autosave_on_changes false\nautosave_interval {self.limits.save_every_s}\n"

    def forget(self) -> None:
        """Remove its file."""
        (self.data_dir / "mosquitto.db").unlink(missing_ok=True)


def make_broker(
    kind: BrokerKind, data_dir: Path, *, port: int = 0, logs: Path | None = None, speakers: int = HOUSE
) -> Broker:
    """Return a broker of the named kind for so many speakers, not yet started."""
    if kind == "embedded":
        return EmbeddedBroker(data_dir, port=port, logs=logs)
    broker = Mosquitto(data_dir, port=port, logs=logs)
    broker.limits = Limits(speakers=speakers)
    return broker


def free_port() -> int:
    """Return a loopback port that nothing uses now.

    It lies below the ports that the kernel gives to outgoing connections: those who call a broker that is away must not
    take its place meanwhile, or even reach themselves.
    """
    while True:
        port = random.randrange(*_QUIET_PORTS)  # noqa: S311 -- spreads, protects nothing
        if port_is_free(port):
            return port


def port_is_free(port: int) -> bool:
    """Whether we could listen on a loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
    except OSError:
        return False


_ROUTER = """\
id = 0

[router]
id = 0
max_connections = 2000
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
"""


def _listener(version: str, port: int) -> str:
    return f"""
[{version}.1]
name = "{version}"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1

[{version}.1.connections]
connection_timeout_ms = 60000
max_payload_size = {MAX_PAYLOAD_BYTES}
max_inflight_count = 100
dynamic_filters = true
"""
