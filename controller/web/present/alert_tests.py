"""A test of the speakers as its reader sees it: who passed, who did not, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.alerts.models import AlertReach, AlertRow
from controller.alerts.report import SpeakerResult, is_over, result_of
from controller.alerts.repository import Tally
from controller.devices.models import Device
from controller.web.formats import Formats
from controller.web.present.tone import Tone
from controller.web.present.words import reason_text

_TONES = {
    SpeakerResult.PASSED: Tone.GOOD,
    SpeakerResult.FAILED: Tone.BAD,
    SpeakerResult.NOT_REACHED: Tone.AWAY,
    SpeakerResult.PENDING: Tone.WAIT,
}
_ORDER = [SpeakerResult.NOT_REACHED, SpeakerResult.FAILED, SpeakerResult.PENDING, SpeakerResult.PASSED]


@dataclass(frozen=True)
class Figure:
    """How many speakers did so."""

    name: str
    text: str
    number: int
    tone: Tone


@dataclass(frozen=True)
class ReportLine:
    """One test in a list, and the head of its report."""

    id: str
    headline: str
    area: str
    when: str
    silent: bool
    over: bool
    who: str
    targeted: int
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class SpeakerLine:
    """How one speaker did."""

    id: str
    name: str
    area: str
    result: str
    tone: Tone
    why: str
    done: str
    """At what time it had played all of it."""


def line(row: AlertRow, tally: Tally | None, formats: Formats, now: datetime) -> ReportLine:
    """One test in a few figures."""
    at, over, counted = row.released_at or row.created_at, is_over(row, now), tally or Tally()
    silent, unfinished = counted.targeted - counted.received, counted.received - counted.finished
    numbers = {SpeakerResult.PASSED: counted.finished}
    if over:
        numbers |= {SpeakerResult.FAILED: unfinished, SpeakerResult.NOT_REACHED: silent}
    else:
        numbers |= {SpeakerResult.PENDING: silent + unfinished}
    return ReportLine(
        id=row.id,
        headline=row.headline,
        area=row.area.name,
        when=f"{formats.clock(at)} · {formats.short_day(at)}",
        silent=row.volume == 0,
        over=over,
        who=row.released_by,
        targeted=counted.targeted,
        figures=tuple(
            Figure(each.value, result_text(each, formats), number, _TONES[each] if number else Tone.OFF)
            for each, number in numbers.items()
        ),
    )


def speakers(found: Sequence[tuple[AlertReach, Device]], formats: Formats, *, over: bool) -> list[SpeakerLine]:
    """Each speaker with its result, those that did not pass first."""
    judged = [(result_of(reach, over=over), reach, device) for reach, device in found]
    judged.sort(key=lambda each: (_ORDER.index(each[0]), each[2].area_code, each[2].name))
    return [
        SpeakerLine(
            id=device.id,
            name=device.name,
            area=device.area.name,
            result=result_text(result, formats),
            tone=_TONES[result],
            why=_why(result, reach, formats),
            done=formats.clock_s(reach.finished_at) if reach.finished_at else "",
        )
        for result, reach, device in judged
    ]


def result_text(result: SpeakerResult, formats: Formats) -> str:
    """How a speaker did, in words."""
    t = formats.t
    return {
        SpeakerResult.PASSED: t("passed"),
        SpeakerResult.FAILED: t("did not pass"),
        SpeakerResult.NOT_REACHED: t("not reached"),
        SpeakerResult.PENDING: t("not finished yet"),
    }[result]


def _pending(reach: AlertReach, formats: Formats) -> str:
    t = formats.t
    if reach.phase is not None:
        return t("Has the test, plays it when it is free")
    return t("No answer yet") if reach.online else t("Has no connection: tested when it comes back")


def _why(result: SpeakerResult, reach: AlertReach, formats: Formats) -> str:
    t = formats.t
    if result is SpeakerResult.NOT_REACHED:
        return t("Was online and did not answer") if reach.online else t("Had no connection")
    if result is SpeakerResult.PENDING:
        return _pending(reach, formats)
    if result is not SpeakerResult.FAILED:
        return ""
    if reach.reason == "clip_missing":
        return t("Could not fetch the sound")
    return reason_text(t, reach.reason) or t("Had the test, did not play it to its end")
