"""`/api/v1/alerts`."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from controller.accounts.access import ALERTS, READS, Idempotent, ViewerDep
from controller.accounts.second_factor import confirm_second_factor
from controller.accounts.viewer import Viewer
from controller.alerts.keeping import desk_of
from controller.alerts.models import AlertReach, AlertRow
from controller.alerts.report import call_list_csv, is_over, report_csv
from controller.alerts.repository import ReachRepository
from controller.alerts.schemas import (
    AddressIn,
    AlertEdit,
    AlertIn,
    AlertOut,
    AreaCountsOut,
    AudienceOut,
    CancelIn,
    CountsOut,
    ProlongIn,
    ReachOut,
    ReleaseIn,
    SpeakerReachOut,
    StandingOut,
)
from controller.alerts.service import Alerts
from controller.alerts.states import AlertState
from controller.devices.models import Device
from controller.http.fields import AreaCodeField
from controller.http.pages import PageDep, PageOut
from controller.http.route import NowDep, RuntimeDep, SessionDep, TransactionRoute
from controller.http.spreadsheet import spreadsheet

router = APIRouter(prefix="/api/v1", tags=["alerts"], route_class=TransactionRoute)
SPEAKERS_MAX = 500


def alerts_of(session: SessionDep, viewer: ViewerDep, runtime: RuntimeDep, now: NowDep) -> Alerts:
    """Return alerts as the one who asks may change them."""

    async def confirm(code: str) -> None:
        await confirm_second_factor(runtime, session, viewer, code, now)

    return desk_of(runtime, session, viewer, confirm)


AlertsDep = Annotated[Alerts, Depends(alerts_of)]


async def shown(alerts: Alerts, *rows: AlertRow) -> list[AlertOut]:
    """Return what may be seen of these."""
    sent, digests = await alerts.repository.sent(rows), await alerts.digests(*rows)
    return [
        AlertOut.of(row, sent=sent[row.id] if row.released_at else None, digest=digests.get(row.id)) for row in rows
    ]


@router.get("/alerts", operation_id="listAlerts", summary="Alerts, newest first", dependencies=[READS])
async def list_alerts(
    *,
    alerts: AlertsDep,
    viewer: ViewerDep,
    page: PageDep,
    state: Annotated[AlertState | None, Query(description="Only those that stand so")] = None,
) -> PageOut[AlertOut]:
    """Answer one page of what was issued here or is heard here."""
    statement = alerts.repository.readable(viewer)
    if state is not None:
        statement = statement.where(AlertRow.state == state)
    found = await alerts.repository.page(statement, page)
    return PageOut(items=await shown(alerts, *found.items), next_cursor=found.next_cursor)


@router.get(
    "/alerts/standing", operation_id="listStanding", summary="Standing messages to start from", dependencies=[READS]
)
async def list_standing(alerts: AlertsDep) -> list[StandingOut]:
    """Answer what an alert of the viewer's own area may begin with, in the words that hold there."""
    return [
        StandingOut(
            code=each.hazard,
            headline=each.headline,
            text=each.text,
            signal=each.start.signal,
            repeats=each.start.repeats,
            lifetime_s=each.start.lifetime_s,
        )
        for each in await alerts.standing()
    ]


@router.post(
    "/alerts",
    operation_id="draftAlert",
    summary="Write an alert; nothing is heard yet",
    status_code=201,
    dependencies=[ALERTS, Idempotent],
)
async def draft_alert(body: AlertIn, alerts: AlertsDep, now: NowDep) -> AlertOut:
    """Make a draft. Its words are made at once, so that they are ready when somebody releases it."""
    return (await shown(alerts, await alerts.draft(body, now)))[0]


@router.get("/alerts/{alert_id}", operation_id="getAlert", summary="One alert", dependencies=[READS])
async def get_alert(alert_id: str, alerts: AlertsDep, viewer: ViewerDep) -> AlertOut:
    """Answer an alert."""
    return (await shown(alerts, await alerts.repository.get(viewer, alert_id)))[0]


@router.get(
    "/alerts/{alert_id}/audience",
    operation_id="describeAlert",
    summary="What releasing it would do, in plain sentences",
    dependencies=[READS],
)
async def describe_alert(alert_id: str, alerts: AlertsDep, viewer: ViewerDep) -> AudienceOut:
    """Answer whom it would reach now, and what a release asks for."""
    return await alerts.described(await alerts.repository.get(viewer, alert_id))


@router.patch(
    "/alerts/{alert_id}",
    operation_id="editAlert",
    summary="Change what a draft says and how it is heard",
    dependencies=[ALERTS],
)
async def edit_alert(alert_id: str, body: AlertEdit, alerts: AlertsDep, now: NowDep) -> AlertOut:
    """Edit a draft, also one that came from elsewhere. Who edits it is its author from then on.

    Its `digest` changes with it: who has looked at what it was before does not release this. Typed words take
    the place of a recording, and an `announcement_id` that of the words.
    """
    return (await shown(alerts, await alerts.edit(alert_id, body, now)))[0]


@router.put(
    "/alerts/{alert_id}/targets",
    operation_id="addressAlert",
    summary="Choose whom a draft addresses",
    dependencies=[ALERTS],
)
async def address_alert(alert_id: str, body: AddressIn, alerts: AlertsDep, now: NowDep) -> AlertOut:
    """Put other targets in place of a draft's own, such as where a warning named its place in words only."""
    return (await shown(alerts, await alerts.address(alert_id, body, now)))[0]


@router.post(
    "/alerts/{alert_id}/release", operation_id="releaseAlert", summary="Let it be heard", dependencies=[ALERTS]
)
async def release_alert(alert_id: str, body: ReleaseIn, alerts: AlertsDep, now: NowDep) -> AlertOut:
    """Release the draft that was seen, by the area's rule: with a one-time code, or by another person than its author.

    Where it was changed since, nothing is released: 409 `changed_since_seen` says what.
    """
    return (await shown(alerts, await alerts.release(alert_id, seen=body.seen, code=body.code, now=now)))[0]


@router.post(
    "/alerts/{alert_id}/prolong", operation_id="prolongAlert", summary="Change how long it lives", dependencies=[ALERTS]
)
async def prolong_alert(alert_id: str, body: ProlongIn, alerts: AlertsDep, now: NowDep) -> AlertOut:
    """Let an active alert live so long from now on; who heard it does not hear it again for that.

    By the area's rule: with a one-time code; or, for longer, by another person than who released or prolonged it last.
    """
    return (await shown(alerts, await alerts.prolong(alert_id, body.lifetime_s, body.code, now)))[0]


@router.post("/alerts/{alert_id}/cancel", operation_id="cancelAlert", summary="Call it off", dependencies=[ALERTS])
async def cancel_alert(alert_id: str, body: CancelIn, alerts: AlertsDep, now: NowDep) -> AlertOut:
    """End an active alert at once; whoever heard it is told that it is over."""
    row = await alerts.cancel(alert_id, all_clear=body.all_clear, text=body.text, now=now)
    return (await shown(alerts, row))[0]


@router.post(
    "/alerts/{alert_id}/discard", operation_id="discardAlert", summary="Throw a draft away", dependencies=[ALERTS]
)
async def discard_alert(alert_id: str, alerts: AlertsDep, now: NowDep) -> AlertOut:
    """Discard a draft. It stays on record."""
    return (await shown(alerts, await alerts.discard(alert_id, now)))[0]


@router.post(
    "/areas/{code}/stop-alerts",
    operation_id="stopAlerts",
    summary="Call off everything that an area issued",
    dependencies=[ALERTS],
)
async def stop_alerts(code: AreaCodeField, alerts: AlertsDep, now: NowDep) -> list[AlertOut]:
    """Call off all active alerts of an area and those below, without an all-clear."""
    return await shown(alerts, *await alerts.stop_all(code, now))


@router.get(
    "/alerts/{alert_id}/reach", operation_id="getReach", summary="How far it has come, by area", dependencies=[READS]
)
async def get_reach(alert_id: str, alerts: AlertsDep, viewer: ViewerDep, now: NowDep) -> ReachOut:
    """Answer the counts of the viewer's speakers."""
    row = await alerts.repository.get(viewer, alert_id)
    return await reach_out(alerts.reach, viewer, row.id, now)


@router.get(
    "/alerts/{alert_id}/reach/speakers",
    operation_id="listReach",
    summary="How it stands on each speaker",
    dependencies=[READS],
)
async def list_reach(
    *,
    alert_id: str,
    alerts: AlertsDep,
    viewer: ViewerDep,
    silent: Annotated[
        bool, Query(description="Only speakers that have not sounded it, or failed: the list to call down")
    ] = False,
    after: Annotated[str, Query(max_length=128, description="Go on after this speaker")] = "",
) -> list[SpeakerReachOut]:
    """Answer speakers by id, at most 500."""
    row = await alerts.repository.get(viewer, alert_id)
    return await speakers_out(alerts.reach, viewer, row.id, silent=silent, after=after)


@router.get(
    "/alerts/{alert_id}/report.csv",
    operation_id="getTestReport",
    summary="What came of it on each speaker, for a spreadsheet",
    dependencies=[READS],
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}}},
)
async def get_report(alert_id: str, alerts: AlertsDep, viewer: ViewerDep, now: NowDep) -> Response:
    """Answer one line for each of the viewer's speakers: `passed`, `failed`, `not_reached` or still `pending`."""
    row = await alerts.repository.get(viewer, alert_id)
    found: list[tuple[AlertReach, Device]] = []
    while some := await alerts.reach.speakers(
        viewer, row.id, silent=False, after=found[-1][1].id if found else "", limit=SPEAKERS_MAX
    ):
        found += [(reach, device) for reach, device, _ in some]
    return spreadsheet(report_csv(found, over=is_over(row, now)), f"loa-{row.id}")


@router.get(
    "/alerts/{alert_id}/call-list.csv",
    operation_id="getCallList",
    summary="Whom to call because a speaker has not sounded it, for a spreadsheet",
    dependencies=[READS],
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}}},
)
async def get_call_list(alert_id: str, alerts: AlertsDep, viewer: ViewerDep) -> Response:
    """Answer one line for each of the viewer's speakers that has not sounded it: its area, whom to call, last seen."""
    row = await alerts.repository.get(viewer, alert_id)
    return spreadsheet(call_list_csv(await to_call(alerts, viewer, row.id)), f"loa-{row.id}-call-list")


async def to_call(alerts: Alerts, viewer: Viewer, alert_id: str) -> list[SpeakerReachOut]:
    """Return all of the viewer's speakers that have not sounded an alert, by area and name."""
    found: list[SpeakerReachOut] = []
    while some := await speakers_out(
        alerts.reach, viewer, alert_id, silent=True, after=found[-1].device if found else ""
    ):
        found += some
    return sorted(found, key=lambda each: (each.area_name, each.area_code, each.name, each.device))


async def reach_out(reach: ReachRepository, viewer: Viewer, alert_id: str, now: datetime) -> ReachOut:
    """Return how far an alert has come on the viewer's speakers."""
    areas = [AreaCountsOut.model_validate(counts) for counts in await reach.counts(viewer, alert_id)]
    total = CountsOut(**{name: sum(getattr(area, name) for area in areas) for name in CountsOut.model_fields})
    return ReachOut(alert=alert_id, at=now, total=total, areas=areas)


async def speakers_out(
    reach: ReachRepository, viewer: Viewer, alert_id: str, *, silent: bool, after: str = "", limit: int = SPEAKERS_MAX
) -> list[SpeakerReachOut]:
    """Return how it stands on each of the viewer's speakers, at most `limit`."""
    found = await reach.speakers(viewer, alert_id, silent=silent, after=after, limit=limit)
    return [
        SpeakerReachOut(
            device=device.id,
            name=device.name,
            area_code=device.area_code,
            area_name=device.area.name,
            contact=device.area.contact,
            note=device.note,
            phase=stands.phase,
            online=state is not None and state.online,
            last_seen_at=state.seen_at if state else None,
            last_session=state.session if state else None,
            received_at=stands.received_at,
            first_sound_at=stands.first_sound_at,
            finished_at=stands.finished_at,
            reason=stands.reason,
            incident=stands.incident_at is not None and stands.received_at is None,
        )
        for stands, device, state in found
    ]
