"""One speaker: how it is and why, what it will play, what it played, how its machine does, and what can be done."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from markupsafe import Markup
from pydantic import TypeAdapter, ValidationError
from starlette.responses import RedirectResponse, Response

from controller.accounts.access import MAINTAINS, OPERATES, READS, ViewerDep
from controller.accounts.links import picture
from controller.broadcasts.repository import OccurrenceRepository
from controller.commands.api import CommandsDep
from controller.commands.models import CommandRow
from controller.commands.repository import CommandRepository
from controller.commands.schemas import CommandOut
from controller.devices.models import Device, DeviceStatus
from controller.devices.repository import DeviceRepository
from controller.devices.schemas import DeviceEdit
from controller.devices.service import Devices
from controller.errors import Conflict, ControllerError, NotFound
from controller.health.sampling import Range
from controller.health.service import history
from controller.http.problems import invalid
from controller.http.route import NowDep, RuntimeDep, SessionDep
from controller.incidents.api import IncidentsDep
from controller.incidents.repository import IncidentRepository
from controller.link.refusals import refusals_of
from controller.photos.api import PhotosDep
from controller.photos.errors import NoPicture
from controller.photos.models import DevicePhoto
from controller.photos.repository import PhotoRepository
from controller.photos.service import PHOTOS_MAX
from controller.photos.uploads import Drawn, DrawnDep
from controller.records.models import PlayRecordRow
from controller.records.repository import RecordRepository
from controller.repository import PageRequest
from controller.runtime import runtime_of
from controller.text import Text
from controller.web import gather
from controller.web.pages.common import page_for, words
from controller.web.pages.places import places
from controller.web.present import speaker as present
from controller.web.present.areas import DeviceChoice
from controller.web.present.causes import causes, tone_name
from controller.web.present.records import record_view
from controller.web.present.speakers import speaker_view
from controller.web.routing import PageRoute
from controller.web.speaker_views import AboutView, LabelView, NoteView, OneSpeakerView, PhotoView
from controller.web.templating import Page
from protocol.messages import Action

router = APIRouter(include_in_schema=False, route_class=PageRoute)

COMING = 8
RECORDS = 6
INCIDENTS = 10
ORDERS = 5
TONE_S: Final = 2.0
LOG_LINES: Final = 300
HERE: Final = "/speakers/{device_id}"
Typed = Annotated[str, Form(max_length=200)]
_ACTION: TypeAdapter[Action] = TypeAdapter(Action)


def _address(device_id: str, part: str = "", query: str = "") -> str:
    return f"/speakers/{quote(device_id, safe='')}{query}{part}"


@router.get(HERE, dependencies=[READS])
async def speaker(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    now: NowDep,
    device_id: str,
    wanted: Annotated[Range, Query(alias="range")] = Range.DAY,
    removed: Annotated[str, Query(max_length=26)] = "",
) -> Response:
    """The whole page. `removed`: a photo that was removed just now."""
    page = await page_for(request, session, viewer, now)
    device = await DeviceRepository(session).get(viewer, device_id)
    return await _shown(page, Devices(session, viewer), device, wanted=wanted, removed=removed)


async def _shown(
    page: Page,
    devices: Devices,
    device: Device,
    *,
    wanted: Range = Range.DAY,
    removed: str = "",
    note: NoteView | None = None,
    about: AboutView | None = None,
    status: int = 200,
) -> Response:
    session, viewer, formats, now = devices.session, devices.viewer, page.formats, page.now
    fleet = await gather.Fleet.some(session, viewer, [device.id])
    (facts,) = gather.speakers(fleet, refusals_of(runtime_of(page.request)))
    view = speaker_view(facts, formats, now)
    records, incidents, orders = RecordRepository(session), IncidentRepository(session), CommandRepository(session)
    mine = records.readable(viewer).where(PlayRecordRow.device_id == device.id)
    played = await records.page(mine, PageRequest(limit=RECORDS))
    troubles = await incidents.page(incidents.of(viewer, device.id), PageRequest(limit=INCIDENTS))
    ordered = orders.readable(viewer).where(CommandRow.device_id == device.id)
    given = await orders.page(ordered, PageRequest(limit=ORDERS))
    coming = await OccurrenceRepository(session).next_of(viewer, device.id, now, COMING)
    photos = await PhotoRepository(session).shown(viewer, device.id)
    _, samples = await history(session, viewer, device.id, wanted, now)
    return page.html(
        "speaker.html",
        status=status,
        viewer_name=viewer.name,
        here=_address(device.id),
        places=await places(session, viewer, also=[device.area_code]),
        view=OneSpeakerView(
            speaker=view,
            tone_name=tone_name(view.tone, page.t),
            code=device.id,
            retired=device.status is DeviceStatus.RETIRED,
            causes=causes(facts, formats, now),
            facts=present.machine_facts(await gather.said(session, viewer, device.id), formats, now),
            coming=tuple(present.coming_view(row, formats, now) for row in coming),
            records=tuple(record_view(row, device.name, page.t) for row in played.items),
            incidents=tuple(present.incident_view(row, formats, now) for row in troubles.items),
            orders=tuple(present.order_view(CommandOut.of(row, now), page.t) for row in given.items),
            health=present.health_view(wanted, samples, formats),
            note=note or NoteView(device.note, str(device.version)),
            about=about or _about(device),
            photos=tuple(_photo(row, page) for row in photos),
            photos_left=PHOTOS_MAX - len(photos),
            removed=removed,
        ),
    )


def _about(device: Device) -> AboutView:
    lat, lon = ("" if each is None else str(each) for each in (device.lat, device.lon))
    return AboutView(device.name, device.area_code, lat, lon, str(device.version))


def _photo(row: DevicePhoto, page: Page) -> PhotoView:
    about = f"{row.author} · {page.formats.short_day(row.added_at)}"
    return PhotoView(row.id, f"/api/v1/devices/{quote(row.device_id, safe='')}/photos/{row.id}", about)


@router.post(f"{HERE}/orders", dependencies=[OPERATES])
async def order(
    *,
    device_id: str,
    commands: CommandsDep,
    viewer: ViewerDep,
    now: NowDep,
    do: Typed = "",
    volume: Typed = "",
    minutes: Typed = "",
) -> Response:
    """Give an order; what the speaker answers appears by itself."""
    wish: dict[str, object] = {"verb": do}
    match do:
        case "test_tone":
            wish["seconds"] = TONE_S
        case "send_logs":
            wish["lines"] = LOG_LINES
        case "volume":
            until = now + timedelta(minutes=int(minutes)) if minutes.isdecimal() and len(minutes) <= 4 else None  # noqa: PLR2004 days
            wish |= {"volume": volume, "until": until}
    try:
        action = _ACTION.validate_python(wish)
    except ValidationError as error:
        raise invalid(error.errors()) from error
    row = await commands.order_of(viewer, device_id, action, now)
    return RedirectResponse(_address(row.device_id, "#orders"), 303)


@router.get(f"{HERE}/orders/{{command_id}}/log.txt", dependencies=[READS])
async def log_file(device_id: str, command_id: str, session: SessionDep, viewer: ViewerDep, now: NowDep) -> Response:
    """The log that the speaker sent, as a file to keep."""
    row = await CommandRepository(session).get(viewer, command_id)
    if row.device_id != device_id:
        raise NotFound
    shown = present.order_log(CommandOut.of(row, now))
    if not shown:
        raise Conflict(Text("The speaker has sent no log for this order"))
    name = f"{row.device_id}-{row.requested_at:%Y%m%d-%H%M%S}.log"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(shown, media_type="text/plain; charset=utf-8", headers=headers)


@router.post(f"{HERE}/incidents/{{incident_id}}", dependencies=[MAINTAINS])
async def acknowledge(device_id: str, incident_id: str, incidents: IncidentsDep, now: NowDep) -> Response:
    """Say that one sees to it."""
    await incidents.acknowledge(device_id, incident_id, now)
    return RedirectResponse(_address(device_id, "#incidents"), 303)


@router.post(f"{HERE}/note", dependencies=[MAINTAINS])
async def write_note(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    now: NowDep,
    device_id: str,
    note: Annotated[str, Form(max_length=10_000)] = "",
    version: Typed = "",
) -> Response:
    """Keep the note. Where somebody else was quicker, both texts are shown and nothing is lost."""
    page, devices = await page_for(request, session, viewer, now), Devices(session, viewer)
    device = await devices.repository.get(viewer, device_id)
    try:
        wish = DeviceEdit.model_validate({"note": note})
    except ValidationError:
        error = page.t("The note is too long, or holds what cannot be read: 4,000 letters at most.")
        kept = NoteView(note, version, error)
        return await _shown(page, devices, device, note=kept, status=422)
    if version != str(device.version):
        error = page.t(
            "Somebody else has changed it meanwhile. It says now: “%(note)s”. Save again to replace it.",
            note=device.note,
        )
        return await _shown(page, devices, device, note=NoteView(note, str(device.version), error), status=409)
    await devices.edit(device, wish, now)
    return RedirectResponse(_address(device.id, "#note"), 303)


@router.post(f"{HERE}/about", dependencies=[MAINTAINS])
async def write_about(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    now: NowDep,
    device_id: str,
    name: Typed = "",
    area_code: Typed = "",
    lat: Typed = "",
    lon: Typed = "",
    version: Typed = "",
) -> Response:
    """Keep its name and where it stands. Where somebody else was quicker, what was typed stays and nothing is lost."""
    page, devices = await page_for(request, session, viewer, now), Devices(session, viewer)
    device = await devices.repository.get(viewer, device_id)
    typed = AboutView(name, area_code, lat, lon, str(device.version))
    if version != str(device.version):
        error = page.t(
            "Somebody else has changed it meanwhile to “%(name)s”, %(place)s. Save again to have yours instead.",
            name=device.name,
            place=gather.place_of(device.area),
        )
        return await _shown(page, devices, device, about=replace(typed, error=error), status=409)
    wish = {"name": name, "area_code": area_code, "lat": lat.strip() or None, "lon": lon.strip() or None}
    try:
        await devices.edit(device, DeviceEdit.model_validate(wish), now)
    except (ControllerError, ValidationError) as refusal:
        return await _shown(page, devices, device, about=replace(typed, error=words(refusal, page)), status=422)
    return RedirectResponse(_address(device.id, "#about"), 303)


@router.post(f"{HERE}/service", dependencies=[MAINTAINS])
async def retire(device_id: str, session: SessionDep, viewer: ViewerDep, now: NowDep, do: Typed = "") -> Response:
    """Take it out of service, or back into it."""
    devices = Devices(session, viewer)
    device = await devices.repository.get(viewer, device_id)
    status = {"retire": DeviceStatus.RETIRED, "take-back": DeviceStatus.ACTIVE}.get(do)
    await devices.edit(device, DeviceEdit(status=status), now)
    return RedirectResponse(_address(device.id, "#service"), 303)


@router.post(f"{HERE}/photos", dependencies=[Drawn, MAINTAINS])
async def add_photo(device_id: str, photos: PhotosDep, viewer: ViewerDep, now: NowDep, drawn: DrawnDep) -> Response:
    """Add a photo."""
    device = await photos.devices.get(viewer, device_id)
    if drawn is None:
        raise NoPicture
    await photos.add(device, drawn, now)
    return RedirectResponse(_address(device.id, "#photos"), 303)


@router.post(f"{HERE}/photos/{{photo_id}}", dependencies=[MAINTAINS])
async def change_photo(device_id: str, photo_id: str, photos: PhotosDep, now: NowDep, do: Typed = "") -> Response:
    """Remove a photo, or bring it back."""
    if do == "restore":
        await photos.restore(device_id, photo_id)
        return RedirectResponse(_address(device_id, "#photos"), 303)
    await photos.remove(device_id, photo_id, now)
    return RedirectResponse(_address(device_id, "#photos", f"?removed={photo_id}"), 303)


@router.get(f"{HERE}/label", dependencies=[READS])
async def label(
    *, request: Request, session: SessionDep, viewer: ViewerDep, runtime: RuntimeDep, now: NowDep, device_id: str
) -> Response:
    """What is printed and glued to the box: who finds it there has its page on the telephone."""
    page = await page_for(request, session, viewer, now)
    device = await DeviceRepository(session).get(viewer, device_id)
    address = f"{runtime.settings.base_url}{_address(device.id)}"
    return page.html(
        "speaker_label.html",
        viewer_name=viewer.name,
        label=LabelView(
            speaker=DeviceChoice(device.id, device.name),
            place=gather.place_of(device.area),
            address=address,
            qr=Markup(picture(address)),  # noqa: S704 drawn by segno
        ),
    )
