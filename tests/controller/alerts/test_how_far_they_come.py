"""How far an alert has come: counted, the silent named, and whom to call."""

import csv
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest

from controller.alerts.keeping import alerting, keep
from controller.devices.models import Device
from controller.monitoring.models import DeviceStateRow
from protocol.messages import AlertPhase
from tests.support.alert_desk import COMMUNE, Desk, counts, report, says
from tests.support.controller import House, open_house
from tests.support.eventually import becomes


async def online(house: House, *numbers: int) -> None:
    async with house.database.transaction() as session:
        for number in numbers:
            session.add(
                DeviceStateRow(
                    device_id=f"{COMMUNE}-{number}", online=True, agent_version="", ready=0, planned=0,
                    seen_at=house.clock.now,
                )
            )  # fmt: skip


async def test_how_far_it_has_come_is_counted_and_the_silent_are_named(
    house: House, maker: Desk, releaser: Desk
) -> None:
    await online(house, 1, 2)
    draft = await maker.draft()
    await releaser.release(draft)
    assert await counts(maker, draft) == {"targeted": 3, "waiting": 2, "unreachable": 1, "unheard": 3}
    await report(house, f"{COMMUNE}-1", draft["id"], AlertPhase.RECEIVED)
    assert await counts(maker, draft) == {"targeted": 3, "received": 1, "waiting": 1, "unreachable": 1, "unheard": 3}
    first = house.clock.now + timedelta(seconds=1)
    await report(house, f"{COMMUNE}-1", draft["id"], AlertPhase.SOUNDING, first_sound_at=first)
    assert (await counts(maker, draft))["sounding"] == 1
    await report(house, f"{COMMUNE}-1", draft["id"], AlertPhase.FINISHED)
    await report(house, f"{COMMUNE}-1", draft["id"], AlertPhase.ENDED)
    assert await counts(maker, draft) == {
        "targeted": 3,
        "received": 1,
        "finished": 1,
        "waiting": 1,
        "unreachable": 1,
        "unheard": 2,
    }
    silent = await maker.get(f"/api/v1/alerts/{draft['id']}/reach/speakers?silent=true")
    assert [(each["device"], each["online"]) for each in silent] == [(f"{COMMUNE}-2", True), (f"{COMMUNE}-3", False)]
    house.clock.advance(timedelta(seconds=101))
    await keep(house.runtime)
    assert (await counts(maker, draft))["incidents"] == 1
    everyone = await maker.get(f"/api/v1/alerts/{draft['id']}/reach/speakers")
    assert [each["incident"] for each in everyone] == [False, True, False]
    (incident,) = (await maker.get(f"/api/v1/devices/{COMMUNE}-2/incidents"))["items"]
    assert (incident["code"], incident["ended_at"]) == ("alert_unanswered", None)
    technician = await house.signed_in(COMMUNE, "ky-thuat")
    seen = await technician.post(f"/api/v1/devices/{COMMUNE}-2/incidents/{incident['id']}/acknowledge")
    assert seen.json()["ended_at"], "it is over when somebody has looked at it"


async def test_a_controller_that_died_before_it_counted_counts_when_it_is_back_and_keeps_what_was_said(
    tmp_path: Path,
) -> None:
    async with open_house(tmp_path / "data", services=()) as died:
        await died.commune(COMMUNE, speakers=3)
        await says(died, COMMUNE, {"release": "second_person"})
        maker, releaser = await Desk.of(died, "nguoi-soan"), await Desk.of(died, "nguoi-phat")
        draft = await maker.draft()
        await releaser.post(f"/api/v1/alerts/{draft['id']}/release", seen=draft["digest"])
        await report(died, f"{COMMUNE}-2", draft["id"], AlertPhase.SOUNDING)
        assert await counts(maker, draft) == {"targeted": 1, "received": 1, "sounding": 1, "unheard": 1}
    async with open_house(tmp_path / "data", services=(alerting,)) as back:
        desk = await Desk.of(back, "nguoi-truc")

        async def all_are_expected() -> bool:
            return (await counts(desk, draft))["targeted"] == 3

        await becomes(all_are_expected)
        assert await counts(desk, draft) == {
            "targeted": 3,
            "received": 1,
            "sounding": 1,
            "unreachable": 2,
            "unheard": 3,
        }


async def test_however_many_are_silent_each_is_an_incident(
    house: House, maker: Desk, releaser: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.alerts.repository.SILENT_AT_A_TIME", 1)
    await online(house, 1, 2, 3)
    draft = await maker.draft()
    await releaser.release(draft)
    house.clock.advance(timedelta(seconds=101))
    await keep(house.runtime)
    assert (await counts(maker, draft))["incidents"] == 3


async def test_reports_of_strangers_and_of_unknown_alerts_change_nothing(
    house: House, maker: Desk, releaser: Desk
) -> None:
    draft = await maker.draft()
    await releaser.release(draft)
    await report(house, "nobody", draft["id"], AlertPhase.FINISHED)
    await report(house, f"{COMMUNE}-1", "no-such-alert", AlertPhase.FINISHED)
    assert await counts(maker, draft) == {"targeted": 3, "unreachable": 3, "unheard": 3}


async def test_a_speaker_that_joined_since_counts_too(house: House, maker: Desk, releaser: Desk) -> None:
    draft = await maker.draft()
    await releaser.release(draft)
    await house.device("07339-9", COMMUNE)
    await report(house, "07339-9", draft["id"], AlertPhase.RECEIVED)
    assert await counts(maker, draft) == {"targeted": 4, "received": 1, "unreachable": 3, "unheard": 4}


async def test_who_is_silent_is_on_the_list_to_call_down_with_whom_to_call(
    house: House, maker: Desk, releaser: Desk
) -> None:
    administrator = await house.signed_in(COMMUNE, "quan-tri")
    edited = await administrator.patch(
        f"/api/v1/areas/{COMMUNE}", json={"contact": "=Anh Sáu, 0912 345 678"}, headers={"If-Match": "*"}
    )
    assert edited.json()["contact"] == "=Anh Sáu, 0912 345 678"
    async with house.database.transaction() as session:
        (await session.get_one(Device, "07339-2")).note = "Chìa khóa ở nhà văn hóa"
        session.add(
            DeviceStateRow(
                device_id="07339-2", online=False, agent_version="", ready=0, planned=0, session="s-1",
                seen_at=house.clock.now,
            )
        )  # fmt: skip
    alert = await maker.draft()
    await releaser.release(alert)
    await report(house, "07339-1", alert["id"], AlertPhase.SOUNDING, first_sound_at=house.clock.now)

    answer = await maker.client.get(f"/api/v1/alerts/{alert['id']}/call-list.csv")
    rows = list(csv.DictReader(StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["device"] for row in rows] == ["07339-2", "07339-3"]
    assert {row["contact"] for row in rows} == {"'=Anh Sáu, 0912 345 678"}
    seen = house.clock.now.isoformat(timespec="seconds").replace("+00:00", "Z")
    assert (rows[0]["note"], rows[0]["last_seen_at"], rows[0]["last_session"]) == (
        "Chìa khóa ở nhà văn hóa", seen, "s-1",
    )  # fmt: skip
    assert (rows[1]["last_seen_at"], rows[1]["last_session"]) == ("", "")

    page = (await maker.client.get(f"/emergency/{alert['id']}/call-list")).text
    assert "Anh Sáu, 0912 345 678" in page
    assert [name in page for name in ("07339-1", "07339-2", "07339-3")] == [False, True, True]


async def test_of_a_draft_nobody_is_said_to_have_sounded_it(maker: Desk):
    page = (await maker.client.get(f"/emergency/{(await maker.draft())['id']}/call-list")).text
    assert "Chưa từng phát lệnh: không cần gọi ai." in page
    assert "Mọi cụm loa đều đã phát" not in page


async def test_who_began_to_sound_it_and_failed_is_on_the_list_to_call_down(
    house: House, maker: Desk, releaser: Desk
) -> None:
    alert = await maker.draft()
    await releaser.release(alert)
    for number in (1, 2, 3):
        await report(house, f"{COMMUNE}-{number}", alert["id"], AlertPhase.SOUNDING, first_sound_at=house.clock.now)
    await report(house, f"{COMMUNE}-1", alert["id"], AlertPhase.FAILED, reason="interrupted")
    await report(house, f"{COMMUNE}-2", alert["id"], AlertPhase.FINISHED)
    await report(house, f"{COMMUNE}-2", alert["id"], AlertPhase.FAILED, revision=2, reason="interrupted")
    silent = await maker.get(f"/api/v1/alerts/{alert['id']}/reach/speakers?silent=true")
    assert [each["device"] for each in silent] == [f"{COMMUNE}-1"]
    assert await counts(maker, alert) == {
        "targeted": 3, "received": 3, "sounding": 1, "finished": 1, "failed": 1, "unheard": 1,
    }  # fmt: skip
    page = (await maker.client.get(f"/emergency/{alert['id']}/call-list")).text
    assert "Đã bắt đầu phát rồi bị lỗi" in page
    assert [f"{COMMUNE}-{number}" in page for number in (1, 2, 3)] == [True, False, False]

    await report(house, f"{COMMUNE}-1", alert["id"], AlertPhase.ENDED)
    assert (await counts(maker, alert))["failed"] == 1, "that it is over does not unsay that it failed"


@pytest.mark.parametrize(("stood_s", "incidents"), [(9, 0), (10, 2), (60, 2)])
async def test_who_never_had_what_was_called_off_is_an_incident_all_the_same(
    house: House, maker: Desk, releaser: Desk, stood_s: int, incidents: int
) -> None:
    await online(house, 1, 2, 3)
    alert = await maker.draft()
    await releaser.release(alert)
    await report(house, f"{COMMUNE}-1", alert["id"], AlertPhase.RECEIVED)
    house.clock.advance(timedelta(seconds=stood_s))
    await maker.cancel(alert, all_clear=False)
    house.clock.advance(timedelta(seconds=99 - stood_s))
    await keep(house.runtime)
    assert "incidents" not in await counts(maker, alert)
    house.clock.advance(timedelta(seconds=1))
    await keep(house.runtime)
    assert (await counts(maker, alert)).get("incidents", 0) == incidents


async def test_who_never_had_what_expired_or_was_replaced_is_an_incident(
    house: House, maker: Desk, releaser: Desk
) -> None:
    await online(house, 1)
    expires, first = await maker.draft(lifetime_s=60), await maker.draft()
    await releaser.release(expires)
    await releaser.release(first)
    house.clock.advance(timedelta(seconds=61))
    await releaser.release(await maker.draft(replaces=[first["id"]]))
    await keep(house.runtime)
    house.clock.advance(timedelta(seconds=40))
    await keep(house.runtime)
    assert [(await counts(maker, each))["incidents"] for each in (expires, first)] == [1, 1]


async def test_a_silence_is_one_incident_and_an_old_one_is_none(house: House, maker: Desk, releaser: Desk) -> None:
    await online(house, 1)
    alert = await maker.draft()
    await releaser.release(alert)
    house.clock.advance(timedelta(seconds=101))
    await keep(house.runtime)
    await maker.cancel(alert, all_clear=False)
    old = await maker.draft()
    await releaser.release(old)
    house.clock.advance(timedelta(days=1))
    await keep(house.runtime)
    (incident,) = (await maker.get(f"/api/v1/devices/{COMMUNE}-1/incidents"))["items"]
    assert incident["times"] == 1
    assert "incidents" not in await counts(maker, old)
