"""One play record as a row."""

from controller.records.models import PlayRecordRow
from controller.web.i18n import Translator
from controller.web.present.words import outcome_text, reason_text
from controller.web.views import RecordView, Tone
from protocol.messages import ClockQuality, Outcome

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
        tone=Tone.WARN if row.reason == "gaps" else _TONES[row.outcome],
        played_s=row.played_ms / 1000,
        start_error_ms=row.start_error_ms,
        reason=reason_text(t, row.reason),
        clock_trusted=row.clock == ClockQuality.TRUSTED.value,
    )
