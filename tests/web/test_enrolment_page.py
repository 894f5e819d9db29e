"""Technicians' page: a code to show, boards to let in, certificates that end."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from controller.accounts.roles import Role
from controller.devices.models import Device
from protocol.enrolment import ENROL_PATH
from tests.support.boards import Board, believed
from tests.support.controller import House, open_house

HERE = "/devices/enrolment"
SPEAKER = "07339-1"


@pytest.fixture
async def house(tmp_path: Path) -> Any:
    async with open_house(tmp_path / "data", services=()) as opened:
        await opened.commune("07339", speakers=1)
        yield opened


@pytest.fixture
async def technician(house: House) -> httpx.AsyncClient:
    return await house.signed_in("07339", roles=[Role.TECHNICIAN])


async def test_a_code_is_shown_with_its_command_and_works(house: House, technician: httpx.AsyncClient):
    page = (await technician.post(f"{HERE}/code", data={"device_id": SPEAKER})).text
    found = re.search(r"([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})", page)
    assert found is not None
    assert "<svg" in page
    assert "style=" not in page
    board = Board()
    answer = await house.browser().post(ENROL_PATH, json=board.asks(found[1]))
    assert believed(answer.json(), found[1]).device_id == SPEAKER
    assert found[1] not in (await technician.get(HERE)).text


async def test_a_waiting_board_becomes_a_new_speaker_and_is_shut_out_again(house: House, technician: httpx.AsyncClient):
    board = Board()
    await house.browser().post(ENROL_PATH, json=board.asks(hostname="<b>loa</b>"))
    page = (await technician.get(HERE)).text
    assert all(board.fingerprint[at : at + 4] in page for at in range(0, 64, 4))
    assert "<b>loa</b>" not in page

    wish = {"do": "approve", "device_id": "dinh-lang", "name": "Đình làng", "area_code": "07339"}
    assert (await technician.post(f"{HERE}/{board.fingerprint}", data=wish)).status_code == 303
    assert "dinh-lang" in (await technician.get(HERE)).text
    assert (await technician.post(f"{HERE}/revocation", data={"device_id": "dinh-lang"})).status_code == 303
    assert (await technician.get(f"{HERE}")).text.count("/devices/enrolment/revocation") == 0


async def test_a_new_speaker_is_put_on_the_map_where_its_place_is_known(house: House, technician: httpx.AsyncClient):
    board = Board()
    await house.browser().post(ENROL_PATH, json=board.asks())
    where = f"{HERE}/{board.fingerprint}"
    wish = {"do": "approve", "device_id": "dinh-lang", "name": "Đình làng", "lat": "21.3475"}
    assert (await technician.post(where, data=wish)).status_code == 422
    assert (await technician.post(where, data=wish | {"lon": "106.1062"})).status_code == 303
    async with house.database.reading() as session:
        speaker = await session.get_one(Device, "dinh-lang")
    assert (speaker.lat, speaker.lon) == (21.3475, 106.1062)


async def test_what_is_refused_is_said_and_nothing_of_it_stays(house: House, technician: httpx.AsyncClient):
    board = Board()
    await house.browser().post(ENROL_PATH, json=board.asks())
    where = f"{HERE}/{board.fingerprint}"
    wrong = {"do": "approve", "device_id": "Đình làng", "name": "x", "area_code": "07339"}
    assert (await technician.post(where, data=wrong)).status_code == 422
    assert (await technician.post(where, data={"do": "approve", "device_id": "07342-1"})).status_code == 404
    assert (await technician.post(f"{HERE}/code", data={"device_id": "nobody"})).status_code == 404
    assert (await technician.post(where, data={"do": "reject"})).status_code == 303


async def test_it_is_for_technicians(house: House):
    officer = await house.signed_in("07339", "officer", roles=[Role.BROADCASTER])
    assert (await officer.get(HERE)).status_code == 403
