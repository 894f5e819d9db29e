"""Every change that people make leaves its entry, in its own transaction; what follows by itself leaves none."""

from datetime import timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, insert, inspect, text, update
from sqlalchemy.exc import DBAPIError

from controller.accounts.models import User
from controller.accounts.roles import Role
from controller.announcements.models import Announcement, Status
from controller.areas.national import national_areas
from controller.areas.repository import AreaRepository
from controller.audit.chain import Deed
from controller.audit.registry import AUDITED, BY_MODEL, KINDS, Act, Part, Whole
from controller.audit.tally import Refusal, Tally
from controller.database import Actor, Base, set_actor
from controller.devices.models import Device
from controller.groups.models import Group
from controller.schema import TABLES
from tests.support.broadcasts import playlist, schedule
from tests.support.controller import NOON, PASSWORD, House
from tests.support.trail import told, trail, verdict

ANY = {"If-Match": "*"}
REST = "actor_id, actor, address, kind, key, action, label, area, changes, previous, hash"


@pytest.fixture
async def client(either_house: House) -> httpx.AsyncClient:
    await either_house.commune("07339", speakers=2)
    return await either_house.signed_in("07339", "lan")


async def test_who_what_when_from_where_before_and_after(either_house: House, client: httpx.AsyncClient):
    answer = await client.patch(
        "/api/v1/devices/07339-1", json={"name": "Loa đình", "lat": 21.5, "lon": 106}, headers=ANY
    )
    assert answer.status_code == 200, answer.text
    entry = (await trail(either_house, kind="device", key="07339-1"))[-1]
    assert (entry.actor, entry.address, entry.action) == ("lan", "127.0.0.1", "changed")
    assert entry.at == "2026-11-20T05:00:00.000000Z"
    assert (entry.label, entry.area) == ("Loa đình", "/24/07339/")
    assert entry.changes == {"name": ["07339-1", "Loa đình"], "lat": [None, 21.5], "lon": [None, 106]}
    assert (await verdict(either_house)).broken is None


async def test_what_changed_nothing_leaves_no_entry(either_house: House, client: httpx.AsyncClient):
    before = len(await trail(either_house))
    await client.patch("/api/v1/devices/07339-1", json={"name": "07339-1"}, headers=ANY)
    assert (await client.patch("/api/v1/devices/07339-1", json={"name": ""}, headers=ANY)).status_code == 422
    assert len(await trail(either_house)) == before


async def test_a_change_that_is_taken_back_takes_its_entry_along(either_house: House):
    before = await trail(either_house)

    async def change_and_fail() -> None:
        async with either_house.database.transaction() as session:
            session.add(Group(name="x", area_code="VN"))
            await session.flush()
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError):
        await change_and_fail()
    assert await trail(either_house) == before


async def test_a_schedule_tells_its_edits_its_targets_and_what_was_called_off(house: House):
    await house.commune("07339", speakers=2)
    client = await house.signed_in("07339", "lan")
    made = await schedule(house, "07339", await playlist(house, "07339"), areas=("07339",), rrule="FREQ=DAILY")
    path = f"/api/v1/schedules/{made}"
    await client.patch(path, json={"first_local": "2026-11-20T17:00:00"}, headers=ANY)
    targets = [{"kind": "device", "key": "07339-1"}]
    assert (await client.patch(path, json={"targets": targets}, headers=ANY)).status_code == 200
    assert (await client.delete(path, headers=ANY)).status_code == 204
    entries = await told(house, kind="schedule", key=made)
    created, retimed, aimed, withdrawn = [
        each for each in entries if {"targets", "first_local", "active"} & each[1].keys()
    ]
    assert created[0] == "created"
    assert created[1]["targets"] == [[], [{"key": "07339", "kind": "area"}]]
    assert retimed[1].keys() == {"first_local"}
    assert retimed[1]["first_local"][1] == "2026-11-20T17:00:00"
    assert aimed == (
        "changed",
        {"targets": [[{"key": "07339", "kind": "area"}], [{"key": "07339-1", "kind": "device"}]]},
    )
    assert withdrawn == ("changed", {"active": [True, False]})


async def test_a_playlist_whose_items_are_all_set_anew_tells_those_that_differ(
    either_house: House, client: httpx.AsyncClient
):
    chime, pause = {"kind": "chime", "chime": "opening"}, {"kind": "pause", "pause_ms": 500}
    made = await client.post("/api/v1/playlists", json={"title": "Sáng", "area_code": "07339", "items": [chime, pause]})
    assert made.status_code == 201, made.text
    path = made.headers["location"]
    changed = await client.patch(path, json={"items": [chime, pause | {"pause_ms": 900}]}, headers=ANY)
    assert changed.status_code == 200, changed.text
    created, edited = await told(either_house, kind="playlist")
    assert created[0] == "created"
    assert [item["kind"] for item in created[1]["items"][1]] == ["chime", "pause"]
    assert list(edited[1]) == ["items"]
    assert [[item["pause_ms"] for item in side] for side in edited[1]["items"]] == [[500], [900]]


async def test_groups_tell_who_joined_and_left_also_by_moving_away(either_house: House, client: httpx.AsyncClient):
    made = await client.post("/api/v1/groups", json={"name": "Chợ", "device_ids": ["07339-1", "07339-2"]})
    path = made.headers["location"]
    await client.patch(path, json={"device_ids": ["07339-2"]}, headers=ANY)
    await either_house.commune("07342")
    above = await either_house.signed_in("24", "sở")
    await above.patch("/api/v1/devices/07339-2", json={"area_code": "07342"}, headers=ANY)
    gone = await above.delete(path, headers=ANY)
    assert gone.status_code == 204, gone.text
    created, left, moved_away, removed = await told(either_house, kind="group")
    assert created[1]["members"][1] == [{"device_id": "07339-1"}, {"device_id": "07339-2"}]
    assert left[1] == {"members": [[{"device_id": "07339-1"}], []]}
    assert moved_away[1] == {"members": [[{"device_id": "07339-2"}], []]}
    assert removed == ("removed", {"name": ["Chợ", None], "area_code": ["07339", None], "note": ["", None]})


async def test_orders_to_a_speaker_stand_in_its_own_trail(either_house: House, client: httpx.AsyncClient):
    await client.post("/api/v1/devices/07339-1/commands", json={"action": {"verb": "stop"}})
    assert (await told(either_house, kind="device", key="07339-1"))[-1] == (
        "ordered",
        {"action": [None, {"verb": "stop"}]},
    )


async def test_passwords_and_tokens_are_never_told(either_house: House, client: httpx.AsyncClient):
    browser = either_house.browser()
    await browser.post("/api/v1/session", json={"name": "lan", "password": PASSWORD})
    await browser.put("/api/v1/me/password", json={"current": PASSWORD, "password": "một câu dài khác"})
    token = await browser.post("/api/v1/tokens", json={"name": "đồng bộ"})
    await browser.delete(f"/api/v1/tokens/{token.json()['id']}")
    assert [entry.action for entry in await trail(either_house, kind="user", label="lan")] == [
        "created",
        "signed_in",
        "changed",
    ]
    assert (await told(either_house, kind="user", label="lan"))[-1][1] == {"password_hash": ["•••", "•••"]}
    assert [action for action, _ in await told(either_house, kind="token", label="đồng bộ")] == ["created", "removed"]
    everything = str(await trail(either_house))
    async with either_house.database.reading() as session:
        hashes = (await session.scalars(text("SELECT password_hash FROM users"))).all()
    assert not any(secret in everything for secret in (PASSWORD, "một câu dài khác", token.json()["secret"], *hashes))


async def test_who_signs_in_is_told_with_their_address(either_house: House, client: httpx.AsyncClient):
    await either_house.browser().post("/sign-in", data={"username": "lan", "password": PASSWORD})
    entry = (await trail(either_house, action="signed_in"))[-1]
    assert (entry.actor, entry.label, entry.address) == ("lan", "lan", "127.0.0.1")
    assert entry.area == "/24/07339/"
    assert entry.changes == {"means": [None, "password"]}


async def test_whoever_signs_out_or_is_signed_out_is_told(either_house: House):
    await either_house.commune("07339")
    await either_house.user("lan", "07339")
    admin = await either_house.in_person("24", "so")
    phone, office, other = [either_house.browser() for _ in range(3)]
    for browser in (phone, office, other):
        await browser.post("/api/v1/session", json={"name": "lan", "password": PASSWORD})
    (lan,) = (await admin.get("/api/v1/users?q=lan")).json()["items"]
    sessions = (await office.get("/api/v1/me/sessions")).json()["items"]
    current = next(each["id"] for each in sessions if each["current"])

    assert (await phone.post("/sign-out")).status_code == 303
    assert (await office.delete(f"/api/v1/me/sessions/{current}")).status_code == 204
    assert (await admin.delete(f"/api/v1/users/{lan['id']}/sessions")).status_code == 204
    assert (await admin.delete(f"/api/v1/users/{lan['id']}/sessions")).status_code == 204
    assert (await admin.delete("/api/v1/me/sessions")).status_code == 204

    told_of = [
        (entry.actor, entry.label, entry.area, entry.changes)
        for entry in await trail(either_house, action="signed_out")
    ]
    one = {"browsers": [None, 1]}
    assert told_of == [
        ("lan", "lan", "/24/07339/", one),
        ("lan", "lan", "/24/07339/", one),
        ("so", "lan", "/24/07339/", one),
        ("so", "so", "/24/", one),
    ]


@pytest.mark.parametrize("path", ["/account", "/api/v1/session"])
async def test_every_way_out_is_told(house: House, path: str):
    await house.commune("07339")
    browser = await house.in_person("07339", "lan")
    if path == "/account":
        await browser.post(path, data={"do": "everywhere"})
    else:
        await browser.delete(path)
    (entry,) = await trail(house, action="signed_out")
    assert (entry.actor, entry.changes) == ("lan", {"browsers": [None, 1]})


async def test_what_the_workshop_and_the_planner_do_is_nobodys_deed(house: House):
    await house.commune("07339", speakers=1)
    client = await house.signed_in("07339", "lan")
    made = await client.post(
        "/api/v1/announcements", json={"title": "Tin", "area_code": "07339", "text": "Xin chào bà con " * 200}
    )
    id_ = made.json()["id"]
    async with house.database.transaction() as session:
        row = await session.get_one(Announcement, id_)
        row.status, row.duration_ms = Status.READY, 1000
    async with house.database.transaction() as session:
        await session.execute(update(Announcement).values(clip_sha256=None))
    (entry,) = await trail(house, kind="announcement", key=id_)
    assert entry.changes["text"][1]["length"] == len("Xin chào bà con " * 200) - 1
    assert {entry.kind for entry in await trail(house)} <= KINDS


async def test_statements_that_change_many_rows_at_once_are_noticed_row_by_row(either_house: House):
    await either_house.commune("07339", speakers=2)
    async with either_house.database.transaction() as session:
        set_actor(session, Actor("01", "kỹ thuật"))
        await session.execute(update(Device).where(Device.id == "07339-1").values(note="xa"))
        await session.execute(update(User).values(disabled=False))
    async with either_house.database.transaction() as session:
        await session.execute(delete(Device).where(Device.note == "xa"))
    *_, noted, removed = await trail(either_house, kind="device", key="07339-1")
    assert (noted.actor, noted.changes) == ("kỹ thuật", {"note": ["", "xa"]})
    assert (removed.action, removed.area, removed.label) == ("removed", "/24/07339/", "07339-1")


async def test_rows_that_are_added_past_the_session_must_say_so(either_house: House):
    async with either_house.database.transaction() as session:
        assert await AreaRepository(session).add_missing(national_areas(["24"])) > 1
    (loaded,) = await told(either_house, action="loaded")
    assert loaded[1]["areas"][1] > 1
    with pytest.raises(RuntimeError, match="Group is audited"):
        async with either_house.database.transaction() as session:
            await session.execute(insert(Group).values(id="x", name="x", area_code="VN", note="", version=1))


async def test_what_the_session_never_loaded_is_told_as_it_was(either_house: House, client: httpx.AsyncClient):
    async with either_house.database.transaction() as session:
        device = await session.get_one(Device, "07339-1")
        session.expire(device, ["note"])
        device.note = "mới"
    assert (await told(either_house, kind="device", key="07339-1"))[-1] == ("changed", {"note": ["", "mới"]})


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET actor = 'x' WHERE number = 1",
        "UPDATE audit_entries SET number = 900 WHERE number = 1",
        "DELETE FROM audit_entries WHERE number = 1",
        "DELETE FROM audit_entries",
        f"INSERT INTO audit_entries SELECT number + 1000, at, {REST} FROM audit_entries WHERE number = 1",  # noqa: S608 our own
        "INSERT INTO audit_bases (number, hash, token) VALUES (100000, 'x', 'x')",
    ],
)
async def test_the_database_refuses_to_change_the_trail(either_house: House, statement: str):
    await either_house.commune("07339", speakers=1)
    before = await trail(either_house)
    with pytest.raises(DBAPIError):
        async with either_house.database.transaction() as session:
            await session.execute(text(statement))
    assert await trail(either_house) == before


async def test_postgres_refuses_to_empty_it_and_sqlite_to_replace(either_house: House):
    await either_house.commune("07339", speakers=1)
    postgres = either_house.runtime.settings.database.startswith("postgresql")
    replacing = f"INSERT OR REPLACE INTO audit_entries SELECT number, 'x', {REST} FROM audit_entries"  # noqa: S608 our own
    with pytest.raises(DBAPIError):
        async with either_house.database.transaction() as session:
            await session.execute(text("TRUNCATE audit_entries" if postgres else replacing))
    assert (await verdict(either_house)).broken is None


async def test_the_order_of_entries_is_that_of_commits_whatever_the_clock_says(
    either_house: House, client: httpx.AsyncClient
):
    either_house.clock.advance(-timedelta(days=1))
    await client.patch("/api/v1/devices/07339-1", json={"name": "a"}, headers=ANY)
    assert (await trail(either_house))[-1].at < f"{NOON:%Y-%m-%d}"
    assert (await verdict(either_house)).broken is None


def audited_columns() -> list[tuple[Whole, str]]:
    return [
        (spec, name)
        for spec in AUDITED
        if isinstance(spec, Whole)
        for name in inspect(spec.model).columns.keys()  # noqa: SIM118
    ]


def test_columns_that_hold_secrets_are_hidden_by_their_name_alone():
    hidden = {(spec.kind, name) for spec, name in audited_columns() if spec.hides(name)}
    assert {("user", "password_hash"), ("token", "token_hash")} <= hidden


DERIVED = {
    "alert_reach",
    "approved_targets",
    "assemblies",
    "audit_bases",
    "audit_entries",
    "cap_feed_states",
    "cap_messages",
    "cap_published",
    "cap_references",
    "cap_refusals",
    "clips",
    "command_attempts",
    "device_states",
    "health_samples",
    "idempotent_answers",
    "key_notices",
    "planned_occurrences",
    "plans_owed",
    "play_records",
    "record_marks",
    "recovery_codes",
    "retained_documents",
    "silent_tests",
    "sign_in_attempts",
    "user_sessions",
}
"""What machines write: it has trails of its own, or follows from what people did."""


def test_every_table_is_either_audited_or_said_to_follow_by_itself():
    tables = {mapper.class_: mapper.local_table.name for mapper in Base.registry.mappers}
    assert TABLES
    assert {name for model, name in tables.items() if model not in BY_MODEL} == DERIVED
    for spec in AUDITED:
        if isinstance(spec, Part | Act):
            assert spec.by in inspect(spec.model).columns
            assert isinstance(BY_MODEL[spec.of], Whole)


async def test_who_is_not_let_in_is_told_by_name_only_where_it_is_one(either_house: House, client: httpx.AsyncClient):
    browser = either_house.browser()
    for _ in range(3):
        await browser.post("/api/v1/session", json={"name": "lan", "password": "sai bét nhè rồi"})
    await browser.post("/sign-in", data={"username": "mat-khau-cua-toi", "password": "sai bét nhè rồi"})
    known, unknown = await trail(either_house, action="sign_in_failed")
    assert (known.label, known.area, known.address, known.actor) == ("lan", "/24/07339/", "127.0.0.1", "")
    assert known.changes == {"means": [None, "password"], "why": [None, "wrong"]}
    assert (unknown.label, unknown.area, unknown.key) == ("", "/", "")
    assert "mat-khau" not in str(await trail(either_house))
    either_house.clock.advance(timedelta(minutes=1))
    await browser.post("/api/v1/session", json={"name": "lan", "password": "sai bét nhè rồi"})
    repeated = (await trail(either_house, action="sign_in_failed"))[2]
    assert repeated.changes["times"] == [None, 2]


async def test_refusals_are_told_with_who_and_what(either_house: House, client: httpx.AsyncClient):
    auditor = await either_house.signed_in("07339", "thanh", roles=[Role.AUDITOR])
    assert (
        await auditor.post("/api/v1/devices", json={"id": "x", "name": "x", "area_code": "07339"})
    ).status_code == 403
    assert (await either_house.browser().get("/api/v1/devices")).status_code == 401
    assert (await either_house.browser().get("/", headers={"Accept": "text/html"})).status_code == 303
    forbidden, nobody = await trail(either_house, kind="refusal")
    assert (forbidden.actor, forbidden.key, forbidden.label) == ("thanh", "forbidden", "POST /api/v1/devices")
    assert forbidden.area == "/24/07339/"
    assert (nobody.actor, nobody.key, nobody.address) == ("", "unauthenticated", "127.0.0.1")


async def test_a_refusal_stands_when_it_cannot_be_written(quiet_house: House):
    async with quiet_house.database.transaction() as session:
        await session.execute(
            text("CREATE TRIGGER full BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, ''); END")
        )
    assert (await quiet_house.browser().get("/api/v1/devices")).status_code == 401


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(0, 60), st.sampled_from(["a", "b"])), max_size=300))
def test_every_refusal_is_counted_once_and_few_are_written(knocks: list[tuple[int, int, str]]):
    tally, written, now = Tally(), list[Refusal](), NOON
    for wait_s, address, why in knocks:
        now += timedelta(seconds=wait_s)
        refusal = Refusal(Actor("", "", str(address)), Deed("refusal", why, "refused"), why)
        due = tally.add(refusal, now)
        assert len(due) <= 42
        written += due
    written += tally.rest()
    assert sum(each.deed.changes.get("times", [None, 1])[1] for each in written) == len(knocks)
