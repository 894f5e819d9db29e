"""The atlas of a part of the country, from what its areas and speakers say of themselves."""

import json

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from controller.areas.models import Area
from controller.areas.tree import within
from controller.cap.geometry import Atlas, Outlined, Standing, outline_of
from controller.cap.message import Point
from controller.devices.models import Device, DeviceStatus
from schedules.types import AreaCode, DeviceId


async def atlas_below(session: AsyncSession, path: str, *, drawn: bool) -> Atlas:
    """An area with all below it; with outlines and positions only where something is `drawn`."""
    here = within(Area.path, path)
    if not drawn:
        codes = await session.execute(select(Area.code, Area.path).where(here))
        return Atlas([Outlined(AreaCode(code), path) for code, path in codes])
    areas = await session.execute(select(Area.code, Area.path, Area.polygon).where(here))
    speakers = await session.execute(
        select(Device.id, Area.path, Device.lat, Device.lon)
        .join(Device.area)
        .where(here, Device.status == DeviceStatus.ACTIVE)
    )
    return Atlas(
        [
            Outlined(AreaCode(code), path, outline_of(json.loads(polygon)) if polygon else None)
            for code, path, polygon in areas
        ],
        [
            Standing(DeviceId(id_), path, Point(lat, lon))
            for id_, path, lat, lon in speakers
            if lat is not None and lon is not None
        ],
    )
