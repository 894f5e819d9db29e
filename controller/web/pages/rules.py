"""Who has to agree before something airs: what holds in a place, who says so, and setting it."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from controller.accounts.access import ADMINISTERS, READS, ViewerDep
from controller.accounts.roles import Permission
from controller.areas.policy import ApprovalAsked, AreaPolicy, approval_asked
from controller.areas.schemas import AreaEdit
from controller.areas.service import Areas
from controller.http.route import NowDep, SessionDep
from controller.http.versions import Precondition
from controller.web.pages.common import page_for
from controller.web.pages.places import places
from controller.web.present.words import asked_text
from controller.web.routing import PageRoute

router = APIRouter(include_in_schema=False, route_class=PageRoute)

HERE = "/rules"


@dataclass(frozen=True)
class RuleChoice:
    """One answer to the question who has to agree."""

    value: str
    text: str
    chosen: bool
    idle: bool
    """A place above asks for more: it would change nothing."""


@dataclass(frozen=True)
class RulesView:
    """What holds in a place."""

    code: str
    name: str
    version: str
    holds: str
    by: str
    """The place above that asks for it; empty where it is this one, or none asks."""
    choices: tuple[RuleChoice, ...]
    may_change: bool


@router.get(HERE, dependencies=[READS])
async def rules(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    now: NowDep,
    area_code: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """What holds in one place; in one's own if none is named."""
    page = await page_for(request, session, viewer, now)
    repository = Areas(session, viewer).repository
    area = await repository.get(viewer, area_code or viewer.area_code)
    said = [(above, AreaPolicy.model_validate(above.policy)) for above in await repository.chain(area.path)]
    own, order = said[-1][1].approval, list(ApprovalAsked)
    above = approval_asked(policy for _, policy in said[:-1])
    holds = approval_asked(policy for _, policy in said)
    by = next(place for place, policy in said if policy.approval is holds)
    return page.html(
        "rules.html",
        viewer_name=viewer.name,
        places=await places(session, viewer, also=[area.code]),
        rules=RulesView(
            code=area.code,
            name=area.name,
            version=str(area.version),
            holds=asked_text(page.t, holds),
            by=by.name if holds is above and holds is not ApprovalAsked.NONE else "",
            choices=tuple(
                RuleChoice(each.value, asked_text(page.t, each), each is own, order.index(each) < order.index(above))
                for each in ApprovalAsked
            ),
            may_change=viewer.may(Permission.ADMINISTER),
        ),
    )


@router.post(f"{HERE}/{{area_code}}", dependencies=[ADMINISTERS])
async def set_rule(
    *,
    area_code: str,
    session: SessionDep,
    viewer: ViewerDep,
    version: Annotated[str, Form(max_length=20)],
    approval: Annotated[ApprovalAsked, Form()],
) -> Response:
    """Ask for another approval there from now on. What is on its way stays so; what airs airs on."""
    areas = Areas(session, viewer)
    area = await areas.repository.get(viewer, area_code)
    Precondition(frozenset({f'"{version}"'})).check(area)
    said = AreaPolicy.model_validate(area.policy)
    await areas.edit(area, AreaEdit(policy=said.model_copy(update={"approval": approval})))
    return RedirectResponse(f"{HERE}?area_code={area.code}", 303)
