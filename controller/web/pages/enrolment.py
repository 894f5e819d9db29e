"""Speakers on their way in and out, as a page for technicians: who waits, a code, whose certificate ends when."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from markupsafe import Markup
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from controller.accounts.access import MAINTAINS, ViewerDep
from controller.devices.models import DeviceStatus
from controller.devices.schemas import DeviceIn
from controller.devices.service import Devices
from controller.enrolment.api import EnrolmentDep, OfficeDep, shown
from controller.enrolment.models import Application, Certificate
from controller.enrolment.schemas import FingerprintField
from controller.enrolment.service import Enrolment
from controller.errors import ControllerError
from controller.http.problems import invalid
from controller.http.route import NowDep, SessionDep
from controller.repository import PageRequest
from controller.web.pages.common import page_for
from controller.web.present.enrolment import ApplicationView, CertificateView, EnrolmentCodeView
from controller.web.routing import PageRoute
from controller.web.templating import Page

router = APIRouter(include_in_schema=False, route_class=PageRoute)

HERE = "/devices/enrolment"
SPEAKERS_MAX = 500
CERTIFICATES_MAX = 200
Typed = Annotated[str, Form(max_length=200)]


@router.get(HERE, dependencies=[MAINTAINS])
async def enrolment(
    request: Request, session: SessionDep, viewer: ViewerDep, desk: EnrolmentDep, now: NowDep
) -> Response:
    """Show who waits, and the certificates."""
    return await _shown(await page_for(request, session, viewer, now), desk)


@router.post(f"{HERE}/code", dependencies=[MAINTAINS])
async def make_code(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    desk: EnrolmentDep,
    office: OfficeDep,
    now: NowDep,
    device_id: Typed,
) -> Response:
    """Show a new code, this once."""
    page = await page_for(request, session, viewer, now)
    try:
        made = shown(await desk.new_code(device_id.strip(), now), office.controller)
    except ControllerError as refusal:
        return await _shown(page, desk, error=refusal.detail.in_language(page.t.language.code), status=refusal.status)
    code = EnrolmentCodeView(
        device_id=made.device_id,
        code=made.code,
        command=made.command,
        qr=Markup(made.qr_svg),  # noqa: S704 drawn by segno
        expires_at=made.expires_at,
    )
    return await _shown(page, desk, code=code)


@router.post(f"{HERE}/revocation", dependencies=[MAINTAINS])
async def revoke(desk: EnrolmentDep, now: NowDep, device_id: Typed) -> Response:
    """Shut a speaker out."""
    await desk.revoke(device_id, now)
    return RedirectResponse(HERE, 303)


@router.post(f"{HERE}/{{fingerprint}}", dependencies=[MAINTAINS])
async def decide(
    *,
    fingerprint: FingerprintField,
    session: SessionDep,
    viewer: ViewerDep,
    desk: EnrolmentDep,
    now: NowDep,
    do: Typed = "",
    device_id: Typed = "",
    name: Typed = "",
    area_code: Typed = "",
    lat: Typed = "",
    lon: Typed = "",
    replace: Typed = "",
) -> Response:
    """Let a board in, as a speaker that is there or a new one; or turn it away."""
    if do == "reject":
        await desk.reject(fingerprint, now)
        return RedirectResponse(HERE, 303)
    if name:
        place = {"lat": lat.strip() or None, "lon": lon.strip() or None}
        given = {"id": device_id.strip(), "name": name, "area_code": area_code or viewer.area_code, **place}
        try:
            wish = DeviceIn.model_validate(given)
        except ValidationError as error:
            raise invalid(error.errors()) from error
        await Devices(session, viewer).register(wish, now)
    await desk.approve(fingerprint, device_id.strip(), now, replace=bool(replace))
    return RedirectResponse(HERE, 303)


async def _shown(
    page: Page, desk: Enrolment, *, code: EnrolmentCodeView | None = None, error: str = "", status: int = 200
) -> Response:
    viewer = desk.viewer
    speakers = desk.devices.listed(viewer, status=DeviceStatus.ACTIVE)
    listed = await desk.devices.page(speakers, PageRequest(limit=SPEAKERS_MAX))
    live = await desk.certificates.all(desk.certificates.live(viewer).limit(CERTIFICATES_MAX))
    return page.html(
        "enrolment.html",
        status=status,
        viewer_name=viewer.name,
        area_code=viewer.area_code,
        waiting=tuple(_application(row) for row in await desk.applications.waiting(viewer)),
        speakers=tuple((device.id, device.name) for device in listed.items),
        certificates=tuple(_certificate(row, page) for row in live),
        code=code,
        error=error,
    )


def _application(row: Application) -> ApplicationView:
    return ApplicationView(
        fingerprint=row.fingerprint,
        groups=tuple(row.fingerprint[at : at + 4] for at in range(0, len(row.fingerprint), 4)),
        about=" · ".join(each for each in (row.hardware, row.hostname, row.address) if each),
        since=row.first_seen_at,
    )


def _certificate(row: Certificate, page: Page) -> CertificateView:
    return CertificateView(row.device_id, row.not_after, expired=row.not_after <= page.now)
