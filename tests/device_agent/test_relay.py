"""A relay is always full, ends at its very last frame, and says truly who was heard."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from device_agent.decoder import Samples
from device_agent.relay.jitter import Jitter
from device_agent.relay.rules import LIMITS, Limits, Seen, Standing, Voice, after
from device_agent.relay.sound import RelaySound, Station
from device_agent.sinks import FRAME_BYTES, RATE_HZ

CHUNK = RATE_HZ // 50
QUICK = Limits(patience=RATE_HZ // 2, hush=RATE_HZ, healthy=RATE_HZ // 2, primed=RATE_HZ // 5)
STATION, STAND_IN = 1000, -2000


class FakeSource:
    """A station that does as it is told."""

    def __init__(self) -> None:
        self.jitter = Jitter(RATE_HZ)
        self.flowing = False
        self.trouble = ""
        self.closed = False

    def start(self) -> None:
        """Connected when told."""

    def close(self) -> None:
        self.closed = True

    def sends(self, frames: int = CHUNK, *, loud: bool = True) -> None:
        self.flowing = True
        sample = (STATION if loud else 0).to_bytes(2, "little", signed=True)
        for at in range(0, frames, CHUNK):
            self.jitter.put(sample * min(CHUNK, frames - at), loud=loud)

    def dies(self) -> None:
        self.flowing = False
        self.jitter.clear()


def relay(source: FakeSource, *, seconds: float = 20, fallback: bool = True) -> RelaySound:
    """A relay of a fake station; what stands in is a constant."""
    return RelaySound(
        Station("http://dai.example/live", round(seconds * 1000), Path("clip") if fallback else None),
        source=source,
        open_fallback=lambda _: Samples(STAND_IN.to_bytes(2, "little", signed=True) * (RATE_HZ * 2)),
        limits=QUICK,
    )


def hear(sound: RelaySound, seconds: float, source: FakeSource | None = None, *, loud: bool = True) -> int:
    """Read on, a chunk after the other, the station sending as much; return the last sample."""
    pcm = b""
    for _ in range(round(seconds * 50)):
        if source is not None:
            source.sends(loud=loud)
        pcm = sound.read(CHUNK)
        assert len(pcm) == CHUNK * FRAME_BYTES
    return int.from_bytes(pcm[-2:], "little", signed=True)


def test_a_station_that_is_there_before_its_time_is_heard_from_the_first_frame() -> None:
    source = FakeSource()
    sound = relay(source)
    source.sends(RATE_HZ)
    assert sound.ready
    assert hear(sound, 5, source) == STATION
    assert sound.account.silence == sound.account.fallback == 0
    assert sound.trouble is None


def test_what_stands_in_sounds_when_the_station_dies_and_gives_way_when_it_is_healthy_again() -> None:
    source = FakeSource()
    sound = relay(source)
    source.sends(RATE_HZ)
    hear(sound, 2, source)
    source.dies()
    assert hear(sound, 2) == STAND_IN
    assert sound.trouble == "relay_dead"
    assert hear(sound, 0.4, source) == STAND_IN
    assert hear(sound, 1, source) == STATION
    assert sound.trouble is None


def test_a_silent_station_is_replaced() -> None:
    source = FakeSource()
    sound = relay(source)
    source.sends(RATE_HZ)
    hear(sound, 1, source)
    assert hear(sound, 3, source, loud=False) == STAND_IN
    assert sound.trouble == "relay_silent"


def test_without_anything_to_stand_in_a_dead_station_is_silence_and_is_said_to_be() -> None:
    source = FakeSource()
    sound = relay(source, fallback=False)
    assert hear(sound, 3) == 0
    assert sound.account.unreachable
    assert sound.account.words() == "source=0s fallback=0s silence=3s"
    assert sound.trouble == "relay_dead"


def test_a_late_station_is_heard_when_it_comes() -> None:
    source = FakeSource()
    sound = relay(source)
    assert hear(sound, 1) == STAND_IN
    assert hear(sound, 2, source) == STATION


@given(st.lists(st.tuples(st.integers(1, 3000), st.sampled_from(["sends", "hushed", "dies", "nothing"])), max_size=60))
def test_whatever_the_station_does_the_relay_is_full_and_ends_at_its_last_frame(
    course: list[tuple[int, str]],
) -> None:
    source = FakeSource()
    sound = relay(source, seconds=1)
    total = 0
    for frames, event in [*course, (RATE_HZ * 2, "sends")]:
        match event:
            case "sends" | "hushed":
                source.sends(frames, loud=event == "sends")
            case "dies":
                source.dies()
        pcm = sound.read(frames)
        assert len(pcm) // FRAME_BYTES == min(frames, RATE_HZ - total)
        total += len(pcm) // FRAME_BYTES
        source.sends(frames)
    assert total == RATE_HZ
    assert sound.ended
    assert source.closed
    assert sound.read(CHUNK) == b""
    account = sound.account
    assert account.source + account.fallback + account.silence == RATE_HZ


SEEN = st.builds(Seen, st.integers(0, 10 * RATE_HZ), st.integers(0, 20 * RATE_HZ), st.booleans(), st.booleans())


@given(st.lists(st.tuples(SEEN, st.integers(1, RATE_HZ)), min_size=1))
def test_the_station_is_heard_only_with_sound_at_hand_and_what_stands_in_only_when_it_can(
    course: list[tuple[Seen, int]],
) -> None:
    standing = Standing()
    for seen, frames in course:
        standing = after(standing, seen, frames)
        if standing.voice is Voice.SOURCE:
            assert seen.buffered >= frames
            assert seen.hushed < LIMITS.hush
        if standing.voice is Voice.FALLBACK:
            assert seen.spare
        if seen.spare:
            assert standing.waited <= LIMITS.patience + frames


def test_what_nobody_hears_is_kept_no_longer_than_the_buffer_holds() -> None:
    jitter = Jitter(RATE_HZ)
    for _ in range(500):
        jitter.put(bytes(CHUNK * FRAME_BYTES), loud=False)
    assert jitter.seen[0] <= RATE_HZ
    jitter.listen(heard=True)
    while not jitter.full:
        jitter.put(bytes(CHUNK * FRAME_BYTES), loud=True)
    assert jitter.seen[0] <= 12 * RATE_HZ
