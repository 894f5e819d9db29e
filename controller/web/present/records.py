"""One play record as a row."""

from controller.records.models import PlayRecordRow
from controller.web.i18n import Translator
from controller.web.present.words import outcome_text, reason_text
from controller.web.views import RecordView, Tone
from protocol.messages import LOCAL_ALERT, ClockQuality, Outcome

_HARDLY_HEARD_MS = 100
"""A shorter break is told, but does not colour the record."""

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
