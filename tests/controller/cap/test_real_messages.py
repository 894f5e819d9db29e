"""Real warnings of other countries by the API, each at the moment it was sent: what comes of every one.

They are test data of google/cap-library (Apache License 2.0) and no part of this project: they are read where they lie,
in `LOA_CAP_SAMPLES` (else `shared/cap` beside the project). What they show is proved by messages of our own too.
"""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import httpx
import pytest

from controller.accounts.roles import Role
from controller.alerts.keeping import alerting
from controller.announcements.models import Announcement
from controller.broadcasting import planning
from schedules.types import Priority
from tests.support.controller import House, open_house

SAMPLES: Final = Path(os.environ.get("LOA_CAP_SAMPLES") or Path(__file__).parents[4] / "shared" / "cap")
COMES_TO: Final = {
    "australia": "403 cap_outside_area",
    "canada": "200 cancel",
    "earthquake": "403 cap_outside_area",
    "homeland-43b080713727": "200 raise; actual emergency None, attention, en: Homeland Security Sets Code ORANGE",
    "invalid": "422 cap_invalid",
    "no_optional_fields": "422 cap_empty",
    "noaa_errors": "422 cap_invalid",
    "wcatwc-warning": "200 raise; actual emergency tsunami, flood-3, en: The tsunami Warning continues in effect",
    "weather": "200 raise; actual routine flood, attention, en: Flash Flood Watch issued August 30",
}
"""Of each the answer, and the drafts that an officer sees. Nothing of them lies in Việt Nam: what is raised says its
place only in words or foreign codes, and waits. `invalid` lacks its scope, `no_optional_fields` says nothing, and
`noaa_errors` has empty urgencies."""
WORDS: Final = 6
"""Of a headline: as many as tell it from others."""

pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the samples of google/cap-library are not here: LOA_CAP_SAMPLES names their folder"
)


async def came_to(house: House, sender: httpx.AsyncClient, officer: httpx.AsyncClient, data: bytes) -> str:
    """The answer with a refusal's code, or what was made of it and how each alert would be heard."""
    answer = await sender.post("/api/v1/cap", content=data, headers={"Content-Type": "application/cap+xml"})
    body = answer.json()
    if answer.is_error:
        assert (await officer.get("/api/v1/alerts")).json()["items"] == []
        return f"{answer.status_code} {body['code']}"
    found = [f"{answer.status_code} {body['outcome']}"]
    for alert in body["alerts"]:
        row = (await officer.get(f"/api/v1/alerts/{alert}")).json()
        assert (row["state"], row["targets"]) == ("draft", [])
        async with house.database.reading() as session:
            language = (await session.get_one(Announcement, row["announcement_id"])).language
        urgency = f"{row['kind']} {Priority(row['priority']).name.lower()} {row['hazard']}"
        headline = " ".join(row["headline"].split()[:WORDS])
        assert row["text"].startswith(headline)
        found.append(f"{urgency}, {row['signal']}, {language}: {headline}")
    return "; ".join(found)


@pytest.mark.parametrize("name", COMES_TO)
async def test_of_each_real_message_it_is_known_what_comes_of_it(tmp_path: Path, name: str) -> None:
    file = SAMPLES / f"{name}.cap"
    if not file.is_file():
        pytest.skip(f"{file.name} is not among the samples")
    data = file.read_bytes()
    sent = re.search(rb"sent>\s*([^<\s]+)", data)
    assert sent is not None
    moment = datetime.fromisoformat(sent[1].decode()).astimezone(UTC) + timedelta(minutes=1)
    async with open_house(tmp_path / "data", services=(planning, alerting)) as house:
        await house.commune("07339", speakers=1)
        admin = await house.in_person("24", "quan-tri", roles=(Role.ADMINISTRATOR,))
        officer = await house.signed_in("24", "truc-ban", roles=(Role.DUTY_OFFICER,))
        house.clock.now = moment
        made = await admin.post("/api/v1/cap/senders", json={"title": name, "area_code": "24"})
        token = (await admin.post(f"/api/v1/cap/senders/{made.json()['id']}/token")).json()["token"]
        sender = house.browser(Authorization=f"Bearer {token}")
        assert await came_to(house, sender, officer, data) == COMES_TO[name]
