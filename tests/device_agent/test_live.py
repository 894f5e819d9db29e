"""Somebody speaks live: whose frames are believed, in which order they sound, and what becomes of gaps."""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.opus import FRAME, BadFrame, Decoder
from device_agent.errors import AgentError
from device_agent.live.jitter import BACKLOG_FRAMES, CONCEALED_FRAMES, LEAST_FRAMES, MOST_FRAMES, Jitter
from device_agent.live.sound import CHIME_MS, LiveSound
from device_agent.live.watch import AT_ONCE, LiveWatch, name_of
from protocol.errors import BadSignature, Expired, Malformed, ProtocolError, WrongAudience
from protocol.live import FrameKey, FrameSigner, SealedFrame
from protocol.messages import LiveSession, Outcome
from protocol.signing import KeyRing, SigningKey, verify
from tests.support.agent_rooms import KEY
from tests.support.commune_speaker import NOON, Speaker
from tests.support.spoken import Mouth, tone

AREA = "area:07339"
KEYS = KeyRing([KEY.public])


@cache
def speech(frames: int = 1000) -> list[bytes]:
    return tone(frames)


# --- the jitter buffer


@given(st.lists(st.tuples(st.integers(0, 400), st.booleans()), max_size=600))
def test_frames_sound_in_order_and_none_twice(happenings: Sequence[tuple[int, bool]]) -> None:
    jitter, heard = Jitter(), []
    for number, taken in happenings:
        jitter.put(number, str(number).encode())
        if taken and (opus := jitter.take()):
            heard.append(int(opus))
    assert heard == sorted(set(heard))


@given(st.lists(st.integers(0, 12), min_size=50, max_size=400))
def test_no_network_makes_it_hold_back_more_than_its_limit(arrivals: Sequence[int]) -> None:
    """However many frames each 20 ms bring, and whether or not any is lost."""
    jitter, number = Jitter(), 0
    for count in arrivals:
        for _ in range(count):
            jitter.put(number, b"x")
            number += 1 + (number % 17 == 0)
        jitter.take()
        assert len(jitter) <= MOST_FRAMES + BACKLOG_FRAMES
        assert LEAST_FRAMES <= jitter.wanted <= MOST_FRAMES


def test_an_even_stream_is_heard_without_a_gap_as_soon_as_enough_is_here():
    jitter = Jitter()
    heard = []
    for number in range(100):
        jitter.put(number, b"%d" % number)
        heard.append(jitter.take())
    silent = LEAST_FRAMES - 1
    assert heard[:silent] == [None] * silent
    assert heard[silent:] == [b"%d" % number for number in range(100 - silent)]


def test_a_lost_frame_is_invented_and_the_next_one_keeps_its_place():
    jitter = Jitter()
    for number in (0, 1, 3, 4, 5):
        jitter.put(number, b"%d" % number)
    assert [jitter.take() for _ in range(5)] == [b"0", b"1", b"", b"3", b"4"]


def test_after_running_dry_it_waits_for_more_than_before():
    jitter = Jitter()
    for number in range(LEAST_FRAMES):
        jitter.put(number, b"x")
    assert [jitter.take() for _ in range(LEAST_FRAMES)] == [b"x"] * LEAST_FRAMES
    assert [jitter.take() for _ in range(CONCEALED_FRAMES + 1)] == [b""] * CONCEALED_FRAMES + [None]
    for number in range(100, 100 + LEAST_FRAMES):
        jitter.put(number, b"y")
    assert jitter.take() is None
    jitter.put(100 + LEAST_FRAMES, b"y")
    assert jitter.take() == b"y"


def test_what_a_bad_minute_made_it_hold_back_a_good_one_gives_back():
    jitter = Jitter()
    jitter.wanted = MOST_FRAMES
    for number in range(3000):
        jitter.put(number, b"x")
        jitter.take()
    assert jitter.wanted <= LEAST_FRAMES + 1
    assert len(jitter) <= LEAST_FRAMES + 1


# --- the sound


def test_frames_are_decoded_to_the_sound_that_was_spoken():
    decoder = Decoder()
    pcm = b"".join(decoder.decode(opus) for opus in speech()[:50])
    assert len(pcm) == 50 * FRAME * 2
    with pytest.raises(BadFrame):
        decoder.decode(b"\xff" * 3)


def test_what_was_said_into_the_chime_is_left_out_and_speech_follows_at_once():
    sound = LiveSound(opening=True, decode=lambda opus: opus * FRAME)
    for number in range(200):
        sound.put(number, number.to_bytes(2, "little"))
        sound.read(FRAME)
        if number * 20 > CHIME_MS + 100:
            break
    (heard,) = {sound.read(FRAME)[:2]}
    assert number - int.from_bytes(heard, "little") <= LEAST_FRAMES + 1


def test_after_the_last_word_it_ends_by_itself():
    sound = LiveSound(opening=False, decode=lambda _: bytes(FRAME * 2))
    assert not sound.ready
    for number in range(6):
        sound.put(number, b"x")
    assert sound.ready
    sound.finish()
    assert len(sound.read(100 * FRAME)) == LEAST_FRAMES * FRAME * 2, "what waited while nobody listened is left out"
    assert sound.ended


# --- the wire


def test_a_frame_survives_the_wire_and_nothing_that_was_changed_does():
    signer = FrameSigner()
    payload = signer.seal(7, 1_700_000_000_000, b"opus")
    sealed = SealedFrame.parse(payload)
    assert sealed is not None
    assert sealed.frame.number == 7
    assert sealed.frame.opus == b"opus"
    for at in range(1, len(payload)):
        broken = bytearray(payload)
        broken[at] ^= 1
        changed = SealedFrame.parse(bytes(broken))
        assert changed is not None
        with pytest.raises(BadSignature):
            changed.opened(FrameKey.of(signer.key))


@pytest.mark.parametrize("size", [0, 20, 84, 5000])
def test_a_frame_of_a_strange_length_is_malformed(size: int):
    with pytest.raises(Malformed):
        SealedFrame.parse(b"\x01" + bytes(size))


# --- the watch, in a whole speaker


class Hearing(Speaker):
    """A speaker to which people speak."""

    def power_up(self) -> None:
        super().power_up()
        self.watch = LiveWatch(stage=self.conductor, clock=self.clock)
        self.refused: list[str] = []

    async def told(self, payload: bytes, target: str = AREA) -> None:
        """Something arrives on a target's topic."""
        try:
            if (sealed := SealedFrame.parse(payload)) is not None:
                self.watch.hear(sealed)
            else:
                word = verify(payload, LiveSession, audiences={target}, keys=KEYS, now=self.clock.now())
                await self.watch.say(word)
        except (ProtocolError, AgentError) as error:
            self.refused.append(error.code)

    async def listens(self, mouth: Mouth, until_s: float, *, word: bool = True) -> None:
        """Somebody speaks until so many seconds after noon."""
        opus = iter(speech() * 10)
        while self.now_s < until_s:
            if word and mouth.number % 100 == -1 % 100:
                await self.told(mouth.word(now=self.system.utc))
            await self.told(mouth.frame(next(opus), self.system.utc))
            await self.step()

    @property
    def loud(self) -> bool:
        """Whether the last half second that the sink was given is not silence."""
        return any(bytes(self.sink.heard[-48_000:]))


@pytest.fixture
def speaker(tmp_path: Path) -> Hearing:
    return Hearing(tmp_path)


async def test_who_speaks_is_heard_after_the_chime(speaker: Hearing):
    mouth = Mouth(starts_at=NOON + timedelta(seconds=2))
    await speaker.told(mouth.word())
    await speaker.run_until(1)
    await speaker.listens(mouth, 10)
    assert speaker.on_air == name_of(mouth.session)
    await speaker.told(mouth.word(over=True, now=speaker.system.utc))
    await speaker.run_until(12)
    assert speaker.records == [(name_of(mouth.session), Outcome.COMPLETED)]
    assert not speaker.refused
    assert abs(speaker.first_sound_at_s() - 2) < 0.03


async def test_nothing_sounds_without_a_signed_word(speaker: Hearing):
    mouth = Mouth()
    await speaker.told(mouth.word(key=SigningKey.generate()))
    await speaker.listens(mouth, 5, word=False)
    assert speaker.on_air is None
    assert not any(speaker.sink.heard)
    assert speaker.refused == ["unknown_key"]


async def test_a_word_for_another_area_is_refused(speaker: Hearing):
    await speaker.told(Mouth(target="area:99").word())
    assert speaker.refused == [WrongAudience.code]


async def test_forged_frames_are_refused_and_the_true_ones_go_on(speaker: Hearing):
    mouth = Mouth()
    await speaker.listens(mouth, 3)
    forger = FrameSigner()
    for number in range(50):
        true = mouth.signer.seal(10_000 + number, round(speaker.system.utc.timestamp() * 1000), b"x")
        await speaker.told(true[:-1] + bytes([true[-1] ^ 1]))
        await speaker.told(forger.seal(20_000 + number, 0, b"x"))
    assert set(speaker.refused) == {BadSignature.code}
    await speaker.listens(mouth, 6)
    assert speaker.on_air == name_of(mouth.session)
    assert speaker.loud


async def test_replayed_frames_never_sound(speaker: Hearing):
    mouth = Mouth()
    await speaker.told(mouth.word())
    recorded = [mouth.frame(opus, NOON) for opus in speech()[:100]]
    for payload in recorded:
        await speaker.told(payload)
        await speaker.step()
    await speaker.run_until(9)
    assert speaker.on_air is None, "nobody has spoken for five seconds"
    for payload in recorded:
        await speaker.told(payload)
    assert set(speaker.refused) == {Expired.code}
    await speaker.run_until(12)
    assert speaker.on_air is None


async def test_a_session_that_is_over_never_comes_back(speaker: Hearing):
    mouth = Mouth()
    old = mouth.word(lives_s=59)
    await speaker.listens(mouth, 4)
    await speaker.told(mouth.word(over=True, now=speaker.system.utc))
    await speaker.run_until(5)
    await speaker.told(old)
    await speaker.listens(mouth, 9, word=False)
    assert speaker.on_air is None
    assert [outcome for _, outcome in speaker.records] == [Outcome.COMPLETED]


async def test_a_word_that_lives_too_long_is_refused(speaker: Hearing):
    await speaker.told(Mouth().word(lives_s=3600))
    assert speaker.refused == ["replayed"]


async def test_a_gap_of_seconds_is_silence_and_then_the_voice_again(speaker: Hearing):
    mouth = Mouth()
    await speaker.listens(mouth, 4)
    await speaker.run_until(8)
    assert not speaker.loud
    await speaker.listens(mouth, 11)
    assert speaker.loud
    assert speaker.on_air == name_of(mouth.session)


async def test_after_a_restart_the_next_word_leads_back_in_without_the_chime(speaker: Hearing):
    mouth = Mouth()
    await speaker.listens(mouth, 4)
    speaker.kill()
    speaker.power_up()
    await speaker.listens(mouth, 8)
    assert speaker.on_air == name_of(mouth.session)
    assert speaker.loud
    assert [outcome for _, outcome in speaker.records] == [Outcome.INTERRUPTED, None]


async def test_an_alert_cuts_in_and_the_session_comes_back(speaker: Hearing):
    mouth = Mouth()
    await speaker.listens(mouth, 4)
    speaker.raise_alert("lu", lasts_s=3)
    await speaker.listens(mouth, 6)
    assert speaker.on_air == "lu"
    await speaker.listens(mouth, 11)
    assert speaker.on_air == name_of(mouth.session)


async def test_it_ends_at_its_time_limit_though_somebody_goes_on_speaking(speaker: Hearing):
    mouth = Mouth(lasts_s=6)
    await speaker.listens(mouth, 9)
    assert speaker.on_air is None
    assert [outcome for _, outcome in speaker.records] == [Outcome.STOPPED]


async def test_one_more_than_a_speaker_can_follow_is_refused(speaker: Hearing):
    for number in range(AT_ONCE + 1):
        await speaker.told(Mouth(session=f"s{number}").word())
    assert speaker.refused == ["too_many"]
