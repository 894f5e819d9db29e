"""Somebody speaks, and something breaks: real broker, real controller, real speakers, and the sound they made."""

from datetime import UTC, datetime, timedelta

import pytest

from device_agent.live.watch import FRAME_AGE_MAX
from tests.support.eventually import eventually
from tests.support.fleet import Fleet, Speaker
from tests.support.sound import RATE_HZ, decode
from tests.support.talker import Talker, at_the_microphone

pytestmark = pytest.mark.parametrize("fleet", ["mosquitto"], indirect=True)

WORD_S = 15.0
AUDIBLE = 0.001
OLD_S = FRAME_AGE_MAX / timedelta(seconds=1)


@pytest.fixture(scope="module")
def speaker(fleet: Fleet) -> Speaker:
    return fleet.speaker("noi-truc-tiep")


def heard(talker: Talker, speaker: Speaker, seconds: int = 3, since: datetime | None = None) -> list[float]:
    """Wait until so many seconds of the very sound that was spoken were heard; return how late each was."""
    return eventually(
        lambda: lags if len(lags := talker.lags_s(speaker, since)) >= seconds else None,
        within_s=40,
        every_s=0.5,
        what="what is spoken is heard",
    )


def loud_s(speaker: Speaker, talker: Talker) -> float:
    """For how much of a session something was to be heard; what holds the air in a gap is silence."""
    heard = [each.samples for each in speaker.recordings if each.occurrence == talker.occurrence]
    return sum(int((abs(samples) > AUDIBLE).sum()) for samples in heard) / RATE_HZ


def silent(speaker: Speaker) -> bool:
    return bool(speaker.state["player"]["state"] == "silent")


def filed(fleet: Fleet, talker: Talker) -> dict[str, object]:
    """The session, once it is written down to be over."""
    return eventually(
        lambda: shown if (shown := fleet.officer.get(f"/live-sessions/{talker.id}"))["ended_at"] else None,
        within_s=20,
        what="the session is closed",
    )


def test_what_is_heard_is_what_was_spoken(fleet: Fleet, speaker: Speaker):
    with at_the_microphone(fleet, speaker).talking() as talker:
        lags = heard(talker, speaker, seconds=4)
        talker.end()
        assert filed(fleet, talker)["ending"] == "spoken"
    assert all(0 < lag < OLD_S for lag in lags), lags
    assert max(lags) - min(lags) < 1, f"one sound without a break: {lags}"
    eventually(lambda: silent(speaker), within_s=20, what="silence afterwards")


def test_killed_in_the_midst_the_controller_leaves_silence_and_files_what_was_said(fleet: Fleet, speaker: Speaker):
    with at_the_microphone(fleet, speaker).talking() as talker:
        heard(talker, speaker)
        fleet.controller.kill()
        killed_at = datetime.now(UTC)
        spoken_s = (killed_at - talker.began_at).total_seconds()
        try:
            still = loud_s(speaker, talker)
            eventually(lambda: datetime.now(UTC) > killed_at + timedelta(seconds=WORD_S), within_s=WORD_S + 2)
            assert loud_s(speaker, talker) - still < OLD_S, "it fell silent by itself"
        finally:
            fleet.start_controller()
        shown = filed(fleet, talker)
        eventually(lambda: 4403 in talker.closed, within_s=20, what="who speaks is told")
    assert shown["ending"] == "restarted"
    announcement = fleet.officer.get(f"/announcements/{shown['announcement_id']}")
    kept = eventually(
        lambda: fleet.officer.get(f"/announcements/{announcement['id']}").get("listen_url"), within_s=30, what="kept"
    )
    kept_s = len(decode(fleet.officer.listen(kept))) / RATE_HZ
    chime_s = (
        datetime.fromisoformat(talker.session["speak_at"]) - datetime.fromisoformat(talker.session["created_at"])
    ).total_seconds()
    assert spoken_s - chime_s - 3 < kept_s < spoken_s + 1, "all but the last second, and no more"
    eventually(lambda: silent(speaker), within_s=30, what="the speaker says that it is silent")


def test_a_speaker_that_was_restarted_is_back_in(fleet: Fleet, speaker: Speaker):
    with at_the_microphone(fleet, speaker).talking() as talker:
        heard(talker, speaker)
        speaker.agent.kill()
        speaker.agent.start()
        restarted_at = datetime.now(UTC)
        lags = heard(talker, speaker, since=restarted_at)
        talker.end()
    assert all(0 < lag < OLD_S for lag in lags), lags


def test_a_broker_that_was_killed_and_is_back_brings_no_old_sound(fleet: Fleet, speaker: Speaker):
    with at_the_microphone(fleet, speaker).talking() as talker:
        heard(talker, speaker)
        fleet.broker.kill()
        try:
            eventually(lambda: talker.uncarried, within_s=10, what="who speaks is told that nobody is reached")
        finally:
            fleet.broker.start()
        back_at = datetime.now(UTC)
        eventually(lambda: talker.news["carried"], within_s=30, what="the sign goes away")
        heard(talker, speaker, since=back_at)
        lags = talker.lags_s(speaker)
        talker.end()
    assert all(0 < lag < OLD_S for lag in lags), lags


def test_of_two_who_speak_to_one_speaker_the_first_is_heard_and_the_other_sees_it(fleet: Fleet, speaker: Speaker):
    with at_the_microphone(fleet, speaker, seed=2).talking() as first:
        heard(first, speaker)
        with at_the_microphone(fleet, speaker, seed=3).talking() as second:
            eventually(
                lambda: [each["because"] for each in second.news.get("not_hearing", [])] == ["another_session"],
                within_s=15,
                what="the second is told that somebody else speaks there",
            )
            assert not second.lags_s(speaker)
            first.end()
            lags = heard(second, speaker)
            second.end()
    assert all(0 < lag < OLD_S for lag in lags), lags
