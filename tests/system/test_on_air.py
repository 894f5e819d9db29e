"""The main job, and what it must withstand at the centre: each broadcast is heard in the speakers' own recordings."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.eventually import eventually
from tests.support.fleet import Airing, Fleet, Speaker

START_ERROR_MAX_S = 0.050
Figure = Callable[[str], None]
WORDS = "Kính thưa bà con! Đây là bản tin của đài truyền thanh xã Tân Yên."


@pytest.fixture(scope="module")
def hamlets(fleet: Fleet) -> list[Speaker]:
    return [fleet.speaker(f"thon-{name}") for name in ("dong", "trung", "sau")]


def heard_whole_and_on_time(airing: Airing, speakers: list[Speaker], figure: Figure) -> None:
    """The clip is in each recording from its first to its last second, and began when it should."""
    for speaker in speakers:
        found = speaker.find(airing)
        error_s = (found.at - airing.starts_at).total_seconds()
        figure(f"{speaker.id}: start error {error_s * 1000:+.1f} ms, likeness {found.likeness:.3f}")
        assert found.likeness > 0.95
        assert found.head > 0.9, "the beginning is missing"
        assert found.tail > 0.9, "the end is missing"
        assert abs(error_s) <= START_ERROR_MAX_S


def played_once(airing: Airing, speakers: list[Speaker], *, within_s: float) -> None:
    for speaker in speakers:
        eventually(
            lambda speaker=speaker: speaker.outcomes(airing) == ["completed"],
            within_s=within_s,
            what=f"{speaker.id} reports {airing.occurrence} once",
        )


def until_over(airing: Airing, speakers: list[Speaker]) -> None:
    """Wait for the recordings to hold the whole broadcast."""
    left_s = (airing.ends_at - datetime.now(UTC)).total_seconds()
    for speaker in speakers:
        eventually(
            lambda speaker=speaker: sum(part.seconds for part in speaker.heard(airing)) >= airing.sound.seconds - 0.05,
            within_s=max(0, left_s) + 10,
            what=f"{speaker.id} plays {airing.occurrence} to its end",
        )


def test_a_typed_announcement_is_heard_whole_and_on_time_on_every_speaker(
    fleet: Fleet, hamlets: list[Speaker], figure: Figure
):
    airing = fleet.air(fleet.sound(WORDS), *hamlets)
    played_once(airing, hamlets, within_s=30)
    heard_whole_and_on_time(airing, hamlets, figure)


def test_every_speaker_plays_on_time_while_the_controller_is_down(fleet: Fleet, hamlets: list[Speaker], figure: Figure):
    airing = fleet.air(fleet.sound(WORDS), *hamlets)
    for speaker in hamlets:
        eventually(lambda speaker=speaker: speaker.is_ready_for(airing), within_s=6, what=f"{speaker.id} ready")
    fleet.controller.kill()
    assert datetime.now(UTC) < airing.starts_at, "the controller was not stopped before air time"
    until_over(airing, hamlets)
    heard_whole_and_on_time(airing, hamlets, figure)

    fleet.start_controller()
    played_once(airing, hamlets, within_s=30)


def test_after_the_broker_lost_everything_all_converge_and_nothing_replays(fleet: Fleet, hamlets: list[Speaker]):
    past = fleet.air(fleet.sound(WORDS), *hamlets)
    coming = fleet.air(fleet.sound(WORDS), *hamlets, in_s=25)
    played_once(past, hamlets, within_s=30)
    fleet.broker.kill()
    fleet.broker.forget()
    fleet.broker.start()

    later = fleet.air(
        fleet.sound(WORDS), *hamlets, in_s=(coming.ends_at - datetime.now(UTC)) / timedelta(seconds=1) + 2
    )
    played_once(coming, hamlets, within_s=45)
    played_once(later, hamlets, within_s=45)
    for airing in (past, coming, later):
        for speaker in hamlets:
            assert len(speaker.heard(airing)) == 1, f"{speaker.id} played {airing.occurrence} more than once"
