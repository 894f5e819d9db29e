"""The pure part of planning: the same rows in any order are the same plan."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from controller.planning.compile import (
    ClipFacts,
    Material,
    Sound,
    Speaker,
    airings,
    config,
    content_hash,
    kept_links_end,
    plan,
)
from protocol.messages import Plan, Relay, Stretch, TrustedKey
from schedules.plan import Calendar, plan_window
from schedules.types import (
    ClassVolumes,
    Percent,
    Recurrence,
    Schedule,
    ScheduleId,
    SpeakerPolicy,
    TimeWindow,
    VolumeRule,
)

NOW = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
CALENDAR = Calendar(plan_window(NOW))
CLIPS = {letter * 64: ClipFacts(letter * 64, 1000, 60_000, "audio/ogg") for letter in "abc"}

schedules = st.lists(
    st.builds(
        lambda number, hour, minute, rule, clip: (number, hour, minute, rule, clip),
        st.integers(0, 30),
        st.integers(5, 21),
        st.sampled_from([0, 1, 30]),
        st.sampled_from([None, "FREQ=DAILY", "FREQ=WEEKLY"]),
        st.sampled_from("abc"),
    ),
    unique_by=lambda each: each[0],
    max_size=6,
)


def schedule(number: int, hour: int, minute: int, rule: str | None) -> Schedule:
    first = datetime(2026, 11, 20, hour, minute)  # noqa: DTZ001 a wall clock
    return Schedule(ScheduleId(f"s{number}"), f"Tin {number}", Recurrence(first, rrule=rule), duration_ms=60_000)


def relay(clip: str) -> Relay:
    """Half a minute of another station, with one of the other clips to stand in."""
    fallback = {"a": "b", "b": "c", "c": "a"}[clip] * 64
    return Relay(item_id="2", at_ms=30_000, duration_ms=30_000, url="https://vov.example.vn/live", fallback=fallback)


def speaker(chosen: Sequence[Schedule]) -> Speaker:
    return Speaker("loa-1", "Loa 1", ("VN", "24"), ("g2", "g1"), SpeakerPolicy(), 0, tuple(chosen), None)


def compiled(chosen: Sequence[tuple[int, int, int, str | None, str]], shuffle: random.Random) -> Plan:
    chosen = list(chosen)
    shuffle.shuffle(chosen)
    sounds = {
        ScheduleId(f"s{number}"): Sound((Stretch(clip=clip * 64, at_ms=0, duration_ms=30_000),), (relay(clip),))
        for number, *_, clip in chosen
    }
    clips = dict(shuffle.sample(list(CLIPS.items()), len(CLIPS)))
    aired = airings(
        speaker([schedule(*rest) for *rest, _ in chosen]),
        Material(sounds, clips, frozenset(), timedelta(seconds=10)),
        CALENDAR,
        NOW,
    )
    return plan("loa-1", aired, clips, CALENDAR.window, lambda sha256, at: f"https://x/{sha256}?{at:%s}")


@given(schedules, st.randoms(use_true_random=False))
def test_the_plan_does_not_depend_on_the_order_of_rows(
    chosen: list[tuple[int, int, int, str | None, str]], shuffle: random.Random
) -> None:
    first, second = compiled(chosen, random.Random(1)), compiled(chosen, shuffle)
    assert first.encode() == second.encode()
    assert content_hash(first) == content_hash(second)
    asked = {part.clip for each in first.occurrences for part in each.stretches}
    asked |= {part.fallback for each in first.occurrences for part in each.relays if part.fallback}
    assert {clip.sha256 for clip in first.clips} == asked


@given(st.integers(1, 2**53))
def test_the_content_is_the_same_whatever_the_version(version: int) -> None:
    body = compiled([(1, 6, 0, "FREQ=DAILY", "a")], random.Random(1))
    assert content_hash(body.model_copy(update={"version": version})) == content_hash(body)


def test_the_content_differs_when_anything_else_does() -> None:
    body = compiled([(1, 6, 0, "FREQ=DAILY", "a")], random.Random(1))
    other_sound = compiled([(1, 6, 0, "FREQ=DAILY", "b")], random.Random(1))
    assert len({content_hash(body), content_hash(other_sound)}) == 2


def test_what_was_promised_keeps_its_sound_and_what_was_called_off_is_gone() -> None:
    soon = schedule(1, 12, 0, None)  # noon in Việt Nam is now
    old = Sound((Stretch(clip="a" * 64, at_ms=0, duration_ms=60_000),))
    new = Sound((Stretch(clip="b" * 64, at_ms=0, duration_ms=60_000),))
    material = Material({soon.id: old}, CLIPS, frozenset(), timedelta(seconds=10))
    before = NOW - timedelta(minutes=5)
    promised = airings(speaker([soon]), material, CALENDAR, before)
    told = replace(speaker([soon]), previous=promised)

    edited = replace(material, sounds={soon.id: new})
    assert [each.sound for each in airings(told, edited, CALENDAR, before)] == [new]
    assert [each.sound for each in airings(told, edited, CALENDAR, NOW - timedelta(seconds=5))] == [old]
    called_off = replace(edited, cancelled=frozenset({promised[0].occurrence.id}))
    assert airings(told, called_off, CALENDAR, NOW) == ()


def test_a_configuration_says_what_holds_at_the_speaker() -> None:
    policy = SpeakerPolicy(
        quiet_hours=(TimeWindow(time(21), time(5)),),
        volume_rules=(VolumeRule(TimeWindow(time(5), time(6)), Percent(40)),),
        max_volume=Percent(80),
        class_volumes=ClassVolumes(emergency=Percent(100)),
    )
    keys = [TrustedKey(kid="k2", x="x"), TrustedKey(kid="k1", x="y")]
    said = config(replace(speaker([]), policy=policy), keys)

    assert (said.quiet_hours[0].start, said.quiet_hours[0].end) == ("21:00", "05:00")
    assert (said.volume_rules[0].volume, said.max_volume) == (40, 80)
    assert (said.class_volumes.routine, said.class_volumes.emergency) == (None, 100)
    assert said.groups == ("g1", "g2")
    assert [key.kid for key in said.keys] == ["k1", "k2"]
    assert content_hash(said) == content_hash(config(replace(speaker([]), policy=policy), keys[::-1]))


def test_links_to_what_is_kept_last_for_a_month_and_stay_the_same_for_one() -> None:
    ends = [kept_links_end(datetime(2026, 11, day, 12, tzinfo=UTC)) for day in (1, 30)]
    assert ends == [datetime(2027, 1, 2, tzinfo=UTC)] * 2
    assert kept_links_end(datetime(2026, 12, 31, 23, tzinfo=UTC)) == datetime(2027, 2, 2, tzinfo=UTC)
