"""Random lives of alerts on one speaker, and the few sentences that must hold of every one of them.

A run is a seed: the same one goes the same way. Short ones are in the tests, the long one in `bench/alert_chaos.py`.
What was heard is what the sink was given and had time to play; the journal must say the same. What is due is worked out
here from the sets that reached the speaker, in true time, and by nothing that the speaker says of itself.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import floor
from pathlib import Path
from random import Random

from device_agent.alerts.parts import airings_of
from device_agent.clock import Exchange
from device_agent.clock_filter import ENOUGH
from device_agent.sinks import RATE_HZ
from device_agent.sinks.fake import FakeSink
from protocol.messages import Alert, Outcome, RepeatPlan
from tests.support.alerted import AREA, MESSAGE, SIGNAL_MS, alert, speaker_in
from tests.support.commune_speaker import NOON

LOOKS_EVERY_S = 0.2
FADES_WITHIN_S = 0.6
"""After the look that still found it in force: a fade, what the sink had, and a look later."""
SOUND_S = (SIGNAL_MS + MESSAGE.duration_ms) / 1000
NEEDS_S = SOUND_S + 3.0
"""So long without anything in its way, and it is heard whole."""
OPENS_WITHIN_S = 20.0
"""A sink that works again."""
EXACT_S = 0.1
NEARLY_S = 0.35
"""What gives way so close to its end was heard: 300 ms of it, a fade that belongs to what follows, and its hurry."""
FULL_S = 0.001
"""Lacking no more, a sound was heard beyond doubt: what hurries is shorter, and in between it matters why it ended."""
OPERATIONS = 14
PATIENCE_S = 420.0
"""Repeats of those that rank higher may keep the air for long."""

Part = tuple[str, int, str]
"""A sound, the number of its airing, and which part of it."""


def _sound(each: Alert) -> str:
    return f"{each.id}.{each.sound_revision}"


def _part(name: str) -> Part:
    sound, number, part = name.rsplit(".", 2)
    return sound, int(number), part


@dataclass
class Stretch:
    """One uninterrupted stretch of a sound, as far as the sink has played it."""

    name: str
    seconds: float
    cut: bool
    """The sink was gone before anything followed: of what was at its very end then, no record can know."""

    @property
    def lacks_s(self) -> float:
        return (SIGNAL_MS if self.name.endswith("signal") else MESSAGE.duration_ms) / 1000 - self.seconds


@dataclass
class Ear:
    """What was played by all sinks that a speaker ever had."""

    sinks: list[FakeSink] = field(default_factory=list)
    ends: dict[int, int] = field(default_factory=dict)
    """How many frames those had played that are gone."""

    def listen(self, sinks: list[FakeSink]) -> None:
        self.sinks += [each for each in sinks if not any(each is known for known in self.sinks)]

    def gone(self) -> None:
        """The last one will play no more."""
        if self.sinks:
            self.ends.setdefault(len(self.sinks) - 1, self.sinks[-1].consumed().frames)

    def stretches(self) -> Iterator[Stretch]:
        for number, sink in enumerate(self.sinks):
            left = self.ends.get(number, sink.consumed().frames)
            for name, frames in sink.runs:
                if left <= 0:
                    break
                if name is not None:
                    yield Stretch(name, min(frames, left) / RATE_HZ, number in self.ends and frames >= left)
                left -= frames

    def now(self) -> str | None:
        """What sounds."""
        if not self.sinks or len(self.sinks) - 1 in self.ends:
            return None
        left = self.sinks[-1].consumed().frames
        for name, frames in self.sinks[-1].runs:
            left -= frames
            if left <= 0:
                return name
        return None

    def whole(self, lacking_s: float = EXACT_S) -> Counter[str]:
        """How often each sound was heard whole, if what lacked so much was."""
        return Counter(each.name for each in self.stretches() if each.lacks_s <= lacking_s)


@dataclass(frozen=True)
class Said:
    """A set as the controller signed it."""

    version: int
    alerts: tuple[Alert, ...]
    at_s: float


@dataclass
class Life:
    """One random sequence, and what the speaker may and must sound because of it."""

    seed: int
    folder: Path
    names: int = 0
    active: dict[str, Alert] = field(default_factory=dict)
    """What the controller says is active."""
    said: Said = Said(2, (), 0.0)
    """Its newest set, whether or not anybody took it. There is an older version."""
    retained: Said | None = None
    """What stands on the broker."""
    late: list[tuple[float, Said]] = field(default_factory=list)
    """Sets on their way, and when they arrive."""
    held: Said | None = None
    """What the speaker took last."""
    cut: bool = False
    broker_up: bool = True
    controller_back_s: float | None = None
    """When the controller finds the broker again."""
    delaying: bool = False
    skew_s: float = 0.0
    """By how much the wall clock is wrong."""
    trusted: bool = True
    floor_s: float | None = None
    """How much less than true time a speaker without trusted time takes it to be at least: by the newest order."""
    free_since: dict[tuple[str, int], float] = field(default_factory=dict)
    taken_in: tuple[datetime, float] | None = None
    """What it took the time to be when it learnt better, and until when something may sound because of it."""
    in_force_s: dict[str, float] = field(default_factory=dict)
    """Until when each sound was last seen to be in force on the speaker."""
    silent_since: float | None = None
    """A sink works, and the speaker has not opened it."""
    faults: dict[str, None] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    ear: Ear = field(default_factory=Ear)

    async def live(self) -> list[str]:
        """Live it; returns what went wrong, in sentences."""
        dice = Random(self.seed)  # repeats itself on purpose
        self.speaker = speaker_in(self.folder)
        try:
            for _ in range(OPERATIONS):
                await self._happen(dice)
                await self._pass(dice.choice((0.1, 1.0, 3.0, 8.0, 20.0)))
            await self._settle()
            return [*self.faults, *self._heard_twice(), *self._untrue_records()]
        finally:
            await self.speaker.put_down()

    @property
    def true_s(self) -> float:
        """True time, in seconds after noon: no clock of the machine moves it."""
        return self.speaker.system.mono_s - 1000.0

    @property
    def believed_s(self) -> float:
        """What the speaker must take the time to be."""
        if self.trusted:
            return self.true_s
        return self.true_s + max(self.skew_s, self.skew_s if self.floor_s is None else self.floor_s)

    # --- what may happen

    async def _happen(self, dice: Random) -> None:
        operations = (
            self._raise, self._raise, self._raise, self._raise, self._update, self._prolong, self._cancel,
            self._all_clear, self._expire, self._kill, self._reboot, self._cut_link, self._mend_link,
            self._kill_broker, self._start_broker, self._delay, self._repeat_old, self._duplicate, self._step_clock,
            self._right_clock, self._tell_time, self._lose_sink,
        )  # fmt: skip
        operation = dice.choice(operations)
        self.steps.append(f"{self.true_s:.1f} {operation.__name__[1:]}")
        await operation(dice)

    async def _raise(self, dice: Random) -> None:
        self.names += 1
        now = self._utc()
        repeat = dice.choice((RepeatPlan(), RepeatPlan(first_gaps_s=(30, 30)), RepeatPlan(then_every_s=40)))
        self._put(
            alert(
                f"a{self.names}",
                issuer_depth=dice.choice((1, 2, 3)),
                raised_at=now,
                starts_at=now + timedelta(seconds=dice.choice((0, 0.7, 10))),
                expires_at=now + timedelta(seconds=dice.choice((5, 60, 900))),
                repeat=repeat,
            ),
            dice,
        )

    async def _update(self, dice: Random) -> None:
        """Other words: heard anew."""
        if known := self._one(dice):
            change = {
                "revision": known.revision + 1, "sound_revision": known.sound_revision + 1, "starts_at": self._utc()
            }  # fmt: skip
            self._put(known.model_copy(update=change), dice)

    async def _prolong(self, dice: Random) -> None:
        """The same words, for longer: not heard anew."""
        if known := self._one(dice):
            change = {"revision": known.revision + 1, "expires_at": known.expires_at + timedelta(seconds=30)}
            self._put(known.model_copy(update=change), dice)

    async def _cancel(self, dice: Random) -> None:
        if known := self._one(dice):
            del self.active[known.id]
            self._say(dice)

    async def _all_clear(self, dice: Random) -> None:
        if known := self._one(dice):
            now = self._utc()
            change = {
                "revision": known.revision + 1, "sound_revision": known.sound_revision + 1, "ends": True,
                "starts_at": now, "expires_at": now + timedelta(seconds=60), "repeat": RepeatPlan(),
            }  # fmt: skip
            self._put(known.model_copy(update=change), dice)

    async def _expire(self, dice: Random) -> None:
        """The time of one that has not long to live runs out; the controller may say so or not."""
        if known := self._one(dice):
            left_s = (known.expires_at - self._utc()) / timedelta(seconds=1)
            if left_s < 70:
                await self._pass(left_s + dice.choice((-0.3, 0.0, 0.3)))
                if dice.random() < 0.5:
                    self._say(dice)

    async def _kill(self, dice: Random) -> None:
        self._die()
        await self.speaker.power_cut()
        self.speaker.system.advance(dice.choice((0.1, 2, 30)))
        self._come_up()

    async def _reboot(self, dice: Random) -> None:
        """The board starts anew: what it knew of the time is lost, but for a wall clock that may be wrong."""
        self._die()
        await self.speaker.power_cut()
        self.speaker.system.advance(dice.choice((2, 30)))
        self.speaker.system.boot += "+"
        self.trusted = not self.skew_s
        self._come_up()

    async def _cut_link(self, _dice: Random) -> None:
        self.cut = True
        self.late.clear()

    async def _mend_link(self, _dice: Random) -> None:
        if self.cut:
            self.cut = False
            self._reconnect()

    async def _kill_broker(self, _dice: Random) -> None:
        """It loses everything. Whoever comes back first finds nothing there."""
        self.broker_up, self.retained, self.controller_back_s = False, None, None
        self.late.clear()

    async def _start_broker(self, dice: Random) -> None:
        if not self.broker_up:
            self.broker_up = True
            self.controller_back_s = self.true_s + dice.choice((0.0, 2.0, 25.0))

    async def _delay(self, _dice: Random) -> None:
        """The next set is long on its way: newer ones may overtake it."""
        self.delaying = True

    async def _repeat_old(self, dice: Random) -> None:
        """A hostile broker brings back an older set."""
        if self.held is not None:
            old = alert("old", expires_at=self._utc() + timedelta(hours=1))
            assert not self.speaker.tell(old, version=self.held.version - 1, signed_at=self._utc())
        await self._duplicate(dice)

    async def _duplicate(self, _dice: Random) -> None:
        if self.held is not None:
            assert not self._arrives(self.held)

    async def _step_clock(self, dice: Random) -> None:
        """The wall clock jumps, until somebody puts it right: who trusts it must not be taken in."""
        self._set_wall(dice.choice((-3600.0, -100_000_000.0, 40.0, 86_400.0)))

    async def _right_clock(self, _dice: Random) -> None:
        self._set_wall(0.0)

    async def _tell_time(self, _dice: Random) -> None:
        """The controller does, though the wall clock stays as it is."""
        if self._connected:
            mono_s, now = self.speaker.system.mono_s, self._utc()
            for _ in range(ENOUGH):
                self.speaker.clock.observe(Exchange(mono_s - 0.02, now, now, mono_s))
            self._trust()

    async def _lose_sink(self, _dice: Random) -> None:
        self.speaker.sink_works = not self.speaker.sink_works
        if not self.speaker.sink_works and self.speaker.sinks:
            self.ear.gone()
            self.speaker.sink.fail_after = 0

    # --- how it comes about

    @property
    def _connected(self) -> bool:
        return self.broker_up and not self.cut

    def _utc(self) -> datetime:
        return NOON + timedelta(seconds=self.true_s)

    def _one(self, dice: Random) -> Alert | None:
        running = [each for each in self.active.values() if not each.ends and each.expires_at > self._utc()]
        return dice.choice(running) if running else None

    def _put(self, new: Alert, dice: Random) -> None:
        self.active[new.id] = new
        self._say(dice)

    def _say(self, dice: Random | None = None) -> None:
        """The controller signs its set, with the next version."""
        self.active = {name: each for name, each in self.active.items() if each.expires_at > self._utc()}
        self.said = Said(self.said.version + 1, tuple(self.active.values()), self.true_s)
        self._publish(dice)

    def _publish(self, dice: Random | None = None) -> None:
        if not self.broker_up or self.controller_back_s is not None:
            return  # it waits in the database
        self.retained = self.said
        if self._connected:
            if self.delaying and dice is not None:
                self.late.append((self.true_s + dice.choice((1.0, 10.0, 30.0)), self.said))
                self.delaying = False
            else:
                self._arrives(self.said)

    def _reconnect(self) -> None:
        if self._connected and self.retained is not None:
            self._arrives(self.retained)

    def _arrives(self, said: Said) -> bool:
        """Whether it was news; an older one must not be."""
        news = self.held is None or said.version > self.held.version
        signed_at = NOON + timedelta(seconds=said.at_s)
        told = self.speaker.tell(*said.alerts, version=said.version, signed_at=signed_at)
        if told is not news:
            self._fault(f"version {said.version} was {'taken' if told else 'refused'} after {self.held}")
        if news:
            self.held = said
            self._heed(said)
        return told

    def _heed(self, said: Said) -> None:
        lag_s = floor(round(said.at_s, 6)) - self.true_s  # a signature says whole seconds of a time in microseconds
        self.floor_s = lag_s if self.floor_s is None else max(self.floor_s, lag_s)

    def _die(self) -> None:
        self.ear.listen(self.speaker.sinks)
        self.ear.gone()
        self.free_since.clear()

    def _come_up(self) -> None:
        self.speaker.power_up()
        self.floor_s, self.silent_since = None, None
        if self.held is not None:
            self._heed(self.held)
        self._reconnect()

    def _set_wall(self, skew_s: float) -> None:
        self.speaker.system.utc += timedelta(seconds=skew_s - self.skew_s)
        self.speaker.system.disciplined = not skew_s
        if not skew_s:
            self._trust()
        self.skew_s = skew_s
        self.speaker.clock.check()

    def _trust(self) -> None:
        if not self.trusted:
            self.taken_in = self._believed(), self.true_s + NEEDS_S
            self.trusted = True
            self.free_since.clear()

    async def _pass(self, seconds: float) -> None:
        end_s = self.true_s + seconds
        while self.true_s < end_s:
            for due in [each for each in self.late if each[0] <= self.true_s]:
                self.late.remove(due)
                self._arrives(due[1])
            if self.broker_up and self.controller_back_s is not None and self.controller_back_s <= self.true_s:
                self.controller_back_s = None
                self._publish()
            look_s = self.true_s + LOOKS_EVERY_S
            while self.true_s < look_s:
                await self.speaker.step()
            self._look()

    async def _settle(self) -> None:
        """Everything works again, and there is time for all that is due."""
        self.steps.append(f"{self.true_s:.1f} settle")
        self.cut, self.broker_up, self.controller_back_s = False, True, None
        self.speaker.sink_works = True
        self._set_wall(0.0)
        self._say()
        await self._pass(NEEDS_S)
        end_s = self.true_s + PATIENCE_S
        while self._waiting() and self.true_s < end_s:
            await self._pass(SOUND_S)
        await self._pass(1.0)  # what has just ended is written down

    # --- what must hold

    def _look(self) -> None:
        """Judge this moment."""
        self.ear.listen(self.speaker.sinks)
        self._judge_sink()
        self._judge_sounding()
        self._judge_missed()

    def _judge_sink(self) -> None:
        if not self.speaker.sink_works or self._sink_open():
            self.silent_since = None
        elif self.silent_since is None:
            self.silent_since = self.true_s
        elif self.true_s - self.silent_since > OPENS_WITHIN_S:
            self._fault("a sink that works was not opened")

    def _sink_open(self) -> bool:
        sinks = self.speaker.sinks
        return bool(sinks) and not sinks[-1].closed and sinks[-1].fail_after is None

    def _judge_sounding(self) -> None:
        """What sounds is in force here and now, and its time has come."""
        in_force = {_sound(each): each for each in self._in_force()}
        for sound in in_force:
            self.in_force_s[sound] = self.true_s
        name = self.ear.now()
        if name is None:
            return
        sound, number, _ = _part(name)
        over_s = self.true_s - self.in_force_s.get(sound, -1e9)
        if over_s > FADES_WITHIN_S:
            self._fault(f"{name} was heard though it was not in force")
        if (each := in_force.get(sound)) is not None:
            at, now = airings_of(each).at(number), self._believed()
            if self.taken_in is not None and self.true_s < self.taken_in[1]:
                now = max(now, self.taken_in[0])
            if at is None or now + timedelta(seconds=EXACT_S) < at:
                self._fault(f"{name} was heard before its time")
            if each.ends and not self._heard_any(each):
                self._fault(f"{name} was heard though nothing of the alert was")

    def _judge_missed(self) -> None:
        """What nothing kept from being heard whole for long enough was heard whole."""
        open_now, waiting = self._sink_open(), self._waiting()
        sounding = self.ear.now()
        for each, number in waiting:
            key = (_sound(each), number)
            if not open_now or self._in_its_way(each, number, waiting, sounding):
                self.free_since[key] = self.true_s
            elif self.true_s - self.free_since.setdefault(key, self.true_s) > NEEDS_S:
                self._fault(f"{key[0]}.{number} was not heard")
        still = {(_sound(each), number) for each, number in waiting}
        self.free_since = {key: since for key, since in self.free_since.items() if key in still}

    def _in_its_way(self, each: Alert, number: int, waiting: list[tuple[Alert, int]], sounding: str | None) -> bool:
        if any(_rank(other) < _rank(each) for other, _ in waiting):
            return True
        if sounding is None:
            return False
        sound, sounds, _ = _part(sounding)
        if sound.rsplit(".", 1)[0] == each.id:
            return (sound, sounds) != (_sound(each), number)  # an airing of its own that began in time is ended first
        return any(_sound(other) == sound and _rank(other) < _rank(each) for other in self._in_force())

    def _waiting(self) -> list[tuple[Alert, int]]:
        """The newest airing of each alert whose time has come, unless it was heard whole."""
        whole, heard, found = self.ear.whole(), self.ear.whole(NEARLY_S), []
        for each in self._in_force():
            plan = airings_of(each)
            number = plan.begun(self._believed()) - 1
            if number < 0 or plan.at(number) is None or (each.ends and not self._heard_whole(each, whole)):
                continue
            # A later one counts: it sounded because the time was taken to be later than it was.
            numbers = {its for sound, its, _ in map(_part, heard) if sound == _sound(each) and its >= number}
            if not any(all(heard[f"{_sound(each)}.{its}.{part}"] for part in ("signal", "message")) for its in numbers):
                found.append((each, number))
        return found

    def _in_force(self) -> tuple[Alert, ...]:
        """By what reached the speaker, and by the time that it must believe."""
        alerts = self.held.alerts if self.held is not None else ()
        return tuple(each for each in alerts if self._believed() < each.expires_at)

    def _believed(self) -> datetime:
        return NOON + timedelta(seconds=self.believed_s)

    def _heard_any(self, each: Alert) -> bool:
        return any(stretch.name.startswith(f"{each.id}.") for stretch in self.ear.stretches())

    def _heard_whole(self, each: Alert, whole: Counter[str]) -> bool:
        """Of what was heard for a moment before a kill nobody may know."""
        return any(name.startswith(f"{each.id}.") for name in whole)

    def _heard_twice(self) -> list[str]:
        heard = Counter(each.name for each in self.ear.stretches() if each.lacks_s <= EXACT_S and not each.cut)
        return [f"{name} was heard {count} times" for name, count in sorted(heard.items()) if count > 1]

    def _untrue_records(self) -> list[str]:
        """The journal and the sink say the same."""
        ended = [(row.play.occurrence or "", row.outcome) for row in self.speaker.rows() if row.started_at is not None]
        rows = Counter(name for name, outcome in ended if outcome is Outcome.COMPLETED)
        stopped = Counter(name for name, outcome in ended if outcome is Outcome.STOPPED)  # at its very last sample
        surely, perhaps = self.ear.whole(FULL_S), self.ear.whole(NEARLY_S + FULL_S)
        return [
            f"{name} was heard {perhaps[name]} times, and is {rows[name]} times on record"
            for name in sorted(rows | perhaps)
            if not surely[name] - stopped[name] <= rows[name] <= perhaps[name]
        ]

    def _fault(self, sentence: str) -> None:
        if sentence not in self.faults:
            self.faults[sentence] = None
            self.steps.append(f"{self.true_s:.1f} fault: {sentence}")


def _rank(each: Alert) -> tuple[int, timedelta]:
    """The smallest is on air: the higher issuer, then the newer."""
    return each.issuer_depth, NOON - each.raised_at


def describe(life: Life, faults: list[str]) -> str:
    """What happened in a life that went wrong."""
    rows = [
        f"{row.play.occurrence} {row.started_at and row.started_at.time()} {row.outcome} {row.reason}"
        for row in life.speaker.rows()
    ]
    heard = [f"{each.name} {each.seconds:.1f} s" for each in life.ear.stretches()]
    return "\n".join([f"seed {life.seed} ({AREA})", *faults, *life.steps, *rows, *heard])
