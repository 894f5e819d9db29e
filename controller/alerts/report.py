"""What came of an alert on each speaker, as lists to keep and to call down."""

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from io import StringIO
from typing import Final

from controller.alerts.models import AlertReach, AlertRow
from controller.alerts.schemas import SpeakerReachOut
from controller.alerts.states import AlertState
from controller.devices.models import Device
from protocol.messages import AlertPhase

COLUMNS: Final = ("area_code", "area", "device", "name", "result", "reason", "received_at", "finished_at")
CALL_LIST_COLUMNS: Final = (
    "area_code", "area", "contact", "device", "name", "note", "phase", "reason", "last_seen_at", "last_session",
)  # fmt: skip
_BYTE_ORDER_MARK: Final = "\ufeff"
"""Without it a spreadsheet takes Vietnamese for Latin-1."""
_FORMULA: Final = frozenset("=+-@\t\r")


class SpeakerResult(StrEnum):
    """How a speaker did."""

    PASSED = "passed"
    """Its sink played all of it, the words too."""
    FAILED = "failed"
    """It had the test, and could not play it."""
    NOT_REACHED = "not_reached"
    """It never said that it had it."""
    PENDING = "pending"
    """The test goes on."""


def result_of(reach: AlertReach, *, over: bool) -> SpeakerResult:
    """Return how a speaker did. `over`: the test's time has ended."""
    if reach.finished_at is not None:
        return SpeakerResult.PASSED
    if reach.received_at is None:
        return SpeakerResult.NOT_REACHED if over else SpeakerResult.PENDING
    return SpeakerResult.FAILED if over or reach.phase is AlertPhase.FAILED else SpeakerResult.PENDING


def is_over(row: AlertRow, now: datetime) -> bool:
    """Whether nothing more is to come of an alert."""
    return row.state is not AlertState.ACTIVE or row.expires_at is None or row.expires_at <= now


def report_csv(rows: Iterable[tuple[AlertReach, Device]], *, over: bool) -> str:
    """Return what came of it on each speaker, as a spreadsheet reads it."""
    return _as_csv(
        COLUMNS,
        (
            (
                device.area_code,
                device.area.name,
                device.id,
                device.name,
                result_of(reach, over=over).value,
                reach.reason,
                _moment(reach.received_at),
                _moment(reach.finished_at),
            )
            for reach, device in rows
        ),
    )


def call_list_csv(silent: Iterable[SpeakerReachOut]) -> str:
    """Return whom to call because a speaker has not sounded it, as a spreadsheet reads it."""
    return _as_csv(
        CALL_LIST_COLUMNS,
        (
            (
                each.area_code,
                each.area_name,
                each.contact,
                each.device,
                each.name,
                each.note,
                each.phase or "",
                each.reason,
                _moment(each.last_seen_at),
                each.last_session or "",
            )
            for each in silent
        ),
    )


def _as_csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """RFC 4180, UTF-8, moments in UTC."""
    text = StringIO(newline="")
    text.write(_BYTE_ORDER_MARK)
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_harmless(cell) for cell in row])
    return text.getvalue()


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _harmless(cell: str) -> str:
    """What somebody named must not be a formula in a spreadsheet."""
    return f"'{cell}" if cell[:1] in _FORMULA else cell
