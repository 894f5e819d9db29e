"""An alert as the duty officer sees it: few words, big figures, and the name of each speaker that did not sound."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from controller.alerts.schemas import AlertOut, AreaCountsOut, CountsOut, SpeakerReachOut
from controller.alerts.states import AlertState
from controller.web.formats import Formats
from controller.web.views import Tone
from protocol.messages import AlertKind

_TONES = {
    AlertState.DRAFT: Tone.WAIT,
    AlertState.ACTIVE: Tone.AIR,
    AlertState.CANCELLED: Tone.OFF,
    AlertState.REPLACED: Tone.OFF,
    AlertState.EXPIRED: Tone.OFF,
    AlertState.DISCARDED: Tone.OFF,
}


@dataclass(frozen=True)
class AlertLine:
    """One alert in a list, and the head of its page."""

    id: str
    headline: str
    kind: str
    kind_text: str
    state: str
    state_text: str
    tone: Tone
    when: str
    who: str


@dataclass(frozen=True)
class CountView:
    """One figure of the reach."""

    name: str
    text: str
    number: int
    tone: Tone


@dataclass(frozen=True)
class AreaReachView:
    """One area's own speakers."""

    name: str
    counts: tuple[CountView, ...]
    percent: int
    """Of its speakers, those that have sounded it."""


@dataclass(frozen=True)
class SilentView:
    """A speaker that has not sounded it: to be called down."""

    id: str
    name: str
    area: str
    why: str
    seen: str
    tone: Tone


@dataclass(frozen=True)
class CallLine:
    """A speaker on the list to call down."""

    id: str
    name: str
    note: str
    why: str
    seen: str
    session: str


@dataclass(frozen=True)
class AreaCalls:
    """Whom to call in one area, and because of which speakers."""

    name: str
    contact: str
    speakers: tuple[CallLine, ...]


def kind_text(kind: AlertKind, formats: Formats) -> str:
    """What it is, so that nobody mistakes it."""
    t = formats.t
    return {
        AlertKind.ACTUAL: t("Real alert"),
        AlertKind.EXERCISE: t("EXERCISE"),
        AlertKind.TEST: t("TEST"),
    }[kind]


def state_text(state: AlertState, formats: Formats) -> str:
    """Where it stands, in words."""
    t = formats.t
    return {
        AlertState.DRAFT: t("Draft: nothing is heard yet"),
        AlertState.ACTIVE: t("Active"),
        AlertState.CANCELLED: t("Called off"),
        AlertState.REPLACED: t("Replaced by a newer one"),
        AlertState.EXPIRED: t("Its time is over"),
        AlertState.DISCARDED: t("Draft thrown away"),
    }[state]


def line(alert: AlertOut, formats: Formats) -> AlertLine:
    """One alert in a few words."""
    at = alert.ended_at or alert.released_at or alert.created_at
    return AlertLine(
        id=alert.id,
        headline=alert.headline,
        kind=alert.kind.value,
        kind_text=kind_text(alert.kind, formats),
        state=alert.state.value,
        state_text=state_text(alert.state, formats),
        tone=_TONES[alert.state],
        when=f"{formats.clock_s(at)} · {formats.short_day(at)}",
        who=alert.ended_by or alert.released_by or alert.author,
    )


def counts(of: CountsOut, formats: Formats) -> tuple[CountView, ...]:
    """The figures in the order in which an alert comes to its end."""
    t = formats.t
    return (
        CountView("targeted", t("targeted"), of.targeted, Tone.OFF),
        CountView("received", t("have it"), of.received, Tone.WAIT),
        CountView("sounding", t("sounding now"), of.sounding, Tone.AIR),
        CountView("finished", t("have sounded it"), of.finished, Tone.GOOD),
        CountView("waiting", t("no answer yet"), of.waiting, Tone.WARN if of.waiting else Tone.OFF),
        CountView("failed", t("failed"), of.failed, Tone.BAD if of.failed else Tone.OFF),
        CountView("unreachable", t("unreachable"), of.unreachable, Tone.BAD if of.unreachable else Tone.OFF),
    )


def areas(found: Sequence[AreaCountsOut], formats: Formats) -> list[AreaReachView]:
    """Each area with what its speakers add up to, those with trouble first."""
    ordered = sorted(found, key=lambda each: (each.finished - each.targeted, each.area_name))
    return [
        AreaReachView(
            each.area_name,
            tuple(count for count in counts(each, formats) if count.number),
            round(100 * each.finished / each.targeted) if each.targeted else 0,
        )
        for each in ordered
    ]


def silent(found: Sequence[SpeakerReachOut], formats: Formats, now: datetime) -> list[SilentView]:
    """The speakers that have not sounded it, and why as far as it is known."""
    return [
        SilentView(
            each.device,
            each.name,
            each.area_code,
            _why(each, formats),
            formats.since(each.last_seen_at, now) if each.last_seen_at else formats.t("never seen"),
            Tone.BAD if each.incident or not each.online or each.reason else Tone.WAIT,
        )
        for each in found
    ]


def call_list(found: Sequence[SpeakerReachOut], formats: Formats) -> list[AreaCalls]:
    """The speakers to be called down, in the order they come in, under their areas."""
    return [
        AreaCalls(name, contact, tuple(_call(each, formats) for each in speakers))
        for (_, name, contact), speakers in groupby(
            found, key=lambda each: (each.area_code, each.area_name, each.contact)
        )
    ]


def _call(each: SpeakerReachOut, formats: Formats) -> CallLine:
    at = each.last_seen_at
    seen = f"{formats.clock_s(at)} · {formats.short_day(at)}" if at else formats.t("never seen")
    return CallLine(each.device, each.name, each.note, _why(each, formats), seen, each.last_session or "")


def _why(each: SpeakerReachOut, formats: Formats) -> str:
    t = formats.t
    if each.phase is None:
        if each.incident:
            return t("Was online and has not answered for 100 s")
        return t("Online, no answer yet") if each.online else t("Connection lost")
    reasons = {
        "sink_lost": t("Has the alert, but its sound output is lost"),
        "clip_missing": t("Sounds the signal, the words are on their way"),
        "missed": t("Could not sound it in time"),
    }
    return reasons.get(each.reason, t("Has the alert, not heard yet"))
