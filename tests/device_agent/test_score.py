"""The pure decision: one order, whatever the order of the plan, and nothing that was settled comes back."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from device_agent.score import ENTRY_LEAD, PREPARE, Cue, OnAir, Scene, gone, next_cue, next_look
from schedules.entry import nominal_end
from schedules.on_air import candidate, rank
from schedules.types import (
    Heard,
    OccurrenceId,
    Percent,
    PlannedOccurrence,
    Priority,
    Resume,
    ScheduleId,
    SpeakerPolicy,
    TimeWindow,
)
from tests.support.commune_speaker import NOON


@st.composite
def plans(draw: st.DrawFn) -> list[PlannedOccurrence]:
    """A crowded minute."""
    count = draw(st.integers(1, 8))
    return [
        PlannedOccurrence(
            id=OccurrenceId(f"o{number}"),
            schedule_id=ScheduleId("s"),
            title="",
            starts_at=NOON + timedelta(milliseconds=draw(st.integers(-30_000, 30_000))),
            duration_ms=draw(st.integers(1, 30_000)),
            priority=draw(st.sampled_from(Priority)),
            issuer_depth=draw(st.integers(0, 4)),
            commune_rank=draw(st.integers(0, 2)),
            resume=draw(st.sampled_from(Resume)),
            late_join_s=draw(st.none() | st.integers(0, 20)),
            volume=Percent(70),
        )
        for number in range(count)
    ]


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    plan = draw(plans())
    finished = set(draw(st.lists(st.sampled_from(plan), max_size=3)))
    unplayable = draw(st.lists(st.sampled_from(plan), max_size=3))
    sounding = [
        each for each in plan if each.starts_at <= NOON < nominal_end(each) and each not in finished | set(unplayable)
    ]
    on_air = draw(st.none() | st.sampled_from(sounding)) if sounding else None
    heard = {each.id: Heard(played_ms=1, finished=True) for each in finished}
    return Scene(
        occurrences=tuple(plan),
        heard=lambda name: heard.get(OccurrenceId(name)),
        unplayable={each.id: "clip_missing" for each in unplayable},
        on_air=(OnAir(on_air, nominal_end(on_air)),) if on_air else (),
    )


def reordered(scene: Scene, plan: list[PlannedOccurrence]) -> Scene:
    return Scene(tuple(plan), scene.policy, scene.heard, scene.sounded, scene.unplayable, scene.on_air)


@given(scenes(), st.data())
def test_the_decision_does_not_depend_on_the_order_of_the_plan(scene: Scene, data: st.DataObject) -> None:
    other = reordered(scene, data.draw(st.permutations(scene.occurrences)))
    assert next_cue(other, NOON) == next_cue(scene, NOON)
    assert set(gone(other, NOON)) == set(gone(scene, NOON))


@given(scenes())
@settings(max_examples=300)
def test_who_gets_the_air_may_have_it_and_outranks_who_loses_it(scene: Scene) -> None:
    cue = next_cue(scene, NOON)
    if cue is None:
        return
    assert NOON < cue.at <= NOON + PREPARE
    assert cue.occurrence.starts_at <= cue.at < nominal_end(cue.occurrence)
    assert 0 <= cue.offset_ms < cue.occurrence.duration_ms
    assert cue.occurrence.id not in scene.unplayable
    assert scene.heard(cue.occurrence.id) is None
    for each in scene.on_air:
        assert each.occurrence.id != cue.occurrence.id
        if cue.at < each.until:
            assert rank(candidate(cue.occurrence, ready=True)) < rank(candidate(each.occurrence, ready=True))


@given(scenes())
def test_what_is_gone_can_get_no_cue(scene: Scene) -> None:
    cue = next_cue(scene, NOON)
    assert cue is None or cue.occurrence not in set(gone(scene, NOON))


@given(scenes())
def test_the_next_look_comes_before_the_next_beginning(scene: Scene) -> None:
    look = next_look(scene, NOON, timedelta(seconds=5))
    assert NOON < look <= NOON + timedelta(seconds=5)
    for each in scene.occurrences:
        assert each.starts_at - PREPARE <= NOON or look <= each.starts_at - PREPARE


@given(plans())
def test_in_quiet_hours_only_an_emergency_gets_the_air(plan: list[PlannedOccurrence]) -> None:
    always = SpeakerPolicy(quiet_hours=(TimeWindow(NOON.time(), NOON.time()),))
    cue = next_cue(Scene(tuple(plan), always), NOON)
    assert cue is None or cue.occurrence.priority is Priority.EMERGENCY


@given(plans(), st.integers(0, 2000))
def test_a_cue_told_again_later_means_the_same_sound(plan: list[PlannedOccurrence], later_ms: int) -> None:
    rejoining = next((each for each in plan if each.resume is Resume.REJOIN), None)
    if rejoining is None:
        return
    first = Cue(rejoining, NOON + ENTRY_LEAD, 5000)
    shift = timedelta(milliseconds=later_ms)
    assert Cue(rejoining, first.at + shift, 5000 + later_ms).continues(first)
    assert not Cue(rejoining, first.at + shift, 0).continues(first)
