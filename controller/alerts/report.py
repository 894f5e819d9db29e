"""What came of an alert on each speaker, as lists to keep and to call down."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Final

from controller.alerts.models import AlertReach, AlertRow
from controller.alerts.schemas import SpeakerReachOut
from controller.alerts.states import AlertState
from controller.devices.models import Device
from controller.http.spreadsheet import as_csv, moment
from protocol.messages import AlertPhase

COLUMNS: Final = ("area_code", "area", "device", "name", "result", "reason", "received_at", "finished_at")
CALL_LIST_COLUMNS: Final = (
    "area_code", "area", "contact", "device", "name", "note", "phase", "reason", "last_seen_at", "last_session",
)  # fmt: skip


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
    return as_csv(
        COLUMNS,
        (
            (
                device.area_code,
                device.area.name,
                device.id,
                device.name,
                result_of(reach, over=over).value,
                reach.reason,
                moment(reach.received_at),
                moment(reach.finished_at),
            )
            for reach, device in rows
        ),
    )


def call_list_csv(silent: Iterable[SpeakerReachOut]) -> str:
    """Return whom to call because a speaker has not sounded it, as a spreadsheet reads it."""
    return as_csv(
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
                moment(each.last_seen_at),
                each.last_session or "",
            )
            for each in silent
        ),
    )
