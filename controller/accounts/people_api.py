"""`/api/v1/users`: who may sign in, as the administrators of their area see and change them."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from controller.accounts.access import ADMINISTERS, IN_PERSON, Idempotent, ViewerDep
from controller.accounts.links import address, mail_farewell, mail_link
from controller.accounts.models import User
from controller.accounts.people import People
from controller.accounts.schemas import LinkIn, LinkOut, UserEdit, UserIn, UserOut
from controller.areas.service import Areas
from controller.http.fields import Search
from controller.http.pages import PageDep, PageOut
from controller.http.route import NowDep, RuntimeDep, SessionDep, TransactionRoute
from controller.http.versions import IfMatchDep, tag

router = APIRouter(prefix="/api/v1/users", tags=["accounts"], route_class=TransactionRoute)


def _people(session: SessionDep, viewer: ViewerDep, runtime: RuntimeDep, now: NowDep) -> People:
    return People(session, viewer, lambda user, before: mail_farewell(runtime, session, user, before, now))


PeopleDep = Annotated[People, Depends(_people)]


async def _shown(people: People, users: Sequence[User]) -> list[UserOut]:
    standings = await people.standings(users)
    return [
        UserOut.of(user, second_factor=how.second_factor, linked=how.linked, seen_at=how.seen_at)
        for user in users
        for how in [standings[user.id]]
    ]


async def _one(people: People, user: User, response: Response) -> UserOut:
    tag(response, user)
    return (await _shown(people, [user]))[0]


@router.get("", operation_id="listUsers", summary="Users of one's area and all below", dependencies=[ADMINISTERS])
async def list_users(
    *,
    people: PeopleDep,
    viewer: ViewerDep,
    session: SessionDep,
    page: PageDep,
    area: Annotated[str | None, Query(max_length=64, description="Only there and below")] = None,
    q: Annotated[Search, Query(description="A part of a name")] = "",
) -> PageOut[UserOut]:
    """Answer one page of users."""
    below = None if area is None else (await Areas(session, viewer).place(area, "area")).path
    found = await people.repository.page(people.repository.listed(viewer, below=below, search=q), page)
    return PageOut(items=await _shown(people, found.items), next_cursor=found.next_cursor)


@router.post(
    "", operation_id="createUser", summary="Add a user", status_code=201, dependencies=[ADMINISTERS, Idempotent]
)
async def create_user(body: UserIn, response: Response, people: PeopleDep, now: NowDep) -> UserOut:
    """Add somebody, who then comes in by a link."""
    user = await people.add(body, now)
    response.headers["Location"] = f"/api/v1/users/{user.id}"
    return await _one(people, user, response)


@router.get("/{user_id}", operation_id="getUser", summary="One user", dependencies=[ADMINISTERS])
async def get_user(user_id: str, response: Response, people: PeopleDep) -> UserOut:
    """Answer one user."""
    return await _one(people, await people.repository.get(people.viewer, user_id), response)


@router.patch(
    "/{user_id}",
    operation_id="editUser",
    summary="Edit a user's roles or area, or disable them",
    dependencies=[ADMINISTERS],
)
async def edit_user(
    *, user_id: str, body: UserEdit, response: Response, people: PeopleDep, condition: IfMatchDep
) -> UserOut:
    """Edit a user. What they may do changes at once; whoever is disabled is out at once."""
    user = await people.repository.get(people.viewer, user_id)
    condition.check(user)
    return await _one(people, await people.edit(user, body), response)


@router.post(
    "/{user_id}/links",
    operation_id="createUserLink",
    summary="Make a one-time link to choose a password",
    status_code=201,
    dependencies=[ADMINISTERS, IN_PERSON],
)
async def create_link(*, user_id: str, body: LinkIn, people: PeopleDep, runtime: RuntimeDep, now: NowDep) -> LinkOut:
    """Answer the link, this once; the one before is worth nothing any more."""
    user = await people.repository.get(people.viewer, user_id)
    link, secret = await people.make_link(user, now)
    mailed = body.mail and mail_link(runtime, people.accounts, link, secret)
    return LinkOut(url=address(runtime.settings, secret), expires_at=link.expires_at, mailed=mailed)


@router.delete(
    "/{user_id}/sessions",
    operation_id="endUserSessions",
    summary="Sign a user out everywhere",
    status_code=204,
    dependencies=[ADMINISTERS, IN_PERSON],
)
async def end_sessions(user_id: str, people: PeopleDep) -> None:
    """End all of a user's sign-ins and revoke their tokens."""
    await people.sign_out(await people.repository.get(people.viewer, user_id))


@router.delete(
    "/{user_id}/second-factor",
    operation_id="removeUserSecondFactor",
    summary="Ask a user for no more one-time codes",
    status_code=204,
    dependencies=[ADMINISTERS, IN_PERSON],
)
async def remove_second_factor(user_id: str, people: PeopleDep) -> None:
    """Remove a lost second factor; all of the user's sign-ins end."""
    await people.remove_second_factor(await people.repository.get(people.viewer, user_id))
