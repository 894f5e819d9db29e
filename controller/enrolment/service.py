"""What may happen on a speaker's way in and out."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.authority.authority import canonical, read_request
from controller.devices.models import Device, DeviceStatus
from controller.devices.repository import DeviceRepository
from controller.enrolment.models import Application, Certificate, CodeRow, Decision, Reason
from controller.enrolment.office import Office
from controller.enrolment.repository import ApplicationRepository, CertificateRepository, CodeRepository, Register
from controller.errors import Conflict, Forbidden, Invalid, TooManyAttempts
from controller.events import DeviceChanged, record_event
from controller.text import Text
from protocol.enrolment import (
    CODE_ID_LENGTH,
    CODE_LETTERS,
    CODE_SECRET_LENGTH,
    RENEWAL_AUDIENCE,
    EnrolmentAnswer,
    EnrolmentCode,
    EnrolmentRequest,
    RenewalRequest,
    fingerprint,
    prove,
    proves,
)

log = structlog.get_logger(__name__)

CODE_LIFETIME = timedelta(hours=4)
"""From the office to the pole, and for a second try."""
WAITING_MAX = 200
WAITING_PER_ADDRESS = 20
WAITING_RETRY_S = 600
RENEWABLE_FOR = timedelta(days=730)
"""After its end: a speaker may lie in a store room. Revoking is what ends it for good."""
RENEWALS_MAX = 10
"""Of one certificate, each with another key: a speaker keeps the key that it asks with until it has an answer."""
_NO_KEY = b"\0" * 64


class CodeRefused(Forbidden):
    """Unknown, over, used, or not proved: which of these is not said."""

    code = "enrolment_code_refused"
    title = Text("This enrolment code is not valid. Ask for a new one.")


class RenewalRefused(Forbidden):
    """The certificate is unknown, revoked, too old, or somebody else's; or its speaker is retired."""

    code = "renewal_refused"
    title = Text("This certificate cannot be renewed. Enrol the speaker again.")


class Occupied(Conflict):
    """The speaker has a board that works."""

    code = "speaker_occupied"


@dataclass(frozen=True, slots=True)
class NewCode:
    """A code as it is shown, this once."""

    row: CodeRow
    code: EnrolmentCode


class Reception:
    """What strangers ask: nobody is signed in."""

    def __init__(self, session: AsyncSession, office: Office) -> None:
        self._session = session
        self._office = office
        self._register = Register(session)
        self._applications = ApplicationRepository(session)

    async def receive(self, request: EnrolmentRequest, address: str, now: datetime) -> EnrolmentAnswer:
        """Answer a speaker that asks for its certificate. Raises `RequestRefused`, `CodeRefused`, `TooManyAttempts`."""
        mark = fingerprint(read_request(request.request))
        if request.code_id is None:
            return await self._wait(request, mark, address, now)
        row = await CodeRepository(self._session).locked(request.code_id)
        key = row.key if row is not None else _NO_KEY
        proved = proves(key, "speaker", request.request, request.proof)
        if row is None or not proved or row.expires_at <= now or row.fingerprint not in {None, mark}:
            raise CodeRefused
        device = await self._session.get(Device, row.device_id)
        if device is None or device.status is not DeviceStatus.ACTIVE:
            raise CodeRefused
        certificate = await self._of(mark, device.id)
        if row.fingerprint is None:
            row.fingerprint, row.used_at = mark, now
            certificate = await self.admit(request.request, mark, device, now)
        elif certificate is None:
            raise CodeRefused
        said = self._office.identity(certificate).model_dump_json()
        proof = prove(key, "controller", said)
        return EnrolmentAnswer(state="enrolled", fingerprint=mark, identity=said, proof=proof)

    async def admit(self, request: str, mark: str, device: Device, now: datetime) -> Certificate:
        """Certify a board as a speaker. Whatever was that speaker before is it no longer."""
        await self._register.revoke(device.id, Reason.REPLACED, now)
        certificate = self._office.certify(request, mark, device.id, now)
        self._register.add(certificate)
        await self._session.flush()
        record_event(self._session, DeviceChanged(device.id))
        log.info("device_enrolled", device=device.id, fingerprint=mark, serial=certificate.serial)
        return certificate

    async def renew(self, wish: RenewalRequest, now: datetime) -> str:
        """Return a speaker's next certificate. Raises `RenewalRefused`."""
        present, claims = await self._present(wish, now)
        request = claims.get("request")
        if not isinstance(request, str):
            raise RenewalRefused
        mark = fingerprint(read_request(request))
        if mark == present.fingerprint:
            raise Invalid.field("request", Text("A new key is needed"))
        known = await self._register.of_key(mark)
        if known is None:
            if await self._register.renewals_of(present.serial) >= RENEWALS_MAX:
                raise TooManyAttempts(24 * 3600)
            known = self._office.certify(request, mark, present.device_id, now)
            known.renews = present.serial
            self._register.add(known)
            await self._session.flush()
            # It is in use, so those before it are not; this one stays until its successor is used.
            if await self._register.supersede(present, known, now):
                record_event(self._session, DeviceChanged(present.device_id))
            log.info("certificate_renewed", device=present.device_id, serial=known.serial)
        elif known.device_id != present.device_id or known.revoked_at is not None:
            raise RenewalRefused
        return self._office.chain(known)

    async def _present(self, wish: RenewalRequest, now: datetime) -> tuple[Certificate, Mapping[str, object]]:
        """Return the certificate by whose key a wish is signed, and what is wished."""
        try:
            mark = str(jwt.get_unverified_header(wish.token).get("kid", ""))[:64]
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise RenewalRefused from error
        certificate = await self._register.of_key(mark) if mark.isalnum() else None
        if certificate is None or certificate.revoked_at is not None or certificate.not_after + RENEWABLE_FOR <= now:
            raise RenewalRefused
        public = x509.load_pem_x509_certificate(certificate.pem.encode()).public_key()
        assert isinstance(public, EllipticCurvePublicKey)  # noqa: S101 no other was ever certified
        try:
            claims: Mapping[str, object] = jwt.decode(
                wish.token,
                public,
                algorithms=["ES256"],
                audience=RENEWAL_AUDIENCE,
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise RenewalRefused from error
        device = await self._session.get(Device, certificate.device_id)
        if device is None or device.status is not DeviceStatus.ACTIVE or claims.get("sub") != device.id:
            raise RenewalRefused
        return certificate, claims

    async def _wait(self, request: EnrolmentRequest, mark: str, address: str, now: datetime) -> EnrolmentAnswer:
        await self._applications.forget_expired(now)
        row = await self._applications.of(mark)
        if row is None:
            await self._make_room(address)
            row = Application(
                fingerprint=mark,
                request=canonical(request.request),
                hardware=_plain(request.hardware),
                hostname=_plain(request.hostname),
                agent_version=_plain(request.agent_version),
                address=address[:64],
                first_seen_at=now,
                last_seen_at=now,
                state=Decision.WAITING,
            )
            self._applications.add(row)
            log.info("device_asks_to_be_let_in", fingerprint=mark, address=address)
        if row.state is Decision.WAITING:
            row.last_seen_at = now
            return EnrolmentAnswer(state="waiting", fingerprint=mark)
        certificate = await self._of(mark, row.device_id) if row.device_id is not None else None
        if certificate is None:
            return EnrolmentAnswer(state="rejected", fingerprint=mark)
        said = self._office.identity(certificate).model_dump_json()
        return EnrolmentAnswer(state="enrolled", fingerprint=mark, identity=said)

    async def _of(self, mark: str, device_id: str) -> Certificate | None:
        """Return the certificate of a key as a speaker, if it still counts."""
        found = await self._register.of_key(mark, device_id)
        return found if found is not None and found.revoked_at is None else None

    async def _make_room(self, address: str) -> None:
        if (
            await self._applications.count_waiting() >= WAITING_MAX
            or await self._applications.count_waiting(address[:64]) >= WAITING_PER_ADDRESS
        ):
            raise TooManyAttempts(WAITING_RETRY_S)


class Enrolment:
    """What a technician does, for speakers of their area."""

    def __init__(self, session: AsyncSession, viewer: Viewer, office: Office) -> None:
        self._session = session
        self.viewer = viewer
        self._office = office
        self._codes = CodeRepository(session)
        self._register = Register(session)
        self.devices = DeviceRepository(session)
        self.applications = ApplicationRepository(session)
        self.certificates = CertificateRepository(session)

    async def new_code(self, device_id: str, now: datetime) -> NewCode:
        """Make a speaker's one code; an earlier one is good no more."""
        device = await self._active(device_id)
        await self._codes.forget_expired(now)
        await self._codes.forget(device.id)
        code = EnrolmentCode(_letters(CODE_ID_LENGTH), _letters(CODE_SECRET_LENGTH))
        while await self._codes.locked(code.id) is not None:
            code = EnrolmentCode(_letters(CODE_ID_LENGTH), code.secret)
        row = CodeRow(
            id=code.id,
            device_id=device.id,
            key=code.key(),
            created_by=self.viewer.name,
            created_at=now,
            expires_at=now + CODE_LIFETIME,
        )
        self._codes.add(row)
        await self._session.flush()
        return NewCode(row, code)

    async def approve(self, mark: str, device_id: str, now: datetime, *, replace: bool = False) -> Application:
        """Let a waiting board in, as one of the viewer's speakers. Raises `Occupied` unless it may `replace`."""
        row = await self._waiting(mark)
        device = await self._active(device_id)
        if not replace and await self._register.has_live(device.id, now):
            raise Occupied(
                Text("The speaker %(id)s has a board already. Confirm that this one takes its place.", id=device.id)
            )
        await Reception(self._session, self._office).admit(row.request, mark, device, now)
        self._decide(row, Decision.APPROVED, now)
        row.device_id = device.id
        return row

    async def reject(self, mark: str, now: datetime) -> Application:
        """Turn a waiting board away."""
        row = await self._waiting(mark)
        self._decide(row, Decision.REJECTED, now)
        return row

    async def revoke(self, device_id: str, now: datetime) -> None:
        """Shut a speaker out: its certificates and its code are good no more, until it is enrolled anew."""
        await withdraw(self._session, await self.devices.get(self.viewer, device_id), Reason.REVOKED, now)

    async def _active(self, device_id: str) -> Device:
        device = await self.devices.get(self.viewer, device_id)
        if device.status is not DeviceStatus.ACTIVE:
            raise Conflict(Text("The speaker %(id)s is retired", id=device.id))
        return device

    async def _waiting(self, mark: str) -> Application:
        await self.applications.get(self.viewer, mark)
        row = await self.applications.of(mark)
        if row is None or row.state is not Decision.WAITING:
            raise Conflict(Text("This application was decided already"))
        return row

    def _decide(self, row: Application, decision: Decision, now: datetime) -> None:
        row.state, row.decided_by, row.decided_at = decision, self.viewer.name, now


async def withdraw(session: AsyncSession, device: Device, reason: Reason, now: datetime) -> None:
    """Take everything from a speaker by which it could come in."""
    await CodeRepository(session).forget(device.id)
    if await Register(session).revoke(device.id, reason, now):
        log.info("certificates_revoked", device=device.id, reason=reason)
    record_event(session, DeviceChanged(device.id))


def _letters(length: int) -> str:
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(length))


def _plain(text: str) -> str:
    """What strangers say of themselves, as one line that every database takes."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()
