"""`/api/v1/devices/{id}/incidents`."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict

from controller.accounts.access import MAINTAINS, READS, ViewerDep
from controller.devices.repository import DeviceRepository
from controller.http.pages import PageDep, PageOut
from controller.http.route import NowDep, RuntimeDep, SessionDep, TransactionRoute
from controller.incidents.service import Incidents
from controller.monitoring.hub import hub_of

router = APIRouter(prefix="/api/v1/devices/{device_id}/incidents", tags=["monitoring"], route_class=TransactionRoute)


class IncidentOut(BaseModel):
    """Something that a technician must look at."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    code: str
    """Of a speaker's problem, or `offline`."""
    said: str
    began_at: AwareDatetime
    ended_at: AwareDatetime | None
    times: int
    """How often it came back soon after it had ended."""
    acknowledged_by: str
    acknowledged_at: AwareDatetime | None


def incidents_of(session: SessionDep, viewer: ViewerDep, runtime: RuntimeDep) -> Incidents:
    """Return incidents within the request's transaction."""
    return Incidents(session, viewer, hub_of(runtime))


IncidentsDep = Annotated[Incidents, Depends(incidents_of)]


@router.get("", operation_id="listIncidents", summary="A speaker's incidents, newest first", dependencies=[READS])
async def list_incidents(
    *, device_id: str, session: SessionDep, viewer: ViewerDep, incidents: IncidentsDep, page: PageDep
) -> PageOut[IncidentOut]:
    """Answer one page of them."""
    device = await DeviceRepository(session).get(viewer, device_id)
    found = await incidents.repository.page(incidents.repository.of(viewer, device.id), page)
    return PageOut(items=[IncidentOut.model_validate(row) for row in found.items], next_cursor=found.next_cursor)


@router.post(
    "/{incident_id}/acknowledge",
    operation_id="acknowledgeIncident",
    summary="Say that you see to an incident",
    dependencies=[MAINTAINS],
)
async def acknowledge(device_id: str, incident_id: str, incidents: IncidentsDep, now: NowDep) -> IncidentOut:
    """Note who sees to it, and since when."""
    return IncidentOut.model_validate(await incidents.acknowledge(device_id, incident_id, now))
