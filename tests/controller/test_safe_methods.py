"""Looking changes nothing: links are fetched ahead, by previews, scanners and other sites."""

from collections import Counter
from itertools import chain

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import select

from controller.app import ROUTERS, health
from controller.audit.models import AuditEntry
from controller.audit.tally import REFUSAL
from controller.database import Base
from controller.web.pages import PAGES
from tests.support.controller import House
from tests.support.things import things

NEVER_ENDS = "/events"
LOOKS = [
    route.path
    for route in chain.from_iterable(router.routes for router in (*ROUTERS, *PAGES, health))
    if isinstance(route, APIRoute) and "GET" in route.methods and route.path != NEVER_ENDS
]


async def kept(house: House) -> Counter[tuple[str, str]]:
    """Every row of every table, but for refusals, which the trail notes. The clock stands: no sign-in slides."""
    rows: Counter[tuple[str, str]] = Counter()
    async with house.database.reading() as session:
        for table in Base.metadata.sorted_tables:
            wanted = select(table)
            if table is AuditEntry.__table__:
                wanted = wanted.where(AuditEntry.kind != REFUSAL)
            for row in await session.execute(wanted):
                rows[table.name, repr(tuple(row))] += 1
    return rows


@pytest.mark.parametrize("as_somebody", [True, False])
async def test_looking_at_anything_changes_nothing(quiet_house: House, as_somebody: bool):  # noqa: FBT001
    await quiet_house.commune("07339")
    ids = await things(quiet_house, await quiet_house.signed_in("VN", "chief"), "07339")
    browser = await quiet_house.in_person("VN", "lan") if as_somebody else quiet_house.browser()
    found, changed = 0, {}
    for path in LOOKS:
        before = await kept(quiet_house)
        answer = await browser.get(path.format_map(dict.fromkeys(names_in(path), "nothing") | ids))
        found += answer.status_code == 200
        if difference := (await kept(quiet_house)) - before:
            changed[path] = list(difference)
    assert changed == {}
    assert found > (len(LOOKS) * 2 // 3 if as_somebody else 3), "hardly anything was looked at"


def names_in(path: str) -> list[str]:
    return [part.split("}")[0] for part in path.split("{")[1:]]
