"""The system tests' small language: a commune of real processes around a real broker.

What an officer does goes through the API; what a speaker does is heard in its recordings and read from its reports.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from loa.brokers import Broker, BrokerKind, make_broker
from loa.nodes import AgentNode, ControllerNode, SinkKind
from loa.officer import Json, Officer, Refused
from tests.support.content_proxy import ContentProxy
from tests.support.eventually import eventually
from tests.support.sound import Found, Recording, Samples, decode, find, recordings

PROVINCE = "24"
COMMUNE = "07339"
QUICK = {"LOA_FREEZE_S": "3", "LOA_STANDING_SOUNDS": "0"}
"""Tests have no ten seconds to spare before each broadcast, nor for sound that they do not listen to."""
SOON_S = 6.0


@dataclass(frozen=True)
class Sound:
    """A playlist with its sound."""

    playlist: str
    title: str
    seconds: float
    sha256: str
    samples: Samples


@dataclass(frozen=True)
class Airing:
    """One scheduled broadcast."""

    schedule: str
    occurrence: str
    starts_at: datetime
    sound: Sound
    devices: tuple[str, ...]

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(seconds=self.sound.seconds)


class Speaker:
    """One agent, its reports and its recordings."""

    def __init__(self, fleet: "Fleet", agent: AgentNode) -> None:
        self._fleet = fleet
        self.agent = agent
        self.id = agent.device

    @property
    def state(self) -> Json:
        """Its last report, as the controller has it."""
        return self._fleet.state(self.id)

    @property
    def recordings(self) -> list[Recording]:
        return recordings(self.agent.recordings)

    def heard(self, airing: Airing) -> list[Recording]:
        """What sounded of a broadcast."""
        return [recording for recording in self.recordings if recording.occurrence == airing.occurrence]

    def find(self, airing: Airing) -> Found:
        """Where the broadcast's clip is in what sounded."""
        heard = self.heard(airing)
        assert heard, f"{self.id} played nothing of {airing.occurrence}"
        return max((find(airing.sound.samples, recording) for recording in heard), key=lambda found: found.likeness)

    def records(self, airing: Airing) -> list[Json]:
        """Its play records of a broadcast that reached the controller."""
        return self._fleet.records(device=self.id, occurrence=airing.occurrence)

    def outcomes(self, airing: Airing) -> list[str]:
        """The same, the outcomes only, in the order of playing."""
        return [record["outcome"] for record in self.records(airing)]

    def is_ready_for(self, airing: Airing) -> bool:
        """Whether it said that the broadcast's sound is there."""
        return self._fleet.progress(self.id, airing) == "ready"


class Fleet:
    """Broker, controller, content proxy and speakers."""

    def __init__(self, kind: BrokerKind, folder: Path, *, env: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._env = {**QUICK, **(env or {})}
        self.logs = folder / "logs"
        self.broker: Broker = make_broker(kind, folder / "broker", logs=self.logs)
        self.speakers: dict[str, Speaker] = {}
        self._sounds: dict[str, Sound] = {}

    @contextmanager
    def running(self) -> Iterator["Fleet"]:
        """Start everything central; end everything afterwards."""
        with ExitStack() as stack:
            stack.enter_context(self.broker)
            self.controller = ControllerNode(self.folder / "controller", self.broker, logs=self.logs, env=self._env)
            self.content = stack.enter_context(ContentProxy(self.controller.url).running())
            self.controller.listen_on(self.controller.port, public_url=self.content.url)
            self.controller.command("areas", "load", "--province", PROVINCE)
            self.controller.command("user", "add", "tester", "--area", "VN", "--all-roles")
            token = self.controller.command("user", "token", "tester")
            stack.callback(self._stop_all)
            self.start_controller()
            self.token = token
            self.officer = stack.enter_context(Officer(self.controller.url, token))
            yield self

    def _stop_all(self) -> None:
        for speaker in self.speakers.values():
            speaker.agent.terminate()
        for speaker in self.speakers.values():
            speaker.agent.stop()
        self.controller.stop()

    def start_controller(self) -> None:
        self.controller.start()
        eventually(self.controller.is_ready, within_s=30, what=f"controller ready; see {self.controller.log}")

    def speaker(
        self,
        name: str,
        *,
        folder: Path | None = None,
        env: Mapping[str, str] | None = None,
        sink: SinkKind = "wav",
        sink_device: str | None = None,
        through: Sequence[str] = (),
    ) -> Speaker:
        """Register and start a speaker, and wait until it is up."""
        body = {"id": name, "name": name, "area_code": COMMUNE}
        speaker = self.begin(body, folder=folder, env=env, sink=sink, sink_device=sink_device, through=through)
        self.is_up(speaker)
        return speaker

    def begin(
        self,
        body: Mapping[str, object],
        *,
        folder: Path | None = None,
        env: Mapping[str, str] | None = None,
        sink: SinkKind = "wav",
        sink_device: str | None = None,
        through: Sequence[str] = (),
    ) -> Speaker:
        """Register a speaker and start it: who starts many waits for them together."""
        name = str(body["id"])
        self.officer.ensure("/devices", body, key="id")
        agent = AgentNode(
            name,
            folder or self.folder / "speakers" / name,
            logs=self.logs,
            broker=self.broker,
            key=self.controller.key,
            content=self.content.url,
            env=env,
            sink=sink,
            sink_device=sink_device,
        )
        agent.through = tuple(through)
        speaker = self.speakers[name] = Speaker(self, agent)
        agent.start()
        return speaker

    def is_up(self, speaker: Speaker) -> None:
        """Wait until it knows the time."""
        eventually(
            lambda: speaker.state.get("clock", {}).get("quality") == "trusted", within_s=20, what=f"{speaker.id} is up"
        )

    def sound(self, text: str, *, chime: bool = False) -> Sound:
        """Typed words as a playlist with sound; the same words are spoken once."""
        if text not in self._sounds:
            announcement = self.officer.announce(text[:60], text, area=COMMUNE)
            playlist = self.officer.playlist(text[:60], [announcement["id"]], area=COMMUNE, chime=chime)
            sha = playlist["stretches"][0]["clip"]
            samples = decode(self.officer.listen(playlist["listen_url"]))
            self._sounds[text] = Sound(playlist["id"], text[:60], len(samples) / 48_000, sha, samples)
        return self._sounds[text]

    def air(self, sound: Sound, *speakers: Speaker, in_s: float = SOON_S, **more: object) -> Airing:
        """Schedule a broadcast in some seconds, on a whole second."""
        at = (datetime.now(UTC) + timedelta(seconds=in_s + 1)).replace(microsecond=0)
        devices = tuple(speaker.id for speaker in speakers)
        made = self.officer.schedule(
            sound.title, sound.playlist, area=COMMUNE, at=at, devices=devices, **{"staggered": False, **more}
        )
        return Airing(made["id"], f"{made['id']}.{at:%Y%m%dT%H%M%SZ}", at, sound, devices)

    def state(self, device: str) -> Json:
        """A speaker's last report; empty before its first."""
        return self.officer.get(f"/devices/{device}/state")["state"] or {}

    def progress(self, device: str, airing: Airing) -> str:
        """How a broadcast is going on one speaker, as the page says it."""
        try:
            seen = self.officer.get(f"/occurrences/{airing.occurrence}")
        except Refused:
            return "unplanned"
        return next((each["state"] for each in seen["speakers"] if each["device"] == device), "unplanned")

    def records(self, *, device: str, occurrence: str) -> list[Json]:
        """The play records of a broadcast on one speaker, in the order of playing."""
        found = self.officer.list("/records", device=device, occurrence=occurrence)
        return sorted(found, key=lambda record: (record["boot_order"], record["seq"]))
