"""Emergencies over a real broker to real agents: heard together, followed, called off, never lost and never again."""

from collections.abc import Callable, Iterator

import pytest

from loa.officer import Refused
from tests.support.eventually import eventually
from tests.support.fleet import Fleet, Speaker
from tests.support.post import Post, manned

APART_MAX_S = 0.020
"""Issue's limit: between the speakers of one alert."""
Figure = Callable[[str], None]


@pytest.fixture(scope="module")
def post(fleet: Fleet) -> Iterator[Post]:
    with manned(fleet) as post:
        yield post


@pytest.fixture(scope="module")
def hamlets(fleet: Fleet) -> list[Speaker]:
    return [fleet.speaker(f"bao-dong-{number}") for number in (1, 2)]


def test_one_press_is_heard_everywhere_at_once_and_counted(post: Post, hamlets: list[Speaker], figure: Figure) -> None:
    alert = post.draft("Báo động lũ cấp III", text="Nước sông Thương đã vượt báo động III.")
    post.words_ready(alert)
    pressed_at = post.release(alert)
    eventually(
        lambda: post.counts(alert)["received"] >= len(hamlets), within_s=10, what="every speaker says that it has it"
    )
    eventually(lambda: post.counts(alert)["finished"] >= len(hamlets), within_s=60, what="every speaker has sounded it")
    starts = []
    for speaker in hamlets:
        signal, message = [each for each in speaker.recordings if each.occurrence.startswith(alert["id"])]
        assert signal.occurrence.endswith("0.signal")
        assert message.occurrence.endswith("0.message")
        starts.append(signal.first_sample_at)
    apart_s = (max(starts) - min(starts)).total_seconds()
    press_to_sound_s = (max(starts) - pressed_at).total_seconds()
    figure(f"press to sound {press_to_sound_s:.2f} s, apart {apart_s * 1000:.1f} ms")
    assert apart_s <= APART_MAX_S
    post.cancel(alert)


def test_who_was_away_hears_it_once_when_it_comes_and_nobody_twice(post: Post, hamlets: list[Speaker]) -> None:
    late, there = hamlets
    late.agent.stop()
    alert = post.draft("Hồ chứa xả lũ")
    post.release(alert)
    eventually(lambda: post.counts(alert)["finished"] >= 1, within_s=30, what="one has sounded it")
    silent = post.first.get(f"/alerts/{alert['id']}/reach/speakers", silent="true")
    assert late.id in {each["device"] for each in silent}
    late.agent.start()
    eventually(lambda: post.records(late, alert) == [("1.0.signal", "completed")], within_s=40, what="heard late")
    there.agent.kill()
    there.agent.start()
    post.fleet.broker.kill()
    post.fleet.broker.start()
    eventually(lambda: there.state.get("player", {}).get("state") == "silent", within_s=40, what="back again")
    assert post.parts(there, alert) == [f"{alert['id']}.1.0.signal"]
    post.cancel(alert)


def test_a_call_off_reaches_who_sounds_it_and_is_said_aloud(post: Post, hamlets: list[Speaker]) -> None:
    alert = post.draft("Báo nhầm", signal="flood-3")
    post.release(alert)
    eventually(lambda: post.counts(alert)["sounding"] >= len(hamlets), within_s=20, what="all sound it")
    post.cancel(alert, all_clear=True)
    for speaker in hamlets:
        eventually(
            lambda speaker=speaker: ("1.0.signal", "stopped") in post.records(speaker, alert),
            within_s=20,
            what=f"{speaker.id} fell silent",
        )
        eventually(
            lambda speaker=speaker: f"{alert['id']}.2.0.signal" in post.parts(speaker, alert),
            within_s=20,
            what=f"{speaker.id} sounds the all-clear",
        )
    for each in post.first.list("/alerts", state="cancelled"):
        assert each["state"] == "cancelled"
    post.first.create("/areas/24/stop-alerts", {})


def test_a_controller_that_is_killed_after_the_press_still_sends_it(post: Post, hamlets: list[Speaker]) -> None:
    alert = post.draft("Cháy lớn")
    post.fleet.broker.stop()
    post.release(alert)
    assert post.first.get(f"/alerts/{alert['id']}")["sent"] is False
    post.fleet.controller.kill()
    post.fleet.broker.start()
    post.fleet.start_controller()
    eventually(lambda: post.first.get(f"/alerts/{alert['id']}")["sent"], within_s=30, what="it is sent after all")
    for speaker in hamlets:
        eventually(
            lambda speaker=speaker: post.records(speaker, alert) == [("1.0.signal", "completed")],
            within_s=60,
            what=f"{speaker.id} has sounded it",
        )
    post.cancel(alert)


def test_nobody_releases_their_own(post: Post) -> None:
    alert = post.draft("Một mình")
    with pytest.raises(Refused) as refusal:
        post.first.create(f"/alerts/{alert['id']}/release", {})
    assert refusal.value.problem["code"] == "own_draft"
