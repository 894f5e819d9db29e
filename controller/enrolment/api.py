"""`/api/v1/enrolment`: two endpoints for speakers, the others for technicians."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import segno
from fastapi import APIRouter, Depends, Request

from controller.accounts.access import MAINTAINS, ViewerDep
from controller.database import Actor, set_actor
from controller.devices.service import Devices
from controller.enrolment.office import Office, office_of
from controller.enrolment.schemas import ApplicationOut, ApprovalIn, CertificateOut, CodeOut, FingerprintField
from controller.enrolment.service import CodeRefused, Enrolment, NewCode, Reception, RenewalRefused
from controller.enrolment.throttle import Doorbells, doorbells_of
from controller.http.openapi import refusals
from controller.http.pages import PageDep, PageOut
from controller.http.route import NowDep, RuntimeDep, SessionDep, TransactionRoute
from protocol.enrolment import (
    ENROL_PATH,
    RENEW_PATH,
    EnrolmentAnswer,
    EnrolmentCode,
    EnrolmentRequest,
    RenewalAnswer,
    RenewalRequest,
)

router = APIRouter(tags=["enrolment"], route_class=TransactionRoute)


def _office(runtime: RuntimeDep) -> Office:
    return office_of(runtime)


OfficeDep = Annotated[Office, Depends(_office)]


def _enrolment(session: SessionDep, viewer: ViewerDep, office: OfficeDep) -> Enrolment:
    return Enrolment(session, viewer, office)


EnrolmentDep = Annotated[Enrolment, Depends(_enrolment)]


@dataclass(frozen=True, slots=True)
class Stranger:
    """Who asks without a sign-in: a speaker, or somebody who plays one."""

    address: str
    bells: Doorbells
    now: datetime

    def failed(self) -> None:
        """Count a proof that was wrong."""
        self.bells.wrong.count(self.address, self.now)


def _stranger(request: Request, session: SessionDep, runtime: RuntimeDep, now: NowDep) -> Stranger:
    address, bells = request.client.host if request.client else "", doorbells_of(runtime)
    for bell in (bells.requests, bells.wrong):
        bell.check(address, now)
    bells.requests.count(address, now)
    set_actor(session, Actor("", "speaker", address))
    return Stranger(address, bells, now)


StrangerDep = Annotated[Stranger, Depends(_stranger)]


@router.post(ENROL_PATH, operation_id="enrol", summary="A speaker asks for its certificate", responses=refusals(429))
async def enrol(
    body: EnrolmentRequest, session: SessionDep, office: OfficeDep, stranger: StrangerDep
) -> EnrolmentAnswer:
    """Answer a board: enrolled, waiting or rejected. Why a code is refused is not said."""
    try:
        return await Reception(session, office).receive(body, stranger.address, stranger.now)
    except CodeRefused:
        stranger.failed()
        raise


@router.post(
    RENEW_PATH, operation_id="renewCertificate", summary="A speaker renews its certificate", responses=refusals(429)
)
async def renew_certificate(
    body: RenewalRequest, session: SessionDep, office: OfficeDep, stranger: StrangerDep
) -> RenewalAnswer:
    """Answer whoever signs with the key of a certificate, expired or not, that was not revoked."""
    try:
        return RenewalAnswer(certificate=await Reception(session, office).renew(body, stranger.now))
    except RenewalRefused:
        stranger.failed()
        raise


@router.post(
    "/api/v1/devices/{device_id}/enrolment-code",
    operation_id="makeEnrolmentCode",
    summary="Make a speaker's one-time code",
    status_code=201,
    dependencies=[MAINTAINS],
)
async def make_enrolment_code(device_id: str, enrolment: EnrolmentDep, office: OfficeDep, now: NowDep) -> CodeOut:
    """Show a code, this once. Where the speaker has a board already, the one that uses the code takes its place."""
    return shown(await enrolment.new_code(device_id, now), office.controller)


@router.get(
    "/api/v1/devices/{device_id}/certificates",
    operation_id="listCertificates",
    summary="A speaker's certificates, the newest first",
    dependencies=[MAINTAINS],
)
async def list_certificates(
    device_id: str, enrolment: EnrolmentDep, viewer: ViewerDep, page: PageDep
) -> PageOut[CertificateOut]:
    """Answer one page of them."""
    device = await enrolment.devices.get(viewer, device_id)
    issued = enrolment.certificates.readable(viewer)
    listed = issued.where(enrolment.certificates.model.device_id == device.id)
    found = await enrolment.certificates.page(listed, page)
    return PageOut(items=[CertificateOut.of(row) for row in found.items], next_cursor=found.next_cursor)


@router.post(
    "/api/v1/devices/{device_id}/certificates/revocation",
    operation_id="revokeCertificates",
    summary="Shut a speaker out",
    status_code=204,
    dependencies=[MAINTAINS],
)
async def revoke_certificates(device_id: str, enrolment: EnrolmentDep, now: NowDep) -> None:
    """Revoke all that the speaker has, its code too. It stays registered, and can be enrolled anew."""
    await enrolment.revoke(device_id, now)


@router.get(
    "/api/v1/enrolment/applications",
    operation_id="listApplications",
    summary="Boards that wait to be let in",
    dependencies=[MAINTAINS],
)
async def list_applications(enrolment: EnrolmentDep, viewer: ViewerDep) -> Sequence[ApplicationOut]:
    """Answer all that wait: they are few, and belong to no area yet."""
    return [ApplicationOut.of(row) for row in await enrolment.applications.waiting(viewer)]


@router.post(
    "/api/v1/enrolment/applications/{fingerprint}/approval",
    operation_id="approveApplication",
    summary="Let a board in",
    dependencies=[MAINTAINS],
)
async def approve_application(
    *,
    fingerprint: FingerprintField,
    body: ApprovalIn,
    enrolment: EnrolmentDep,
    session: SessionDep,
    viewer: ViewerDep,
    now: NowDep,
) -> ApplicationOut:
    """Make it one of the speakers here. Compare the fingerprint with what the board shows before."""
    device_id = body.device_id or ""
    if body.register_as is not None:
        device_id = (await Devices(session, viewer).register(body.register_as, now)).id
    return ApplicationOut.of(await enrolment.approve(fingerprint, device_id, now, replace=body.replace))


@router.post(
    "/api/v1/enrolment/applications/{fingerprint}/rejection",
    operation_id="rejectApplication",
    summary="Turn a board away",
    dependencies=[MAINTAINS],
)
async def reject_application(fingerprint: FingerprintField, enrolment: EnrolmentDep, now: NowDep) -> ApplicationOut:
    """Turn it away for a week; it may ask again afterwards."""
    return ApplicationOut.of(await enrolment.reject(fingerprint, now))


def shown(made: NewCode, controller: str) -> CodeOut:
    """Return a new code as people see it."""
    command = command_for(controller, made.code)
    qr = segno.make(command, error="m", micro=False)
    return CodeOut(
        device_id=made.row.device_id,
        code=str(made.code),
        command=command,
        qr_svg=qr.svg_inline(scale=1, border=4, omitsize=True, svgclass="qr", dark="#000", light="#fff"),
        expires_at=made.row.expires_at,
    )


def command_for(controller: str, code: EnrolmentCode) -> str:
    """Return what to type at the speaker."""
    return f"sudo loa agent enroll --controller {controller} --code {code}"
