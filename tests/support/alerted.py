"""A commune speaker that is alerted: real store, watch, conductor and mixer; wire, sink and time are fakes."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from audio.signals import Signal
from device_agent.alerts.local import LocalAlarm, Stored
from device_agent.alerts.store import AlertStore
from device_agent.alerts.watch import AlertWatch
from device_agent.alerts.words import SpotWords
from device_agent.errors import AgentError
from protocol.messages import Alert, AlertKind, AlertPhase, AlertReport, AlertSet, ClipRef, Config, Outcome
from protocol.signing import KeyRing, verify
from tests.support.agent_rooms import KEY, order
from tests.support.commune_speaker import NOON, Current, LongSound, Row, Speaker

AREA = "area:07339"
SIGNAL_MS = 4000
KEYS = KeyRing([KEY.public])
MESSAGE = ClipRef(sha256="c" * 64, url="/c", size_bytes=1000, duration_ms=3000)


def alert(name: str = "lu", **more: Any) -> Alert:
    """An actual alert, raised at noon for an hour: the attention signal, then three seconds of words."""
    facts: dict[str, Any] = {
        "id": name,
        "revision": 1,
        "sound_revision": 1,
        "kind": AlertKind.ACTUAL,
        "issuer": "07",
        "issuer_depth": 1,
        "raised_at": NOON,
        "starts_at": NOON,
        "expires_at": NOON + timedelta(hours=1),
        "headline": name,
        "signal": "attention",
        "signal_ms": SIGNAL_MS,
        "message": (MESSAGE,),
    }
    return Alert(**facts | more)


class Alerted(Speaker):
    """`tell` it what is active; `kill` it and `power_up` at any time."""

    spread_s = 0.0
    hazard: str | None = None
    """Whose standing message its own alarm says."""

    def power_up(self) -> None:
        super().power_up()
        self.reports: list[AlertReport] = []
        self.alerts = AlertStore(self.folder / "alerts", lambda _code: None)
        self.alerts.follow([AREA, "device:loa-1"], KEYS, self.clock.now())
        self.link_up = True
        self.words = SpotWords(
            self.hazard,
            file=self.folder / "alarm-words.json",
            configs=Current(lambda: self.config),
            clips=self,
            mono=self.clock.mono,
        )
        self.words.load()
        self.local = LocalAlarm(
            Stored("Nước lên nhanh", Signal.ATTENTION),
            self.words,
            file=self.folder / "local-alarm.json",
            configs=Current(lambda: self.config),
            journal=self.journal,
            clock=self.clock,
            changed=self._local_changed,
        )
        self.local.load()
        self.watch = AlertWatch(
            "loa-1",
            store=self.alerts,
            local=self.local,
            stage=self.conductor,
            journal=self.journal,
            clips=self,
            clock=self.clock,
            send=self.reports.append,
            link_up=lambda: self.link_up,
            turn=lambda: self.config.turn,
            spread_s=self.spread_s,
        )
        self._watching = asyncio.get_running_loop().create_task(self.watch.run())

    def _local_changed(self) -> None:
        self.watch.poke()

    async def put_down(self) -> None:
        """End what watches."""
        self._watching.cancel()
        with suppress(asyncio.CancelledError):
            await self._watching

    async def power_cut(self) -> None:
        """As `kill`, and nothing of the process goes on."""
        await self.put_down()
        self.kill()

    async def step(self) -> None:
        self.watch.poke()
        await super().step()

    def tell(self, *alerts: Alert, version: int = 1, target: str = AREA, signed_at: datetime = NOON) -> bool:
        """A set arrives. False when it changes nothing, or is refused."""
        body = AlertSet(target=target, version=version, alerts=alerts)
        token = order(body, audience=target, now=signed_at, days=9)
        verified = verify(token, AlertSet, audiences={target}, keys=KEYS, now=None)
        try:
            changed = self.alerts.save(target, token.decode(), verified, self.clock.now())
        except AgentError:
            return False
        self.watch.poke()
        return changed

    def phase(self, name: str = "lu") -> AlertPhase | None:
        """What it last said of an alert."""
        said = [standing for standing in self.reports[-1].standings if standing.alert == name] if self.reports else []
        return said[0].phase if said else None

    def sounded(self, name: str = "") -> list[tuple[str, Outcome | None]]:
        """The rows of alerts' sounds whose first sample was heard, in order."""
        rows = [row for row in self.rows(name) if row.started_at is not None]
        return [(row.play.occurrence or "", row.outcome) for row in rows]

    def rows(self, name: str = "") -> Sequence[Row]:
        """The journal's rows of one alert, or of all."""
        return [
            row
            for row in self.journal.rows
            if row.play.kind == "alert" and (row.play.occurrence or "").startswith(name)
        ]


def instant_words(monkeypatch: Any) -> None:
    """Have words be decoded at once: as long as their clips say, each sample the same."""

    def prepare(pieces: Sequence[Any], on_ready: Any) -> LongSound:
        on_ready()
        return LongSound(MESSAGE.duration_ms * len(pieces), level=3000)

    monkeypatch.setattr("device_agent.alerts.watch.prepare", prepare)


def speaker_in(folder: Path, **more: Any) -> Alerted:
    """One with its configuration."""
    said = {"device": "loa-1", "version": 1, "areas": ("07", "07339"), "default_volume": 100}
    return Alerted(folder, config=Config(**said | more))
