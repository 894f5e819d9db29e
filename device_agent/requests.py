"""What people and desks ask of the conductor, done between two of its decisions."""

from typing import Final

from audio.signals import tone
from device_agent.airing import Airing, Airings
from device_agent.clock import TrustedClock
from device_agent.decoder import Samples
from device_agent.errors import AgentError
from device_agent.fates import Fates
from device_agent.player import Player
from device_agent.ports import Play
from device_agent.repertoire import Repertoire
from device_agent.score import under_way
from device_agent.volumes import Volumes
from protocol.messages import Outcome
from schedules.day import quiet

_TONE_LEAD_S: Final = 0.2


class CannotSound(AgentError):
    """A sound that was asked for may not or cannot be made now."""

    code = "cannot_sound"
    transient = True


class NotPlanned(AgentError):
    """An occurrence that is not in the plan, or of which nothing is left."""

    code = "not_planned"


class Requests:
    """Each returns the airings that it ended or began; their rows are closed a moment later."""

    def __init__(
        self,
        *,
        clock: TrustedClock,
        player: Player,
        airings: Airings,
        repertoire: Repertoire,
        fates: Fates,
        volumes: Volumes,
    ) -> None:
        self._clock = clock
        self._player = player
        self._airings = airings
        self._repertoire = repertoire
        self._fates = fates
        self._volumes = volumes

    async def leave_out(self, name: str, outcome: Outcome) -> list[Airing]:
        """End what sounds of it, or see to it that it never does."""
        sounding = self._cut(name, outcome, "command")
        if not sounding:
            occurrence = self._repertoire.find(name)
            if occurrence is None:
                raise NotPlanned(f"{name} is not in the plan, or over already")
            await self._fates.note(occurrence, Outcome.SKIPPED, "command", now=self._clock.best_guess())
        return sounding

    async def withdraw(self, name: str, reason: str) -> list[Airing]:
        """Take back a call. It stays known until its row is closed: it still sounds while it fades."""
        wish = self._repertoire.find(name)
        sounding = self._cut(name, Outcome.STOPPED, reason)
        if wish is not None and not sounding:
            await self._fates.note(wish, Outcome.SKIPPED, reason, now=self._clock.best_guess())
        self._repertoire.calls.withdraw(name)
        if not sounding:
            self._repertoire.calls.remove(name)
        return sounding

    async def stop_all(self) -> list[Airing]:
        """End everything that sounds, and whatever would take its place at once: who presses stop wants silence."""
        airings = list(self._airings.all())
        for airing in airings:
            self._airings.cut(airing, Outcome.STOPPED, "command")
        now = self._clock.best_guess()
        sounding = {airing.play.occurrence for airing in airings}
        for occurrence in list(under_way(await self._repertoire.scene(now, sink_lost=False), now)):
            if occurrence.id not in sounding:
                await self._fates.note(occurrence, Outcome.SKIPPED, "command", now=now)
        return airings

    async def tone(self, seconds: float) -> Airing:
        """Begin a test tone, if nothing else sounds and it may."""
        if self._airings.all():
            raise CannotSound("something is on air")
        if not self._player.status.open:
            raise CannotSound("the sink is lost")
        if quiet(self._repertoire.policy, self._clock.best_guess()):
            raise CannotSound("these are quiet hours")
        play = Play(kind="test_tone", title="", volume=self._volumes.of(None), clock=self._clock.quality, routine=False)
        at = self._clock.mono() + max(_TONE_LEAD_S, self._player.lead_s)
        return await self._airings.begin(
            play, Samples(tone(seconds)), at_mono_s=at, target_mono_s=at, duration_ms=round(seconds * 1000)
        )

    def _cut(self, name: str, outcome: Outcome, reason: str) -> list[Airing]:
        sounding = self._airings.of(name)
        for airing in sounding:
            self._airings.cut(airing, outcome, reason)
        return sounding
