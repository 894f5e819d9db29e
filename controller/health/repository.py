"""All SQL about how machines were."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, insert, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.tree import within
from controller.devices.models import Device
from controller.health.models import HealthSample
from controller.health.sampling import Sample, Window
from controller.repository import Repository

_JOINED: Mapping[str, ColumnElement[Any]] = {
    "temperature_c": func.avg(HealthSample.temperature_c),
    "signal_percent": func.avg(HealthSample.signal_percent),
    "volume": func.max(HealthSample.volume),
    "clock_offset_ms": func.avg(HealthSample.clock_offset_ms),
    "uptime_s": func.max(HealthSample.uptime_s),
    "data_bytes": func.max(HealthSample.data_bytes),
}
"""What becomes of each figure when slots are joined."""


class HealthRepository(Repository[HealthSample]):
    """Samples of the viewer's speakers."""

    model = HealthSample
    order = (HealthSample.slot_s, HealthSample.device_id, HealthSample.span_s)

    def readable(self, viewer: Viewer) -> Select[HealthSample]:
        """Samples of the speakers in the viewer's subtree."""
        return (
            select(HealthSample)
            .join(Device, Device.id == HealthSample.device_id)
            .join(Area, Area.code == Device.area_code)
            .where(within(Area.path, viewer.scope))
        )

    async def over(self, viewer: Viewer, device_id: str, wanted: Window) -> list[Sample]:
        """Return one speaker's slots in a window, joined to its length, the oldest first."""
        slot = _slot(wanted.span_s)
        statement = (
            self.readable(viewer)
            .where(
                HealthSample.device_id == device_id,
                HealthSample.slot_s >= wanted.from_s,
                HealthSample.slot_s < wanted.until_s,
            )
            .with_only_columns(slot.label("slot"), *_JOINED.values())
            .group_by(slot)
            .order_by(slot)
        )
        return [Sample(*row) for row in await self.session.execute(statement)]


class Samples:
    """The rows as reports and the passing of time touch them."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, device_id: str, sample: Sample, span_s: int) -> None:
        """Keep a sample."""
        facts = {name: getattr(sample, name) for name in _JOINED}
        self._session.add(HealthSample(device_id=device_id, slot_s=sample.slot_s, span_s=span_s, **facts))

    async def join(self, *, span_s: int, to_span_s: int, before_s: int) -> None:
        """Join slots of one length that began before a moment to slots of a greater one."""
        slot = _slot(to_span_s)
        old = (HealthSample.span_s == span_s, HealthSample.slot_s < before_s)
        joined = (
            select(HealthSample.device_id, slot, literal_column(str(to_span_s)), *_JOINED.values())
            .where(*old)
            .group_by(HealthSample.device_id, slot)
        )
        await self._session.execute(
            insert(HealthSample).from_select(["device_id", "slot_s", "span_s", *_JOINED], joined)
        )
        await self._session.execute(delete(HealthSample).where(*old))

    async def forget(self, *, span_s: int, before_s: int) -> None:
        """Forget slots of one length that began before a moment."""
        await self._session.execute(
            delete(HealthSample).where(HealthSample.span_s == span_s, HealthSample.slot_s < before_s)
        )


def _slot(span_s: int) -> ColumnElement[int]:
    """When the slot of this length begins that a row lies in. PostgreSQL groups by nothing that holds a parameter."""
    return HealthSample.slot_s - HealthSample.slot_s % literal_column(str(span_s))
