"""All speakers: how each is and why, filtered, searched and sorted; rows in view are kept up to date."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from controller.accounts.access import READS, ViewerDep
from controller.accounts.viewer import Viewer
from controller.areas.repository import AreaRepository
from controller.areas.tree import ROOT_PATH
from controller.groups.models import Group
from controller.groups.repository import GroupRepository
from controller.http.route import NowDep, SessionDep
from controller.http.spreadsheet import as_csv, moment, spreadsheet
from controller.link.refusals import refusals_of
from controller.monitoring.fleet import Fine, FleetRepository, SpeakerNow
from controller.runtime import runtime_of
from controller.web import gather
from controller.web.pages.common import page_for, tree_of
from controller.web.present import speaker_list as chosen
from controller.web.present.speakers import SpeakerFacts
from controller.web.routing import PageRoute
from controller.web.speaker_views import SpeakerRow, SpeakersView, SpeakerWish
from controller.web.templating import Page

router = APIRouter(include_in_schema=False, route_class=PageRoute)

ROWS = 100
"""In one piece; the next comes when its end comes into view."""
ROWS_IN_VIEW = 40
Word = Annotated[str, Query(max_length=200)]


def _wish(
    *, q: Word = "", state: Word = "", area: Word = "", group: Word = "", problem: Word = "", sort: Word = ""
) -> SpeakerWish:
    return SpeakerWish(q.strip(), state, area, group, problem, sort)


WishDep = Annotated[SpeakerWish, Depends(_wish)]


@dataclass(frozen=True)
class Found:
    """What a wish leads to: speakers in every state, to be counted, and what is wrong anywhere."""

    entries: Sequence[chosen.Entry]
    problems: frozenset[str]
    everyone: int
    """How many speakers the viewer has."""
    paths: frozenset[str]
    """Of the places that they stand in."""

    def wanted(self, wish: SpeakerWish) -> list[chosen.Entry]:
        """Those in the state that is asked for, in their order."""
        return chosen.ordered(chosen.in_state(self.entries, wish.state), wish.sort)


async def _find(session: AsyncSession, viewer: Viewer, page: Page, wish: SpeakerWish) -> Found:
    repository, refusals = FleetRepository(session), refusals_of(runtime_of(page.request))
    fine = await repository.fine(viewer, refusals.faulty())
    others = gather.Fleet(await repository.not_fine(viewer, refusals.faulty()))
    within = await _within(session, viewer, wish)
    places = {each.place.code: gather.place_of(each.place) for each in fine}
    entries = [chosen.entry(each, page.now) for each in gather.speakers(others.where(within), refusals)]
    entries += [chosen.fine_entry(each, places[each.place.code]) for each in fine if within(each)]
    return Found(
        chosen.matching(entries, wish),
        frozenset().union(*(each.wrong for each in entries)),
        everyone=len(fine) + len(others.speakers),
        paths=frozenset(each.place.path for speakers in (fine, others.speakers) for each in speakers),
    )


async def _within(session: AsyncSession, viewer: Viewer, wish: SpeakerWish) -> Callable[[Fine | SpeakerNow], bool]:
    """Whether a speaker is of the area and the group that were chosen; of an unknown one none is."""
    path, members = ROOT_PATH, None
    if wish.area:
        area = await AreaRepository(session).find(viewer, wish.area)
        if area is None:
            return lambda _: False
        path = area.path
    if wish.group:
        groups = GroupRepository(session)
        group = await groups.find(viewer, wish.group)
        members = frozenset(await groups.members(group.id)) if group is not None else frozenset()
    return lambda each: each.place.path.startswith(path) and (members is None or each.id in members)


def _facts(page: Page, fleet: gather.Fleet, ids: Iterable[str]) -> list[SpeakerFacts]:
    """What is known of these, in this order; one that has just left is left out."""
    known = {each.id: each for each in gather.speakers(fleet, refusals_of(runtime_of(page.request)))}
    return [known[id_] for id_ in ids if id_ in known]


@router.get("/speakers", dependencies=[READS])
async def speakers(
    *,
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    now: NowDep,
    wish: WishDep,
    after: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """The list, or its next piece."""
    page = await page_for(request, session, viewer, now)
    found = await _find(session, viewer, page, wish)
    wanted, end = found.wanted(wish), after + ROWS
    ids = [each.id for each in wanted[after:end]]
    facts = _facts(page, await gather.Fleet.some(session, viewer, ids), ids)
    rows = tuple(chosen.row_of(each, page.formats, now) for each in facts)
    more = chosen.address(wish, after=end) if end < len(wanted) else ""
    if after and page.partial:
        return page.html("partials/speaker_rows.html", rows=rows, more=more)
    return page.html(
        "speakers.html",
        viewer_name=viewer.name,
        here=chosen.address(wish),
        view=SpeakersView(
            wish=wish,
            rows=rows,
            found=len(wanted),
            all=found.everyone,
            counts=chosen.counted(found.entries, wish, page.t),
            areas=await tree_of(session, viewer, found.paths),
            groups=await _groups(session, viewer),
            problems=chosen.problems_of({*found.problems, wish.problem} - {""}, page.t),
            sorts=chosen.sorts(page.t),
            more=more,
            csv=chosen.address(wish, "/speakers.csv"),
        ),
    )


@router.get("/parts/speakers/rows", dependencies=[READS])
async def rows_part(
    request: Request,
    session: SessionDep,
    viewer: ViewerDep,
    now: NowDep,
    ids: Annotated[str, Query(max_length=ROWS_IN_VIEW * 130)] = "",
) -> Response:
    """The lines of a few, as they are now."""
    page = await page_for(request, session, viewer, now)
    fleet = await gather.Fleet.some(session, viewer, ids.split(",")[:ROWS_IN_VIEW])
    facts = gather.speakers(fleet, refusals_of(runtime_of(request)))
    rows = [chosen.row_of(each, page.formats, now) for each in facts]
    return page.html("partials/speaker_rows.html", rows=rows, more="")


@router.get("/speakers.csv", dependencies=[READS])
async def speakers_csv(
    request: Request, session: SessionDep, viewer: ViewerDep, now: NowDep, wish: WishDep
) -> Response:
    """The same list, whole, for a spreadsheet."""
    page = await page_for(request, session, viewer, now)
    found = await _find(session, viewer, page, wish)
    t = page.t
    columns = (
        t("Code"), t("Name"), t("Place"), t("State"), t("Cause"), t("Since (UTC)"), t("Ready"), t("Planned"),
        t("Volume"), t("Heard last (UTC)"), t("Note"),
    )  # fmt: skip
    facts = _facts(page, await gather.Fleet.of(session, viewer), (each.id for each in found.wanted(wish)))
    lines = (_line(each, chosen.row_of(each, page.formats, now)) for each in facts)
    return spreadsheet(as_csv(columns, lines), f"loa-speakers-{now:%Y%m%d-%H%M}")


def _line(facts: SpeakerFacts, row: SpeakerRow) -> tuple[str, ...]:
    speaker = row.speaker
    return (
        speaker.id,
        speaker.name,
        speaker.place,
        row.tone_name,
        row.cause.text if row.cause else "",
        moment(chosen.began(facts, row)),
        str(speaker.ready),
        str(speaker.planned),
        "" if speaker.volume is None else str(speaker.volume),
        moment(facts.seen_at),
        facts.note,
    )


async def _groups(session: AsyncSession, viewer: Viewer) -> tuple[tuple[str, str], ...]:
    groups = GroupRepository(session)
    return tuple((row.id, row.name) for row in await groups.all(groups.readable(viewer).order_by(Group.name, Group.id)))
