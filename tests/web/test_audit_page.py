"""Who did what, as people read it."""

from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import inspect

from audio.signals import ABOUT, Signal
from controller.accounts.roles import Role
from controller.audit.registry import AUDITED, Part, Whole
from controller.web.i18n import Language, translator
from controller.web.present.audit_words import field_names
from tests.support.broadcasts import playlist, schedule
from tests.support.controller import PASSWORD, House
from tests.support.things import things

ANY = {"If-Match": "*"}
HOSTILE = '<img src=x onerror="alert(1)">'


async def reader(house: House, name: str, *roles: Role) -> httpx.AsyncClient:
    await house.user(name, "07339", roles=roles)
    browser = house.browser()
    await browser.post("/sign-in", data={"username": name, "password": PASSWORD})
    return browser


async def test_a_retimed_schedule_reads_as_people_say_it(house: House):
    await house.commune("07339", speakers=1)
    made = await schedule(house, "07339", await playlist(house, "07339"), areas=("07339",), rrule="FREQ=DAILY")
    client = await house.signed_in("07339", "an")
    path = f"/api/v1/schedules/{made}"
    await client.patch(path, json={"first_local": "2026-11-20T05:00:00"}, headers=ANY)
    await client.patch(path, json={"first_local": "2026-11-20T17:00:00"}, headers=ANY)
    browser = await reader(house, "lan", Role.BROADCASTER)
    page = (await browser.get(f"/audit/schedule/{made}")).text
    newest = next(part for part in page.split('class="deed ') if "giờ bắt đầu" in part)
    assert "<strong>an</strong> đã đổi lịch phát" in newest
    assert "<dt>giờ bắt đầu</dt><dd><del>05:00</del> → <ins>17:00</ins></dd>" in newest
    assert "127.0.0.1" not in page
    assert f'href="/audit/schedule/{made}"' in (await browser.get("/")).text


def told() -> Iterator[str]:
    """Every field that the trail may tell."""
    for spec in AUDITED:
        if isinstance(spec, Whole):
            columns = inspect(spec.model).columns
            yield from (each.key for each in columns if spec.tells(each.key) and not each.primary_key)
        else:
            yield from [spec.field] if isinstance(spec, Part) else spec.tells


@pytest.mark.parametrize("language", Language)
def test_whatever_the_trail_tells_has_a_name(language: Language):
    assert sorted(set(told()) - field_names(translator(language)).keys()) == []


async def test_what_became_of_an_alert_is_told_in_the_readers_words(house: House):
    await house.commune("07339", speakers=1)
    made = await things(house, await house.signed_in("07339"), "07339")
    browser = await reader(house, "thanh", Role.AUDITOR)
    page = (await browser.get(f"/audit/alert/{made['alert_id']}")).text
    assert "<dt>trạng thái</dt><dd><ins>bản nháp</ins></dd>" in page
    assert "<dt>loại</dt><dd><ins>Báo động thật</ins></dd>" in page
    assert f"<dt>tín hiệu</dt><dd><ins>{ABOUT[Signal.ATTENTION].name_vi}</ins></dd>" in page
    assert "<ins>–</ins>" not in page, "what was left empty is no news"


async def test_every_speaker_leads_to_its_history(house: House):
    await house.commune("07339", speakers=1)
    browser = await reader(house, "lan")
    assert 'href="/audit/device/07339-1"' in (await browser.get("/")).text
    assert "đã tạo cụm loa" in (await browser.get("/audit/device/07339-1")).text


async def test_the_whole_trail_is_the_auditors(house: House):
    await house.commune("07339", speakers=1)
    auditor, other = await reader(house, "thanh", Role.AUDITOR), await reader(house, "lan", Role.BROADCASTER)
    assert 'href="/audit"' in (await auditor.get("/")).text
    assert 'href="/audit"' not in (await other.get("/")).text
    refused = await other.get("/audit")
    assert refused.status_code == 403
    page = (await auditor.get("/audit")).text
    assert "<strong>lan</strong> bị từ chối GET /audit" in page
    assert "từ 127.0.0.1" in page
    assert "đã đăng nhập" in page
    only = (await auditor.get("/audit", params={"kind": "refusal", "actor": "lan", "day": "2026-11-20"})).text
    assert "đã đăng nhập" not in only
    assert "bị từ chối" in only
    assert "Chưa có gì ở đây" in (await auditor.get("/audit", params={"day": "2026-11-19"})).text


async def test_hostile_words_are_text_and_every_change_has_a_field(house: House):
    await house.area("07339", name=HOSTILE, policy={"max_volume": 60})
    await house.device("07339-1", "07339", HOSTILE)
    client = await house.signed_in("07339", "an")
    made = await client.post("/api/v1/groups", json={"name": HOSTILE, "device_ids": ["07339-1"], "note": "x" * 700})
    assert made.status_code == 201, made.text
    await client.post("/api/v1/devices/07339-1/commands", json={"action": {"verb": "volume", "percent": 40}})
    browser = await reader(house, "thanh", Role.AUDITOR)
    page = (await browser.get("/audit")).text
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
    assert "… (700 ký tự)" in page


async def test_what_waits_for_approval_leads_to_the_history_of_its_words_and_of_itself(house: House):
    await house.commune("07339", speakers=1)
    client = await house.signed_in("07339", "an")
    words = {"title": "Tin", "area_code": "07339", "text": "Xin chào bà con"}
    announcement = (await client.post("/api/v1/announcements", json=words)).json()["id"]
    items = {"title": "Tin", "area_code": "07339", "items": [{"kind": "announcement", "announcement_id": announcement}]}
    aired = await client.post("/api/v1/playlists", json=items)
    assert aired.status_code == 201, aired.text
    wish = {
        "title": "Tin",
        "playlist_id": aired.json()["id"],
        "area_code": "07339",
        "targets": [{"kind": "area", "key": "07339"}],
        "first_local": "2026-11-21T05:00:00",
    }
    made = (await client.post("/api/v1/schedules", json=wish)).json()["id"]
    browser = await reader(house, "lan", Role.APPROVER)
    page = (await browser.get(f"/approvals/{made}")).text
    histories = {f"/audit/announcement/{announcement}": "đã tạo bản tin", f"/audit/schedule/{made}": "đã tạo lịch"}
    for place, deed in histories.items():
        assert f'href="{place}"' in page
        assert deed in (await browser.get(place)).text


async def test_the_trail_of_an_alert_is_one_click_away_for_the_duty_officer(house: House):
    await house.commune("07339")
    made = await things(house, await house.signed_in("07339", "chief"), "07339")
    officer = await house.in_person("07339", "officer", roles=[Role.DUTY_OFFICER])
    trail = f"/audit/alert/{made['alert_id']}"
    assert f'href="{trail}"' in (await officer.get(f"/emergency/{made['alert_id']}")).text
    told = await officer.get(trail)
    assert told.status_code == 200
    assert "chief" in told.text
