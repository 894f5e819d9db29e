"""One play record as a row."""

from dataclasses import dataclass
from datetime import datetime

from controller.records.models import PlayRecordRow
from controller.web.i18n import Translator
from controller.web.present.areas import DeviceChoice
from controller.web.present.tone import Tone
from controller.web.present.words import outcome_text, reason_text
from protocol.messages import LOCAL_ALERT, ClockQuality, Outcome

_HARDLY_HEARD_MS = 100
"""A shorter break is told, but does not colour the record."""


@dataclass(frozen=True)
class RecordView:
    """One row of what really sounded."""

    at: datetime | None
    speaker: str
    title: str
    outcome: str
    tone: Tone
    played_s: float
    start_error_ms: float | None = None
    level_dbfs: float | None = None
    """How loud all of it was together; None when nothing sounded, or the speaker does not say."""
    reason: str = ""
    broken: str = ""
    """How often and for how long it broke off, as a phrase; nothing if it did not."""
    clock_trusted: bool = True
    raised_here: bool = False
    """Somebody raised it at the speaker itself."""


@dataclass(frozen=True)
class RecordsView:
    """A page of play records with the filters that led to it."""

    rows: tuple[RecordView, ...]
    speakers: tuple[DeviceChoice, ...] = ()
    """To choose from; nothing where there are too many."""
    areas: tuple[tuple[str, str], ...] = ()
    """To choose from: those with speakers, and what lies above them."""
    area: str = ""
    many: bool = False
    """So many speakers that one is searched by its name."""
    device: str = ""
    speaker: str = ""
    outcome: str = ""
    since: str = ""
    until: str = ""
    """The last day."""
    broken: str = ""
    """Something, when only what broke off is shown."""
    next_page: str = ""
    more: bool = False
    """These are not all that were chosen."""
    on_paper: str = ""
    """Where they stand as a report to be printed; nothing: here."""


_TONES = {
    Outcome.COMPLETED: Tone.GOOD,
    Outcome.PRE_EMPTED: Tone.WAIT,
    Outcome.STOPPED: Tone.OFF,
    Outcome.SKIPPED: Tone.OFF,
    Outcome.INTERRUPTED: Tone.WARN,
    Outcome.FAILED: Tone.BAD,
    Outcome.MISSED: Tone.BAD,
}


def record_view(row: PlayRecordRow, speaker: str, t: Translator) -> RecordView:
    """Show one record."""
    return RecordView(
        at=row.at,
        speaker=speaker,
        title=row.title or (t("Test tone") if row.kind == "test_tone" else "–"),
        outcome=outcome_text(t, row.outcome.value),
        tone=_tone(row),
        played_s=row.played_ms / 1000,
        start_error_ms=row.start_error_ms,
        level_dbfs=row.level_dbfs,
        reason=reason_text(t, row.reason),
        raised_here=(row.occurrence_id or "").startswith(LOCAL_ALERT),
        broken=_broken(row, t),
        clock_trusted=row.clock == ClockQuality.TRUSTED.value,
    )


def _tone(row: PlayRecordRow) -> Tone:
    tone = _TONES[row.outcome]
    gaps = row.reason == "gaps" or (row.underrun_ms or 0) > _HARDLY_HEARD_MS
    return Tone.WARN if gaps and tone is Tone.GOOD else tone


def _broken(row: PlayRecordRow, t: Translator) -> str:
    if not row.underruns:
        return ""
    return t.count(
        "broke off once, %(ms)s ms", "broke off %(n)s times, %(ms)s ms", row.underruns, ms=row.underrun_ms or 0
    )
