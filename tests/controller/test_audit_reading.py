"""Who reads the trail, how it leaves the house, and how it is checked there."""

import gzip
import json
import os
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from controller.accounts.roles import Role
from controller.audit import heads
from controller.audit.chain import Flaw, Head
from controller.audit.checking import check_database, check_file, export, prune
from controller.audit.export import NotAnExport
from controller.audit.keeping import Signer, auditing, heads_file
from controller.errors import Conflict
from protocol.signing import KeyRing, SigningKey
from tests.support.controller import NOON, House, open_house
from tests.support.trail import trail, verdict

ANY = {"If-Match": "*"}


async def busy(house: House, changes: int = 5) -> None:
    """A commune, and somebody who renames a speaker again and again."""
    await house.commune("07339", speakers=1)
    client = await house.signed_in("07339", "lan")
    for number in range(changes):
        await client.patch("/api/v1/devices/07339-1", json={"name": f"Loa {number}"}, headers=ANY)


def ring(house: House) -> KeyRing:
    return KeyRing([house.runtime.keys.signing.public])


async def exported(house: House, path: Path) -> Path:
    async with house.database.reading() as session:
        await export(session, path, key=house.runtime.keys.signing, now=house.clock.now)
    return path


@pytest.mark.parametrize(
    ("area", "roles", "status", "seen"),
    [
        ("07339", [Role.AUDITOR], 200, True),
        ("07339", [Role.ADMINISTRATOR], 200, True),
        ("24", [Role.AUDITOR], 200, True),
        ("07342", [Role.AUDITOR], 200, False),
        ("07339", [Role.BROADCASTER, Role.TECHNICIAN, Role.APPROVER, Role.DUTY_OFFICER], 403, False),
    ],
)
async def test_auditors_read_what_lay_in_their_area(
    either_house: House, area: str, roles: list[Role], status: int, *, seen: bool
):
    await busy(either_house)
    await either_house.commune("07342")
    client = await either_house.signed_in(area, "xem", roles=roles)
    answer = await client.get("/api/v1/audit", params={"kind": "device"})
    assert answer.status_code == status
    if status == 200:
        assert bool(answer.json()["items"]) is seen


async def test_filters_and_pages_newest_first(either_house: House):
    await busy(either_house)
    client = await either_house.signed_in("24", "thanh-tra", roles=[Role.AUDITOR])
    asked = {"kind": "device", "key": "07339-1", "actor": "lan", "action": "changed", "limit": "3"}
    first = (await client.get("/api/v1/audit", params=asked)).json()
    second = (await client.get("/api/v1/audit", params=asked | {"cursor": first["next_cursor"]})).json()
    names = [item["changes"]["name"][1] for item in first["items"] + second["items"]]
    assert names == ["Loa 4", "Loa 3", "Loa 2", "Loa 1", "Loa 0"]
    assert first["items"][0]["address"] == "127.0.0.1"
    later = {"since": (NOON + timedelta(seconds=1)).isoformat()}
    assert (await client.get("/api/v1/audit", params=asked | later)).json()["items"] == []
    earlier = {"until": NOON.isoformat()}
    assert (await client.get("/api/v1/audit", params=asked | earlier)).json()["items"] == []


async def test_whoever_sees_a_thing_sees_its_trail_but_not_from_where_nor_who_signs_in(either_house: House):
    await busy(either_house)
    client = await either_house.signed_in("07339", "phat-thanh", roles=[Role.BROADCASTER])
    items = (await client.get("/api/v1/audit/device/07339-1")).json()["items"]
    assert items[0]["actor"] == "lan"
    assert items[0]["address"] is None
    (user,) = {entry.key for entry in await trail(either_house, kind="user", label="lan")}
    assert (await client.get(f"/api/v1/audit/user/{user}")).json()["items"] == []
    await either_house.commune("07342")
    neighbour = await either_house.signed_in("07342", "xóm-bên", roles=list(Role))
    assert (await neighbour.get("/api/v1/audit/device/07339-1")).json()["items"] == []


async def test_a_head_can_be_kept_elsewhere(either_house: House):
    await busy(either_house, 1)
    client = await either_house.signed_in("VN", "thanh-tra", roles=[Role.AUDITOR])
    answer = (await client.get("/api/v1/audit/head")).json()
    signed = heads.read(answer["token"], purpose=heads.HEAD, keys=ring(either_house))
    assert signed is not None
    assert signed.head == Head(answer["number"], answer["hash"])
    assert heads.read(answer["token"], purpose=heads.BASE, keys=ring(either_house)) is None
    assert heads.read(answer["token"], purpose=heads.HEAD, keys=KeyRing([SigningKey.generate().public])) is None


async def test_heads_are_signed_as_the_trail_grows_and_show_a_cut_end(tmp_path: Path):
    async with open_house(tmp_path / "data", services=(auditing,)) as house:
        await busy(house)
    lines = heads_file(house.runtime.settings).read_text().splitlines()
    async with open_house(tmp_path / "data", services=()) as house:
        signed, bad = heads.read_lines([*lines, lines[0][:50]], ring(house))
        end = (await trail(house))[-1]
        assert signed[-1].head == end.head
        assert bad == 1
        assert (await verdict(house, signed[-1].head)).anchored == end.number
        database = sqlite3.connect(tmp_path / "data" / "loa.db")
        database.execute("DROP TRIGGER audit_entries_are_kept")
        database.execute("DELETE FROM audit_entries WHERE number > ?", [end.number - 2])
        database.commit()
        database.close()
        broken = (await verdict(house, *(each.head for each in signed))).broken
        assert broken is not None
        assert broken.flaw is Flaw.TRUNCATED


async def test_nothing_is_signed_twice(quiet_house: House):
    await busy(quiet_house, 1)
    signer, file = Signer(quiet_house.runtime), heads_file(quiet_house.runtime.settings)
    await signer.sign()
    await signer.sign()
    assert len(file.read_text().splitlines()) == 1
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["trail.jsonl", "trail.jsonl.gz"])
async def test_an_export_is_checked_by_itself(either_house: House, tmp_path: Path, name: str):
    await busy(either_house)
    file = await exported(either_house, tmp_path / name)
    found = check_file(file, ring(either_house))
    assert found.broken is None
    assert found.entries == found.anchored == len(await trail(either_house))
    with pytest.raises(NotAnExport):
        check_file(file, KeyRing([SigningKey.generate().public]))
    content = gzip.decompress(file.read_bytes()) if name.endswith(".gz") else file.read_bytes()
    lines = content.splitlines(keepends=True)
    for spoilt, flaw in (
        (lines[:-1], Flaw.TRUNCATED),
        (lines[:2] + lines[3:], Flaw.REMOVED),
        ([*lines[:2], lines[3], lines[2], *lines[4:]], Flaw.REORDERED),
        ([*lines[:3], lines[2], *lines[3:]], Flaw.INSERTED),
        ([*lines[:2], lines[2].replace(b'"action"', b' "action"'), *lines[3:]], Flaw.ALTERED),
        ([*lines[:2], b"[" * 5000 + b"\n", *lines[3:]], Flaw.ALTERED),
    ):
        other = tmp_path / "spoilt.jsonl"
        other.write_bytes(b"".join(spoilt))
        broken = check_file(other, ring(either_house)).broken
        assert broken is not None
        assert broken.flaw is flaw


async def test_a_part_is_an_export_too(either_house: House, tmp_path: Path):
    await busy(either_house)
    either_house.clock.advance(timedelta(days=1))
    client = await either_house.signed_in("07339", "minh")
    await client.patch("/api/v1/devices/07339-1", json={"name": "mới"}, headers=ANY)
    key = either_house.runtime.keys.signing
    async with either_house.database.reading() as session:
        count = await export(
            session, tmp_path / "part", key=key, now=either_house.clock.now, since=NOON + timedelta(hours=1)
        )
        none = await export(
            session, tmp_path / "none", key=key, now=either_house.clock.now, until=NOON - timedelta(days=1)
        )
    assert count == check_file(tmp_path / "part", ring(either_house)).entries > 0
    assert none == check_file(tmp_path / "none", ring(either_house)).entries == 0


async def test_the_oldest_entries_go_only_into_an_export_and_leave_a_signed_base(either_house: House, tmp_path: Path):
    await busy(either_house)
    file = await exported(either_house, tmp_path / "old.jsonl.gz")
    before = await trail(either_house)
    key, kept_for = either_house.runtime.keys.signing, timedelta(days=400)

    async def cut(path: Path) -> None:
        async with either_house.database.transaction() as session:
            await prune(session, path, key=key, now=either_house.clock.now, kept_for=kept_for)

    with pytest.raises(Conflict, match="stay"):
        await cut(file)
    either_house.clock.advance(timedelta(days=500))
    await either_house.area("07342", parent="24")
    await cut(file)
    added, pruned = await trail(either_house)
    assert (added.kind, pruned.action) == ("area", "pruned")
    assert pruned.changes == {"entries": [len(before), 0], "through": [None, len(before)]}
    async with either_house.database.reading() as session:
        found = await check_database(session, ring(either_house), [entry.head for entry in before])
        assert found.broken is None
        assert found.entries == 2
        stranger = await check_database(session, KeyRing([SigningKey.generate().public]), [])
        assert stranger.broken is not None
        assert stranger.broken.flaw is Flaw.UNFOUNDED
    with pytest.raises(Conflict, match="does not begin"):
        await cut(file)


def loa(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "LOA_DATA_DIR": str(data)}
    return subprocess.run(
        [sys.executable, "-m", "loa", "audit", *words], env=env, capture_output=True, text=True, check=False
    )


async def test_one_command_verifies_exports_and_finds_what_was_done_past_the_service(tmp_path: Path):
    data, file = tmp_path / "data", tmp_path / "trail.jsonl.gz"
    async with open_house(data, services=(auditing,)) as house:
        await busy(house)
        key = house.runtime.keys.signing.public.x
    good = loa(data, "verify")
    assert good.returncode == 0, good.stderr
    assert "Signed for up to entry" in good.stdout
    assert loa(data, "export", "--out", str(file)).returncode == 0
    alone = loa(tmp_path / "elsewhere", "verify", str(file), "--key", key)
    assert alone.returncode == 0, alone.stderr
    assert not (tmp_path / "elsewhere").exists()
    assert loa(tmp_path / "elsewhere", "verify", str(file)).returncode == 2
    assert loa(tmp_path / "elsewhere", "verify", str(file), "--key", "nonsense").returncode == 2
    database = sqlite3.connect(data / "loa.db")
    database.execute("DROP TRIGGER audit_entries_stay")
    database.execute("UPDATE audit_entries SET actor = 'ai đó' WHERE number = 4")
    database.commit()
    database.close()
    bad = loa(data, "verify")
    assert bad.returncode == 1
    assert "BROKEN at entry 4 (altered)" in bad.stderr


async def test_hostile_filters_are_answered(either_house: House):
    client = await either_house.signed_in("VN", "thanh-tra", roles=[Role.AUDITOR])
    for path in ("/api/v1/audit?kind=%27%20OR%201=1", "/api/v1/audit/device/%F0%9F%94%8A", "/api/v1/audit?since=x"):
        answer: httpx.Response = await client.get(path)
        assert answer.status_code in {200, 422}, path
        assert json.loads(answer.text)
