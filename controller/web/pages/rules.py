"""The rules of a place: what holds there, who says so, and setting them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Query, Request
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from controller.accounts.access import ADMINISTERS, READS, ViewerDep
from controller.accounts.roles import Permission
from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.policy import (
    ApprovalAsked,
    AreaPolicy,
    ReleaseRule,
    SilentTest,
    approval_asked,
    local_alarm,
    release_rule,
    silent_test,
)
from controller.areas.schemas import AreaEdit
from controller.areas.service import Areas
from controller.http.route import NowDep, SessionDep
from controller.http.versions import Precondition
from controller.web.i18n import Translator
from controller.web.pages.common import FieldsDep, page_for, words
from controller.web.pages.places import places
from controller.web.present.words import asked_text, local_alarm_text, release_rule_text, silent_test_text
from controller.web.routing import PageRoute
from controller.web.templating import Page

router = APIRouter(include_in_schema=False, route_class=PageRoute)

HERE: Final = "/rules"
ALLOWS: Final = {"": None, "yes": True, "no": False}
"""What a place says of the alarm at the speaker, as a form says it."""


@dataclass(frozen=True)
class RuleChoice:
    """One answer to a rule."""

    value: str
    text: str
    chosen: bool
    idle: bool
    """A place above asks for more: it would change nothing."""


@dataclass(frozen=True)
class RuleView:
    """One rule: what holds in a place, and what the place itself may say."""

    name: str
    holds: str
    by: str
    """The place above that says so; empty where it is this one, or none does."""
    choices: tuple[RuleChoice, ...]


@dataclass(frozen=True)
class RulesView:
    """What holds in a place."""

    code: str
    name: str
    version: str
    rules: tuple[RuleView, ...]
    contact: str
    may_change: bool


R = TypeVar("R", ApprovalAsked, ReleaseRule)
Said = Sequence[tuple[Area, AreaPolicy]]
"""What the places from the country down to one say."""


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
    area = await Areas(session, viewer).repository.get(viewer, area_code or viewer.area_code)
    return await _shown(page, session, viewer, area)


@router.post(f"{HERE}/{{area_code}}", dependencies=[ADMINISTERS])
async def set_rules(
    *, request: Request, area_code: str, session: SessionDep, viewer: ViewerDep, now: NowDep, fields: FieldsDep
) -> Response:
    """Set the rules that the form names. What is on its way stays so; what airs airs on."""
    areas = Areas(session, viewer)
    area = await areas.repository.get(viewer, area_code)
    Precondition(frozenset({f'"{fields.get("version", "")}"'})).check(area)
    try:
        await areas.edit(area, _wish(AreaPolicy.model_validate(area.policy), fields))
    except ValidationError as refusal:
        page = await page_for(request, session, viewer, now)
        return await _shown(page, session, viewer, area, problem=words(refusal, page), typed=fields)
    return RedirectResponse(f"{HERE}?area_code={area.code}", 303)


async def _shown(
    page: Page, session: AsyncSession, viewer: Viewer, area: Area, *, problem: str = "", typed: FormData | None = None
) -> Response:
    chain = await Areas(session, viewer).repository.chain(area.path)
    said = [(above, AreaPolicy.model_validate(above.policy)) for above in chain]
    return page.html(
        "rules.html",
        status=422 if problem else 200,
        viewer_name=viewer.name,
        places=await places(session, viewer, also=[area.code]),
        problem=problem,
        rules=RulesView(
            code=area.code,
            name=area.name,
            version=str(area.version),
            rules=_rules(said, page.t),
            contact=area.contact if typed is None else str(typed.get("contact", area.contact)),
            may_change=viewer.may(Permission.ADMINISTER),
        ),
    )


def _rules(said: Said, t: Translator) -> tuple[RuleView, ...]:
    own = said[-1][1]
    allowed, forbidden = (
        local_alarm(policy for _, policy in said),
        _says(said[:-1], lambda each: each.local_alarm is False),
    )
    return (
        _strict("approval", said, ApprovalAsked, approval_asked, lambda each: asked_text(t, each)),
        _strict("release", said, ReleaseRule, release_rule, lambda each: release_rule_text(t, each)),
        RuleView(
            name="local_alarm",
            holds=local_alarm_text(t, allows=allowed),
            by=forbidden or (_says(said[:-1], lambda each: each.local_alarm is True) if allowed else ""),
            choices=tuple(
                RuleChoice(
                    value,
                    t("Says nothing: as the places above say") if word is None else local_alarm_text(t, allows=word),
                    chosen=own.local_alarm is word,
                    idle=word is True and bool(forbidden),
                )
                for value, word in ALLOWS.items()
            ),
        ),
        RuleView(
            name="silent_test",
            holds=silent_test_text(t, silent_test(policy for _, policy in said)),
            by=_says(said[:-1], lambda each: each.silent_test is not None) if own.silent_test is None else "",
            choices=(
                RuleChoice("", t("Says nothing: as the places above say"), own.silent_test is None, idle=False),
                *(
                    RuleChoice(each.value, silent_test_text(t, each), own.silent_test is each, idle=False)
                    for each in SilentTest
                ),
            ),
        ),
    )


def _strict(
    name: str, said: Said, kind: type[R], holding: Callable[[Iterable[AreaPolicy]], R], text: Callable[[R], str]
) -> RuleView:
    """A rule that only gets stricter on the way down; its answers stand in the order of how much they ask for."""
    order = list(kind)
    above, holds = holding(policy for _, policy in said[:-1]), holding(policy for _, policy in said)
    by = next(place for place, policy in said if getattr(policy, name) is holds)
    return RuleView(
        name=name,
        holds=text(holds),
        by=by.name if holds is above and holds is not order[0] else "",
        choices=tuple(
            RuleChoice(
                each.value, text(each), each is getattr(said[-1][1], name), order.index(each) < order.index(above)
            )
            for each in order
        ),
    )


def _says(said: Said, what: Callable[[AreaPolicy], bool]) -> str:
    """The nearest place of which it is true; empty: none."""
    return next((place.name for place, policy in reversed(said) if what(policy)), "")


def _wish(said: AreaPolicy, fields: FormData) -> AreaEdit:
    """What the form changes of what the place says; raises pydantic's `ValidationError`."""
    given: dict[str, Any] = {name: fields[name] for name in ("approval", "release") if name in fields}
    if "local_alarm" in fields:
        given["local_alarm"] = ALLOWS.get(str(fields["local_alarm"]), fields["local_alarm"])
    if "silent_test" in fields:
        given["silent_test"] = fields["silent_test"] or None
    policy = AreaPolicy.model_validate(said.model_dump() | given)
    return AreaEdit.model_validate({"policy": policy} | ({"contact": fields["contact"]} if "contact" in fields else {}))
