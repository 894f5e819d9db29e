"""What may happen to an alert, and by whose word: pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from controller.areas.policy import ReleaseRule
from controller.errors import Conflict, Forbidden, Invalid, TooManyAttempts
from controller.text import Text
from protocol.messages import AlertKind

ALL_CLEAR_LASTS: Final = timedelta(minutes=15)
"""So long an all-clear waits for a speaker that was away; later it would say nothing new."""
ACTIVATIONS_MAX: Final = 12
ACTIVATIONS_WITHIN: Final = timedelta(hours=1)
"""More alerts of one area than these in so short a time are an attack or a fault (Dallas, 2017).

Real ones and tests are counted apart: who tries one speaker after another must not stand in the way of a flood.
"""


class AlertState(StrEnum):
    """Where an alert stands."""

    DRAFT = "draft"
    """Written, and nothing of it is heard."""
    ACTIVE = "active"
    CANCELLED = "cancelled"
    """Called off by somebody."""
    REPLACED = "replaced"
    """A newer alert took its place."""
    EXPIRED = "expired"
    DISCARDED = "discarded"
    """A draft that nobody released."""


class NotADraft(Conflict):
    """It was released, discarded or is over."""

    code = "not_a_draft"
    title = Text("This alert is no draft any more. Load the page again to see how it stands.")


class NotActive(Conflict):
    """Nothing of it sounds."""

    code = "not_active"
    title = Text("This alert is not active any more. If the danger is still there, write a new one.")


class Outlived(Conflict):
    """What it warns of is over, by the word of who asked for it."""

    code = "outlived"
    title = Text("This warning has expired, as its sender said. If the danger is still there, write a new alert.")


class NobodyAddressed(Invalid):
    """The areas are still to be chosen."""

    code = "nobody_addressed"
    title = Text("This alert addresses nobody yet. Choose the areas first.")


class ChangedSinceSeen(Conflict):
    """It is not what its releaser looked at."""

    code = "changed_since_seen"
    title = Text("The alert was changed after you looked at it. Nothing was released: look again, then release.")

    def __init__(self, parts: Sequence[Text]) -> None:
        super().__init__(
            Text(
                "The alert was changed after you looked at it (%(parts)s). Nothing was released: look again,"
                " then release.",
                parts=Text.both(", ".join(each.vi for each in parts), ", ".join(each.en for each in parts)),
            ),
        )


class OwnDraft(Forbidden):
    """The second of two persons is somebody else."""

    code = "own_draft"
    title = Text("Two people are needed here: who wrote it does not release it. Ask the other one.")


class OwnLastWord(Forbidden):
    """Where two are needed, nobody goes on with an alert on their own word."""

    code = "own_last_word"
    title = Text(
        "Two people are needed here: who released it, or prolonged it last, does not prolong it. Ask another one."
    )


@dataclass(frozen=True, slots=True)
class Release:
    """Somebody wants to let a draft go."""

    state: AlertState
    kind: AlertKind
    author: str
    releaser: str
    rule: ReleaseRule | None
    """None: its author releases by itself, as an administrator has agreed with a sender of CAP."""
    activations: tuple[datetime, ...] = ()
    """When alerts of this kind that are heard were released in this area lately."""
    addressed: bool = True
    """Whether it says who is to hear it."""
    ends_at: datetime | None = None
    """When what it warns of is over, where somebody has said so."""
    heard: bool = True
    """False: a test at no volume, which needs nobody's word."""


def code_needed(release: Release) -> bool:
    """Whether the releaser must show a one-time code."""
    return release.rule is ReleaseRule.OWN_CODE and release.heard


def two_needed(release: Release) -> bool:
    """Whether the releaser must be another person than the author."""
    return release.rule is ReleaseRule.SECOND_PERSON and release.heard


def check_release(release: Release, now: datetime) -> None:
    """Refuse what may not be released. Whether a code was shown is checked besides."""
    if release.state is not AlertState.DRAFT:
        raise NotADraft
    if not release.addressed:
        raise NobodyAddressed
    if release.ends_at is not None and release.ends_at <= now:
        raise Outlived
    if two_needed(release) and release.author == release.releaser:
        raise OwnDraft
    if release.heard and release.kind is not AlertKind.EXERCISE:
        recent = sorted(at for at in release.activations if at > now - ACTIVATIONS_WITHIN)
        if len(recent) >= ACTIVATIONS_MAX:
            free_at = recent[-ACTIVATIONS_MAX] + ACTIVATIONS_WITHIN
            raise TooManyAttempts(retry_after_s=max(1, round((free_at - now).total_seconds())))


def check_prolonging(release: Release, last_word: str) -> None:
    """Refuse that one person alone lets an alert live longer. `last_word`: who released it, or prolonged it last."""
    if two_needed(release) and release.releaser == last_word:
        raise OwnLastWord
