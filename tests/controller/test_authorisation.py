"""Every guarded endpoint, called as everybody, and across the borders of areas."""

import re
from base64 import b64decode
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import func, select

from controller.accounts.roles import Role
from controller.areas.models import Area
from controller.audit.models import AuditEntry
from controller.audit.tally import REFUSAL
from controller.authorisation import NAMED, Row, rows, text
from tests.support.controller import PASSWORD, House
from tests.support.things import things

DOCUMENT = Path(__file__).parents[2] / "docs" / "authorisation.md"
GUARDED = [row for row in rows() if not row.open]
STREAM = "/events"
"""Never ends for whoever may listen: only its refusals are asked for here, its stream in the tests of monitoring."""
ANY = {"If-Match": "*"}
PIXEL = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4//8/AAX+Av4N70a4AAAAAElFTkSuQmCC")
FILES = {
    "PUT /api/v1/announcements/{announcement_id}/second": ("a.wav", b"RIFF"),
    "POST /api/v1/devices/{device_id}/photos": ("a.png", PIXEL),
    "POST /speakers/{device_id}/photos": ("a.png", PIXEL),
}
BODIES: dict[str, dict[str, Any]] = {
    "PUT /api/v1/announcements/{announcement_id}/second": {"language": "en"},
    "PATCH /api/v1/announcements/{announcement_id}": {"title": "Tin khác"},
    "PATCH /api/v1/pronunciations/{pronunciation_id}": {"spoken": "khác"},
    "POST /api/v1/devices/{device_id}/commands": {"action": {"verb": "stop"}},
    "POST /api/v1/alerts/{alert_id}/release": {"seen": "nothing"},
    "POST /api/v1/alerts/{alert_id}/prolong": {"lifetime_s": 600},
    "PATCH /api/v1/alerts/{alert_id}": {"headline": "Lũ"},
    "PUT /api/v1/alerts/{alert_id}/targets": {"targets": [{"kind": "area", "key": "07339-1"}]},
    "PUT /api/v1/areas/{code}/standing/{hazard}": {"headline": "Báo bão", "text": "Bão vào đêm nay."},
    "POST /api/v1/cap/senders/{sender_id}/feeds": {"url": "https://kttv.example.vn/feed"},
    "POST /api/v1/schedules/{schedule_id}/approval/reject": {"reason": "Sai giờ"},
    "POST /approvals/{schedule_id}/approve": {"seen": "1"},
    "POST /approvals/{schedule_id}/reject": {"seen": "1", "reason": "Sai giờ"},
    "POST /approvals/{schedule_id}/submit": {"seen": "1"},
    "POST /people/{user_id}": {"version": "1", "do": "sign-out"},
    "POST /pronunciations/{pronunciation_id}": {"version": "1", "written": "x", "spoken": "khác"},
    "POST /cap/{sender_id}": {"version": "1", "do": "take-token"},
    "PATCH /api/v1/cap/senders/{sender_id}/feeds/{feed_id}": {"interval_s": 120},
    "POST /speakers/{device_id}/orders": {"do": "stop"},
    "POST /library/{announcement_id}": {"version": "1", "title": "Tin khác"},
    "POST /emergency/{alert_id}/prolong": {"lifetime_h": "2"},
    "POST /emergency/{alert_id}/targets": {"area": "07339-1"},
    "POST /emergency/{alert_id}/words": {"headline": "Lũ dâng"},
    "POST /rules/{area_code}": {"version": "1", "approval": "none"},
    "GET /announce/sound/{announcement_id}": {"spoken": "0" * 16},
}
"""What gets a call past the checks of its form, where nothing at all does not."""
EMPTY = {
    "GET /api/v1/devices/{device_id}/commands",
    "GET /api/v1/audit/{kind}/{key}",
    "GET /audit/{kind}/{key}",
}
"""Lists that are empty for what never was."""


def path_of(row: Row, ids: dict[str, str]) -> str:
    """The row's path with these parameters in it."""
    return re.sub(r"{(\w+)}", lambda found: ids.get(found[1], "nothing"), row.path)


async def call(client: httpx.AsyncClient, row: Row, **ids: str) -> httpx.Response:
    """Call an endpoint as far as its recipe goes."""
    name, path = f"{row.method} {row.path}", path_of(row, ids)
    body = BODIES.get(name, {})
    if row.method in {"GET", "DELETE"}:
        return await client.request(row.method, path, headers=ANY, params=body)
    if name in FILES:
        return await client.request(row.method, path, headers=ANY, data=body, files={"file": FILES[name]})
    if row.path.startswith("/api/"):
        return await client.request(row.method, path, headers=ANY, json=body)
    return await client.request(row.method, path, headers=ANY, data=body)


def refused(answer: httpx.Response) -> bool:
    return answer.status_code == 403


def unknown_caller(answer: httpx.Response) -> bool:
    return answer.status_code == 401 or answer.headers.get("location", "").startswith("/sign-in")


async def changes(house: House) -> int:
    """How much the trail has noted that is no refusal."""
    counted = select(func.count()).select_from(AuditEntry).where(AuditEntry.kind != REFUSAL)
    async with house.database.reading() as session:
        return await session.scalar(counted) or 0


def test_the_table_in_the_docs_is_this_one():
    assert DOCUMENT.read_text() == text(), "run: .venv/bin/python -m controller.authorisation > docs/authorisation.md"


async def test_nobody_is_let_in_without_a_sign_in(quiet_house: House):
    nobody = quiet_house.browser()
    wrong = [(row.method, row.path) for row in GUARDED if not unknown_caller(await call(nobody, row))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("area", ["07339", "VN"])
@pytest.mark.parametrize("role", Role)
async def test_a_role_is_let_in_where_the_table_says(quiet_house: House, role: Role, area: str):
    await quiet_house.commune("07339")
    client = await quiet_house.in_person(area, "somebody", roles=[role])
    wrong = []
    for row in GUARDED:
        allowed = row.lets_in(role) and (area == "VN" or not row.national)
        if row.path == STREAM and allowed:
            continue
        noted = await changes(quiet_house)
        answer = await call(client, row)
        if refused(answer) is allowed or unknown_caller(answer):
            wrong.append(f"{row.method} {row.path}: {answer.status_code} {answer.text[:200]}")
        if not allowed and await changes(quiet_house) != noted:
            wrong.append(f"{row.method} {row.path}: changed something")
        if (await client.get("/api/v1/me")).status_code == 401:
            again = await client.post("/api/v1/session", json={"name": "somebody", "password": PASSWORD})
            assert again.status_code == 200, again.text
    assert not wrong, "\n".join(wrong)


async def test_a_token_is_let_in_where_no_person_is_asked_for(quiet_house: House):
    client = await quiet_house.signed_in("VN", "program")
    wrong = []
    for row in GUARDED:
        if row.path == STREAM:
            continue
        answer = await call(client, row)
        if refused(answer) is row.lets_tokens_in or unknown_caller(answer):
            wrong.append(f"{row.method} {row.path}: {answer.status_code} {answer.text[:200]}")
    assert not wrong, "\n".join(wrong)


ELSEWHERE = {"token_id", "subscription_id", "session_id", "fingerprint", "kind", "kid", "token", "hazard"}
"""The others name what is a person's own, the whole country's, a board that waits for its place, or a kind of thing."""
CROSSING = [row for row in GUARDED if row.named]


def test_every_path_parameter_is_known():
    names = {name for row in GUARDED for name in re.findall(r"{(\w+)}", row.path)}
    assert names == NAMED | ELSEWHERE, "say in NAMED what names a thing of an area, and make one in `things`"


@pytest.mark.parametrize("role", [*Role, None])
async def test_what_lies_in_a_parents_or_a_neighbours_area_looks_like_what_never_was(
    quiet_house: House, role: Role | None
):
    """None plays every role."""
    house = quiet_house
    await house.commune("07339")
    await house.commune("07444")
    chief = await house.signed_in("VN", "chief")
    browser = await house.in_person("07339", "somebody", roles=tuple(Role) if role is None else (role,))
    foreign = {area: await things(house, chief, area) for area in ("24", "07444")}
    never = dict.fromkeys(NAMED, "nothing") | {"kind": "device", "hazard": "storm"}
    wrong = []
    for row in CROSSING:
        name = f"{row.method} {row.path}"
        allowed = role is None or row.lets_in(role)
        unknown = await call(browser, row, **never)
        if unknown.status_code != (403 if not allowed else 200 if name in EMPTY else 404):
            wrong.append(f"{name} of nothing, say more in BODIES: {unknown.status_code} {unknown.text[-300:]}")
        for area, ids in foreign.items():
            noted = await changes(house)
            answer = await call(browser, row, **ids)
            if allowed and area == "24" and row.parent == "read":
                if answer.status_code not in ({200} if row.method == "GET" else {403, 412}):
                    wrong.append(f"{name} in {area}, inherited: {answer.status_code}")
            elif (answer.status_code, blind(answer, row, ids)) != (unknown.status_code, blind(unknown, row, never)):
                wrong.append(f"{name} in {area}: {answer.status_code} {answer.text[-300:]}")
            if await changes(house) != noted:
                wrong.append(f"{name} in {area}: changed something")
    assert not wrong, "\n".join(wrong)


def blind(answer: httpx.Response, row: Row, ids: dict[str, str]) -> str:
    """An answer without the address that was asked for, which a page repeats, and without the names in it."""
    path = path_of(row, ids)
    text = answer.text.replace(quote(path, safe=""), "").replace(path, "")
    for name in row.named:
        text = text.replace(ids[name], "")
    return text


@pytest.mark.parametrize("area", ["07339", "07339-1"])
@pytest.mark.parametrize("role", [*Role, None])
async def test_what_lies_in_ones_own_area_or_below_is_found(quiet_house: House, role: Role | None, area: str):
    house = quiet_house
    await house.commune("07339")
    await house.area("07339-1", parent="07339")
    async with house.database.transaction() as session:
        (await session.get_one(Area, "07339")).policy = {"release": "second_person"}
    ids = await things(house, await house.signed_in("VN", "chief"), area)
    browser = await house.in_person("07339", "somebody", roles=tuple(Role) if role is None else (role,))
    wrong = []
    # Who has edited an alert or chosen its targets is its author, and does not release it.
    # What was taken away can no longer be worked on.
    last = {"PUT": 1, "PATCH /api/v1/alerts/{alert_id}": 1, "DELETE": 2, "POST /schedules/{schedule_id}/withdraw": 2}
    for row in sorted(CROSSING, key=lambda row: last.get(f"{row.method} {row.path}", last.get(row.method, 0))):
        answer = await call(browser, row, **ids)
        allowed = role is None or row.lets_in(role)
        if (answer.status_code in {401, 403, 404, 422}) is allowed:
            wrong.append(f"{row.method} {row.path}: {answer.status_code} {answer.text[-300:]}")
    assert not wrong, "\n".join(wrong)
