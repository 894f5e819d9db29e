"""Signing in through the identity provider: the way there, and the way back."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from controller.accounts.access import give_cookie
from controller.accounts.api import DoorDep
from controller.accounts.door import Admitted, Door
from controller.accounts.links import PATH
from controller.accounts.oidc import (
    CALLBACK,
    COOKIE,
    FLOW_LASTS,
    Flow,
    NotLinked,
    NotSignedInThere,
    Provider,
    provider_of,
    user_of,
)
from controller.accounts.service import LinkOver
from controller.accounts.sign_ins import Means, Refusal
from controller.errors import NotFound
from controller.http.route import RuntimeDep
from controller.runtime import Runtime
from controller.web.pages.sign_in import come_in
from controller.web.routing import PageRoute, onward

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/sign-in/openid")
async def go(
    request: Request,
    door: DoorDep,
    then: Annotated[str, Query(alias="next", max_length=2000)] = "/",
) -> Response:
    """Send a browser to the provider."""
    return await _send(request, door, onward(request, then), "")


@router.get(f"{PATH}/{{secret}}/openid")
async def go_by_link(request: Request, secret: str, door: DoorDep) -> Response:
    """Send there who was invited: whoever comes back signed in is who the link is for."""
    return await _send(request, door, "/", secret[:100])


@router.get(CALLBACK)
async def come_back(request: Request, runtime: RuntimeDep, door: DoorDep) -> Response:
    """Let in whom the provider sends back, if we know them."""
    provider = _provider(runtime)
    note = runtime.sealer.read(COOKIE, request.cookies.get(COOKIE, ""), door.now, lasts=FLOW_LASTS)
    if note is None:
        raise NotSignedInThere
    flow = Flow(note["target"], note["link"], note["protocol"])
    claims = await provider.receive(request, flow)
    trusted = runtime.settings.oidc_trust_email
    try:
        user = await user_of(runtime.database, claims, flow.link, trust_email=trusted, now=door.now)
    except (NotLinked, LinkOver):
        await door.refuse(None, claims.subject, Means.OPENID, Refusal.UNLINKED)
        raise
    if user.disabled:
        await door.refuse(user, user.name, Means.OPENID, Refusal.DISABLED)
        raise NotLinked
    async with runtime.database.transaction() as session:
        answer = await come_in(request, session, door, Admitted(user, Means.OPENID), flow.target)
    answer.delete_cookie(COOKIE, path="/")
    return answer


async def _send(request: Request, door: Door, target: str, link: str) -> Response:
    answer, protocol = await _provider(door.runtime).send(request)
    note = door.runtime.sealer.note(COOKIE, {"target": target, "link": link, "protocol": protocol}, door.now)
    give_cookie(request, answer, COOKIE, note, FLOW_LASTS)
    return answer


def _provider(runtime: Runtime) -> Provider:
    provider = provider_of(runtime)
    if provider is None:
        raise NotFound
    return provider
