"""`/api/v1/areas/{code}/standing`: what alerts of an area begin with."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from controller.accounts.access import PREPARES, READS, ViewerDep
from controller.alerts.standing import Hazard
from controller.http.fields import AreaCodeField
from controller.http.route import NowDep, RuntimeDep, SessionDep, TransactionRoute
from controller.http.versions import IfMatchDep, quoted
from controller.standing.keeping import messages_of
from controller.standing.schemas import HolderOut, StandingIn, StandingMessageOut
from controller.standing.service import StandingMessages
from controller.standing.words import Message

router = APIRouter(prefix="/api/v1/areas/{code}/standing", tags=["alerts"], route_class=TransactionRoute)
SPEAKERS_MAX = 500


def _messages(session: SessionDep, viewer: ViewerDep, runtime: RuntimeDep) -> StandingMessages:
    return messages_of(runtime, session, viewer)


MessagesDep = Annotated[StandingMessages, Depends(_messages)]


def _shown(message: Message, response: Response) -> StandingMessageOut:
    response.headers["ETag"] = quoted(message.version)
    return StandingMessageOut.of(message)


@router.get("", operation_id="listStandingMessages", summary="What holds in an area", dependencies=[READS])
async def list_messages(code: AreaCodeField, messages: MessagesDep) -> list[StandingMessageOut]:
    """Answer a message for each hazard: the area's own words, or the nearest above."""
    return [StandingMessageOut.of(each) for each in await messages.all(await messages.area(code))]


@router.get(
    "/speakers",
    operation_id="listStandingHolders",
    summary="Which speakers hold the messages that they should",
    dependencies=[READS],
)
async def list_holders(
    *,
    code: AreaCodeField,
    messages: MessagesDep,
    viewer: ViewerDep,
    old: Annotated[bool, Query(description="Only speakers that hold an old set, or none")] = False,
    after: Annotated[str, Query(max_length=128, description="Go on after this speaker")] = "",
) -> list[HolderOut]:
    """Answer speakers by id, at most 500."""
    area = await messages.area(code)
    found = await messages.repository.holdings(viewer, area, old=old, after=after, limit=SPEAKERS_MAX)
    return [HolderOut.model_validate(each) for each in found]


@router.get("/{hazard}", operation_id="getStandingMessage", summary="What holds for a hazard", dependencies=[READS])
async def get_message(
    code: AreaCodeField, hazard: Hazard, response: Response, messages: MessagesDep
) -> StandingMessageOut:
    """Answer the message, with its ETag."""
    return _shown(await messages.one(await messages.area(code), hazard), response)


@router.put(
    "/{hazard}", operation_id="wordStandingMessage", summary="Give an area its own words", dependencies=[PREPARES]
)
async def word_message(
    *,
    code: AreaCodeField,
    hazard: Hazard,
    body: StandingIn,
    response: Response,
    messages: MessagesDep,
    condition: IfMatchDep,
    now: NowDep,
) -> StandingMessageOut:
    """Put an area's own words in place of what held there. Their sound is made at once, and speakers fetch it."""
    return _shown(await messages.word(await messages.area(code), hazard, body, now, condition), response)


@router.delete(
    "/{hazard}", operation_id="resetStandingMessage", summary="Take an area's own words back", dependencies=[PREPARES]
)
async def reset_message(
    *,
    code: AreaCodeField,
    hazard: Hazard,
    response: Response,
    messages: MessagesDep,
    condition: IfMatchDep,
    now: NowDep,
) -> StandingMessageOut:
    """Answer what holds there again: what the area above says, or what came with the system."""
    return _shown(await messages.reset(await messages.area(code), hazard, now, condition), response)
