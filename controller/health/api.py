"""`/api/v1/devices/{id}/health`."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from controller.accounts.access import READS, ViewerDep
from controller.devices.repository import DeviceRepository
from controller.health.sampling import Range, Sample, used_bytes
from controller.health.service import history
from controller.http.route import NowDep, SessionDep, TransactionRoute

router = APIRouter(prefix="/api/v1/devices/{device_id}/health", tags=["monitoring"], route_class=TransactionRoute)


class HealthPoint(BaseModel):
    """One slot. All but `at` is null where the speaker was not heard, or does not tell it."""

    at: AwareDatetime
    """When the slot begins."""
    temperature_c: float | None
    signal_percent: float | None
    volume: int | None
    clock_offset_ms: float | None
    """Trusted time less the wall clock of its machine."""
    uptime_s: float | None
    used_bytes: int | None
    """Data used since the slot before."""


class HealthOut(BaseModel):
    """How a speaker's machine was, slot by slot and without a gap."""

    range: Range
    span_s: int
    """How long each slot is."""
    points: list[HealthPoint]


@router.get("", operation_id="getDeviceHealth", summary="How a speaker's machine was", dependencies=[READS])
async def get_health(
    *,
    device_id: str,
    session: SessionDep,
    viewer: ViewerDep,
    now: NowDep,
    wanted: Annotated[Range, Query(alias="range", description="How far back")] = Range.DAY,
) -> HealthOut:
    """Answer a day in slots of 5 minutes, a week in quarters of an hour, or 31 days in hours."""
    device = await DeviceRepository(session).get(viewer, device_id)
    looked, samples = await history(session, viewer, device.id, wanted, now)
    points = [_point(sample, used) for sample, used in zip(samples, used_bytes(samples), strict=True)]
    return HealthOut(range=wanted, span_s=looked.span_s, points=points)


def _point(sample: Sample, used: int | None) -> HealthPoint:
    return HealthPoint(
        at=datetime.fromtimestamp(sample.slot_s, UTC),
        temperature_c=_rounded(sample.temperature_c),
        signal_percent=_rounded(sample.signal_percent),
        volume=sample.volume,
        clock_offset_ms=_rounded(sample.clock_offset_ms),
        uptime_s=sample.uptime_s,
        used_bytes=used,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
