"""Stations as they are: a real Icecast, a real HLS stream, and everything that goes wrong with them."""

import asyncio
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psutil
import pytest

from device_agent.clock import TrustedClock
from device_agent.conductor import Conductor
from device_agent.decoder import Piece, PreparedSound, Samples, prepare
from device_agent.player import Player
from device_agent.ports import StoredPlan
from device_agent.relay.rules import Limits
from device_agent.relay.sound import RelaySound, Station
from device_agent.relay.source import RelaySource
from device_agent.sinks import FRAME_BYTES, RATE_HZ
from device_agent.sinks.choose import sink_opener
from protocol.messages import Outcome, Plan, PlanOccurrence, Relay, Stretch
from schedules.types import Priority
from tests.support.children import running
from tests.support.commune_speaker import CLIP, MemoryJournal
from tests.support.ears import from_bytes, loudness_lufs, true_peak_dbtp
from tests.support.eventually import eventually
from tests.support.house import Disciplined, Store
from tests.support.recordings import make_recording
from tests.support.sound import recordings
from tests.support.stations import (
    SILENCE,
    STAND_IN_HZ,
    STATION_HZ,
    Icecast,
    hls,
    icecast,
    tone_file,
    web_server,
)

QUICK = Limits(patience=RATE_HZ, hush=2 * RATE_HZ, healthy=RATE_HZ, primed=RATE_HZ // 2)
PROGRAMME_HZ = 300
MP3 = ("-c:a", "libmp3lame", "-b:a", "96k")
SPEECHLIKE = "anoisesrc=color=pink:sample_rate=48000:amplitude=1:duration={seconds}:seed=1,tremolo=f=4:d=0.8"
"""As loud as a station usually is (−19 LUFS), with the rhythm of syllables."""
TONE = f"sine=frequency={STATION_HZ}:sample_rate=48000:duration={{seconds}}"


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    return tone_file(tmp_path / "stand-in", 1.5)


def pitch_hz(pcm: bytes) -> int:
    """The tone that is heard, to 50 Hz; 0 for silence."""
    samples = np.frombuffer(pcm, "<i2").astype(float)
    if len(samples) == 0 or np.sqrt((samples**2).mean()) < 100:
        return 0
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return round(float(spectrum.argmax()) * RATE_HZ / len(samples) / 50) * 50


class Listener:
    """Reads a sound as fast as a speaker would."""

    def __init__(self, sound: RelaySound | PreparedSound) -> None:
        self.sound = sound
        self.pcm = bytearray()
        self._began = time.monotonic()

    def hears(self, hz: int) -> bool:
        """Read what is due; says whether the last 100 ms were this tone."""
        due = round((time.monotonic() - self._began) * RATE_HZ) - len(self.pcm) // FRAME_BYTES
        self.pcm += self.sound.read(min(due, RATE_HZ // 5))
        return pitch_hz(bytes(self.pcm[-RATE_HZ // 10 * FRAME_BYTES :])) == hz

    def until(self, hz: int) -> None:
        """Wait until a tone is heard."""
        eventually(lambda: self.hears(hz), within_s=45, every_s=0.02, what=f"{hz} Hz")


class Relayed:
    """A relay that is closed in the end, whatever happens."""

    def __init__(self, url: str, clip: Path | None, *, seconds: float = 300, limits: Limits = QUICK) -> None:
        self.sound = RelaySound(
            Station(url, round(seconds * 1000), clip),
            open_fallback=lambda path: prepare([Piece(path)], lambda: None),
            limits=limits,
        )

    def __enter__(self) -> Listener:
        return Listener(self.sound)

    def __exit__(self, *_: object) -> None:
        self.sound.close()


def test_a_station_that_breaks_off_is_replaced_and_heard_again_when_it_is_back(tmp_path: Path, stand_in: Path) -> None:
    with icecast(tmp_path) as station:
        station.send()
        with Relayed(station.url, stand_in) as listener:
            listener.until(STATION_HZ)
            station.fall_silent()
            listener.until(STAND_IN_HZ)
            station.send()
            listener.until(STATION_HZ)
            assert isinstance(listener.sound, RelaySound)
            assert listener.sound.account.fallback > 0


def test_a_station_that_sends_silence_is_replaced(tmp_path: Path, stand_in: Path) -> None:
    with icecast(tmp_path) as station:
        station.send(SILENCE)
        with Relayed(station.url, stand_in, limits=Limits(patience=100 * RATE_HZ, hush=RATE_HZ)) as listener:
            listener.until(STAND_IN_HZ)
            assert isinstance(listener.sound, RelaySound)
            assert listener.sound.trouble == "relay_silent"


def test_an_hls_stream_is_heard_and_over_at_its_last_frame(tmp_path: Path, stand_in: Path) -> None:
    with web_server(tmp_path) as server, hls(tmp_path):
        sound = prepare([Piece(None, station=Station(f"{server}/live.m3u8", 12_000, None))], lambda: None)
        listener = Listener(sound)
        try:
            listener.until(STATION_HZ)
            eventually(lambda: not listener.hears(-1) and sound.ended, within_s=60, every_s=0.02)
        finally:
            sound.close()
        assert len(listener.pcm) == 12 * RATE_HZ * FRAME_BYTES
        assert sound.read(RATE_HZ) == b""


@pytest.mark.parametrize("place", ["none.mp3", "here.html", "slow/long.mp3"])
def test_what_is_no_station_or_far_too_slow_a_one_is_replaced(tmp_path: Path, stand_in: Path, place: str) -> None:
    make_recording(tmp_path / "long.mp3", *MP3, sound=TONE, seconds=60)
    with web_server(tmp_path) as server, Relayed(f"{server}/{place}", stand_in) as listener:
        listener.until(STAND_IN_HZ)


def test_a_station_that_answers_nothing_is_replaced(stand_in: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/live.mp3"
        with Relayed(url, stand_in) as listener:
            listener.until(STAND_IN_HZ)
            assert isinstance(listener.sound, RelaySound)
            assert listener.sound.trouble == "relay_dead"


def test_a_station_whose_sound_comes_at_half_its_pace_gives_way_before_the_silence_is_long(
    tmp_path: Path, stand_in: Path
) -> None:
    with icecast(tmp_path) as station:
        station.send(paced=("-readrate", "0.5"))
        with Relayed(station.url, stand_in) as listener:
            for hz in (STATION_HZ, STAND_IN_HZ, STATION_HZ, STAND_IN_HZ):
                listener.until(hz)
            heard = np.frombuffer(bytes(listener.pcm), "<i2").astype(int)
    loud = np.flatnonzero(np.abs(heard) > 100)
    assert np.diff(loud).max() <= QUICK.patience + RATE_HZ // 5


@pytest.mark.parametrize("volume", ["12dB", "-20dB"])
def test_a_station_that_is_far_too_loud_or_too_soft_is_heard_as_loud_as_any(tmp_path: Path, volume: str) -> None:
    make_recording(tmp_path / "live.mp3", *MP3, sound=f"{SPEECHLIKE},volume={volume}", seconds=20)
    with web_server(tmp_path) as server:
        source = RelaySource(f"{server}/live.mp3", window_s=60)
        sound = RelaySound(Station("", 60_000), source=source, open_fallback=lambda _: Samples(b""), limits=QUICK)
        heard = bytearray()

        def hears_all() -> bool:
            while source.jitter.seen[0] > RATE_HZ:
                heard.extend(sound.read(RATE_HZ // 50))
            return len(heard) > 14 * RATE_HZ * FRAME_BYTES

        try:
            eventually(hears_all, within_s=30, every_s=0.02)
        finally:
            sound.close()
    samples = from_bytes(bytes(heard))[2 * RATE_HZ :]
    assert loudness_lufs(samples) == pytest.approx(-16, abs=1.5)
    assert true_peak_dbtp(samples) < -2


def test_a_relay_is_over_though_more_was_sent_than_anybody_heard() -> None:
    source = RelaySource("http://dai.example/", window_s=60, command=lambda *_, **__: ["cat", "/dev/zero"])
    source.jitter.listen(heard=True)
    source.start()

    def must_wait() -> bool:
        return source.jitter.full and any(c.status() == psutil.STATUS_SLEEPING for c in running("/dev/zero"))

    try:
        eventually(must_wait, within_s=30)
    finally:
        source.close()
    eventually(lambda: "relay" not in {thread.name for thread in threading.enumerate()}, within_s=30)


class Shelf:
    """The one clip that is here."""

    def __init__(self, clip: Path) -> None:
        self._clip = clip

    def path(self, sha256: str) -> Path | None:
        return self._clip if sha256 == CLIP else None


def _plan(url: str, starts_at: datetime) -> StoredPlan:
    """One and a half seconds of our own, four of the station, and ours again."""
    stretches = (
        Stretch(clip=CLIP, at_ms=0, duration_ms=1500),
        Stretch(clip=CLIP, at_ms=5500, duration_ms=1500),
    )
    occurrence = PlanOccurrence(
        id="thoi-su", schedule_id="s", title="Thời sự", starts_at=starts_at, duration_ms=7000, volume=100,
        priority=Priority.ROUTINE, stretches=stretches,
        relays=(Relay(item_id="dai", at_ms=1500, duration_ms=4000, url=url),),
    )  # fmt: skip
    hour = timedelta(hours=1)
    plan = Plan(
        device="loa-1", version=1, occurrences=(occurrence,), window_start=starts_at - hour, window_end=starts_at + hour
    )
    return StoredPlan(plan, starts_at)


async def _played(folder: Path, clip: Path, station: Icecast) -> MemoryJournal:
    journal, changed = MemoryJournal(), asyncio.Event()
    player = Player(sink_opener("wav", state_dir=folder))
    stored = _plan(station.url, datetime.now(UTC) + timedelta(seconds=9))
    conductor = Conductor(
        clock=TrustedClock(Disciplined(), folder / "clock.json"),
        player=player,
        clips=Shelf(clip),
        journal=journal,
        plans=Store(lambda: stored),
        configs=Store(lambda: None),
        changed=changed.set,
    )
    player.start()
    running = asyncio.create_task(conductor.run())
    try:
        async with asyncio.timeout(60):
            while not journal.rows or journal.rows[-1].outcome is None:
                changed.clear()
                await changed.wait()
    finally:
        running.cancel()
        await asyncio.wait([running])
        await player.aclose()
    return journal


async def test_a_station_between_two_clips_sounds_from_its_frame_to_its_frame(tmp_path: Path) -> None:
    clip = tone_file(tmp_path / "clip", 1.5, PROGRAMME_HZ)
    with icecast(tmp_path) as station:
        station.send()
        journal = await _played(tmp_path, clip, station)
    (row,) = journal.rows
    assert row.outcome is Outcome.COMPLETED
    assert row.played_ms == pytest.approx(7000, abs=5)
    heard = b"".join((one.samples * 32767).astype("<i2").tobytes() for one in recordings(tmp_path / "sounded"))
    tones = [pitch_hz(heard[at : at + 9600]) for at in range(0, len(heard) - 9600, 9600)]
    assert tones[1:14] == [PROGRAMME_HZ] * 13
    assert set(tones[18:54]) <= {STATION_HZ, 0}
    assert tones[45:53] == [STATION_HZ] * 8
    assert tones[57:68] == [PROGRAMME_HZ] * 11
