"""Keeps the trail of a database: what its rows tell, and who came in, went or was refused, which none tells."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.models import User
from controller.accounts.sign_ins import SignedIn, SignedOut, SignInRefused
from controller.areas.tree import ROOT_PATH
from controller.audit.capture import note, watch
from controller.audit.chain import Changes, Deed
from controller.audit.tally import REFUSAL, Refusal, Tally
from controller.database import Actor, Database
from controller.events import Event


def keep_trail(database: Database, now: Callable[[], datetime], tally: Tally) -> None:
    """Write down everything that this database's transactions go through, in themselves."""
    watch(database, now)

    async def take(session: AsyncSession, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, SignedIn):
                area = await _area_of(session, event.user_id)
                changes = {"means": [None, event.means.value]}
                note(session, Deed("user", event.user_id, "signed_in", event.name, area, changes))
            elif isinstance(event, SignedOut):
                user = await session.get_one(User, event.user_id)
                ended: Changes = {"browsers": [None, event.browsers]}
                note(session, Deed("user", user.id, "signed_out", user.name, user.area.path, ended))
            elif isinstance(event, SignInRefused):
                for refusal in tally.add(_not_let_in(event), event.at):
                    await tell(session, refusal)

    database.before_commit.append(take)


async def tell(session: AsyncSession, refusal: Refusal) -> None:
    """Write one down where those who look after that person, or that account, or else that thing, see it."""
    deed, actor = refusal.deed, refusal.actor
    if deed.kind in {"user", REFUSAL}:
        account = deed.key if deed.kind == "user" else actor.user_id
        deed = replace(deed, area=await _area_of(session, account))
    note(session, deed, actor=actor)


def _not_let_in(event: SignInRefused) -> Refusal:
    """Return the refusal. What was typed is told only where it is a user's name: it might be a password."""
    deed = Deed(
        "user",
        event.user_id,
        "sign_in_failed",
        event.name if event.user_id else "",
        changes={"means": [None, event.means.value], "why": [None, event.why.value]},
    )
    return Refusal(Actor("", "", event.address), deed, event.why.value)


async def _area_of(session: AsyncSession, user_id: str) -> str:
    user = await session.get(User, user_id) if user_id else None
    return ROOT_PATH if user is None else user.area.path
