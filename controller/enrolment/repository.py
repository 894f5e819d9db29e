"""SQL of codes, applications and certificates."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.tree import within
from controller.devices.models import Device
from controller.enrolment.models import Application, Certificate, CodeRow, Decision, Reason
from controller.repository import Repository

WAITS_AT_MOST = timedelta(days=1)
"""An application that was not repeated for so long is forgotten: a speaker that is there asks every few minutes."""
DECIDED_KEPT = timedelta(days=7)
CLOCKS_DIFFER_BY = timedelta(days=1)
"""The broker's machine may think that a certificate holds a little longer."""


class CodeRepository:
    """Codes, for the service itself: whoever may see a speaker never sees its codes again."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def locked(self, code_id: str) -> CodeRow | None:
        """Return a code, that nobody else uses meanwhile."""
        return await self._session.scalar(select(CodeRow).where(CodeRow.id == code_id).with_for_update())

    async def forget(self, device_id: str) -> None:
        """Forget a speaker's codes."""
        await self._session.execute(delete(CodeRow).where(CodeRow.device_id == device_id))

    async def forget_expired(self, now: datetime) -> None:
        """Forget codes that are over, used or not."""
        await self._session.execute(delete(CodeRow).where(CodeRow.expires_at <= now))

    def add(self, row: CodeRow) -> None:
        """Add a code."""
        self._session.add(row)


class ApplicationRepository(Repository[Application]):
    """Applications. Who waits belongs to no area yet, so every technician sees it."""

    model = Application
    order = (Application.fingerprint,)

    def readable(self, viewer: Viewer) -> Select[Application]:
        """Return what belongs to nobody yet, and what belongs to a speaker that the viewer sees."""
        return (
            select(Application)
            .outerjoin(Device, Device.id == Application.device_id)
            .outerjoin(Area, Area.code == Device.area_code)
            .where(or_(Application.device_id.is_(None), within(Area.path, viewer.scope)))
        )

    async def waiting(self, viewer: Viewer) -> Sequence[Application]:
        """Return who waits, the longest waiting first."""
        statement = self.readable(viewer).where(Application.state == Decision.WAITING)
        return await self.all(statement.order_by(Application.first_seen_at, Application.fingerprint))

    async def of(self, fingerprint: str) -> Application | None:
        """Return the application of a key, that nobody else decides meanwhile."""
        return await self.session.scalar(
            select(Application).where(Application.fingerprint == fingerprint).with_for_update()
        )

    async def count_waiting(self, address: str | None = None) -> int:
        """Return how many wait, of all or from one address."""
        statement = select(func.count()).select_from(Application).where(Application.state == Decision.WAITING)
        if address is not None:
            statement = statement.where(Application.address == address)
        return await self.session.scalar(statement) or 0

    async def forget_expired(self, now: datetime) -> None:
        """Forget who asks no more, and old decisions."""
        waiting = (Application.state == Decision.WAITING) & (Application.last_seen_at <= now - WAITS_AT_MOST)
        decided = (Application.state != Decision.WAITING) & (Application.decided_at <= now - DECIDED_KEPT)
        await self.session.execute(delete(Application).where(waiting | decided))


class CertificateRepository(Repository[Certificate]):
    """Certificates of the speakers that a viewer sees."""

    model = Certificate
    order = (Certificate.issued_at, Certificate.serial)
    descending = True

    def readable(self, viewer: Viewer) -> Select[Certificate]:
        """Return certificates of speakers in the viewer's area subtree."""
        return (
            select(Certificate)
            .join(Device, Device.id == Certificate.device_id)
            .join(Area, Area.code == Device.area_code)
            .where(within(Area.path, viewer.scope))
        )

    def live(self, viewer: Viewer) -> Select[Certificate]:
        """Return the newest of each speaker's certificates that were not revoked, those that end first, first."""
        newest = (
            select(Certificate.device_id, func.max(Certificate.issued_at).label("issued_at"))
            .where(Certificate.revoked_at.is_(None))
            .group_by(Certificate.device_id)
            .subquery()
        )
        same = (newest.c.device_id == Certificate.device_id) & (newest.c.issued_at == Certificate.issued_at)
        statement = self.readable(viewer).join(newest, same).where(Certificate.revoked_at.is_(None))
        return statement.order_by(Certificate.not_after, Certificate.device_id)


class Register:
    """Every certificate, for the service itself."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def of_key(self, fingerprint: str, device_id: str | None = None) -> Certificate | None:
        """Return the newest certificate of a key, revoked or not."""
        statement = select(Certificate).where(Certificate.fingerprint == fingerprint)
        if device_id is not None:
            statement = statement.where(Certificate.device_id == device_id)
        return await self._session.scalar(
            statement.order_by(Certificate.issued_at.desc(), Certificate.serial).limit(1).with_for_update()
        )

    async def has_live(self, device_id: str, now: datetime) -> bool:
        """Whether a speaker has a certificate that lets it in."""
        statement = select(func.count()).where(
            Certificate.device_id == device_id, Certificate.revoked_at.is_(None), Certificate.not_after > now
        )
        return bool(await self._session.scalar(statement))

    async def renewals_of(self, serial: str) -> int:
        """Return how often one was renewed."""
        return await self._session.scalar(select(func.count()).where(Certificate.renews == serial)) or 0

    async def revoke(self, device_id: str, reason: Reason, now: datetime) -> bool:
        """Revoke all that counts of a speaker's certificates. Returns whether there were any.

        Expired ones, too: they would still be good for a renewal.
        """
        return await self._revoke(Certificate.device_id == device_id, reason, now)

    async def supersede(self, present: Certificate, following: Certificate, now: datetime) -> bool:
        """Revoke what a speaker had before its present certificate. Returns whether there was anything."""
        before = (
            (Certificate.device_id == present.device_id)
            & (Certificate.issued_at <= present.issued_at)
            & Certificate.serial.not_in([present.serial, following.serial])
        )
        return await self._revoke(before, Reason.SUPERSEDED, now)

    async def _revoke(self, which: ColumnElement[bool], reason: Reason, now: datetime) -> bool:
        done = await self._session.execute(
            update(Certificate)
            .where(which, Certificate.revoked_at.is_(None))
            .values(revoked_at=now, reason=reason)
            .returning(Certificate.serial),
            execution_options={"synchronize_session": "fetch"},
        )
        return bool(done.all())

    async def revoked(self, now: datetime) -> Sequence[Certificate]:
        """Return what is revoked and would still be good otherwise: what the broker must refuse."""
        statement = select(Certificate).where(
            Certificate.revoked_at.is_not(None), Certificate.not_after > now - CLOCKS_DIFFER_BY
        )
        return (await self._session.scalars(statement.order_by(Certificate.serial))).all()

    def add(self, row: Certificate) -> None:
        """Add a certificate."""
        self._session.add(row)
