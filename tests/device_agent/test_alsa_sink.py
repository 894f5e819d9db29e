"""The way through libasound, heard: its plugin for PulseAudio, a null sink, and an ear at the monitor."""

import errno
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from device_agent.sinks import (
    FRAME_BYTES,
    RATE_HZ,
    Position,
    SinkError,
    SinkLost,
    SinkUnavailable,
    alsa,
    choose,
    libasound,
)
from device_agent.sinks.alsa import AlsaSink
from device_agent.sinks.choose import open_sink
from device_agent.sinks.errors import SinkBusy, SinkForbidden, SinkMissing, SinkUnsuited
from device_agent.timeline import Timeline
from tests.support.alsa import alsa_leads_to
from tests.support.eventually import eventually
from tests.support.pulse import PulseServer
from tests.support.take import SWEEP, undisturbed_take

CHUNK = bytes(1920)
SWAY = RATE_HZ // 500


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PulseServer]:
    with PulseServer(tmp_path / "pulse") as server:
        alsa_leads_to(server, monkeypatch)
        yield server
    eventually(lambda: not alsa_threads(), within_s=10, what="what was left behind is done")


def alsa_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("alsa:")]


def whole(heard: NDArray[np.float32], wanted: NDArray[np.int16]) -> bool:
    """Whether each twentieth is there and nearly in its place.

    The plugin's position sways by a tenth of a millisecond or two, and the player keeps in step with it.
    """
    block = len(wanted) // 20
    return all(
        max(
            np.corrcoef(heard[at + sway : at + sway + block], wanted[at : at + block])[0, 1] for sway in range(2 * SWAY)
        )
        > 0.97
        for at in range(0, len(wanted), block)
    )


def feed(sink: AlsaSink, until: int) -> Position:
    """Write silence until so many frames were consumed."""
    while (position := sink.consumed()).frames < until:
        sink.write(CHUNK)
    return position


def feed_until_lost(sink: AlsaSink) -> SinkError:
    with pytest.raises(SinkLost) as lost:
        feed(sink, 10 * RATE_HZ)
    sink.close()
    return lost.value


def opens() -> AlsaSink | None:
    try:
        return AlsaSink("loa0")
    except SinkUnavailable:
        return None


async def test_a_sound_reaches_the_horn_whole_at_its_instant(server: PulseServer) -> None:
    take = await undisturbed_take(lambda: AlsaSink("loa0"), server)
    assert take.said_late_s == pytest.approx(0, abs=0.02)
    assert (take.ended.cause, take.ended.played_ms) == ("completed", 1000)
    assert whole(take.heard(SWAY), SWEEP)
    assert take.heard_late_s == pytest.approx(0, abs=0.025)


def test_it_plays_from_a_short_buffer_and_says_how_long_it_is(server: PulseServer) -> None:
    sink = AlsaSink("loa0")
    assert sink.name == "alsa:loa0"
    feed(sink, RATE_HZ // 2)
    assert 0 < sink.latency_ms < 400
    sink.close()


def test_what_ran_dry_goes_on_and_is_told_as_a_standstill(server: PulseServer) -> None:
    sink, timeline, written = AlsaSink("loa0"), Timeline(), 0

    def step() -> float:
        nonlocal written
        sink.write(CHUNK)
        written += len(CHUNK) // FRAME_BYTES
        return timeline.observe(sink.consumed())

    def all_played() -> bool:
        if sink.consumed().mono_s < time.monotonic() - 1:
            step()  # it ran dry by itself on a busy machine, and waits for a full buffer
        return sink.consumed().frames == written

    until = time.monotonic() + 20
    while not timeline.known or sink.consumed().frames < RATE_HZ // 4:
        step()
    eventually(all_played, within_s=10, what="all that was written is played")
    dry_since = time.monotonic()
    eventually(lambda: time.monotonic() > dry_since + 0.1, within_s=10)
    while not (stalled_s := step()):
        assert time.monotonic() < until
        assert sink.consumed().frames <= written
    assert stalled_s >= 0.1
    sink.close()


def test_a_killed_server_is_a_loss_and_it_plays_again_when_it_is_back(server: PulseServer) -> None:
    sink = AlsaSink("loa0")
    feed(sink, RATE_HZ // 4)
    server.kill()
    feed_until_lost(sink)
    with pytest.raises(SinkUnavailable, match="refused"):
        AlsaSink("loa0")
    server.start()
    sink = eventually(opens, within_s=10, what="it opens again")
    feed(sink, RATE_HZ // 4)
    sink.close()


def test_a_hung_server_is_a_loss_and_is_left_alone_until_it_goes_on(server: PulseServer) -> None:
    sink = AlsaSink("loa0")
    feed(sink, RATE_HZ // 4)
    server.hang()
    assert "hangs" in str(feed_until_lost(sink))
    for _ in range(5):
        with pytest.raises(SinkUnavailable, match="still hangs"):
            AlsaSink("loa0")
    assert len(alsa_threads()) == 1, "however often it is tried, one thread waits"
    server.go_on()
    sink = eventually(opens, within_s=10, what="it opens again")
    feed(sink, RATE_HZ // 4)
    sink.close()


def test_a_hung_server_is_not_waited_for_when_it_is_opened(server: PulseServer) -> None:
    server.hang()
    with pytest.raises(SinkUnavailable, match="does not answer"):
        AlsaSink("loa0")
    with pytest.raises(SinkUnavailable, match="still hangs"):
        AlsaSink("loa0")
    server.go_on()


def test_what_is_not_there_is_said_so(server: PulseServer) -> None:
    with pytest.raises(SinkMissing, match="there is no nobody"):
        AlsaSink("nobody")


def test_a_device_that_swallows_everything_at_once_is_taken_as_such(server: PulseServer) -> None:
    sink = AlsaSink("null")
    assert feed(sink, RATE_HZ).frames >= RATE_HZ
    sink.close()


class Library:
    """A libasound where one function fails, and the others do nothing."""

    def __init__(self, function: str, code: int) -> None:
        self._function, self._code = function, code

    def __getattr__(self, name: str) -> Callable[..., int]:
        return lambda *_: -self._code if name == self._function else 0


@pytest.mark.parametrize(
    ("function", "code", "error", "advice"),
    [
        ("snd_pcm_open", errno.EBUSY, SinkBusy, "fuser"),
        ("snd_pcm_open", errno.EACCES, SinkForbidden, "group audio"),
        ("snd_pcm_hw_params_set_channels", errno.EINVAL, SinkUnsuited, "plughw"),
        ("snd_pcm_hw_params_set_rate", errno.EINVAL, SinkUnsuited, "plughw"),
    ],
)
def test_why_a_card_cannot_be_used_comes_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, function: str, code: int, error: type[SinkUnavailable], advice: str
) -> None:
    monkeypatch.setattr(libasound, "library", lambda: Library(function, code))
    with pytest.raises(error, match=advice):
        AlsaSink("hw:1")


class Card:
    """A card that takes two chunks, and then answers as told."""

    buffer_frames, period_frames = 1440, 480

    def __init__(self, write: int, delay: int = 0) -> None:
        self._then, self._delay, self._room = write, delay, 2
        self.prepared = 0

    def __call__(self, *_: object, **__: object) -> "Card":
        return self

    def write(self, _: bytes, count: int) -> int:
        self._room -= 1
        return count if self._room >= 0 else self._then

    def start(self) -> int:
        return 0

    def prepare(self) -> int:
        self.prepared += 1
        return 0

    def delay(self) -> tuple[int, int]:
        return self._delay, 0

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("code", "said"),
    [(errno.ENODEV, "No such device"), (errno.ESTRPIPE, "Streams pipe error"), (errno.EAGAIN, "hangs"), (0, "hangs")],
)
def test_a_card_that_is_pulled_out_or_suspended_or_hangs_is_a_loss(
    monkeypatch: pytest.MonkeyPatch, code: int, said: str
) -> None:
    monkeypatch.setattr(alsa, "Pcm", Card(-code))
    ticks = iter(range(10_000))
    sink = AlsaSink("card", mono=lambda: next(ticks) / 100, sleep=lambda _: None)
    assert said in str(feed_until_lost(sink))


def test_a_card_that_runs_dry_for_ever_is_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Card(-errno.EPIPE)
    monkeypatch.setattr(alsa, "Pcm", card)
    ticks = iter(range(10_000))
    sink = AlsaSink("card", mono=lambda: next(ticks) / 100, sleep=lambda _: None)
    assert "hangs" in str(feed_until_lost(sink))
    assert card.prepared > 1


@pytest.mark.parametrize(("code", "said"), [(errno.ENODEV, "No such device"), (errno.EIO, "Input/output error")])
def test_a_card_that_does_not_say_where_it_is_is_a_loss(monkeypatch: pytest.MonkeyPatch, code: int, said: str) -> None:
    monkeypatch.setattr(alsa, "Pcm", Card(480, delay=-code))
    ticks = iter(range(10_000))
    sink = AlsaSink("card", mono=lambda: next(ticks) / 100)
    assert said in str(feed_until_lost(sink))


def test_auto_takes_a_card_where_there_is_no_sound_server(
    server: PulseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path}/nobody")
    cards = tmp_path / "cards"
    cards.write_text(" 0 [Device ]: USB-Audio - USB Audio Device\n")
    monkeypatch.setattr(choose, "_CARDS", cards)
    sink = open_sink("auto", state_dir=tmp_path)
    assert sink.name == "alsa:default"
    sink.close()
