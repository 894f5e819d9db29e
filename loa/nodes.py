"""The controller and the speakers as processes that can be started, stopped and killed."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

import httpx

from controller.keys import Keys
from device_agent.settings import AgentSettings, BrokerSettings, write_settings
from loa.brokers import Broker, free_port
from loa.process import Child
from protocol.messages import TrustedKey

SinkKind = Literal["auto", "pulse", "alsa", "wav"]
_COMMAND_TIMEOUT_S = 60


class Node:
    """A `loa …` process that may come and go."""

    def __init__(self, name: str, *arguments: str, logs: Path, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.arguments = arguments
        self.through: tuple[str, ...] = ()
        """A command that starts it in another place, such as a namespace."""
        self.env = dict(env or {})
        self.log = logs / f"{name}.log"
        self.child: Child | None = None

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self.child is not None and self.child.returncode is None

    def start(self) -> None:
        """Start its process, unless it runs."""
        if not self.running:
            command = [*self.through, sys.executable, "-m", "loa", *self.arguments]
            self.child = Child(self.name, command, log=self.log, env=self.env)

    def terminate(self) -> None:
        """Ask it to end."""
        if self.child is not None:
            self.child.terminate()

    def stop(self, grace_s: float = 5.0) -> None:
        """End it, politely first."""
        if self.child is not None:
            self.child.stop(grace_s)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.child is not None:
            self.child.kill()

    def last_words(self, lines: int = 1) -> str:
        """The end of its log."""
        return self.child.last_words(lines) if self.child is not None else ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class ControllerNode(Node):
    """The central service."""

    def __init__(
        self,
        data_dir: Path,
        broker: Broker,
        *,
        logs: Path,
        port: int = 0,
        public_url: str = "",
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir
        settings = {"LOA_DATA_DIR": str(data_dir), "LOA_BROKER_PORT": str(broker.port)}
        super().__init__("controller", "controller", "run", logs=logs, env={**settings, **(env or {})})
        self.port = 0
        self.public_url = ""
        self.listen_on(port or free_port(), public_url=public_url)

    def listen_on(self, port: int, *, public_url: str = "") -> None:
        """Choose the port of the next start; `public_url` is how speakers reach it, if another way."""
        self.port = port
        self.public_url = public_url or self.url
        self.env |= {"LOA_HTTP_PORT": str(port), "LOA_PUBLIC_URL": self.public_url}

    @property
    def url(self) -> str:
        """Where its API and its pages are."""
        return f"http://127.0.0.1:{self.port}"

    def is_ready(self) -> bool:
        """Whether it serves requests now."""
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def command(self, *arguments: str, typed: str = "") -> str:
        """Run one of its administrative commands and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "loa", "controller", *arguments],
            env={**os.environ, **self.env},
            input=typed,
            capture_output=True,
            text=True,
            timeout=_COMMAND_TIMEOUT_S,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"loa controller {' '.join(arguments)}: {done.stderr.strip()[-2000:]}")
        return done.stdout.strip()

    @property
    def key(self) -> TrustedKey:
        """The key that speakers pin."""
        return Keys.load(self.data_dir).signing.public


class AgentNode(Node):
    """One speaker."""

    def __init__(
        self,
        device: str,
        folder: Path,
        *,
        logs: Path,
        broker: Broker,
        key: TrustedKey,
        content: str,
        sink: SinkKind = "wav",
        sink_device: str | None = None,
        env: Mapping[str, str] | None = None,
        cache_limit_mb: int = 200,
    ) -> None:
        self.device = device
        self.state_dir = folder / "state"
        self.config = folder / "agent.toml"
        settings = AgentSettings(
            device_id=device,
            state_dir=self.state_dir,
            broker=BrokerSettings(host="127.0.0.1", port=broker.port, keepalive_s=5),
            trusted_keys=(key,),
            content_hosts=(content,),
            sink=sink,
            sink_device=sink_device,
            cache_limit_mb=cache_limit_mb,
        )
        write_settings(settings, self.config)
        super().__init__(f"agent-{device}", "agent", "run", "--config", str(self.config), logs=logs, env=env)

    @property
    def recordings(self) -> Path:
        """What its sink kept, where it keeps anything."""
        return self.state_dir / "sounded"
