"""What may happen to a speaker."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.areas.service import Areas
from controller.devices.models import Device, DeviceStatus
from controller.devices.repository import DeviceRepository
from controller.devices.schemas import DeviceEdit, DeviceIn
from controller.enrolment.models import Reason
from controller.enrolment.service import withdraw
from controller.errors import Conflict
from controller.events import DeviceChanged, record_event
from controller.groups.repository import GroupRepository
from controller.text import Text


class Devices:
    """Speakers within one transaction, as one viewer may change them."""

    def __init__(self, session: AsyncSession, viewer: Viewer) -> None:
        self.session = session
        self.viewer = viewer
        self.repository = DeviceRepository(session)
        self.areas = Areas(session, viewer)

    async def register(self, wish: DeviceIn, now: datetime) -> Device:
        """Register a speaker in an area that the viewer sees."""
        area = await self.areas.place(wish.area_code)
        if await self.session.get(Device, wish.id) is not None:
            raise Conflict(Text("The speaker id %(id)s is taken", id=wish.id))
        device = Device(
            id=wish.id,
            name=wish.name,
            area=area,
            area_code=area.code,
            lat=wish.lat,
            lon=wish.lon,
            note=wish.note,
            status=DeviceStatus.ACTIVE,
            registered_at=now,
        )
        self.repository.add(device)
        await self.session.flush()
        record_event(self.session, DeviceChanged(device.id))
        return device

    async def edit(self, device: Device, wish: DeviceEdit, now: datetime) -> Device:
        """Change what the wish names: words, place, area, status. Where it is refused, nothing has changed."""
        given, before = wish.model_fields_set, device.version
        if wish.area_code is not None and wish.area_code != device.area_code:
            await self._move(device, wish.area_code)
        device.name = wish.name or device.name
        device.note = device.note if wish.note is None else wish.note
        if given & {"lat", "lon"}:
            device.lat, device.lon = wish.lat, wish.lon
        if wish.status is not None and wish.status != device.status:
            device.status = wish.status
            device.retired_at = now if wish.status == DeviceStatus.RETIRED else None
            if wish.status == DeviceStatus.RETIRED:
                await withdraw(self.session, device, Reason.RETIRED, now)
        await self.session.flush()
        if device.version != before:
            record_event(self.session, DeviceChanged(device.id))
        return device

    async def _move(self, device: Device, area_code: str) -> None:
        """Give the speaker another area; groups of areas that it leaves lose it."""
        device.area = await self.areas.place(area_code)
        device.area_code = area_code
        await GroupRepository(self.session).withdraw(device)
