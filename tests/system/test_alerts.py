"""Emergencies over a real broker to real agents: heard together, followed, called off, never lost and never again."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import httpx
import numpy as np
import pytest

from device_agent.volume import gain
from loa.officer import Json, Refused
from tests.support.eventually import eventually
from tests.support.fleet import COMMUNE, PROVINCE, Fleet, Speaker
from tests.support.post import Post, manned
from tests.support.sound import RATE_HZ
from tests.support.tripwire import Tripwire
from tests.support.wire import Wire

APART_MAX_S = 0.020
"""Issue's limit: between the speakers of one alert."""
NEIGHBOUR = "07330"
"""Another commune of the province."""
VOLUMES = (100, 60, 85)
LOUDNESS_WITHIN_DB = 0.5
Figure = Callable[[str], None]


@pytest.fixture(scope="module")
def post(fleet: Fleet) -> Iterator[Post]:
    with manned(fleet) as post:
        yield post


@pytest.fixture(scope="module")
def hamlets(fleet: Fleet) -> list[Speaker]:
    return [fleet.speaker(f"bao-dong-{number}") for number in (1, 2)]


@pytest.fixture(scope="module")
def villages(fleet: Fleet, hamlets: list[Speaker]) -> list[Speaker]:
    """The hamlets, and one of another commune."""
    there = fleet.begin({"id": "bao-dong-xa-ben", "name": "xã bên", "area_code": NEIGHBOUR})
    fleet.is_up(there)
    return [*hamlets, there]


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
    for speaker in hamlets:  # others of the commune may be counted, and who has heard nothing needs no all-clear
        eventually(
            lambda speaker=speaker: sounded_for(post, speaker, alert) > timedelta(seconds=1),
            within_s=30,
            what=f"{speaker.id} has sounded some of it",
        )
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


def sounded_for(post: Post, speaker: Speaker, alert: Json) -> timedelta:
    """How long ago a speaker began to sound an alert, by what it said of it."""
    begun = [each["first_sound_at"] for each in post.reached(alert) if each["device"] == speaker.id]
    return datetime.now(UTC) - datetime.fromisoformat(begun[0]) if begun and begun[0] else timedelta()


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


@contextmanager
def by_a_tripwire(fleet: Fleet) -> Iterator[Tripwire]:
    """Have the controller speak to the broker through a wire that kills it."""
    controller, port = fleet.controller, fleet.controller.env["LOA_BROKER_PORT"]
    controller.stop()
    with Tripwire(fleet.broker.port, struck=controller.kill).running() as wire:
        controller.env["LOA_BROKER_PORT"] = str(wire.port)
        try:
            fleet.start_controller()
            yield wire
        finally:
            controller.stop()
            controller.env["LOA_BROKER_PORT"] = port
            fleet.start_controller()


def test_a_controller_that_is_killed_with_some_of_its_sets_out_sends_the_others_and_none_twice(
    post: Post, villages: list[Speaker]
) -> None:
    targets = [("area", COMMUNE), ("area", NEIGHBOUR), ("device", villages[0].id)]
    with by_a_tripwire(post.fleet) as wire:
        for out in range(len(targets)):
            alert = post.draft(
                f"Vỡ đập {out}", area_code=PROVINCE, targets=[{"kind": kind, "key": key} for kind, key in targets]
            )
            eventually(lambda: settled(post, villages), within_s=90, what="no siren of before sounds on")
            wire.passes = out
            with suppress(httpx.TransportError):  # it may die before it has answered
                post.release(alert)
            eventually(lambda: not post.fleet.controller.running, within_s=20, what=f"killed with {out} sets out")
            post.fleet.start_controller()
            eventually(lambda alert=alert: is_sent(post, alert), within_s=30, what="all of it is sent")
            for speaker in villages:
                eventually(
                    lambda speaker=speaker, alert=alert: heard_once(post, speaker, alert),
                    within_s=60,
                    what=f"{speaker.id} has sounded it",
                )
            post.cancel(alert)
            assert all(heard_once(post, speaker, alert) for speaker in villages)


def settled(post: Post, speakers: list[Speaker]) -> bool:
    """Whether nothing is on its way, and everybody is silent."""
    over = {"cancelled", "expired", "draft"}
    return all(each["state"] in over for each in post.first.list("/alerts")) and all(
        speaker.state["player"]["state"] == "silent" for speaker in speakers
    )


def is_sent(post: Post, alert: Json) -> bool:
    sent: bool = post.first.get(f"/alerts/{alert['id']}")["sent"]
    return sent


def heard_once(post: Post, speaker: Speaker, alert: Json) -> bool:
    """Whether it is whole on record, and there is no second beginning in what really sounded."""
    return post.records(speaker, alert) == [("1.0.signal", "completed")] and post.parts(speaker, alert) == [
        f"{alert['id']}.1.0.signal"
    ]


def test_a_broker_that_lost_everything_makes_nobody_hear_an_alert_again_nor_one_called_off(
    post: Post, hamlets: list[Speaker]
) -> None:
    fleet, (late, there) = post.fleet, hamlets
    active, doomed, raised = (post.draft(name, area_code=PROVINCE) for name in ("Lũ về", "Báo nhầm", "Đê vỡ"))
    post.release(active)
    for speaker in hamlets:
        eventually(lambda speaker=speaker: heard_once(post, speaker, active), within_s=40, what=f"{speaker.id} heard")
    late.agent.stop()
    post.release(doomed)
    eventually(lambda: heard_once(post, there, doomed), within_s=40, what="the one that was there heard it")

    fleet.broker.kill()
    fleet.broker.forget()
    post.cancel(doomed)
    post.release(raised)
    fleet.controller.kill()
    fleet.broker.start()
    late.agent.start()
    with Wire(fleet.broker).connected() as wire:
        for speaker in hamlets:
            eventually(lambda speaker=speaker: wire.state(speaker.id), within_s=40, what="it is on the empty broker")
    fleet.start_controller()

    for speaker in hamlets:
        eventually(lambda speaker=speaker: heard_once(post, speaker, raised), within_s=60, what=f"{speaker.id} heard")
        assert heard_once(post, speaker, active), "heard before, and not again"
    assert heard_once(post, there, doomed)
    assert post.parts(late, doomed) == []
    assert post.records(late, doomed) == []
    post.first.create(f"/areas/{PROVINCE}/stop-alerts", {})


def test_an_alert_sounds_as_loud_as_it_was_asked_to(post: Post, hamlets: list[Speaker], figure: Figure) -> None:
    levels = []
    for volume in VOLUMES:
        alert = post.draft(f"Lũ, {volume} %", volume=volume, area_code=PROVINCE)
        post.release(alert)
        for speaker in hamlets:
            eventually(lambda speaker=speaker, alert=alert: heard_once(post, speaker, alert), within_s=40)
        levels.append([level_db(speaker, alert) for speaker in hamlets])
        post.cancel(alert)
    figure(", ".join(f"{volume} %: {level:.1f} dBFS" for volume, (level, _) in zip(VOLUMES, levels, strict=True)))
    for (volume, before), (other, after) in pairwise(zip(VOLUMES, levels, strict=True)):
        asked_db = 20 * math.log10(gain(other) / gain(volume))
        for one, two in zip(before, after, strict=True):
            assert two - one == pytest.approx(asked_db, abs=LOUDNESS_WITHIN_DB)


def level_db(speaker: Speaker, alert: Json) -> float:
    """How loud its signal is in the recording, in dB below full scale, once what gave way to it has faded out."""
    (signal,) = [each for each in speaker.recordings if each.occurrence == f"{alert['id']}.1.0.signal"]
    alone = signal.samples[RATE_HZ // 10 :]
    return float(10 * np.log10(np.mean(np.square(alone, dtype=np.float64))))


def test_nobody_releases_their_own(post: Post) -> None:
    alert = post.draft("Một mình")
    with pytest.raises(Refused) as refusal:
        post.first.release(alert)
    assert refusal.value.problem["code"] == "own_draft"
