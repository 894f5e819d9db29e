"""Random lives of alerts on one speaker, and the few sentences that must hold of every one of them.

A run is a seed: the same one goes the same way. Short ones are in the tests, the long one in `bench/alert_chaos.py`.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from protocol.messages import Alert, Outcome, RepeatPlan
from tests.support.alerted import AREA, alert, speaker_in

FADE = timedelta(milliseconds=200)
LOOKS_EVERY = timedelta(seconds=0.2)
SOUND_S = 7.0
"""Of the signal and the words together."""
OPERATIONS = 14
PATIENCE = 60
"""Repeats of those that rank higher may keep the air for long."""


@dataclass
class _Span:
    """How long a sound of an alert was in force on the speaker, in one piece."""

    since: datetime
    until: datetime | None = None


@dataclass
class Life:
    """One random sequence, and what the speaker may and must sound because of it."""

    seed: int
    folder: Path
    version: int = 1
    names: int = 0
    active: dict[str, Alert] = field(default_factory=dict)
    """What the controller says is active: a link that is cut keeps it from the speaker."""
    cut: bool = False
    spans: dict[str, list[_Span]] = field(default_factory=dict)
    """More than one where it had ended on the speaker before word came that it goes on."""
    steps: list[str] = field(default_factory=list)

    async def live(self) -> list[str]:
        """Live it; returns what went wrong, in sentences."""
        dice = Random(self.seed)  # repeats itself on purpose
        self.speaker = speaker_in(self.folder)
        try:
            for _ in range(OPERATIONS):
                await self._happen(dice)
                await self._pass(dice.choice((0.1, 1.0, 3.0, 8.0, 20.0)))
            await self._settle()
            return [*self._heard_twice(), *self._heard_when_over(), *self._missed()]
        finally:
            await self.speaker.put_down()

    async def _happen(self, dice: Random) -> None:
        operations = (
            self._raise, self._raise, self._raise, self._update, self._prolong, self._cancel, self._all_clear,
            self._kill, self._cut_link, self._mend_link, self._repeat_old, self._duplicate, self._step_clock,
            self._lose_sink,
        )  # fmt: skip
        operation = dice.choice(operations)
        self.steps.append(f"{self.speaker.now_s:.1f} {operation.__name__[1:]}")
        await operation(dice)

    async def _raise(self, dice: Random) -> None:
        self.names += 1
        now = self.speaker.system.utc
        repeat = dice.choice((RepeatPlan(), RepeatPlan(first_gaps_s=(30, 30)), RepeatPlan(then_every_s=40)))
        self._put(
            alert(
                f"a{self.names}",
                issuer_depth=dice.choice((1, 2, 3)),
                raised_at=now,
                starts_at=now + timedelta(seconds=dice.choice((0, 0.7, 10))),
                expires_at=now + timedelta(seconds=dice.choice((5, 60, 900))),
                repeat=repeat,
            )
        )

    async def _update(self, dice: Random) -> None:
        """Other words: heard anew."""
        if known := self._one(dice):
            now = self.speaker.system.utc
            change = {"revision": known.revision + 1, "sound_revision": known.sound_revision + 1, "starts_at": now}
            self._put(known.model_copy(update=change))

    async def _prolong(self, dice: Random) -> None:
        """The same words, for longer: not heard anew."""
        if known := self._one(dice):
            change = {"revision": known.revision + 1, "expires_at": known.expires_at + timedelta(seconds=30)}
            self._put(known.model_copy(update=change))

    async def _cancel(self, dice: Random) -> None:
        if known := self._one(dice):
            del self.active[known.id]
            self._say()

    async def _all_clear(self, dice: Random) -> None:
        if known := self._one(dice):
            now = self.speaker.system.utc
            change = {
                "revision": known.revision + 1, "sound_revision": known.sound_revision + 1, "ends": True,
                "starts_at": now, "expires_at": now + timedelta(seconds=60), "repeat": RepeatPlan(),
            }  # fmt: skip
            self._put(known.model_copy(update=change))

    async def _kill(self, _dice: Random) -> None:
        await self.speaker.power_cut()
        self.speaker.system.advance(2)
        self.speaker.power_up()

    async def _cut_link(self, _dice: Random) -> None:
        self.cut = True

    async def _mend_link(self, _dice: Random) -> None:
        self.cut = False
        self._say()

    async def _repeat_old(self, dice: Random) -> None:
        """A hostile broker brings back an older set."""
        if self.speaker.alerts.versions():
            assert not self.speaker.tell(
                alert("old", expires_at=self.speaker.system.utc + timedelta(hours=1)), version=1
            )
        await self._duplicate(dice)

    async def _duplicate(self, _dice: Random) -> None:
        if not self.cut and self.version > 1:
            assert not self.speaker.tell(*self.active.values(), version=self.version)

    async def _step_clock(self, dice: Random) -> None:
        """The wall clock jumps and comes back: who trusts it must not be taken in."""
        jump = timedelta(seconds=dice.choice((-3600, 40, 86_400)))
        self.speaker.system.disciplined = False
        self.speaker.system.utc += jump
        self.speaker.clock.check()
        self.speaker.system.utc -= jump
        self.speaker.system.disciplined = True

    async def _lose_sink(self, _dice: Random) -> None:
        self.speaker.sink_works = not self.speaker.sink_works
        if not self.speaker.sink_works and self.speaker.sinks:
            self.speaker.sink.fail_after = 0

    def _one(self, dice: Random) -> Alert | None:
        now = self.speaker.system.utc
        running = [each for each in self.active.values() if not each.ends and each.expires_at > now]
        return dice.choice(running) if running else None

    def _put(self, new: Alert) -> None:
        self.active[new.id] = new
        self._say()

    def _say(self) -> None:
        """The controller publishes its set, with the next version: a cut link carries nothing."""
        now = self.speaker.system.utc
        self.active = {name: each for name, each in self.active.items() if each.expires_at > now}
        self.version += 1
        if not self.cut:
            self.speaker.tell(*self.active.values(), version=self.version)
            self._note(now)

    def _note(self, now: datetime) -> None:
        held = self.speaker.alerts.active(now)
        sounds = {f"{each.id}.{each.sound_revision}.": each for each in held}
        for prefix in sounds:
            spans = self.spans.setdefault(prefix, [])
            if not spans or spans[-1].until is not None:
                spans.append(_Span(now))
        for prefix, spans in self.spans.items():
            if spans[-1].until is None and prefix not in sounds:
                spans[-1].until = now

    async def _pass(self, seconds: float) -> None:
        end = self.speaker.now_s + seconds
        while self.speaker.now_s < end:
            await self.speaker.run_until(self.speaker.now_s + LOOKS_EVERY / timedelta(seconds=1))
            self._note(self.speaker.system.utc)

    async def _settle(self) -> None:
        """Everything works again, and there is time for all that is due."""
        self.cut, self.speaker.sink_works = False, True
        self._say()
        await self._pass(SOUND_S + 10)
        for _ in range(PATIENCE):
            if not self._missed():
                break
            await self._pass(SOUND_S)

    def _heard_twice(self) -> list[str]:
        whole = [row.play.occurrence for row in self.speaker.rows() if row.outcome is Outcome.COMPLETED]
        return [
            f"{name} was heard {whole.count(name)} times" for name in sorted({*whole} - {None}) if whole.count(name) > 1
        ]

    def _heard_when_over(self) -> list[str]:
        faults = []
        for row in self.speaker.rows():
            name = row.play.occurrence or ""
            spans = next((spans for prefix, spans in self.spans.items() if name.startswith(prefix)), None)
            if row.started_at is None:
                continue
            if spans is None:
                faults.append(f"{name} was heard though nobody ordered it")
                continue
            begun = [span for span in spans if span.since <= row.started_at + LOOKS_EVERY]
            span = begun[-1] if begun else spans[0]
            if span.until is not None and row.ended_at is not None and row.ended_at > span.until + FADE + LOOKS_EVERY:
                faults.append(f"{name} was heard until {row.ended_at:%H:%M:%S.%f}, over since {span.until:%H:%M:%S.%f}")
        return faults

    def _missed(self) -> list[str]:
        """Whatever is active in the end was heard whole at least once, an all-clear by whoever heard the alert."""
        faults = []
        for each in self.speaker.alerts.active(self.speaker.system.utc):
            if each.ends and not any(row.played_ms for row in self.speaker.rows(f"{each.id}.")):
                continue
            prefix = f"{each.id}.{each.sound_revision}."
            whole = {row.play.occurrence for row in self.speaker.rows(prefix) if row.outcome is Outcome.COMPLETED}
            if not any((name or "").endswith("message") for name in whole):
                faults.append(f"{prefix}* was never heard whole")
        return faults


def describe(life: Life, faults: list[str]) -> str:
    """What happened in a life that went wrong."""
    rows = [
        f"{row.play.occurrence} {row.started_at and row.started_at.time()} {row.outcome} {row.reason}"
        for row in life.speaker.rows()
    ]
    return "\n".join([f"seed {life.seed} ({AREA})", *faults, *life.steps, *rows])
