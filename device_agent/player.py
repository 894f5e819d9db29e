"""The player: one open stream, fed with silence until there is something to say.

Starting is writing other samples at the frame that sounds at the wanted instant; nothing is opened, so nothing is late.
"""

import asyncio
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

import structlog

from device_agent.amplifier import Amplifier
from device_agent.meter import Meter
from device_agent.mixer import Ended, Mixer, Sound, Sounding, Started
from device_agent.ports import Quality
from device_agent.sinks import FRAME_BYTES, RATE_HZ, Position, Sink, SinkError
from device_agent.timeline import Timeline
from device_agent.voice import Voice

log = structlog.get_logger(__name__)

CHUNK_FRAMES: Final = RATE_HZ // 50
_CHUNK_S: Final = CHUNK_FRAMES / RATE_HZ
_FIRST_RETRY_S: Final = 0.5
_LAST_RETRY_S: Final = 15.0
_PROVEN_FRAMES: Final = 2 * RATE_HZ
"""A sink that has played so much works; one that breaks before is tried ever more rarely."""
_UNPACED_S: Final = 1.0
"""A device that takes so much more than real time does not pace the writer: it is slowed down here …"""
_FAST: Final = 0.01
"""… but for what is due to its crystal: none is so wrong, and a lead from it must not add up over the hours."""
_GOODBYE_S: Final = 1.0
_NICE: Final = -11
VOLUME_RAMP_S: Final = 1.0
"""So gently the volume follows the time of day."""


@dataclass(frozen=True, slots=True)
class SinkChanged:
    """The sink was opened, or lost."""

    open: bool
    detail: str = ""


PlayerEvent = Started | Ended | SinkChanged


@dataclass(frozen=True, slots=True)
class PlayerStatus:
    """What the sink does now."""

    open: bool = False
    sink: str = ""
    latency_ms: float | None = None
    airing: int | None = None
    """The airing of which samples are being consumed."""
    played_ms: int = 0
    """How much of it they were."""
    reached_ms: int = 0
    """Where in it the listener is: further than what was played when something was left out to come back into step."""
    quality: Quality | None = None
    """How well it sounded so far, as of its last whole second."""
    level_dbfs: float | None = None
    """RMS of what sounded in the last half second; None when nothing is on air."""
    peak_dbfs: float | None = None
    late_ms: float | None = None
    """How far what is on air is behind its instants (ahead: below 0): what the soft correction works on."""
    underruns: int = 0
    """How often samples were lacking: the device stood still, or got silence in their place …"""
    underrun_ms: int = 0
    """… and for how long, in all."""
    jumps: int = 0
    """How often what sounded was so far from its instants that it was set right at once."""
    lost_since_mono_s: float | None = None


class _Feed:
    """One opened sink and where its stream stands."""

    def __init__(self, sink: Sink, opened_mono_s: float) -> None:
        self.sink = sink
        self.timeline = Timeline()
        self.meter = Meter()
        self.written = 0
        self.position = Position(0, opened_mono_s)
        self._ahead_s = 0.0
        self._noted_mono_s = opened_mono_s

    def took(self, frames: int, mono_s: float) -> float:
        """Note what was written by an instant; returns by how many seconds the device takes more than it can play."""
        passed_s, self._noted_mono_s = mono_s - self._noted_mono_s, mono_s
        self.written += frames
        self._ahead_s = max(0.0, self._ahead_s + frames / RATE_HZ - passed_s * (1 + _FAST))
        return self._ahead_s


class Player:
    """Owns the sink in one thread. `open_sink` is called there, again after each loss.

    Its methods may be called from any thread. Without `start()` a test drives it by calling `step()`.
    `sink_offset_ms` is by how much what the sink calls played is heard later: the delay of an amplifier or a converter,
    which no driver knows.
    """

    def __init__(
        self,
        open_sink: Callable[[], Sink],
        amplifier: Amplifier | None = None,
        *,
        sink_offset_ms: float = 0.0,
        mono: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_sink = open_sink
        self._amplifier = amplifier
        self._sink_offset_s = sink_offset_ms / 1000
        self._mono = mono
        self._mixer = Mixer()
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._feed: _Feed | None = None
        self._retry_s = _FIRST_RETRY_S
        self._told: str | None = None
        """Why there is no sink, as it was last said."""
        self._airings = 0
        self._status = PlayerStatus(lost_since_mono_s=mono())
        self._listener: Callable[[PlayerEvent], None] = lambda _: None
        self._post: Callable[[PlayerEvent], None] = self._deliver
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def listen(self, listener: Callable[[PlayerEvent], None]) -> None:
        """Have events delivered to `listener`: inside the event loop once `start()` was called there."""
        self._listener = listener

    def _deliver(self, event: PlayerEvent) -> None:
        self._listener(event)

    @property
    def status(self) -> PlayerStatus:
        """What the sink does, as of the last chunk."""
        return self._status

    @property
    def amplifier_on(self) -> bool | None:
        """Whether the amplifier has power; None where it is not switched here, or cannot be."""
        return self._amplifier.is_on if self._amplifier is not None else None

    @property
    def lead_s(self) -> float:
        """How long before its first sample a sound must be here, so that the amplifier does not swallow it."""
        return self._amplifier.lead_s(self._mono()) if self._amplifier is not None else 0.0

    def play(
        self,
        sound: Sound,
        *,
        at_mono_s: float,
        of: str,
        gain: float,
        fade_in: bool = False,
        in_step: bool = True,
    ) -> int:
        """Have `sound` begin at an instant (at once when it has passed) and what sounds then give way to it.

        With `fade_in` it is the midst of something: what is late by then is left out, so that it joins in step. After a
        stall what is `in_step` leaves out or waits, to be together with its neighbours again; otherwise it is heard
        whole. Returns the airing's number, by which events speak of it.
        """
        self._airings += 1
        airing = self._airings
        voice = Voice(airing, sound, of=of, at_mono_s=at_mono_s, gain=gain, joins=fade_in, in_step=in_step)
        self._orders.put(lambda: self._mixer.add(voice))
        return airing

    def stop(self, airing: int) -> None:
        """Fade an airing out, or call it off before it began."""
        self._orders.put(lambda: self._mixer.stop(airing))

    def set_gain(self, airing: int, gain: float, *, over_s: float = VOLUME_RAMP_S) -> None:
        """Change an airing's volume within `over_s`: the time of day's gently, what a person turns at once."""
        self._orders.put(lambda: self._mixer.set_gain(airing, gain, over_s))

    def retime(self, airing: int, at_mono_s: float) -> None:
        """The instant of an airing's first sample lies elsewhere now, because the trusted clock has moved.

        What waits begins then; what sounds already follows smoothly.
        """
        self._orders.put(lambda: self._mixer.retime(airing, at_mono_s))

    def start(self) -> None:
        """Start the thread. Call it inside the event loop: events are delivered there."""
        loop = asyncio.get_running_loop()

        def post(event: PlayerEvent) -> None:
            try:
                loop.call_soon_threadsafe(self._listener, event)
            except RuntimeError:
                log.debug("player.event_after_loop", event=event)

        self._post = post
        self._thread = threading.Thread(target=self._run, name="player", daemon=True)
        self._thread.start()

    async def aclose(self) -> None:
        """Fade out, end the thread, close the sink."""
        self._orders.put(self._mixer.stop_all)
        self._closing.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def step(self) -> float:
        """Feed the sink one chunk, or try to open it; returns the seconds to wait before the next step."""
        feed = self._feed
        try:
            if feed is None:
                self._feed = self._opened()
                return 0.0
            return self._fed(feed)
        except SinkError as error:
            return self._lost(error)

    def _run(self) -> None:
        _hurry()
        try:
            while not self._closing.is_set():
                if wait_s := self._stepped():
                    self._closing.wait(wait_s)
            until = time.monotonic() + _GOODBYE_S
            while self._feed is not None and not (self._mixer.idle and self._orders.empty()):
                if time.monotonic() > until:
                    break
                self._stepped()
            self._publish(self._mixer.lose(self._feed.position.frames if self._feed else 0, self._mono()))
        finally:
            try:
                if self._amplifier is not None:
                    self._amplifier.close()
            finally:
                self._let_go()

    def _stepped(self) -> float:
        """Step. Whatever goes wrong, the speaker must not fall silent for ever: the sink is opened again."""
        try:
            return self.step()
        except Exception as error:
            log.exception("player.failed")
            failed = error
        try:
            return self._lost(failed)
        except Exception:
            log.exception("player.not_recovered")
            self._let_go()
            return _LAST_RETRY_S

    def _opened(self) -> _Feed:
        sink = self._open_sink()
        self._status = replace(self._counts(), open=True, sink=sink.name)
        self._told = None
        log.info("sink.opened", sink=sink.name)
        self._post(SinkChanged(open=True, detail=sink.name))
        return _Feed(sink, self._mono())

    def _fed(self, feed: _Feed) -> float:
        self._obey()
        frames, of = self._mixer.render(feed.written, CHUNK_FRAMES, feed.timeline)
        if self._amplifier is not None:
            self._amplifier.follow(self._mono(), sounding=self._mixer.audible, next_s=self._mixer.next_at_mono_s)
        feed.sink.write(frames, of)
        ahead_s = feed.took(len(frames) // FRAME_BYTES, self._mono())
        if of is not None:
            feed.meter.note(feed.written, frames)
        feed.position = self._heard(feed.sink.consumed())
        if feed.position.frames > _PROVEN_FRAMES:
            self._retry_s = _FIRST_RETRY_S
        stalled = feed.timeline.observe(feed.position)
        self._note(feed, stalled)
        if feed.timeline.known:
            self._publish(self._mixer.settle(feed.position.frames, feed.timeline))
        return _CHUNK_S if ahead_s > _UNPACED_S else 0.0

    def _heard(self, position: Position) -> Position:
        """What the sink calls played is heard so much later."""
        return Position(position.frames, position.mono_s + self._sink_offset_s)

    def _note(self, feed: _Feed, stalled_s: float) -> None:
        if stalled_s:
            self._mixer.stalled(stalled_s)
        sounding = self._mixer.sounding(feed.position.frames)
        before = self._status
        if stalled_s:
            log.warning("sink.underrun", stalled_ms=round(stalled_s * 1000), sounding=sounding is not None)
        if jumped := self._mixer.take_jumps():
            log.warning("sound.set_right", late_ms=round(jumped[-1] * 1000), times=len(jumped))
        if gaps := self._mixer.take_gaps():
            log.warning("sound.starved", lacked_ms=round(sum(gaps) * 1000), times=len(gaps))
        level = feed.meter.level(feed.position.frames) if sounding is not None else None
        self._status = PlayerStatus(
            open=True,
            sink=before.sink,
            latency_ms=round(feed.sink.latency_ms + self._sink_offset_s * 1000, 3),
            airing=sounding.airing if sounding else None,
            played_ms=sounding.played_ms if sounding else 0,
            reached_ms=sounding.reached_ms if sounding else 0,
            quality=self._quality(feed, sounding) if sounding else None,
            level_dbfs=level.rms_dbfs if level else None,
            peak_dbfs=level.peak_dbfs if level else None,
            late_ms=round(self._mixer.late_s * 1000, 3) if sounding else None,
            underruns=before.underruns + (1 if stalled_s else 0) + len(gaps),
            underrun_ms=before.underrun_ms + round((stalled_s + sum(gaps)) * 1000),
            jumps=before.jumps + len(jumped),
        )

    def _quality(self, feed: _Feed, sounding: Sounding) -> Quality | None:
        """Worked out once a second: it is noted every few, and what is done with each piece costs a small board."""
        before = self._status
        known = before.airing == sounding.airing and before.played_ms // 1000 == sounding.played_ms // 1000
        return before.quality if known else self._mixer.quality(feed.position.frames)

    def _counts(self) -> PlayerStatus:
        """What is counted since the start, and nothing of the moment."""
        before = self._status
        return PlayerStatus(underruns=before.underruns, underrun_ms=before.underrun_ms, jumps=before.jumps)

    def _obey(self) -> None:
        while True:
            try:
                order = self._orders.get_nowait()
            except queue.Empty:
                return
            order()

    def _lost(self, error: Exception) -> float:
        """Close what is broken, say why whenever the cause is another, and return how long to wait before the next try.

        The amplifier goes off first: a device that hangs takes its time to close.
        """
        self._cut_power()
        self._obey()
        position = self._feed.position if self._feed else Position(0, self._mono())
        since = self._status.lost_since_mono_s
        self._status = replace(
            self._counts(), sink=self._status.sink, lost_since_mono_s=since if since is not None else self._mono()
        )
        detail = str(error) or type(error).__name__
        if detail != self._told:
            log.warning("sink.lost", error=detail)
            self._post(SinkChanged(open=False, detail=detail))
            self._told = detail
        self._publish(self._mixer.lose(position.frames, position.mono_s))
        self._let_go()
        wait_s = self._retry_s
        self._retry_s = min(self._retry_s * 2, _LAST_RETRY_S)
        return wait_s

    def _cut_power(self) -> None:
        try:
            if self._amplifier is not None:
                self._amplifier.cut(self._mono())
        except Exception:
            log.exception("amplifier.not_cut")

    def _let_go(self) -> None:
        """Close the sink; one that fails even at that is let go all the same."""
        feed, self._feed = self._feed, None
        if feed is None:
            return
        try:
            feed.sink.close()
        except Exception:
            log.exception("sink.not_closed")

    def _publish(self, events: Iterable[PlayerEvent]) -> None:
        for event in events:
            self._post(event)


def _hurry() -> None:
    """Let this thread go before others when the processor is short, where we may: sound cannot wait."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
