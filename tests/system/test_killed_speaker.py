"""A speaker that loses power at the worst moments: nothing is lost, nothing doubled, nothing half is played."""

from datetime import UTC, datetime

import pytest

from tests.support.content_proxy import Mood
from tests.support.eventually import eventually
from tests.support.fleet import Airing, Fleet, Speaker

pytestmark = pytest.mark.parametrize("fleet", ["embedded"], indirect=True)

LONG = (
    "Bản tin nông nghiệp. Trạm khuyến nông nhắc bà con thăm đồng thường xuyên, giữ mực nước ruộng từ ba đến năm "
    "xăng ti mét, phòng trừ rầy nâu kịp thời, và không đốt rơm rạ ngoài đồng."
)


@pytest.fixture(scope="module")
def speaker(fleet: Fleet) -> Speaker:
    return fleet.speaker("mat-dien")


def seconds_heard(speaker: Speaker, airing: Airing) -> float:
    return sum(part.seconds for part in speaker.heard(airing))


@pytest.mark.parametrize(
    ("resume", "outcomes"),
    [
        ("rejoin", ["interrupted", "completed"]),
        ("restart", ["interrupted", "completed"]),
        ("skip", ["interrupted", "skipped"]),
    ],
)
def test_killed_while_playing_it_comes_back_as_its_policy_says(
    fleet: Fleet, speaker: Speaker, resume: str, outcomes: list[str]
):
    airing = fleet.air(fleet.sound(LONG), speaker, resume=resume)
    eventually(lambda: seconds_heard(speaker, airing) > 2, within_s=20, what="it plays")
    speaker.agent.kill()
    before = seconds_heard(speaker, airing)
    speaker.agent.start()

    eventually(
        lambda: speaker.outcomes(airing)[: len(outcomes)] == outcomes,
        within_s=airing.sound.seconds + 25,
        what=f"its records say {outcomes}; they say {speaker.records(airing)}",
    )
    assert speaker.outcomes(airing) == outcomes
    parts = speaker.heard(airing)
    if resume == "skip":
        assert len(parts) == 1
    elif resume == "restart":
        stalled_s = (speaker.records(airing)[-1]["underrun_ms"] or 0) / 1000  # a busy machine: it says so
        assert parts[-1].seconds == pytest.approx(airing.sound.seconds + stalled_s, abs=0.1)
    else:
        missed_s = airing.sound.seconds - before - parts[-1].seconds
        gap_s = (parts[-1].first_sample_at - parts[0].first_sample_at).total_seconds() - before
        assert missed_s == pytest.approx(gap_s, abs=0.15), "it rejoined where the wall clock was"


def test_killed_while_downloading_it_fetches_the_rest_and_plays_the_whole(fleet: Fleet, speaker: Speaker):
    sound = fleet.sound("Bà con chú ý! Trạm y tế xã tiêm phòng cho trẻ em vào sáng thứ năm tuần này.")
    fleet.content.mood = Mood.HANGS
    before = fleet.content.seen[Mood.HANGS]
    airing = fleet.air(sound, speaker, in_s=14)
    eventually(lambda: fleet.content.seen[Mood.HANGS] > before, within_s=12, what="the download hangs in the middle")
    speaker.agent.kill()
    assert not list(speaker.agent.recordings.glob(f"*{airing.occurrence}*"))
    fleet.content.mood = Mood.GOOD
    fleet.content.released.set()
    speaker.agent.start()

    eventually(lambda: speaker.outcomes(airing) == ["completed"], within_s=40, what="it is played")
    assert speaker.find(airing).likeness > 0.95


def test_killed_again_and_again_while_writing_its_journal_it_loses_and_doubles_no_record(
    fleet: Fleet, speaker: Speaker
):
    sound = fleet.sound("Thông báo ngắn.")
    airings = [fleet.air(sound, speaker, in_s=6 + 6 * number, resume="skip") for number in range(3)]
    for airing in airings:
        # Around each edge of a broadcast the journal is written: opened, closed, acknowledged.
        for instant in (airing.starts_at, airing.ends_at):
            wait_s = (instant - datetime.now(UTC)).total_seconds()
            eventually(
                lambda instant=instant: datetime.now(UTC) >= instant, within_s=max(0.0, wait_s) + 1, every_s=0.005
            )
            speaker.agent.kill()
            speaker.agent.start()

    eventually(
        lambda: all(speaker.records(airing) for airing in airings) and speaker.state["records_waiting"] == 0,
        within_s=40,
        what="every broadcast has its records",
    )
    for airing in airings:
        records = speaker.records(airing)
        keys = [(record["boot"], record["seq"]) for record in records]
        assert len(keys) == len(set(keys))
        assert [record["outcome"] for record in records].count("completed") <= 1
