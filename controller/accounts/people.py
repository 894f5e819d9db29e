"""What an administrator may do to the users of their area's subtree: never to those above, never to themselves."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.models import AccountLink, User
from controller.accounts.repository import UserRepository
from controller.accounts.roles import Role
from controller.accounts.schemas import UserEdit, UserIn
from controller.accounts.service import Accounts
from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.service import Areas
from controller.areas.tree import ROOT_CODE
from controller.errors import Conflict, Forbidden
from controller.text import Text


class OwnAccount(Forbidden):
    """Somebody would change what they themselves may do."""

    code = "own_account"
    title = Text("Nobody changes their own roles or area, or disables themselves. Ask another administrator.")


class LastKeeper(Conflict):
    """The country would be left without anybody who administers it."""

    code = "last_administrator"
    title = Text("This is the last administrator of the whole. Make somebody else one first.")


@dataclass(frozen=True, slots=True)
class Place:
    """What somebody may do: what an edit changes."""

    area_code: str
    roles: frozenset[Role]
    disabled: bool

    @property
    def keeps_the_whole(self) -> bool:
        """Whether they administer the whole country."""
        return self.area_code == ROOT_CODE and Role.ADMINISTRATOR in self.roles and not self.disabled


def check_change(before: Place, after: Place, *, own: bool, other_keepers: int) -> None:
    """Refuse a change that somebody makes of themselves, or that leaves nobody to administer the whole."""
    if own and before != after:
        raise OwnAccount
    if before.keeps_the_whole and not after.keeps_the_whole and other_keepers == 0:
        raise LastKeeper


class People:
    """Users within one transaction, as one administrator may change them."""

    def __init__(self, session: AsyncSession, viewer: Viewer, moved: Callable[[User, str], None]) -> None:
        """`moved` is told of whom another address was written down, and of the one before."""
        self.session = session
        self.viewer = viewer
        self._moved = moved
        self.repository = UserRepository(session)
        self.accounts = Accounts(session)

    async def add(self, wish: UserIn, now: datetime) -> User:
        """Register somebody in the viewer's subtree. They come in by a link."""
        area = await self._place(wish.area_code)
        return await self.accounts.add_user(
            wish.name, area.code, now, roles=wish.roles, full_name=wish.full_name, email=wish.email
        )

    async def edit(self, user: User, wish: UserEdit) -> User:
        """Change what the wish names. Whoever is disabled is out at once."""
        before = _place(user)
        area = user.area if wish.area_code is None else await self._place(wish.area_code)
        after = Place(
            area_code=area.code,
            roles=before.roles if wish.roles is None else frozenset(wish.roles),
            disabled=before.disabled if wish.disabled is None else wish.disabled,
        )
        others = [each for each in await self.repository.keepers() if each.id != user.id]
        check_change(before, after, own=user.id == self.viewer.user_id, other_keepers=len(others))
        user.full_name = user.full_name if wish.full_name is None else wish.full_name
        address, user.email = user.email, user.email if wish.email is None else wish.email
        user.area, user.area_code = area, area.code
        if after.roles != before.roles:
            user.roles = sorted(after.roles)
        user.disabled = after.disabled
        if after.disabled and not before.disabled:
            await self.accounts.shut_out(user)
        await self.session.flush()
        if user.email != address:
            self._moved(user, address)
        return user

    async def make_link(self, user: User, now: datetime) -> tuple[AccountLink, str]:
        """Make the link by which a user chooses a password; its secret is returned this once."""
        return await self.accounts.make_link(user, now)

    async def sign_out(self, user: User) -> None:
        """End all of a user's sign-ins and revoke all tokens."""
        await self.accounts.shut_out(user)

    async def remove_second_factor(self, user: User) -> None:
        """Ask for no more codes, since the telephone and the recovery codes are lost; all sign-ins end."""
        if user.id == self.viewer.user_id:
            raise OwnAccount
        await self.accounts.credentials.forget_factor(user.id)
        await self.accounts.shut_out(user)

    async def standings(self, users: Collection[User]) -> Mapping[str, "Standing"]:
        """How each of these users comes in."""
        ids = [user.id for user in users]
        coded, linked = await self.repository.coded(ids), await self.repository.linked(ids)
        seen = await self.repository.seen(ids)
        return {each: Standing(each in coded, each in linked, seen.get(each)) for each in ids}

    async def _place(self, code: str) -> Area:
        return await Areas(self.session, self.viewer).place(code)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a user comes in."""

    second_factor: bool
    linked: bool
    """Whether the identity provider knows them."""
    seen_at: datetime | None
    """When a browser of theirs was last seen that is still signed in."""


def _place(user: User) -> Place:
    return Place(user.area_code, frozenset(map(Role, user.roles)), user.disabled)
