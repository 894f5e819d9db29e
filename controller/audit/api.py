"""`/api/v1/audit`: who did what."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime

from controller.accounts.access import AUDITS, READS, ViewerDep
from controller.audit import heads
from controller.audit.ledger import Ledger
from controller.audit.repository import AuditRepository
from controller.audit.schemas import EntryOut, HeadOut
from controller.audit.values import moment
from controller.http.pages import PageDep, PageOut
from controller.http.route import NowDep, RuntimeDep, SessionDep, TransactionRoute

router = APIRouter(prefix="/api/v1/audit", tags=["audit"], route_class=TransactionRoute)

Word = Annotated[str, Query(max_length=255)]


@router.get("", operation_id="listAuditEntries", summary="Who did what, newest first", dependencies=[AUDITS])
async def list_entries(
    *,
    session: SessionDep,
    viewer: ViewerDep,
    page: PageDep,
    kind: Annotated[Word, Query(description="Of what: `schedule`, `device`, `user`, `refusal`, …")] = "",
    key: Annotated[Word, Query(description="Of which: an id or code; with `kind`")] = "",
    actor: Annotated[Word, Query(description="By whom: a user's name")] = "",
    action: Annotated[Word, Query(description="`created`, `changed`, `removed`, `signed_in`, …")] = "",
    since: Annotated[AwareDatetime | None, Query(description="At this moment or later")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Before this moment")] = None,
) -> PageOut[EntryOut]:
    """Answer one page of entries about what lay in the viewer's area."""
    repository = AuditRepository(session)
    statement = repository.listed(
        viewer,
        kind=kind,
        key=key,
        actor=actor,
        action=action,
        since=moment(since) if since else "",
        until=moment(until) if until else "",
    )
    found = await repository.page(statement, page)
    return PageOut(items=[EntryOut.of(row, viewer) for row in found.items], next_cursor=found.next_cursor)


@router.get("/head", operation_id="getAuditHead", summary="How far the trail has come, signed", dependencies=[AUDITS])
async def get_head(session: SessionDep, runtime: RuntimeDep, now: NowDep) -> HeadOut:
    """Answer a signed head, to be kept elsewhere."""
    head = await Ledger(session).head()
    token = heads.sign(head, purpose=heads.HEAD, key=runtime.keys.signing, now=now)
    return HeadOut(number=head.number, hash=head.hash, token=token)


@router.get(
    "/{kind}/{key}", operation_id="getTrail", summary="The trail of one thing, newest first", dependencies=[READS]
)
async def get_trail(
    *,
    kind: Annotated[str, Path(max_length=32)],
    key: Annotated[str, Path(max_length=255)],
    session: SessionDep,
    viewer: ViewerDep,
    page: PageDep,
) -> PageOut[EntryOut]:
    """Answer one page of what was done to a schedule, a speaker, …: for whoever sees such things in its area."""
    repository = AuditRepository(session)
    found = await repository.page(repository.listed(viewer, kind=kind, key=key), page)
    return PageOut(items=[EntryOut.of(row, viewer) for row in found.items], next_cursor=found.next_cursor)
