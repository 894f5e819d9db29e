"""An alert as the duty officer sees it: few words, big figures, and the name of each speaker that did not sound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, groupby, pairwise
from types import MappingProxyType
from typing import Final

from audio.signals import ABOUT, Signal, Use
from controller.alerts.schemas import AlertOut, AreaCountsOut, CountsOut, SpeakerReachOut
from controller.alerts.standing import REPEATS, Repeats
from controller.alerts.states import AlertState
from controller.announcements.models import Announcement
from controller.standing.words import Message
from controller.web.formats import Formats
from controller.web.present.compose import languages
from controller.web.present.tone import Tone
from controller.web.present.words import signal_names
from protocol.messages import AlertKind, AlertPhase
from schedules.types import Priority

BLANK: Final[Mapping[str, str]] = MappingProxyType(
    {
        "kind": AlertKind.ACTUAL.value,
        "hazard": "",
        "headline": "",
        "source": "text",
        "text": "",
        "announcement_id": "",
        "second_language": "",
        "second_text": "",
        "second_voice": "",
        "trim_from_s": "",
        "trim_to_s": "",
        "signal": Signal.ATTENTION.value,
        "repeats": Repeats.ONCE.value,
        "lifetime_h": "1",
        "volume": "",
        "stagger_s": "0",
        "replaces": "",
    }
)
"""The fields of the form, but for whom it addresses, and what they begin with."""

Options = tuple[tuple[str, str], ...]
_SIGNALS = tuple(signal for signal in Signal if signal is Signal.ATTENTION or ABOUT[signal].use is Use.ALARM)
_LIFETIMES_H = (1, 2, 6, 12, 24)
_STAGGERS_S = (3, 5, 10, 20)
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
class Offered:
    """Among what one chooses how an alert is heard: values, and what people read. Empty: there is no choice."""

    signals: Options
    repeats: Options
    lifetimes: Options
    volumes: Options
    staggers: Options


@dataclass(frozen=True)
class RecordingView:
    """What can be heard instead of typed words."""

    id: str
    title: str
    facts: str
    url: str
    """Empty while its sound is being made."""


@dataclass(frozen=True)
class OtherLanguage:
    """What is said after the Vietnamese words."""

    code: str
    name: str
    text: str
    """Empty where it is a recording."""


@dataclass(frozen=True)
class CountView:
    """One figure of the reach."""

    name: str
    text: str
    number: int
    tone: Tone


@dataclass(frozen=True)
class ShareView:
    """A stretch of the bar that shows how far an alert has come, in hundredths of the bar."""

    tone: Tone
    begins: float
    width: float


@dataclass(frozen=True)
class AreaReachView:
    """One area's own speakers."""

    name: str
    counts: tuple[CountView, ...]
    shares: tuple[ShareView, ...]


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


def kind_text(alert: AlertOut, formats: Formats) -> str:
    """What it is, so that nobody mistakes it."""
    t = formats.t
    if alert.kind is AlertKind.ACTUAL and alert.priority is not Priority.EMERGENCY:
        urgent = alert.priority is Priority.PRIORITY
        return t("Priority, not an emergency") if urgent else t("Routine, not an emergency")
    return {
        AlertKind.ACTUAL: t("Real alert"),
        AlertKind.EXERCISE: t("EXERCISE"),
        AlertKind.TEST: t("TEST"),
    }[alert.kind]


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


def heard(alert: AlertOut, formats: Formats) -> str:
    """With which signal it sounds, and how often: who releases what somebody else warns of reads that first."""
    t = formats.t
    often = next((words for words, plan in REPEATS.values() if plan == alert.repeat), None)
    turns = often.in_language(t.language.code) if often else t("by a repeat plan of its own")
    signal = signal_names(t)[Signal(alert.signal)] if alert.signal else t("without a signal")
    return f"{signal} · {turns}"


def offered(formats: Formats, draft: AlertOut | None = None) -> Offered:
    """What the form offers; of a `draft` also what it has now, and not what it cannot be given."""
    t = formats.t
    names = signal_names(t)
    signals = tuple((each.value, names[each]) for each in _SIGNALS)
    repeats = tuple((each.value, each.words().in_language(t.language.code)) for each in Repeats)
    lifetimes = tuple((str(hours), _hours(hours, formats)) for hours in _LIFETIMES_H)
    volumes = (
        ("", t("as loud as each place says")),
        ("30", t("softly, %(n)s %%", n=30)),
        ("60", t("half loud, %(n)s %%", n=60)),
        ("100", t("as loud as each place allows")),
    )
    staggers = (("0", t("all together")), *((str(seconds), _apart(seconds, formats)) for seconds in _STAGGERS_S))
    if draft is None:
        return Offered(signals, repeats, lifetimes, volumes, staggers)
    has, hours = wish_of_draft(draft), draft.lifetime_s / 3600
    emergency = draft.priority is Priority.EMERGENCY
    return Offered(
        signals=(*(signals if emergency else signals[:1]), ("", t("without a signal")))
        if draft.kind is AlertKind.ACTUAL
        else (),
        repeats=_also(repeats, has["repeats"], t("by a repeat plan of its own")),
        lifetimes=_also(
            lifetimes,
            has["lifetime_h"],
            _hours(int(hours), formats) if hours.is_integer() else formats.duration(draft.lifetime_s),
        ),
        volumes=_also(volumes, has["volume"], f"{draft.volume} %") if draft.volume != 0 else (),
        staggers=_also(staggers, has["stagger_s"], _apart(draft.stagger_s, formats)),
    )


def _also(options: Options, value: str, text: str) -> Options:
    return options if value in dict(options) else (*options, (value, text))


def _hours(hours: int, formats: Formats) -> str:
    return formats.t.count("%(num)s hour", "%(num)s hours", hours, num=hours)


def _apart(seconds: int, formats: Formats) -> str:
    return formats.t.count("neighbours %(num)s second apart", "neighbours %(num)s seconds apart", seconds, num=seconds)


def recording(row: Announcement, formats: Formats) -> RecordingView:
    """An announcement that may be said instead of typed words."""
    length = formats.duration(row.duration_ms / 1000) if row.duration_ms else formats.t("The sound is being made …")
    url = f"/content/{row.clip_sha256}" if row.clip_sha256 else ""
    return RecordingView(row.id, row.title, f"{length} · {formats.short_day(row.created_at)} · {row.author}", url)


def other_language(alert: AlertOut) -> OtherLanguage | None:
    """What is said afterwards, and in which language."""
    second = alert.second
    if second is None:
        return None
    return OtherLanguage(second.language, dict(languages()).get(second.language, second.language), second.text)


def wish_of(message: Message) -> dict[str, str]:
    """What the form begins with where a standing message is chosen."""
    start = message.start
    exercise = start.signal is Signal.EXERCISE
    return {
        **BLANK,
        "kind": (AlertKind.EXERCISE if exercise else AlertKind.ACTUAL).value,
        "hazard": "" if exercise else message.hazard.value,
        "headline": message.headline,
        "text": message.text,
        "second_language": message.second_language or "",
        "second_text": message.second_text,
        "signal": Signal.ATTENTION.value if exercise else start.signal.value,
        "repeats": start.repeats.value,
        "lifetime_h": str(start.lifetime_s // 3600),
    }


def wish_again(alert: AlertOut) -> dict[str, str]:
    """What the form begins with where something is to take the place of an alert: what that one is."""
    second = alert.second
    recorded = alert.announcement_id is not None and (not alert.text or (second is not None and not second.text))
    often = next((kind for kind, (_, plan) in REPEATS.items() if plan == alert.repeat), Repeats.ONCE)
    exercise = alert.kind is AlertKind.EXERCISE  # its signal comes by itself
    return {
        **BLANK,
        "kind": alert.kind.value,
        "hazard": alert.hazard.value if alert.hazard else "",
        "headline": alert.headline,
        "source": "library" if recorded else "text",
        "text": "" if recorded else alert.text,
        "announcement_id": alert.announcement_id or "" if recorded else "",
        "second_language": second.language if second and not recorded else "",
        "second_text": second.text if second else "",
        "second_voice": second.voice or "" if second else "",
        "signal": Signal.ATTENTION.value if exercise else alert.signal or Signal.ATTENTION.value,
        "repeats": often.value,
        "lifetime_h": str(max(1, alert.lifetime_s // 3600)),
        "volume": str(alert.volume or ""),
        "stagger_s": str(alert.stagger_s),
        "replaces": alert.id,
    }


def wish_of_draft(alert: AlertOut) -> dict[str, str]:
    """What the form says of a draft as it is. Empty: something of its own that no choice of the form names."""
    hours, rest_s = divmod(alert.lifetime_s, 3600)
    return {
        **wish_again(alert),
        "signal": alert.signal or "",
        "repeats": next((kind.value for kind, (_, plan) in REPEATS.items() if plan == alert.repeat), ""),
        "lifetime_h": "" if rest_s else str(hours),
    }


def line(alert: AlertOut, formats: Formats) -> AlertLine:
    """One alert in a few words."""
    at = alert.ended_at or alert.released_at or alert.created_at
    return AlertLine(
        id=alert.id,
        headline=alert.headline,
        kind=alert.kind.value,
        kind_text=kind_text(alert, formats),
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
        CountView("unreachable", t("unreachable"), of.unreachable, Tone.AWAY if of.unreachable else Tone.OFF),
    )


def shares(of: CountsOut) -> tuple[ShareView, ...]:
    """How far an alert has come, as one bar from done to unreachable; what is there at all is wide enough to be seen.

    A speaker that sounds a repetition has sounded it before: it counts as that.
    """
    answered = of.received
    parts: list[tuple[Tone, int]] = []
    for tone, number in ((Tone.GOOD, of.finished), (Tone.AIR, of.sounding), (Tone.BAD, of.failed)):
        parts.append((tone, min(number, answered)))
        answered -= parts[-1][1]
    parts += (Tone.WAIT, answered), (Tone.WARN, of.waiting), (Tone.AWAY, of.unreachable)
    wide = [(tone, max(number, of.targeted / 100)) for tone, number in parts if number]
    whole = sum(width for _, width in wide)
    ends = list(accumulate((100 * width / whole for _, width in wide), initial=0.0))
    return tuple(
        ShareView(tone, begin, end - begin) for (tone, _), (begin, end) in zip(wide, pairwise(ends), strict=True)
    )


def areas(found: Sequence[AreaCountsOut], formats: Formats) -> list[AreaReachView]:
    """Each area with what its speakers add up to, those with trouble first."""
    ordered = sorted(found, key=lambda each: (each.finished - each.targeted, each.area_name))
    return [
        AreaReachView(each.area_name, tuple(count for count in counts(each, formats) if count.number), shares(each))
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
            _silent_tone(each),
        )
        for each in found
    ]


def _silent_tone(each: SpeakerReachOut) -> Tone:
    if not each.online:
        return Tone.AWAY
    return Tone.BAD if each.incident or each.reason else Tone.WAIT


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
    if each.phase is AlertPhase.FAILED and each.first_sound_at is not None:
        return t("Began to sound it, and failed")
    reasons = {
        "sink_lost": t("Has the alert, but its sound output is lost"),
        "clip_missing": t("Sounds the signal, the words are on their way"),
        "missed": t("Could not sound it in time"),
    }
    return reasons.get(each.reason, t("Has the alert, not heard yet"))
