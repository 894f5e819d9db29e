"""Tests that nobody hears: each commune on its day, once, whatever happens to the service; and a report of each."""

import csv
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from controller.accounts.roles import Role
from controller.alerts.dates import BEGINS_WITHIN_MIN, may_begin, next_due
from controller.alerts.keeping import alerting, counting_of, keep
from controller.alerts.models import AlertRow, SilentTestRow
from controller.alerts.testing import LASTS_S, keep_testing
from controller.areas.models import Area
from controller.areas.policy import AreaPolicy, SilentTest, silent_test
from controller.broadcasting import planning
from controller.devices.models import Device
from protocol.messages import AlertKind, AlertPhase, AlertReport, AlertStanding
from tests.support.broadcasts import hear
from tests.support.controller import House, open_house
from tests.support.postgres import Cluster

HERE, THERE, PROVINCE = "07339", "07444", "24"
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
MOMENTS = st.integers(0, 5 * 365 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
OFTEN = st.sampled_from([SilentTest.WEEKLY, SilentTest.MONTHLY])


@pytest.fixture(params=["sqlite", "postgresql"])
async def house(request: pytest.FixtureRequest, tmp_path: Path, cluster: Cluster) -> AsyncIterator[House]:
    """A controller of two communes, whose days have not come yet."""
    url = await cluster.migrated() if request.param == "postgresql" else ""
    async with open_house(tmp_path / "data", database_url=url, services=(planning, alerting)) as opened:
        await opened.commune(HERE, speakers=3)
        await opened.commune(THERE, speakers=1)
        await keep_testing(opened.runtime)
        yield opened


async def raised_in(house: House, area: str = HERE) -> list[AlertRow]:
    async with house.database.reading() as session:
        statement = select(AlertRow).where(AlertRow.area_code == area, AlertRow.kind == AlertKind.TEST)
        return list((await session.scalars(statement.order_by(AlertRow.id))).all())


async def due(house: House, area: str = HERE) -> datetime | None:
    async with house.database.reading() as session:
        row = await session.get(SilentTestRow, area)
    return row.due_at if row is not None else None


async def until_due(house: House, area: str = HERE) -> None:
    """Its day comes, and the service looks."""
    at = await due(house, area)
    assert at is not None
    house.clock.now = at + timedelta(seconds=30)
    await look(house)


async def look(house: House) -> None:
    await keep(house.runtime)
    await keep_testing(house.runtime)
    await counting_of(house.runtime).count()


async def says(house: House, area: str, policy: dict[str, Any]) -> None:
    async with house.database.transaction() as session:
        (await session.get_one(Area, area)).policy = policy


async def report(house: House, device: str, alert: str, phase: AlertPhase, **more: Any) -> None:
    standing = AlertStanding(alert=alert, revision=1, phase=phase, at=house.clock.now, **more)
    await hear(house, AlertReport(device=device, standings=(standing,)), device)


async def test_a_commune_is_tested_on_its_day_without_a_sound_and_only_once(house: House) -> None:
    assert await raised_in(house) == []
    await until_due(house)
    (test,) = await raised_in(house)
    assert (test.volume, test.author, test.lifetime_s) == (0, "loa", LASTS_S)
    assert [(target.kind, target.key) for target in test.targets] == [("area", HERE)]
    assert test.announcement is not None
    assert test.announcement.text.startswith("Thử loa không tiếng, ngày")
    for _ in range(3):
        await look(house)
    assert len(await raised_in(house)) == 1
    await until_due(house)
    assert len(await raised_in(house)) == 2


async def test_a_kill_before_the_commit_loses_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def killed(*_: object) -> None:
        raise ConnectionError("the plug was pulled")

    at = await due(house)
    with monkeypatch.context() as patch:
        patch.setattr("controller.alerts.testing.raise_test", killed)
        with pytest.raises(ConnectionError):
            await until_due(house)
    assert (await due(house), await raised_in(house)) == (at, [])
    await look(house)
    assert len(await raised_in(house)) == 1


async def test_what_was_due_while_the_service_was_down_is_tested_once_and_by_day(house: House) -> None:
    at = await due(house)
    assert at is not None
    night = (at + timedelta(days=100)).astimezone(ZONE).replace(hour=3)
    house.clock.now = night.astimezone(UTC)
    await look(house)
    assert await raised_in(house) == []
    house.clock.now += timedelta(hours=7)
    await look(house)
    await look(house)
    assert len(await raised_in(house)) == 1


async def test_a_rule_that_changes_moves_the_day_and_off_takes_it_away(house: House) -> None:
    await says(house, PROVINCE, {"silent_test": "off"})
    await look(house)
    assert await due(house) is None
    await says(house, HERE, {"silent_test": "weekly"})
    await look(house)
    assert (await due(house, THERE)) is None
    weekly = await due(house)
    assert weekly is not None
    assert weekly <= house.clock.now + timedelta(days=7)


async def test_speakers_of_a_province_are_tested_without_its_communes(house: House) -> None:
    await house.device("tinh-1", PROVINCE)
    await look(house)
    await until_due(house, PROVINCE)
    (test,) = await raised_in(house, PROVINCE)
    assert [(target.kind, target.key) for target in test.targets] == [("device", "tinh-1")]


async def test_a_commune_without_speakers_has_no_day(house: House) -> None:
    async with house.database.transaction() as session:
        for device in await session.scalars(select(Device).where(Device.area_code == THERE)):
            await session.delete(device)
    await look(house)
    assert await due(house, THERE) is None


async def test_the_report_names_who_passed_who_failed_and_who_was_not_reached(house: House) -> None:
    officer = await house.signed_in(HERE, "can-bo", roles=(Role.DUTY_OFFICER,))
    async with house.database.transaction() as session:
        (await session.get_one(Device, f"{HERE}-1")).name = '=HYPERLINK("x")'
    await until_due(house)
    (test,) = await raised_in(house)
    await report(house, f"{HERE}-1", test.id, AlertPhase.FINISHED)
    await report(house, f"{HERE}-2", test.id, AlertPhase.RECEIVED, reason="clip_missing")

    assert [row["result"] for row in await as_csv(officer, test.id)] == ["passed", "pending", "pending"]
    house.clock.now += timedelta(seconds=LASTS_S)
    await keep(house.runtime)
    first, second, third = await as_csv(officer, test.id)
    assert (first["result"], first["name"]) == ("passed", '\'=HYPERLINK("x")')
    assert (second["result"], second["reason"], third["result"]) == ("failed", "clip_missing", "not_reached")
    assert first["finished_at"].endswith("Z")

    page = await officer.get(f"/emergency/tests/{test.id}")
    assert page.status_code == 200
    assert page.text.index(f'data-speaker="{HERE}-3"') < page.text.index(f'data-speaker="{HERE}-2"')
    assert page.text.index(f'data-speaker="{HERE}-2"') < page.text.index(f'data-speaker="{HERE}-1"')
    assert "Không lấy được âm thanh" in page.text
    listed = await officer.get("/emergency/tests")
    assert f'data-test="{test.id}"' in listed.text
    assert test.id not in (await officer.get("/emergency")).text


async def as_csv(client: httpx.AsyncClient, alert: str) -> list[dict[str, str]]:
    answer = await client.get(f"/api/v1/alerts/{alert}/report.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(StringIO(answer.content.decode("utf-8-sig"), newline="")))


async def test_a_neighbour_reads_no_report(house: House) -> None:
    neighbour = await house.signed_in(THERE, "hang-xom", roles=(Role.DUTY_OFFICER,))
    await until_due(house)
    (test,) = await raised_in(house)
    for path in (f"/api/v1/alerts/{test.id}/report.csv", f"/emergency/tests/{test.id}"):
        assert (await neighbour.get(path)).status_code == 404
    assert test.id not in (await neighbour.get("/emergency/tests")).text


async def test_an_officer_tests_their_area_at_once(house: House) -> None:
    officer = await house.signed_in(HERE, "truc-ban", roles=(Role.DUTY_OFFICER,))
    done = await officer.post("/emergency/tests")
    (test,) = await raised_in(house)
    assert (done.status_code, done.headers["location"]) == (303, f"/emergency/tests/{test.id}")
    assert (test.volume, test.released_by) == (0, "truc-ban")


async def test_the_page_says_how_often_and_leads_to_a_test_that_is_heard(house: House) -> None:
    officer = await house.signed_in(HERE, "truc-ban", roles=(Role.DUTY_OFFICER,))
    page = (await officer.get("/emergency/tests")).text
    assert "Hằng tháng" in page
    assert 'href="/rules#silent_test"' in page
    assert 'href="/emergency?standing=test#raise-title"' in page
    form = (await officer.get("/emergency?standing=test")).text
    assert 'value="test" checked' in form
    assert "Thử loa có tiếng" in form
    assert "Không có nguy hiểm" in form

    await says(house, HERE, {"silent_test": "off"})
    await keep_testing(house.runtime)
    page = (await officer.get("/emergency/tests")).text
    assert "Nơi này không có lịch thử" in page
    assert "Không thử" in page


async def test_while_it_goes_on_the_report_says_what_each_speaker_waits_for(house: House) -> None:
    officer = await house.signed_in(HERE, "truc-ban", roles=(Role.DUTY_OFFICER,))
    path = (await officer.post("/emergency/tests")).headers["location"]
    await look(house)
    (test,) = await raised_in(house)
    await report(house, f"{HERE}-1", test.id, AlertPhase.RECEIVED)
    page = (await officer.get(path)).text
    assert page.count("Đã nhận bài thử, sẽ phát khi rảnh") == 1
    assert page.count("Mất kết nối: sẽ thử khi có kết nối lại") == 2


@given(MOMENTS, OFTEN, st.text(min_size=1, max_size=12))
def test_the_next_day_is_ahead_in_working_hours_and_not_far(now: datetime, every: SilentTest, area: str) -> None:
    at = next_due(area, every, now, ZONE)
    assert at is not None
    assert now < at <= now + timedelta(days=7 if every is SilentTest.WEEKLY else 31)
    assert may_begin(at, ZONE)
    assert next_due(area, every, at, ZONE) != at


def test_communes_are_spread_over_days_and_minutes() -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    moments = [next_due(f"{number:05d}", SilentTest.MONTHLY, now, ZONE) for number in range(3321)]
    days = {at.date() for at in moments if at is not None}
    assert len(days) == 28
    assert max(moments.count(at) for at in set(moments)) <= 3321 * 12 // (28 * BEGINS_WITHIN_MIN) + 4


def test_the_nearest_rule_holds_and_monthly_where_none_is() -> None:
    weekly, off, silent = (
        AreaPolicy(silent_test=SilentTest.WEEKLY),
        AreaPolicy(silent_test=SilentTest.OFF),
        AreaPolicy(),
    )
    assert silent_test([silent, silent]) is SilentTest.MONTHLY
    assert silent_test([off, weekly, silent]) is SilentTest.WEEKLY
