from datetime import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from controller.areas.policy import (
    ApprovalAsked,
    AreaPolicy,
    CapsSaid,
    ClassVolumesSaid,
    QuietWindow,
    ReleaseRule,
    SilentTest,
    VolumeWindow,
    effective_policy,
)
from schedules.types import Caps, SpeakerPolicy, TimeWindow

TIMES = st.sampled_from(["00:00", "05:00", "11:30", "13:30", "22:00", "23:59"])
VOLUMES = st.none() | st.integers(0, 100)
LIMITS = st.none() | st.integers(0, 1000)
WINDOWS = st.builds(QuietWindow, start=TIMES, end=TIMES)
RULES = st.builds(VolumeWindow, start=TIMES, end=TIMES, volume=st.integers(0, 100))
CAPS = st.builds(
    CapsSaid,
    sessions_per_day=LIMITS,
    session_max_s=LIMITS,
    daily_max_s=LIMITS,
    days_per_week=st.none() | st.integers(0, 7),
)
CLASS_VOLUMES = st.builds(ClassVolumesSaid, routine=VOLUMES, priority=VOLUMES, live=VOLUMES, emergency=VOLUMES)
POLICIES = st.builds(
    AreaPolicy,
    zone=st.sampled_from([None, "Asia/Ho_Chi_Minh", "Europe/Berlin"]),
    quiet_hours=st.lists(WINDOWS, max_size=3).map(tuple),
    volume_rules=st.none() | st.lists(RULES, max_size=3).map(tuple),
    default_volume=VOLUMES,
    max_volume=VOLUMES,
    class_volumes=CLASS_VOLUMES,
    caps=CAPS,
)
CHAINS = st.lists(POLICIES, max_size=4)
few = settings(max_examples=40)


def test_where_nobody_says_anything_the_defaults_hold():
    assert effective_policy([]) == effective_policy([AreaPolicy(), AreaPolicy()]) == SpeakerPolicy()


def test_ha_nois_rule_flows_down_to_its_wards():
    city = AreaPolicy(caps=CapsSaid(sessions_per_day=2, days_per_week=5, session_max_s=900))
    assert effective_policy([AreaPolicy(), city, AreaPolicy()]).caps == Caps(
        sessions_per_day=2, days_per_week=5, session_max_s=900
    )


def test_a_commune_adds_its_quiet_hours_to_its_provinces():
    province = AreaPolicy(quiet_hours=(QuietWindow(start="22:00", end="05:00"),))
    commune = AreaPolicy(quiet_hours=(QuietWindow(start="11:30", end="13:30"),))
    assert effective_policy([province, commune]).quiet_hours == (
        TimeWindow(time(11, 30), time(13, 30)),
        TimeWindow(time(22), time(5)),
    )


@few
@given(CHAINS, POLICIES)
def test_an_area_below_can_only_tighten_limits(chain: list[AreaPolicy], below: AreaPolicy):
    above, here = effective_policy(chain), effective_policy([*chain, below])
    assert here.max_volume <= above.max_volume
    assert set(here.quiet_hours) >= set(above.quiet_hours)
    for name in ("sessions_per_day", "session_max_s", "daily_max_s", "days_per_week"):
        limit, wider = getattr(here.caps, name), getattr(above.caps, name)
        assert wider is None or (limit is not None and limit <= wider)


@few
@given(CHAINS, POLICIES)
def test_the_nearest_area_decides_preferences(chain: list[AreaPolicy], below: AreaPolicy):
    here = effective_policy([*chain, below])
    if below.zone is not None:
        assert here.zone == below.zone
    if below.default_volume is not None:
        assert here.default_volume == min(below.default_volume, here.max_volume)
    if below.volume_rules is not None:
        assert len(here.volume_rules) == len(below.volume_rules)
    for name in ("routine", "priority", "live"):
        said = getattr(below.class_volumes, name)
        assert said is None or getattr(here.class_volumes, name) == min(said, here.max_volume)


@few
@given(CHAINS, POLICIES)
def test_nobody_below_makes_a_warning_from_above_quieter(chain: list[AreaPolicy], below: AreaPolicy):
    said = [each.class_volumes.emergency for each in chain if each.class_volumes.emergency is not None]
    here = effective_policy([*chain, below])
    emergency = here.class_volumes.emergency
    assert emergency is None or emergency >= max([here.max_volume, *said])
    assert emergency is not None or not said


@few
@given(CHAINS)
def test_no_volume_exceeds_the_ceiling(chain: list[AreaPolicy]):
    policy = effective_policy(chain)
    assert policy.default_volume <= policy.max_volume
    assert all(rule.volume <= policy.max_volume for rule in policy.volume_rules)
    volumes = policy.class_volumes
    assert all((each or 0) <= policy.max_volume for each in (volumes.routine, volumes.priority, volumes.live))


@few
@given(CHAINS, st.integers(0, 5))
def test_an_area_that_says_nothing_changes_nothing(chain: list[AreaPolicy], place: int):
    assert effective_policy([*chain[:place], AreaPolicy(), *chain[place:]]) == effective_policy(chain)


@few
@given(CHAINS, POLICIES, st.sampled_from(ReleaseRule), st.sampled_from(ApprovalAsked), st.sampled_from(SilentTest))
def test_who_may_do_what_is_nothing_that_speakers_are_told(
    chain: list[AreaPolicy], before: AreaPolicy, release: ReleaseRule, approval: ApprovalAsked, silent: SilentTest
):
    after = before.model_copy(update={"release": release, "approval": approval, "silent_test": silent})
    assert after.sounds_like(before)
    assert effective_policy([*chain, after]) == effective_policy([*chain, before])


@few
@given(CHAINS, POLICIES, POLICIES)
def test_policies_that_make_a_difference_do_not_sound_alike(
    chain: list[AreaPolicy], one: AreaPolicy, other: AreaPolicy
):
    if effective_policy([*chain, one]) != effective_policy([*chain, other]):
        assert not one.sounds_like(other)
    assert one.sounds_like(one)


@few
@given(POLICIES)
def test_what_is_said_survives_storing(policy: AreaPolicy):
    assert AreaPolicy.model_validate(policy.model_dump(mode="json", exclude_defaults=True)) == policy


@pytest.mark.parametrize(
    "said",
    [
        {"zone": "Mars/Olympus"},
        {"zone": "../../etc/passwd"},
        {"max_volume": 101},
        {"quiet_hours": [{"start": "24:00", "end": "05:00"}]},
        {"quiet_hours": [{"start": "22:00"}]},
        {"volume_rules": [{"start": "22:00", "end": "05:00", "volume": -1}]},
        {"class_volumes": {"emergency": 101}},
        {"class_volumes": {"emergancy": 80}},
        {"caps": {"days_per_week": 8}},
        {"quite_hours": []},
    ],
)
def test_nonsense_is_refused(said: dict[str, object]):
    with pytest.raises(ValidationError):
        AreaPolicy.model_validate(said)
