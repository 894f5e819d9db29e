"""A schedule on its way to the air, as whoever decides on it sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from controller.approval.ledger import Case
from controller.approval.states import ApprovalState
from controller.broadcasts.preview import PreviewOut
from controller.playlists.models import ItemKind
from controller.web.formats import Formats
from controller.web.present.tone import Tone
from schedules.recurrence import occurrences
from schedules.types import Recurrence

AIRINGS_SHOWN = 5
_AIRINGS_WITHIN = timedelta(days=15)


@dataclass(frozen=True)
class ApprovalLine:
    """A schedule on its way to the air, in one line."""

    schedule: str
    title: str
    tone: Tone
    state: str
    when: str
    by: str
    reason: str


@dataclass(frozen=True)
class SpokenView:
    """The words of one announcement."""

    announcement: str
    title: str
    text: str
    second_text: str
    file: str


@dataclass(frozen=True)
class EditView:
    """What its maker may change at once."""

    title: str
    day: str
    time: str
    version: str


@dataclass(frozen=True)
class ApprovalView:
    """All that somebody needs who decides on a schedule."""

    line: ApprovalLine
    digest: str
    state: str
    makers: str
    submitted: str
    rejected_by: str
    approved: str
    older_airs: bool
    """The version approved before airs until this one is approved."""
    places: tuple[str, ...]
    airings: tuple[str, ...]
    repeats: bool
    duration_s: float
    clips: tuple[str, ...]
    relays: tuple[str, ...]
    settled: bool
    spoken: tuple[SpokenView, ...]
    collisions: tuple[str, ...]
    may_decide: bool
    is_own: bool
    """It waits, and this reader is no second person."""
    late: bool
    may_make: bool
    edit: EditView


_TONES = {
    ApprovalState.DRAFT: Tone.OFF,
    ApprovalState.SUBMITTED: Tone.WAIT,
    ApprovalState.APPROVED: Tone.GOOD,
    ApprovalState.REJECTED: Tone.BAD,
}


def state_text(state: ApprovalState, next_at: datetime | None, formats: Formats) -> str:
    """Where it stands, in words."""
    t = formats.t
    match state:
        case ApprovalState.DRAFT:
            return t("Draft, not submitted")
        case ApprovalState.SUBMITTED:
            return t("Waiting for approval")
        case ApprovalState.REJECTED:
            return t("Sent back")
        case ApprovalState.APPROVED:
            return t("Approved, will air") if next_at else t("Approved, has aired")


def line(case: Case, next_at: datetime | None, formats: Formats, now: datetime) -> ApprovalLine:
    """One line of a list."""
    row = case.approval
    return ApprovalLine(
        schedule=row.schedule_id,
        title=case.schedule.title,
        tone=_TONES[row.state],
        state=state_text(row.state, next_at, formats),
        when=_when(next_at, formats, now),
        by=row.submitted_by or case.schedule.author,
        reason=row.reason,
    )


def view(
    case: Case,
    next_at: datetime | None,
    formats: Formats,
    now: datetime,
    *,
    calendar: Recurrence,
    names: Mapping[tuple[str, str], str],
    ahead: PreviewOut | None,
    may_decide: bool,
    is_own: bool,
    may_make: bool,
) -> ApprovalView:
    """All that is needed to decide."""
    row, schedule, sound = case.approval, case.schedule, case.schedule.playlist.sound
    places = [names.get((target.kind.value, target.key), target.key) for target in schedule.targets]
    return ApprovalView(
        line=line(case, next_at, formats, now),
        digest=case.digest,
        state=row.state.value,
        makers=", ".join(sorted(case.authors.union(row.makers))) or schedule.author,
        submitted=formats.since(row.submitted_at, now) if row.submitted_at else "",
        rejected_by=row.rejected_by,
        approved=_approved(case, formats, now),
        older_airs=case.airing is not None and case.airing.digest != case.digest,
        places=tuple(places),
        airings=_airings(calendar, next_at, formats),
        repeats=schedule.rrule is not None,
        duration_s=(sound.duration_ms or 0) / 1000 if sound else 0,
        clips=tuple(f"/content/{stretch['clip']}" for stretch in sound.stretches) if sound else (),
        relays=tuple(
            item.relay_title or item.relay_url for item in schedule.playlist.items if item.kind is ItemKind.RELAY
        ),
        settled=case.settled,
        spoken=tuple(
            SpokenView(each.id, each.title, each.text, each.second_text, each.source_name)
            for each in case.announcements
        ),
        collisions=_collisions(ahead, formats),
        may_decide=may_decide,
        is_own=is_own,
        late=next_at is None,
        may_make=may_make,
        edit=EditView(schedule.title, schedule.first_local[:10], schedule.first_local[11:16], str(schedule.version)),
    )


def _when(next_at: datetime | None, formats: Formats, now: datetime) -> str:
    return formats.since(next_at, now) if next_at else formats.t("its time has passed")


def _approved(case: Case, formats: Formats, now: datetime) -> str:
    if case.airing is None:
        return ""
    return formats.t("%(who)s, %(when)s", who=case.airing.approved_by, when=formats.since(case.airing.approved_at, now))


def _airings(calendar: Recurrence, next_at: datetime | None, formats: Formats) -> tuple[str, ...]:
    if next_at is None:
        return ()
    starts = islice(occurrences(calendar, next_at, next_at + _AIRINGS_WITHIN), AIRINGS_SHOWN)
    return tuple(f"{formats.clock(start)} · {formats.day(start)}" for start in starts)


def _collisions(ahead: PreviewOut | None, formats: Formats) -> tuple[str, ...]:
    """What it collides with and what of it would not air, each sentence once."""
    if ahead is None:
        return ()
    vietnamese = formats.t.language == "vi"
    words = [each.explanation for each in ahead.collisions]
    said = [each.vi if vietnamese else each.en for each in words]
    said += [
        formats.t(
            "%(when)s: not played. %(why)s",
            when=f"{formats.clock(each.starts_at)} {formats.short_day(each.starts_at)}",
            why=each.explanation.vi if vietnamese else each.explanation.en,
        )
        for each in ahead.omitted
    ]
    return _once(said)


def _once(said: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(said))
