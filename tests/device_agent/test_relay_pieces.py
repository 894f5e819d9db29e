"""A relay in a plan: what is played of it, what must be at hand, and what the record says."""

from datetime import timedelta
from pathlib import Path

import pytest

from device_agent.airing import Airing, _outcome
from device_agent.decoder import Piece
from device_agent.fetcher import by_need
from device_agent.mixer import Ended
from device_agent.ports import Play
from device_agent.programme import clips_of, pieces_of, planned_of
from device_agent.relay.gate import _public
from device_agent.relay.rules import Account, Voice
from device_agent.relay.sound import Station
from device_agent.sinks import RATE_HZ
from device_agent.state import readiness
from protocol.messages import ClipRef, Outcome, Plan, PlanOccurrence, Relay, Stretch
from schedules.types import Priority, Resume
from tests.support.commune_speaker import NOON, LongSound, Speaker
from tests.support.commune_speaker import occurrence as planned

NEWS, SPARE, URL = "a" * 64, "b" * 64, "https://dai.example/live"
DAY = timedelta(days=1)


def occurrence(*, clips: bool = True) -> PlanOccurrence:
    """Five seconds of our own, ten of a station, and ours again."""
    stretches = (Stretch(clip=NEWS, at_ms=0, duration_ms=5000), Stretch(clip=NEWS, at_ms=15_000, duration_ms=5000))
    return PlanOccurrence(
        id="thoi-su", schedule_id="s", title="", starts_at=NOON, duration_ms=20_000, volume=60,
        priority=Priority.ROUTINE, stretches=stretches if clips else (),
        relays=(Relay(item_id="dai", at_ms=5000, duration_ms=10_000, url=URL, fallback=SPARE),),
    )  # fmt: skip


def here(sha256: str) -> Path:
    return Path(sha256[0])


def test_a_relay_lies_between_its_neighbours() -> None:
    first, relay, last = pieces_of(occurrence(), 0, here)
    assert (first, last) == (Piece(Path("a")), Piece(Path("a")))
    assert relay.station == Station(URL, 10_000, Path("b"))


def test_who_joins_late_hears_the_station_for_the_time_that_is_left() -> None:
    relay, last = pieces_of(occurrence(), 12_000, here)
    assert relay.station == Station(URL, 3000, Path("b"))
    assert last == Piece(Path("a"))


def test_a_station_is_played_with_nothing_else_at_hand() -> None:
    relay, pause = pieces_of(occurrence(), 5000, lambda _: None)
    assert relay.station == Station(URL, 10_000, None)
    assert pause == Piece(None, silence_ms=5000)
    assert pieces_of(occurrence(clips=False), 0, lambda _: None)[0] == Piece(None, silence_ms=5000)


def test_what_comes_before_a_station_is_waited_for() -> None:
    assert pieces_of(occurrence(), 0, lambda _: None) == ()


def test_what_stands_in_is_fetched_like_what_is_planned() -> None:
    refs = tuple(ClipRef(sha256=name, url="http://c/x", size_bytes=1, duration_ms=1) for name in (SPARE, NEWS))
    plan = Plan(
        device="loa-1",
        version=1,
        window_start=NOON - DAY,
        window_end=NOON + DAY,
        occurrences=(occurrence(),),
        clips=refs,
    )
    assert [ref.sha256 for ref in by_need(plan, NOON)] == [NEWS, SPARE]
    assert readiness(plan, lambda clip: clip == NEWS, NOON) == (0, 1, (SPARE,))
    assert set(clips_of(occurrence())) == {NEWS, SPARE}


class Relayed:
    """A sound in which a station was relayed."""

    trouble = None

    def __init__(self, **seconds: int) -> None:
        self.account = Account()
        for voice, length in seconds.items():
            self.account = self.account.with_(Voice(voice), length * RATE_HZ)


@pytest.mark.parametrize(
    ("relayed", "clip", "said"),
    [
        (Relayed(source=60), None, (Outcome.COMPLETED, "")),
        (Relayed(source=50, fallback=10), None, (Outcome.COMPLETED, "relay source=50s fallback=10s silence=0s")),
        (Relayed(silence=60), None, (Outcome.FAILED, "relay_unreachable")),
        (Relayed(silence=60), NEWS, (Outcome.COMPLETED, "relay source=0s fallback=0s silence=60s")),
    ],
)
def test_the_record_says_how_much_was_the_station(
    relayed: Relayed, clip: str | None, said: tuple[Outcome, str]
) -> None:
    play = Play(kind="occurrence", title="", volume=60, clock="trusted", occurrence="thoi-su", clip=clip)
    airing = Airing(1, play, None, 0.0, 0.0, None, 60_000, 60, first_mono_s=0.0, relaying=relayed)
    assert _outcome(airing, Ended(1, "completed", 60_000, 60.0)) == said


def test_a_programme_with_a_station_never_begins_again() -> None:
    assert planned_of(occurrence().model_copy(update={"resume": Resume.RESTART})).resume is Resume.REJOIN
    assert planned_of(occurrence().model_copy(update={"resume": Resume.SKIP})).resume is Resume.SKIP


class Endless(LongSound):
    """A sound with a station in it that does not end by itself."""

    account = None
    trouble = None

    @property
    def ended(self) -> bool:
        return False


async def test_a_station_ends_at_its_time_though_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speaker = Speaker(tmp_path)
    monkeypatch.setattr(speaker, "_prepare", lambda _pieces, _on_ready: Endless(60_000))
    speaker.power_up()
    speaker.plan(planned("thoi-su", after_s=2, lasts_s=10))
    await speaker.run_until(20)
    (row,) = speaker.journal.rows
    assert (row.outcome, row.reason) == (Outcome.STOPPED, "limit")
    assert row.played_ms == pytest.approx(11_000, abs=200)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("203.0.114.1", True),
        ("2a00:1450::1", True),
        ("64:ff9b::cb00:7201", True),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::10.0.0.1", False),
        ("64:ff9b::127.0.0.1", False),
        ("64:ff9b:1::808:808", False),
        ("2002:a00:1::", False),
        ("224.0.1.1", False),
        ("239.1.2.3", False),
        ("64:ff9b::224.0.1.1", False),
        ("ff0e::1", False),
        ("fe80::1%eth0", False),
    ],
)
def test_nothing_inside_another_address_and_no_group_of_machines_is_a_public_station(
    address: str, *, public: bool
) -> None:
    assert _public(address) is public
