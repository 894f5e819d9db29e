"""`/api/v1/devices/{id}/commands`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from controller.accounts.access import OPERATES, READS, Idempotent, ViewerDep
from controller.commands.models import CommandRow
from controller.commands.repository import CommandRepository
from controller.commands.schemas import CommandIn, CommandOut
from controller.commands.service import CommandService
from controller.devices.repository import DeviceRepository
from controller.errors import NotFound
from controller.http.pages import PageDep, PageOut
from controller.http.route import NowDep, RuntimeDep, SessionDep, TransactionRoute
from controller.link.wake import wake_of
from controller.monitoring.hub import hub_of

router = APIRouter(prefix="/api/v1/devices/{device_id}/commands", tags=["commands"], route_class=TransactionRoute)


def commands_of(session: SessionDep, runtime: RuntimeDep) -> CommandService:
    """Return commands within the request's transaction."""
    return CommandService(session, wake_link=wake_of(runtime), hub=hub_of(runtime))


CommandsDep = Annotated[CommandService, Depends(commands_of)]


@router.post(
    "",
    operation_id="orderCommand",
    summary="Order something at once",
    status_code=202,
    dependencies=[OPERATES, Idempotent],
)
async def order(
    *,
    device_id: str,
    body: CommandIn,
    response: Response,
    commands: CommandsDep,
    viewer: ViewerDep,
    now: NowDep,
) -> CommandOut:
    """Sign the order and send it; ask again for what the speaker answered."""
    row = await commands.order_of(viewer, device_id, body.action, now)
    response.headers["Location"] = f"/api/v1/devices/{row.device_id}/commands/{row.id}"
    return CommandOut.of(row, now)


@router.get("", operation_id="listCommands", summary="Commands to a speaker, newest first", dependencies=[READS])
async def list_commands(
    *, device_id: str, session: SessionDep, viewer: ViewerDep, page: PageDep, now: NowDep
) -> PageOut[CommandOut]:
    """Answer one page of commands."""
    repository = CommandRepository(session)
    found = await repository.page(repository.readable(viewer).where(CommandRow.device_id == device_id), page)
    return PageOut(items=[CommandOut.of(row, now) for row in found.items], next_cursor=found.next_cursor)


@router.get(
    "/{command_id}", operation_id="getCommand", summary="One command, and what became of it", dependencies=[READS]
)
async def get_command(
    *, device_id: str, command_id: str, session: SessionDep, viewer: ViewerDep, now: NowDep
) -> CommandOut:
    """Answer one command."""
    device = await DeviceRepository(session).get(viewer, device_id)
    row = await CommandRepository(session).get(viewer, command_id)
    if row.device_id != device.id:
        raise NotFound
    return CommandOut.of(row, now)
