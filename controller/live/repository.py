"""All SQL about live sessions."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Select, func, select

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.repository import AreaRepository
from controller.areas.tree import within
from controller.broadcasts.models import TargetKind
from controller.devices.models import Device
from controller.live.models import LiveSessionRow
from controller.live.quiet import Home, Reach, TargetKey, reach_of
from controller.monitoring.models import DeviceStateRow
from controller.planning.repository import PlanningRepository, chunks
from controller.repository import Repository

NAMES_MAX = 100
ON_AIR_AS = "live."
"""Begins what speakers call a session on air."""
Because = Literal["offline", "another_session", "other_sound", "silent"]


@dataclass(frozen=True, slots=True)
class Listener:
    """A speaker that is spoken to, and whether it is heard."""

    device: str
    name: str
    online: bool
    on_air: str | None
    hears: bool

    @property
    def because(self) -> Because:
        """Why nothing of it is heard, where that is so."""
        if not self.online:
            return "offline"
        if not self.on_air:
            return "silent"
        return "another_session" if self.on_air.startswith(ON_AIR_AS) else "other_sound"


class LiveRepository(Repository[LiveSessionRow]):
    """Sessions that were opened in the viewer's subtree, newest first."""

    model = LiveSessionRow
    order = (LiveSessionRow.id,)
    descending = True

    def readable(self, viewer: Viewer) -> Select[LiveSessionRow]:
        """What the viewer's subtree speaks."""
        return (
            select(LiveSessionRow)
            .join(Area, Area.code == LiveSessionRow.area_code)
            .where(within(Area.path, viewer.scope))
        )

    async def open(self) -> Sequence[LiveSessionRow]:
        """Return what is not said to be over."""
        return (await self.session.scalars(select(LiveSessionRow).where(LiveSessionRow.ended_at.is_(None)))).all()

    async def listeners(self, row: LiveSessionRow, occurrence: str) -> list[Listener]:
        """Return every speaker that is spoken to, and whether its sink plays this occurrence now."""
        keys = {kind: {target.key for target in row.targets if target.kind is kind} for kind in TargetKind}
        found: list[Listener] = []
        for chunk in chunks(sorted(await PlanningRepository(self.session).reached(keys))):
            rows = await self.session.execute(
                select(Device.id, Device.name, func.coalesce(DeviceStateRow.online, False), DeviceStateRow.on_air)
                .outerjoin(DeviceStateRow, DeviceStateRow.device_id == Device.id)
                .where(Device.id.in_(chunk))
            )
            found += [
                Listener(device, name, bool(online), on_air, bool(online) and on_air == occurrence)
                for device, name, online, on_air in rows
            ]
        return found

    async def reach(self, targets: Sequence[TargetKey], now: datetime) -> Reach:
        """Return who of these may be spoken to now. A few queries for each target, however many speakers it has."""
        planning = PlanningRepository(self.session)
        devices: dict[TargetKey, frozenset[str]] = {}
        for kind, key in targets:
            keys: dict[TargetKind, set[str]] = defaultdict(set, {kind: {key}})
            devices[kind, key] = await planning.reached(keys)
        homes: dict[str, Home] = {}
        for chunk in chunks(sorted(frozenset().union(*devices.values()))):
            rows = await self.session.execute(
                select(Device.id, Area.code, Area.name, Area.path)
                .join(Area, Area.code == Device.area_code)
                .where(Device.id.in_(chunk))
            )
            homes |= {device: Home(code, name, path) for device, code, name, path in rows}
        empty = {key for (kind, key), found in devices.items() if kind is TargetKind.AREA and not found}
        bare = {code: Home(code, area.name, area.path) for code, area in (await planning.areas(empty)).items()}
        meant = {
            target: tuple({homes[device] for device in found if device in homes})
            or tuple(home for code, home in bare.items() if target == (TargetKind.AREA, code))
            for target, found in devices.items()
        }
        paths = {home.path for some in meant.values() for home in some}
        return reach_of(meant, homes, await AreaRepository(self.session).policies(paths), now)
