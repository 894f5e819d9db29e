"""`/api/v1/devices`."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from controller.accounts.access import MAINTAINS, READS, Idempotent, ViewerDep
from controller.devices.models import Device, DeviceStatus
from controller.devices.schemas import DeviceEdit, DeviceIn, DeviceOut
from controller.devices.service import Devices
from controller.http.fields import Search
from controller.http.pages import PageDep, PageOut
from controller.http.route import NowDep, SessionDep, TransactionRoute
from controller.http.versions import IfMatchDep, tag

router = APIRouter(prefix="/api/v1/devices", tags=["devices"], route_class=TransactionRoute)


def _shown(device: Device, response: Response) -> DeviceOut:
    tag(response, device)
    return DeviceOut.model_validate(device)


@router.get("", operation_id="listDevices", summary="Speakers, by id", dependencies=[READS])
async def list_devices(
    *,
    session: SessionDep,
    viewer: ViewerDep,
    page: PageDep,
    area: Annotated[str | None, Query(max_length=64, description="Only in this area and below it")] = None,
    status: DeviceStatus | None = None,
    q: Annotated[Search, Query(description="A part of the name or id")] = "",
) -> PageOut[DeviceOut]:
    """Answer one page of speakers."""
    devices = Devices(session, viewer)
    below = None if area is None else (await devices.areas.place(area, "area")).path
    listed = devices.repository.listed(viewer, below=below, status=status, search=q)
    found = await devices.repository.page(listed, page)
    return PageOut(items=[DeviceOut.model_validate(row) for row in found.items], next_cursor=found.next_cursor)


@router.post(
    "",
    operation_id="registerDevice",
    summary="Register a speaker",
    status_code=201,
    dependencies=[MAINTAINS, Idempotent],
)
async def register_device(
    body: DeviceIn, response: Response, session: SessionDep, viewer: ViewerDep, now: NowDep
) -> DeviceOut:
    """Register a speaker; it gets its plan at once."""
    device = await Devices(session, viewer).register(body, now)
    response.headers["Location"] = f"/api/v1/devices/{device.id}"
    return _shown(device, response)


@router.get("/{device_id}", operation_id="getDevice", summary="One speaker", dependencies=[READS])
async def get_device(device_id: str, response: Response, session: SessionDep, viewer: ViewerDep) -> DeviceOut:
    """Answer one speaker."""
    return _shown(await Devices(session, viewer).repository.get(viewer, device_id), response)


@router.patch(
    "/{device_id}", operation_id="editDevice", summary="Edit, move or retire a speaker", dependencies=[MAINTAINS]
)
async def edit_device(
    *,
    device_id: str,
    body: DeviceEdit,
    response: Response,
    session: SessionDep,
    viewer: ViewerDep,
    condition: IfMatchDep,
    now: NowDep,
) -> DeviceOut:
    """Edit a speaker; its plan follows at once."""
    devices = Devices(session, viewer)
    device = await devices.repository.get(viewer, device_id)
    condition.check(device)
    return _shown(await devices.edit(device, body, now), response)
