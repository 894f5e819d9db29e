"""How speakers are: `/api/v1/devices/{id}/state` and `/api/v1/states`."""

from typing import Annotated, Any, Self

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict

from controller.accounts.access import READS, ViewerDep
from controller.areas.models import Area
from controller.areas.service import Areas
from controller.areas.tree import within
from controller.devices.repository import DeviceRepository
from controller.http.pages import PageDep, PageOut
from controller.http.route import RuntimeDep, SessionDep, TransactionRoute
from controller.link.refusals import Refusals, refusals_of
from controller.monitoring.models import DeviceStateRow
from controller.monitoring.repository import StateRepository

router = APIRouter(prefix="/api/v1", tags=["monitoring"], route_class=TransactionRoute)


class FaultOut(BaseModel):
    """A kind of message that was refused, or not believed."""

    model_config = ConfigDict(from_attributes=True)
    code: str
    count: int
    since: AwareDatetime
    last: AwareDatetime
    detail: str


class SpeakerState(BaseModel):
    """The last that was heard from a speaker."""

    device: str
    online: bool
    online_changed_at: AwareDatetime | None = None
    seen_at: AwareDatetime | None = None
    plan_version: int | None = None
    config_version: int | None = None
    ready: int = 0
    planned: int = 0
    on_air: str | None = None
    state: dict[str, Any] | None = None
    """The whole report as it came (see the wire's `DeviceState`)."""
    faults: list[FaultOut] = []
    """What was found fault with in what it says, in the last hour."""

    @classmethod
    def of(cls, row: DeviceStateRow, refusals: Refusals) -> Self:
        """Return what may be seen of a row."""
        return cls(
            device=row.device_id,
            online=row.online,
            online_changed_at=row.online_changed_at,
            seen_at=row.seen_at,
            plan_version=row.plan_version,
            config_version=row.config_version,
            ready=row.ready,
            planned=row.planned,
            on_air=row.on_air,
            state=row.state,
            faults=_faults(refusals, row.device_id),
        )


def _faults(refusals: Refusals, device_id: str) -> list[FaultOut]:
    return [FaultOut.model_validate(each) for each in refusals.faults(device_id)]


@router.get(
    "/devices/{device_id}/state", operation_id="getDeviceState", summary="How a speaker is", dependencies=[READS]
)
async def get_state(device_id: str, session: SessionDep, viewer: ViewerDep, runtime: RuntimeDep) -> SpeakerState:
    """Answer the last that was heard; a speaker that never spoke is offline."""
    device = await DeviceRepository(session).get(viewer, device_id)
    row, refusals = await StateRepository(session).find(viewer, device.id), refusals_of(runtime)
    if row is None:
        return SpeakerState(device=device.id, online=False, faults=_faults(refusals, device.id))
    return SpeakerState.of(row, refusals)


@router.get("/states", operation_id="listDeviceStates", summary="How speakers are, by id", dependencies=[READS])
async def list_states(
    *,
    session: SessionDep,
    viewer: ViewerDep,
    runtime: RuntimeDep,
    page: PageDep,
    area: Annotated[str | None, Query(max_length=64, description="Only in this area and below it")] = None,
    online: bool | None = None,
) -> PageOut[SpeakerState]:
    """Answer one page of states of speakers that ever spoke."""
    repository = StateRepository(session)
    statement = repository.readable(viewer)
    if area is not None:
        statement = statement.where(within(Area.path, (await Areas(session, viewer).place(area, "area")).path))
    if online is not None:
        statement = statement.where(DeviceStateRow.online.is_(online))
    found, refusals = await repository.page(statement, page), refusals_of(runtime)
    return PageOut(items=[SpeakerState.of(row, refusals) for row in found.items], next_cursor=found.next_cursor)
