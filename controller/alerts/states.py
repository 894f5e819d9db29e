"""What may happen to an alert, and by whose word: pure."""

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
"""More actual alerts of one area than these in so short a time are an attack or a fault (Dallas, 2017)."""


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
    title = Text("Báo động này không còn là bản nháp", "This alert is no draft any more")


class NotActive(Conflict):
    """Nothing of it sounds."""

    code = "not_active"
    title = Text("Báo động này không còn hiệu lực", "This alert is not active any more")


class Outlived(Conflict):
    """What it warns of is over, by the word of who asked for it."""

    code = "outlived"
    title = Text(
        "Cảnh báo này đã hết hạn theo nơi gửi. Nếu vẫn còn nguy hiểm, hãy soạn báo động mới.",
        "This warning has expired, as its sender said. If the danger is still there, write a new alert.",
    )


class NobodyAddressed(Invalid):
    """The areas are still to be chosen."""

    code = "nobody_addressed"
    title = Text(
        "Báo động này chưa có nơi nhận. Hãy chọn địa bàn trước khi phát.",
        "This alert addresses nobody yet. Choose the areas first.",
    )


class OwnDraft(Forbidden):
    """The second of two persons is somebody else."""

    code = "own_draft"
    title = Text(
        "Nơi này cần hai người: người soạn không tự phát lệnh. Hãy nhờ người thứ hai phát.",
        "Two people are needed here: who wrote it does not release it. Ask the other one.",
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
    """When actual alerts of this area were released lately."""
    addressed: bool = True
    """Whether it says who is to hear it."""
    ends_at: datetime | None = None
    """When what it warns of is over, where somebody has said so."""


def code_needed(release: Release) -> bool:
    """Whether the releaser must show a one-time code: never for a test, which nobody takes for the real thing."""
    return release.rule is ReleaseRule.OWN_CODE and release.kind is not AlertKind.TEST


def check_release(release: Release, now: datetime) -> None:
    """Refuse what may not be released. Whether a code was shown is checked besides."""
    if release.state is not AlertState.DRAFT:
        raise NotADraft
    if not release.addressed:
        raise NobodyAddressed
    if release.ends_at is not None and release.ends_at <= now:
        raise Outlived
    needs_two = release.rule is ReleaseRule.SECOND_PERSON and release.kind is not AlertKind.TEST
    if needs_two and release.author == release.releaser:
        raise OwnDraft
    if release.kind is AlertKind.ACTUAL:
        recent = sorted(at for at in release.activations if at > now - ACTIVATIONS_WITHIN)
        if len(recent) >= ACTIVATIONS_MAX:
            free_at = recent[-ACTIVATIONS_MAX] + ACTIVATIONS_WITHIN
            raise TooManyAttempts(retry_after_s=max(1, round((free_at - now).total_seconds())))
