"""One simulated speaker: the wire's other end without sound.

It believes what an agent believes, by the same verification, and says what an agent says. Equal bytes are verified once
for all speakers of a process: each real one does it on its own processor.
"""

import asyncio
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from device_agent.alerts.watch import SPREAD_S, told_within
from device_agent.backoff import delay_s
from protocol import topics
from protocol.errors import ProtocolError
from protocol.messages import (
    Alert,
    AlertPhase,
    AlertReport,
    AlertSet,
    AlertStanding,
    ClockQuality,
    ClockState,
    Config,
    DeviceState,
    Message,
    PlayerState,
    Status,
    TrustedKey,
)
from protocol.signing import KeyRing, verify
from protocol.topics import DELIVERY, Channel
from schedules.stagger import alert_delay
from schedules.types import DeviceId

KEEPALIVE_S: Final = 300
JUDGED_MAX: Final = 1000
"""Verdicts that a process remembers: whoever pours forged sets on it takes no memory."""
_CONFIRMS: Final = frozenset({AlertPhase.SOUNDING, AlertPhase.FINISHED})


@dataclass
class Ledger:
    """What all speakers of one process share: whom they trust, what was verified before, and who counts."""

    keys: KeyRing
    verified: dict[tuple[str, bytes], AlertSet | None] = field(default_factory=dict)
    verifications: int = 0
    refused: int = 0
    heard: Callable[[int, str], None] = lambda _number, _what: None
    """Called with a speaker's number and one of `marks.KINDS`."""

    @classmethod
    def trusting(cls, *keys: TrustedKey) -> "Ledger":
        """Return an empty one."""
        return cls(KeyRing(keys))

    def judge(self, payload: bytes, target: str, now: datetime) -> AlertSet | None:
        """Return the set if it may be believed."""
        try:
            judged = self.verified[target, payload]
        except KeyError:
            self.verifications += 1
            if len(self.verified) >= JUDGED_MAX:
                self.verified.clear()
            try:
                judged = verify(payload, AlertSet, audiences={target}, keys=self.keys, now=now).body
            except ProtocolError:
                judged = None
            self.verified[target, payload] = judged
        self.refused += judged is None
        return judged


@dataclass(frozen=True, slots=True)
class Line:
    """How a speaker's line behaves."""

    latency_s: float = 0.0
    """Before anything that arrives has any effect."""


class SimulatedSpeaker:
    """One connection to the broker, driven by the event loop it is made in."""

    def __init__(self, number: int, device_id: str, *, host: str, port: int, ledger: Ledger, line: Line) -> None:
        self.number = number
        self.device_id = DeviceId(device_id)
        self.connected = False
        self.configured = asyncio.Event()
        self.gone = asyncio.Event()
        """It has no line."""
        self._ledger = ledger
        self._line = line
        self._host, self._port = host, port
        self._loop = asyncio.get_running_loop()
        self._session = secrets.token_hex(8)
        self._targets: dict[str, str] = {}
        self._turn = 0
        self._sets: dict[str, AlertSet] = {}
        self._standings: dict[str, AlertStanding] = {}
        self._sounds: set[tuple[str, int]] = set()
        self._pending: set[int] = set()
        self._attempts = 0
        self._closed = False
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._client = self._made()
        self.gone.set()

    def connect(self) -> None:
        """Begin to connect; try again, as long as an agent waits, until it is there."""
        self._timers.pop("connect", None)
        if self._closed:
            return
        self._client = self._made()
        try:
            self._client.connect(self._host, self._port, keepalive=KEEPALIVE_S)
        except OSError:
            self._lost()

    def cut(self) -> None:
        """Lose the line, as a mast that loses its power does."""
        wire = self._client.socket()
        self._forsake()
        if wire is not None:
            self._gone(wire)
            wire.close()
        self._lost()

    def close(self) -> None:
        """Say goodbye."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        if self.connected:
            self._say(Status(device=self.device_id, session=self._session, online=False))
            self._client.disconnect()
        self.connected = False

    @property
    def slow(self) -> bool:
        """Whether its line is."""
        return self._line.latency_s > 0

    def report(self) -> None:
        """Say how it is."""
        self._say(
            DeviceState(
                device=self.device_id,
                session=self._session,
                at=_now(),
                clock=ClockState(quality=ClockQuality.TRUSTED, source="exchange"),
                player=PlayerState(state="silent"),
            )
        )

    def tick(self) -> None:
        """Keep the line alive."""
        self._client.loop_misc()

    def listen_raw(self, topic: str) -> None:
        """Count what arrives on a topic, and do nothing with it: a bare subscriber."""
        self._client.message_callback_add(topic, lambda *_: self._ledger.heard(self.number, "raw"))
        self._client.subscribe(topic, qos=1)

    def _made(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=topics.client_id(self.device_id),
            protocol=mqtt.MQTTv311,
            clean_session=True,
        )
        will = Status(device=self.device_id, session=self._session, online=False)
        client.will_set(topics.device(self.device_id, Channel.STATUS), will.encode(), qos=1, retain=True)
        client.on_socket_open = lambda _c, _u, wire: self._opened(wire)
        client.on_socket_close = lambda _c, _u, wire: self._gone(wire)
        client.on_connect = lambda *_: self._welcomed()
        client.on_disconnect = lambda *_: self._lost()
        client.on_message = self._received
        client.on_publish = lambda _c, _u, mid, *_: self._taken(mid)
        return client

    def _opened(self, wire: Any) -> None:
        self.gone.clear()
        self._loop.add_reader(wire, self._read)

    def _gone(self, wire: Any) -> None:
        self._loop.remove_reader(wire)
        self._loop.remove_writer(wire)
        self.gone.set()

    def _read(self) -> None:
        self._client.loop_read()
        self._flush()

    def _flush(self) -> None:
        """Write what waits. paho writes by itself, but for its callbacks' words and for what a full line refuses."""
        wire = self._client.socket()
        if wire is not None and self._client.want_write():
            self._client.loop_write()
            if self._client.want_write():
                self._loop.add_writer(wire, self._flush)
            else:
                self._loop.remove_writer(wire)

    def _forsake(self) -> None:
        """Hear nothing more of a line: paho tells of its end whenever it notices it."""
        self._client.on_disconnect = None
        self._client.on_socket_close = None

    def _lost(self) -> None:
        self.connected = False
        self._pending.clear()
        if not self._closed and "connect" not in self._timers:
            self._attempts += 1
            wait_s = delay_s(self._attempts, base_s=0.5, cap_s=30, draw=random.random())  # noqa: S311  # spreads load
            self._timers["connect"] = self._loop.call_later(wait_s, self.connect)

    def _welcomed(self) -> None:
        self.connected = True
        self._attempts = 0
        own = topics.device(self.device_id, Channel.CONFIG)
        self._client.subscribe([(own, 1), *((topic, 1) for topic in self._targets)])
        self._say(Status(device=self.device_id, session=self._session, online=True))
        self.report()
        if self._standings:
            self._tell_soon(hurry=True)

    def _received(self, _client: object, _userdata: object, message: mqtt.MQTTMessage) -> None:
        topic, payload = message.topic, bytes(message.payload)
        if not payload:
            return
        if self._line.latency_s:
            self._loop.call_later(self._line.latency_s, self._take, topic, payload)
        else:
            self._take(topic, payload)

    def _take(self, topic: str, payload: bytes) -> None:
        if topic in self._targets:
            self._take_alerts(self._targets[topic], payload)
        elif topic == topics.device(self.device_id, Channel.CONFIG):
            self._take_config(payload)

    def _take_config(self, payload: bytes) -> None:
        try:
            body = verify(payload, Config, audiences={self.device_id}, keys=self._ledger.keys, now=_now()).body
        except ProtocolError:
            self._ledger.refused += 1
            return
        names = [*(f"area:{code}" for code in body.areas), *(f"group:{each}" for each in body.groups)]
        fresh = {topics.alerts(name): name for name in (*names, f"device:{self.device_id}")}
        if added := fresh.keys() - self._targets.keys():
            self._client.subscribe([(topic, 1) for topic in sorted(added)])
        self._targets, self._turn = fresh, body.turn
        self._ledger.heard(self.number, "configured")
        self.configured.set()

    def _take_alerts(self, target: str, payload: bytes) -> None:
        body = self._ledger.judge(payload, target, _now())
        if body is None:
            return
        self._ledger.heard(self.number, "verified")
        if target in self._sets and body.version <= self._sets[target].version:
            return
        self._sets[target] = body
        # What follows each real speaker does on its own processor: not while others wait here for this one's.
        self._tell_soon(hurry=True)

    def _follow_all(self) -> None:
        self._timers.pop("tell", None)
        active = {alert.id: alert for each in self._sets.values() for alert in each.alerts}
        for alert in active.values():
            self._follow(alert)
        for gone in self._standings.keys() - active.keys():
            del self._standings[gone]
        self._tell()

    def _follow(self, alert: Alert) -> None:
        known = self._standings.get(alert.id)
        if known is None or known.revision < alert.revision:
            phase = known.phase if known is not None and known.phase in _CONFIRMS else AlertPhase.RECEIVED
            self._standings[alert.id] = AlertStanding(
                alert=alert.id, revision=alert.revision, phase=phase, at=_now(), first_sound_at=None
            )
        if (alert.id, alert.sound_revision) not in self._sounds:
            self._sounds.add((alert.id, alert.sound_revision))
            starts_at = alert.starts_at + alert_delay(self._turn, alert.stagger_ms)
            starts_s = max(0.0, (starts_at - _now()).total_seconds())
            lasts_s = (alert.signal_ms + sum(clip.duration_ms for clip in alert.message)) / 1000
            self._loop.call_later(starts_s, self._reach, alert, AlertPhase.SOUNDING)
            self._loop.call_later(starts_s + lasts_s, self._reach, alert, AlertPhase.FINISHED)

    def _reach(self, alert: Alert, phase: AlertPhase) -> None:
        """Pretend that its sound has come so far, unless it was called off."""
        known = self._standings.get(alert.id)
        if known is None:
            return
        first = known.first_sound_at or (_now() if phase is AlertPhase.SOUNDING else None)
        self._standings[alert.id] = known.model_copy(update={"phase": phase, "at": _now(), "first_sound_at": first})
        self._tell_soon(hurry=False)

    def _tell_soon(self, *, hurry: bool) -> None:
        """Tell at a moment of its own, as agents do."""
        timer, now_s = self._timers.get("tell"), self._loop.time()
        earliest, latest = told_within(SPREAD_S, hurry=hurry)
        if self._closed or (timer is not None and timer.when() <= now_s + latest):
            return
        if timer is not None:
            timer.cancel()
        at_s = now_s + random.uniform(earliest, latest)  # noqa: S311  # spreads load, protects nothing
        self._timers["tell"] = self._loop.call_at(at_s, self._follow_all)

    def _tell(self) -> None:
        if self.connected:
            mid = self._say(AlertReport(device=self.device_id, standings=tuple(self._standings.values())))
            self._pending.add(mid)

    def _taken(self, mid: int) -> None:
        if mid in self._pending:
            self._pending.discard(mid)
            self._ledger.heard(self.number, "acknowledged")

    def _say(self, message: Message) -> int:
        delivery = DELIVERY[message.channel]
        topic = topics.device(self.device_id, message.channel)
        mid = self._client.publish(topic, message.encode(), qos=delivery.qos, retain=delivery.retained).mid
        if self._client.want_write():
            self._loop.call_soon(self._flush)
        return mid


def _now() -> datetime:
    return datetime.now(UTC)
