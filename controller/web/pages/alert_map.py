"""What the map of an alert draws: whom it addresses, and how far it has come on each of them."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query

from controller.accounts.access import READS, ViewerDep
from controller.accounts.viewer import Viewer
from controller.alerts.api import AlertsDep
from controller.alerts.models import AlertRow
from controller.alerts.service import Alerts
from controller.areas import outlines
from controller.areas.tree import codes_of
from controller.broadcasts.models import TargetKind
from controller.http.route import SessionDep
from controller.monitoring.fleet import Standing
from controller.web import gather
from controller.web.pages.common import MapFeed
from controller.web.present import alert_map as present
from controller.web.present.speaker_map import position
from controller.web.routing import PageRoute

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/parts/alerts/{alert_id}/map.json", dependencies=[READS])
async def alert_map_feed(
    *,
    alert_id: str,
    session: SessionDep,
    viewer: ViewerDep,
    alerts: AlertsDep,
    drawn: Annotated[bool, Query()] = True,
) -> MapFeed:
    """The alert's speakers that the viewer sees and whose place is known; without `drawn` only how each of them is."""
    row = await alerts.repository.get(viewer, alert_id)
    released = row.released_at is not None
    speakers = (await gather.Roll.of(session, viewer)).speakers if drawn or not released else ()
    marks = await _marks(alerts, viewer, row, speakers)
    if not drawn:
        return MapFeed({"released": released, "tones": {each.id: each.tone for each in marks}})
    codes = {target.key for target in row.targets if target.kind is TargetKind.AREA}
    if not codes.isdisjoint(codes_of(viewer.scope)):
        codes.add(viewer.area_code)  # what lies above is not the viewer's to see
    ground = [each for each in await outlines.readable(session, viewer) if each.code in codes]
    standing = [(each.place.path, at) for each in speakers if (at := position(each)) is not None]
    feed: dict[str, Any] = {
        "released": released,
        "outlines": outlines.features(ground, standing),
        "polygon": present.drawing(row.polygon),
        "speakers": [each.as_json() for each in marks],
    }
    return MapFeed(feed)


async def _marks(alerts: Alerts, viewer: Viewer, row: AlertRow, speakers: Sequence[Standing]) -> list[present.Mark]:
    if row.released_at is not None:
        return [present.reached(each) for each in await alerts.reach.standing(viewer, row.id)]
    addressed = await alerts.addressed(row)
    return [mark for each in speakers if each.id in addressed and (mark := present.awaited(each)) is not None]
