"""`/api/v1/me` and below: what somebody says of themselves and signs in with, in their own hands."""

from typing import Annotated

from fastapi import APIRouter, Depends

from controller.accounts.access import IN_PERSON, OWN, ViewerDep
from controller.accounts.models import UserSession
from controller.accounts.own import OwnSecondFactor
from controller.accounts.profile import OwnProfile
from controller.accounts.repository import Credentials, SessionRepository
from controller.accounts.schemas import (
    AddressNote,
    CodeIn,
    OwnAddress,
    OwnEdit,
    RecoveryCodes,
    SecondFactorOut,
    SessionOut,
)
from controller.http.pages import PageDep, PageOut
from controller.http.route import NowDep, RuntimeDep, SessionDep, TransactionRoute

router = APIRouter(prefix="/api/v1/me", tags=["accounts"], route_class=TransactionRoute)


def _own(runtime: RuntimeDep, session: SessionDep, viewer: ViewerDep, now: NowDep) -> OwnSecondFactor:
    return OwnSecondFactor(runtime, session, viewer, now)


OwnDep = Annotated[OwnSecondFactor, Depends(_own)]


def _profile(runtime: RuntimeDep, session: SessionDep, viewer: ViewerDep, now: NowDep) -> OwnProfile:
    return OwnProfile(runtime, session, viewer, now)


ProfileDep = Annotated[OwnProfile, Depends(_profile)]


@router.patch(
    "",
    operation_id="editMe",
    summary="Change the name that others read",
    status_code=204,
    dependencies=[OWN, IN_PERSON],
)
async def rename(body: OwnEdit, profile: ProfileDep) -> None:
    """Change one's own name as it is shown; the name to sign in with stays."""
    await profile.rename(body.full_name)


@router.post(
    "/email",
    operation_id="askForAddress",
    summary="Have a letter sent to a new mail address",
    status_code=202,
    dependencies=[OWN, IN_PERSON],
)
async def ask_for_address(body: OwnAddress, profile: ProfileDep) -> None:
    """Send a letter with a link; the address holds once that was followed."""
    await profile.ask(body.email)


@router.post(
    "/email/confirmation",
    operation_id="confirmAddress",
    summary="Confirm a new mail address",
    status_code=204,
    dependencies=[OWN, IN_PERSON],
)
async def confirm_address(body: AddressNote, profile: ProfileDep) -> None:
    """Take the address to which the letter went."""
    await profile.confirm(body.note)


@router.get("/sessions", operation_id="listSessions", summary="Where one is signed in", dependencies=[OWN, IN_PERSON])
async def list_sessions(session: SessionDep, viewer: ViewerDep, page: PageDep, now: NowDep) -> PageOut[SessionOut]:
    """Answer one page of signed-in browsers, the newest first."""
    sessions = SessionRepository(session)
    found = await sessions.page(sessions.readable(viewer).where(UserSession.expires_at > now), page)
    shown = [SessionOut.model_validate(row) for row in found.items]
    items = [each.model_copy(update={"current": each.id == viewer.session_id}) for each in shown]
    return PageOut(items=items, next_cursor=found.next_cursor)


@router.delete(
    "/sessions",
    operation_id="endSessions",
    summary="Sign out everywhere",
    status_code=204,
    dependencies=[OWN, IN_PERSON],
)
async def end_sessions(session: SessionDep, viewer: ViewerDep) -> None:
    """End all of one's sign-ins, this one too."""
    await Credentials(session).forget_all(viewer.user_id)


@router.delete(
    "/sessions/{session_id}",
    operation_id="endSession",
    summary="Sign one browser out",
    status_code=204,
    dependencies=[OWN, IN_PERSON],
)
async def end_session(session_id: str, session: SessionDep, viewer: ViewerDep) -> None:
    """End one of one's sign-ins."""
    ended = await SessionRepository(session).get_by_id(viewer, session_id)
    await Credentials(session).forget(ended.token_hash)


@router.post(
    "/second-factor",
    operation_id="beginSecondFactor",
    summary="Set up one-time codes",
    status_code=201,
    dependencies=[OWN, IN_PERSON],
)
async def begin(own: OwnDep) -> SecondFactorOut:
    """Answer the secret for an authenticator app. Codes are asked for once the first was confirmed."""
    enrolment = await own.begin()
    return SecondFactorOut(secret=enrolment.secret, uri=enrolment.uri)


@router.post(
    "/second-factor/confirmation",
    operation_id="confirmSecondFactor",
    summary="Show the first one-time code",
    dependencies=[OWN, IN_PERSON],
)
async def confirm(body: CodeIn, own: OwnDep) -> RecoveryCodes:
    """Answer the recovery codes, this once. The other sign-ins end."""
    return RecoveryCodes(codes=list(await own.confirm(body.code)))


@router.post(
    "/second-factor/recovery-codes",
    operation_id="replaceRecoveryCodes",
    summary="Make new recovery codes",
    dependencies=[OWN, IN_PERSON],
)
async def replace_recovery_codes(body: CodeIn, own: OwnDep) -> RecoveryCodes:
    """Answer new recovery codes, this once; those of before are worth nothing."""
    return RecoveryCodes(codes=list(await own.new_recovery_codes(body.code)))


@router.post(
    "/second-factor/removal",
    operation_id="removeSecondFactor",
    summary="Ask for no more one-time codes",
    status_code=204,
    dependencies=[OWN, IN_PERSON],
)
async def remove(body: CodeIn, own: OwnDep) -> None:
    """Remove the second factor, with one last code of it."""
    await own.remove(body.code)
