"""`/api/v1/signing-keys`: for administrators of the whole country."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends

from controller.accounts.access import ADMINISTERS, NATIONAL
from controller.broadcasting import key_watch_of
from controller.http.route import NowDep, RuntimeDep, SessionDep, TransactionRoute
from controller.signing.schemas import RevocationIn, RotationIn, SigningKeyOut, StatementOut
from controller.signing.service import SigningKeyService

router = APIRouter(
    prefix="/api/v1/signing-keys",
    tags=["signing keys"],
    route_class=TransactionRoute,
)


async def _keys(session: SessionDep, runtime: RuntimeDep, now: NowDep) -> SigningKeyService:
    wake: Callable[[], None] = key_watch_of(runtime).wake
    return SigningKeyService(session, runtime.keys, now, changed=wake)


KeysDep = Annotated[SigningKeyService, Depends(_keys)]


@router.get(
    "", operation_id="listSigningKeys", summary="Signing keys, oldest first", dependencies=[ADMINISTERS, NATIONAL]
)
async def list_keys(keys: KeysDep) -> list[SigningKeyOut]:
    """Answer every key."""
    return [SigningKeyOut.model_validate(row) for row in await keys.known()]


@router.post(
    "/rotation",
    operation_id="rotateSigningKey",
    summary="Announce the next key",
    status_code=201,
    dependencies=[ADMINISTERS, NATIONAL],
)
async def rotate(body: RotationIn, keys: KeysDep) -> SigningKeyOut:
    """Make the next key. It signs once the overlap is over; the one before it is trusted until its orders expired."""
    return SigningKeyOut.model_validate(await keys.rotate(timedelta(hours=body.overlap_hours)))


@router.post(
    "/{kid}/retirement",
    operation_id="retireSigningKey",
    summary="Let a key sign no more",
    dependencies=[ADMINISTERS, NATIONAL],
)
async def retire(kid: str, keys: KeysDep) -> SigningKeyOut:
    """Retire a key in favour of the announced one; an announced one is dropped."""
    return SigningKeyOut.model_validate(await keys.retire(kid))


@router.post(
    "/{kid}/statement",
    operation_id="stateRevocation",
    summary="What the recovery key must sign to revoke a key",
    dependencies=[ADMINISTERS, NATIONAL],
)
async def state(kid: str, keys: KeysDep) -> StatementOut:
    """Answer the statement. Where no other key could take over, one is made."""
    return StatementOut.model_validate((await keys.statement(kid)).model_dump(mode="json"))


@router.post(
    "/{kid}/revocation",
    operation_id="revokeSigningKey",
    summary="Have every speaker distrust a key for ever",
    dependencies=[ADMINISTERS, NATIONAL],
)
async def revoke(kid: str, body: RevocationIn, keys: KeysDep) -> SigningKeyOut:
    """Revoke a stolen key with the signed statement; what stands on the broker is signed anew at once."""
    return SigningKeyOut.model_validate(await keys.revoke(kid, body.notice))
