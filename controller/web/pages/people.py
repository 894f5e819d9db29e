"""The people of an area and all below: who they are, what each does, and the links by which they come in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from markupsafe import Markup
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from controller.accounts.access import ADMINISTERS, IN_PERSON, ViewerDep
from controller.accounts.links import address, mail_link, picture
from controller.accounts.models import User
from controller.accounts.people import People
from controller.accounts.people_api import PeopleDep
from controller.accounts.roles import Role
from controller.accounts.schemas import UserEdit, UserIn
from controller.areas.repository import AreaRepository
from controller.errors import ControllerError
from controller.http.route import NowDep, RuntimeDep, SessionDep
from controller.http.versions import Precondition
from controller.repository import PageRequest
from controller.web.pages.common import page_for, words
from controller.web.pages.places import places
from controller.web.present.words import role_names
from controller.web.routing import PageRoute
from controller.web.templating import Page

router = APIRouter(include_in_schema=False, route_class=PageRoute)

HERE = "/people"
ROWS = 50
TYPED = ("name", "full_name", "email", "area_code")
Typed = Annotated[str, Form(max_length=400)]
Ticked = Annotated[list[Role] | None, Form()]


@dataclass(frozen=True)
class PersonView:
    """Somebody in the list."""

    id: str
    version: str
    name: str
    full_name: str
    email: str
    area_code: str
    area_name: str
    roles: frozenset[str]
    facts: tuple[str, ...]
    disabled: bool
    second_factor: bool
    oneself: bool


@dataclass(frozen=True)
class LinkView:
    """A one-time link, shown this once."""

    name: str
    address: str
    until: str
    picture: Markup
    mailed: bool


@dataclass(frozen=True)
class PeopleView:
    """What was typed and what is wrong with it, and what was done."""

    values: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(TYPED, ""))
    roles: frozenset[str] = frozenset()
    error: str = ""
    wrong: str = ""
    """Whom the error is about; none: the new one."""
    link: LinkView | None = None


@router.get(HERE, dependencies=[ADMINISTERS])
async def people_page(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    people: PeopleDep,
    now: NowDep,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
) -> Response:
    """All who may sign in, by name."""
    return await _shown(await page_for(request, session, viewer, now), people, PeopleView(), cursor=cursor)


@router.post(HERE, dependencies=[ADMINISTERS, IN_PERSON])
async def add(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    people: PeopleDep,
    runtime: RuntimeDep,
    now: NowDep,
    name: Typed = "",
    full_name: Typed = "",
    email: Typed = "",
    area_code: Typed = "",
    roles: Ticked = None,
) -> Response:
    """Add somebody, and show the link by which they come in."""
    page = await page_for(request, session, viewer, now)
    given = {"name": name, "full_name": full_name, "email": email.strip(), "area_code": area_code}
    try:
        async with session.begin_nested():
            user = await people.add(UserIn.model_validate({**given, "roles": roles or []}), now)
            link, secret = await people.make_link(user, now)
    except (ControllerError, ValidationError) as refusal:
        view = PeopleView(values=given, roles=frozenset(roles or ()), error=words(refusal, page))
        return await _shown(page, people, view, status=422)
    mailed = mail_link(runtime, people.accounts, link, secret)
    made = _link(user, address(runtime.settings, secret), page.formats.since(link.expires_at, now), mailed=mailed)
    return await _shown(page, people, PeopleView(link=made))


@router.post(f"{HERE}/{{user_id}}", dependencies=[ADMINISTERS, IN_PERSON])
async def change(
    *,
    request: Request,
    user_id: str,
    session: SessionDep,
    viewer: ViewerDep,
    people: PeopleDep,
    runtime: RuntimeDep,
    now: NowDep,
    version: Typed,
    full_name: Typed = "",
    email: Typed = "",
    area_code: Typed = "",
    roles: Ticked = None,
    do: Typed = "save",
) -> Response:
    """Correct somebody's entry, let them in anew, or keep them out."""
    page = await page_for(request, session, viewer, now)
    user = await people.repository.get(viewer, user_id)
    Precondition(frozenset({f'"{version}"'})).check(user)
    try:
        async with session.begin_nested():
            if do == "link":
                link, secret = await people.make_link(user, now)
                until = page.formats.since(link.expires_at, now)
                mailed = mail_link(runtime, people.accounts, link, secret)
                made = _link(user, address(runtime.settings, secret), until, mailed=mailed)
                return await _shown(page, people, PeopleView(link=made))
            if do == "sign-out":
                await people.sign_out(user)
            elif do == "remove-code":
                await people.remove_second_factor(user)
            elif do in {"disable", "enable"}:
                await people.edit(user, UserEdit(disabled=do == "disable"))
            else:
                wish = {"full_name": full_name, "email": email.strip(), "area_code": area_code, "roles": roles or []}
                await people.edit(user, UserEdit.model_validate(wish))
    except (ControllerError, ValidationError) as refusal:
        view = PeopleView(error=words(refusal, page), wrong=user_id)
        return await _shown(page, people, view, status=422)
    return RedirectResponse(HERE, 303)


async def _shown(
    page: Page, people: People, view: PeopleView, *, cursor: str | None = None, status: int = 200
) -> Response:
    viewer = people.viewer
    found = await people.repository.page(people.repository.readable(viewer), PageRequest(cursor, ROWS))
    standings = await people.standings(found.items)
    shown = {view.values["area_code"], *(user.area_code for user in found.items)}
    areas = AreaRepository(people.session)
    own = await areas.find(viewer, viewer.area_code)
    return page.html(
        "people.html",
        status=status,
        viewer_name=viewer.name,
        own_area=own,
        places=await places(people.session, viewer, also=shown),
        role_names=role_names(page.t),
        rows=tuple(
            PersonView(
                id=user.id,
                version=str(user.version),
                name=user.name,
                full_name=user.full_name,
                email=user.email,
                area_code=user.area_code,
                area_name=user.area.name,
                roles=frozenset(user.roles),
                facts=_facts(page, user, linked=how.linked, coded=how.second_factor),
                disabled=user.disabled,
                second_factor=how.second_factor,
                oneself=user.id == viewer.user_id,
            )
            for user in found.items
            for how in [standings[user.id]]
        ),
        view=view,
        next_page=f"{HERE}?cursor={found.next_cursor}" if found.next_cursor else "",
    )


def _facts(page: Page, user: User, *, linked: bool, coded: bool) -> tuple[str, ...]:
    facts = [user.area.name]
    if user.disabled:
        facts.append(page.t("disabled"))
    elif user.password_hash is None and not linked:
        facts.append(page.t("invited, not come yet"))
    if coded:
        facts.append(page.t("two-step sign-in"))
    return tuple(facts)


def _link(user: User, where: str, until: str, *, mailed: bool) -> LinkView:
    # The picture is made by us from an address of our own: nothing in it comes from outside.
    return LinkView(user.name, where, until, Markup(picture(where)), mailed)  # noqa: S704
