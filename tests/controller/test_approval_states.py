"""What airs is what was approved: the pure part, under any order of events."""

from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from controller.approval.coming import next_start
from controller.approval.states import (
    ApprovalState,
    NotAsSeen,
    NotWaiting,
    OwnWork,
    Standing,
    approved,
    changed,
    rejected,
    submitted,
    withdrawn,
)
from controller.areas.policy import ApprovalAsked, AreaPolicy, approval_asked
from controller.errors import ControllerError
from schedules.recurrence import daily, once, to_utc
from schedules.types import VIETNAM

TWO, ANYONE, NOBODY = ApprovalAsked.SECOND_PERSON, ApprovalAsked.ANYONE_WITH_THE_ROLE, ApprovalAsked.NONE
PEOPLE = st.sampled_from(["an", "bình", "chi"])
VERSIONS = st.sampled_from(["v1", "v2", "v3"])
POLICIES = st.sampled_from(ApprovalAsked)


def draft(digest: str = "v1", maker: str = "an", asked: ApprovalAsked = TWO) -> Standing:
    return changed(Standing(digest="", makers=frozenset({maker})), digest, maker, asked)


class Station(RuleBasedStateMachine):
    """Three people, three versions, and a policy that changes at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.standing = Standing(digest="")
        self.hands: set[str] = set()
        """Who touched it since the last approval."""
        self.let_through: set[str] = set()

    def takes(self, after: Standing, who: str, asked: ApprovalAsked) -> None:
        """Somebody made it or asked for it; where nobody else is asked, that lets it through."""
        if after != self.standing:
            self.hands |= {who} - {""}
            if asked is NOBODY and (who or self.standing.state is ApprovalState.APPROVED):
                self.let_through.add(after.digest)
        self.standing = after

    @rule(version=VERSIONS, who=PEOPLE | st.just(""), asked=POLICIES)
    def change(self, version: str, who: str, asked: ApprovalAsked) -> None:
        self.takes(changed(self.standing, version, who, asked), who, asked)

    @rule(version=VERSIONS, who=PEOPLE, asked=POLICIES)
    def submit(self, version: str, who: str, asked: ApprovalAsked) -> None:
        with suppress(ControllerError):
            self.takes(submitted(self.standing, version, who, asked), who, asked)

    @rule()
    def withdraw(self) -> None:
        with suppress(ControllerError):
            self.standing = withdrawn(self.standing)

    @rule(version=VERSIONS, who=PEOPLE)
    def reject(self, version: str, who: str) -> None:
        with suppress(ControllerError):
            self.standing = rejected(self.standing, version, who, "sai giờ")

    @rule(version=VERSIONS, who=PEOPLE, asked=POLICIES)
    def approve(self, version: str, who: str, asked: ApprovalAsked) -> None:
        before = self.standing
        with suppress(ControllerError):
            self.standing = approved(before, version, who, asked)
        if self.standing != before:
            assert (before.state, version) == (ApprovalState.SUBMITTED, before.digest)
            assert asked is not TWO or who not in self.hands
            self.let_through.add(version)

    @invariant()
    def nothing_airs_that_was_not_let_through_in_just_this_version(self) -> None:
        assert self.standing.airing is None or self.standing.airing in self.let_through
        if self.standing.state is ApprovalState.APPROVED:
            assert self.standing.airing == self.standing.digest
            self.hands.clear()


TestStation = Station.TestCase


def test_what_was_approved_before_airs_until_the_edit_is_approved_too():
    first = approved(submitted(draft(), "v1", "an", TWO), "v1", "bình", TWO)
    edited = changed(first, "v2", "an", TWO)
    assert (edited.state, edited.airing) == (ApprovalState.DRAFT, "v1")
    no = rejected(submitted(edited, "v2", "an", TWO), "v2", "bình", "sai giờ")
    assert (no.state, no.airing, no.reason) == (ApprovalState.REJECTED, "v1", "sai giờ")


def test_edited_back_to_what_was_approved_it_needs_no_approval():
    first = approved(submitted(draft(), "v1", "an", TWO), "v1", "bình", TWO)
    assert changed(changed(first, "v2", "an", TWO), "v1", "an", TWO).state is ApprovalState.APPROVED


def test_nobody_approves_their_own_where_two_people_are_asked_for():
    waiting = submitted(draft(maker="an"), "v1", "bình", TWO)
    for own in ("an", "bình"):
        with pytest.raises(OwnWork):
            approved(waiting, "v1", own, TWO)
    with pytest.raises(OwnWork):
        approved(waiting, "v1", "chi", TWO, authors={"chi"})
    assert approved(waiting, "v1", "chi", TWO).airing == "v1"
    assert approved(waiting, "v1", "an", ANYONE).airing == "v1"


def test_an_approver_approves_what_they_saw_or_nothing():
    waiting = submitted(draft(), "v1", "an", TWO)
    edited = submitted(changed(waiting, "v2", "an", TWO), "v2", "an", TWO)
    with pytest.raises(NotAsSeen):
        approved(edited, "v1", "bình", TWO)


def test_a_repetition_changes_nothing():
    waiting = submitted(draft(), "v1", "an", TWO)
    yes, no = approved(waiting, "v1", "bình", TWO), rejected(waiting, "v1", "bình", "sai")
    assert submitted(waiting, "v1", "an", TWO) == waiting
    assert approved(yes, "v1", "bình", TWO) == yes
    assert rejected(no, "v1", "bình", "sai") == no
    with pytest.raises(NotWaiting):
        approved(no, "v1", "chi", TWO)
    with pytest.raises(NotWaiting):
        rejected(yes, "v1", "chi", "sai")
    with pytest.raises(NotWaiting):
        withdrawn(yes)


def test_sound_that_comes_later_lets_nothing_through():
    asked_before = submitted(draft(), "v1", "an", TWO)
    assert changed(asked_before, "v1 with sound", "", NOBODY).airing is None
    free = draft(asked=NOBODY)
    assert changed(free, "v1 with sound", "", NOBODY).airing == "v1 with sound"
    assert changed(free, "v1 with sound", "", TWO).airing == "v1"


@given(st.lists(st.sampled_from(ApprovalAsked), max_size=6))
def test_below_a_strict_area_nobody_is_laxer(chain: list[ApprovalAsked]):
    held = approval_asked(AreaPolicy(approval=each) for each in chain)
    order = list(ApprovalAsked)
    assert order.index(held) == max(map(order.index, chain), default=0)


@given(st.integers(min_value=-400, max_value=400), st.integers(min_value=0, max_value=23))
def test_the_next_airing_is_never_one_that_has_begun(days: int, hour: int):
    first = datetime.fromisoformat("2026-11-20T06:30")
    now = to_utc(first, ZoneInfo(VIETNAM)) + timedelta(days=days, hours=hour)
    coming = next_start(daily(first), now)
    assert coming is not None
    assert now < coming <= max(now + timedelta(days=1), to_utc(first, ZoneInfo(VIETNAM)))
    single = next_start(once(first), now)
    assert (single is None) == (now >= to_utc(first, ZoneInfo(VIETNAM)))
