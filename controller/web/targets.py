"""The piece in which one chooses whom something addresses: a tree, a search by name, a map, and what is chosen."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.repository import AreaRepository
from controller.areas.tree import within
from controller.broadcasts.models import TargetKind
from controller.devices.models import Device, DeviceStatus
from controller.devices.repository import DeviceRepository
from controller.groups.models import Group
from controller.groups.repository import GroupRepository
from controller.web.present.areas import AreaNode, codes, ids
from controller.web.present.targets import Branch, Choice, Picker, Target

AREAS_MAX: Final = 500
"""In the tree; others are found by their names."""
GROUPS_MAX: Final = 50
"""To be ticked; others are found by their names, too."""
FOUND_MAX: Final = 8
"""Of each kind."""
_NAMED_MAX: Final = 5000
"""Of each kind that is chosen: ten times what anything may address, so that a refusal loses nobody's list."""


class Targets:
    """What a viewer may choose from, within an area of theirs."""

    def __init__(self, session: AsyncSession, viewer: Viewer, issuer: Area) -> None:
        self._viewer = viewer
        self._issuer = issuer
        self._areas = AreaRepository(session)
        self._groups = GroupRepository(session)
        self._devices = DeviceRepository(session)

    async def picker(self, chosen: Choice, *, drawable: bool) -> Picker:
        """Return the piece with a flat tree of all areas."""
        below = self._areas.readable(self._viewer).where(within(Area.path, self._issuer.path))
        rows = await self._areas.all(below.order_by(Area.path).limit(AREAS_MAX + 1))
        shown = rows[:AREAS_MAX]
        branches = tuple(Branch(row.code, row.name, row.kind, row.depth - self._issuer.depth) for row in shown)
        piece = await self._beside(chosen, frozenset(row.code for row in shown), frozenset())
        return replace(piece, drawable=drawable, branches=branches, cut=len(rows) > AREAS_MAX)

    async def among(self, areas: Sequence[AreaNode], chosen: Choice) -> Picker:
        """Return the piece with the tree of places that have speakers, and their speakers in it."""
        return replace(await self._beside(chosen, codes(areas), ids(areas)), areas=tuple(areas))

    async def _beside(self, chosen: Choice, listed: frozenset[str], speakers: frozenset[str]) -> Picker:
        here = self._groups.readable(self._viewer).where(within(Area.path, self._issuer.path))
        groups = await self._groups.all(here.order_by(Group.name, Group.id).limit(GROUPS_MAX))
        others = Choice(chosen.areas - listed, chosen.groups - {row.id for row in groups}, chosen.devices - speakers)
        return Picker(
            issuer=self._issuer.code,
            chips=await self._named(others),
            polygon=chosen.polygon,
            groups=tuple(map(_group, groups)),
            chosen=chosen,
        )

    async def _named(self, chosen: Choice) -> tuple[Target, ...]:
        if not (chosen.areas or chosen.groups or chosen.devices):
            return ()
        areas = self._areas.readable(self._viewer).where(Area.code.in_(sorted(chosen.areas)[:_NAMED_MAX]))
        groups = self._groups.readable(self._viewer).where(Group.id.in_(sorted(chosen.groups)[:_NAMED_MAX]))
        return (
            *map(_area, await self._areas.all(areas.order_by(Area.path))),
            *map(_group, await self._groups.all(groups.order_by(Group.name, Group.id))),
            *map(_device, await self._devices.some(self._viewer, chosen.devices)),
        )

    async def search(self, words: str) -> tuple[Target, ...]:
        """Return areas, groups and speakers whose names hold these words, whatever their marks."""
        here = within(Area.path, self._issuer.path)
        areas = self._areas.readable(self._viewer).where(here)
        groups = self._groups.readable(self._viewer).where(here)
        devices = self._devices.readable(self._viewer).where(here, Device.status == DeviceStatus.ACTIVE)
        return (
            *map(_area, await self._areas.search(areas, words, FOUND_MAX)),
            *map(_group, await self._groups.search(groups, words, FOUND_MAX)),
            *map(_device, await self._devices.search(devices, words, FOUND_MAX)),
        )


def _area(row: Area) -> Target:
    return Target(TargetKind.AREA, row.code, row.name, row.kind)


def _group(row: Group) -> Target:
    return Target(TargetKind.GROUP, row.id, row.name, row.area.name)


def _device(row: Device) -> Target:
    return Target(TargetKind.DEVICE, row.id, row.name, row.area.name)
