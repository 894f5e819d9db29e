"""The pages of those who send CAP: made, told apart by certificates, read from feeds, put away and brought back."""

import re
from datetime import timedelta

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from controller.accounts.roles import Role
from controller.cap.ladder import DEFAULT_LADDER
from controller.cap.models import CapFeedState
from tests.support.cap import cap, certificate, info, key, signed
from tests.support.controller import House

PEM = certificate(key(), name="Đài KTTV").public_bytes(Encoding.PEM)


class Desk:
    """An administrator at the page of one sender."""

    def __init__(self, house: House, client: httpx.AsyncClient, sender: str) -> None:
        self.house, self.client, self.sender = house, client, sender

    @property
    def path(self) -> str:
        return f"/cap/{self.sender}"

    async def page(self) -> str:
        return (await self.client.get(self.path)).text

    async def made(self) -> dict[str, object]:
        body: dict[str, object] = (await self.client.get(f"/api/v1/cap/senders/{self.sender}")).json()
        return body

    async def does(self, do: str, files: dict[str, object] | None = None, **more: object) -> httpx.Response:
        version = (await self.client.get(f"/api/v1/cap/senders/{self.sender}")).headers["etag"].strip('"')
        return await self.client.post(self.path, data={"version": version, "do": do, **more}, files=files)

    async def saves(self, files: dict[str, object] | None = None, **more: object) -> httpx.Response:
        usual = {"title": "Đài KTTV", "names": "", "languages": "vi", "release": "officer"}
        return await self.does("save", files, **usual | more)

    async def sends(self, data: bytes, token: str) -> httpx.Response:
        browser = self.house.browser(Authorization=f"Bearer {token}")
        return await browser.post("/api/v1/cap", content=data, headers={"Content-Type": "application/cap+xml"})


def token_in(page: httpx.Response) -> str:
    return re.findall(r'class="secret" readonly value="([^"]+)"', page.text)[0]


@pytest.fixture
async def desk(house: House) -> Desk:
    await house.commune("07339")
    client = await house.in_person("07339", "top", roles=[Role.ADMINISTRATOR, Role.DUTY_OFFICER])
    made = await client.post("/cap", data={"title": "Đài KTTV", "area_code": "07339", "release": "officer"})
    assert made.status_code == 303, made.text
    return Desk(house, client, made.headers["location"].rsplit("/", 1)[1])


async def test_a_centre_is_added_gets_its_token_once_and_what_it_sends_is_told_in_words(desk: Desk):
    now = desk.house.clock.now
    token = token_in(await desk.does("token"))
    assert token not in await desk.page()
    soon = (now + timedelta(hours=1)).isoformat(timespec="seconds").replace("Z", "+00:00")
    sent = now.isoformat(timespec="seconds").replace("Z", "+00:00")
    taken = await desk.sends(cap(info(expires=soon), sent=sent), token)
    assert taken.status_code == 200, taken.text
    page = await desk.page()
    assert "Đã lập báo động" in page
    assert "Bản tin hợp lệ (200)" in page
    assert f'href="/emergency/{taken.json()["alerts"][0]}"' in page

    desk.house.clock.advance(timedelta(minutes=1))
    assert (await desk.sends(cap(info(expires=soon), sent=sent), token)).status_code == 409
    for page in (await desk.page(), (await desk.client.get("/cap")).text):
        assert "Mã bản tin này đã được dùng. Bản tin mới cần mã mới. (201)" in page

    assert (await desk.does("take-token")).status_code == 303
    assert (await desk.sends(cap(), token)).status_code == 401


async def test_a_certificate_is_shown_with_whose_it_is_and_until_when(desk: Desk):
    begun = desk.house.clock.now
    pem = certificate(key(), name="Đài KTTV", since=begun - timedelta(days=300), days=310).public_bytes(Encoding.DER)
    assert (await desk.saves({"certificate": ("kttv.der", pem)})).status_code == 303
    assert "<strong>Đài KTTV</strong>" in await desk.page()
    assert "hãy xin chứng thư mới" in (await desk.client.get("/cap")).text
    token = token_in(await desk.does("token"))
    assert (await desk.sends(cap(), token)).json()["code"] == "cap_bad_signature"

    broken = await desk.saves({"certificate": ("x.pem", b"nothing")}, title="Tên mới")
    assert broken.status_code == 422
    assert "Không đọc được chứng thư PEM này" in broken.text
    assert 'value="Tên mới"' in broken.text
    assert "<strong>Đài KTTV</strong>" in broken.text
    desk.house.clock.advance(timedelta(days=20))
    client = await desk.house.in_person("07339", "top2", roles=[Role.ADMINISTRATOR])
    assert "đã hết hạn" in (await client.get(desk.path)).text


async def test_a_certificate_without_its_tick_is_trusted_no_more(desk: Desk):
    await desk.saves({"certificate": ("kttv.pem", PEM)})
    mark = re.findall(r'data-certificate="([0-9a-f]+)"', await desk.page())
    await desk.saves(keep=mark)
    assert len(list((await desk.made())["certificates"])) == 1
    await desk.saves()
    assert (await desk.made())["certificates"] == []


async def test_feeds_are_added_read_more_rarely_and_removed(desk: Desk):
    plain = await desk.does("add-feed", url="http://kttv.example.vn/feed", interval_s="60")
    assert (plain.status_code, "Nguồn tin không ký phải dùng https" in plain.text) == (422, True)
    assert 'value="http://kttv.example.vn/feed"' in plain.text
    assert (await desk.does("add-feed", url="https://kttv.example.vn/feed", interval_s="60")).status_code == 303
    page = await desk.page()
    assert "Chưa đọc lần nào" in page
    feed = re.findall(r'data-feed="([^"]+)"', page)[0]
    assert (await desk.does(f"interval:{feed}", interval_s="600")).status_code == 303
    async with desk.house.database.transaction() as session:
        looked = desk.house.clock.now
        session.add(CapFeedState(feed_id=feed, handled=[], failures=1, problem="away", looked_at=looked))
    page = await desk.page()
    assert '<option value="600" selected>' in page
    assert "Máy chủ không trả lời" in page
    assert (await desk.does(f"remove-feed:{feed}")).status_code == 303
    assert "kttv.example.vn" not in await desk.page()


async def test_the_ladder_is_edited_line_by_line_and_set_back(desk: Desk):
    async def rungs() -> list[dict[str, object]]:
        ladder = (await desk.made())["ladder"]
        assert isinstance(ladder, dict)
        found: list[dict[str, object]] = ladder["rungs"]
        return found

    one = {"rungs": "1", "severity-0": ["Extreme", "Severe"], "priority-0": "3"}
    assert (await desk.does("ladder", **one)).status_code == 303
    assert [sorted(each["severity"]) for each in await rungs()] == [["Extreme", "Severe"]]
    await desk.does("add-rung", **one)
    assert [each["priority"] for each in await rungs()] == [3, 0]
    await desk.does("raise-rung:1", rungs="2", **{"priority-0": "3", "priority-1": "1"})
    assert [each["priority"] for each in await rungs()] == [1, 3]
    await desk.does("drop-rung:0", rungs="2", **{"priority-0": "1", "priority-1": "3"})
    assert [each["priority"] for each in await rungs()] == [3]
    assert (await desk.does("ladder", rungs="1", **{"urgency-0": "Never", "priority-0": "3"})).status_code == 422
    assert [each["priority"] for each in await rungs()] == [3]
    await desk.does("usual-ladder")
    assert len(await rungs()) == len(DEFAULT_LADDER.rungs)


async def test_what_is_put_away_is_heard_no_more_and_can_be_brought_back(desk: Desk):
    token = token_in(await desk.does("token"))
    assert (await desk.does("retire")).status_code == 303
    assert (await desk.sends(signed(cap()), token)).status_code == 401
    assert desk.path not in (await desk.client.get("/cap")).text
    assert desk.path in (await desk.client.get("/cap?retired=true")).text
    assert "Khôi phục" in await desk.page()
    assert (await desk.does("restore")).status_code == 303
    assert (await desk.made())["sends"] is True


async def test_only_administrators_of_the_place_find_it_and_late_forms_change_nothing(desk: Desk):
    officer = await desk.house.in_person("07339", "truc", roles=[Role.DUTY_OFFICER])
    assert (await officer.get("/cap")).status_code == 403
    await desk.house.commune("07340")
    neighbour = await desk.house.in_person("07340", "ben", roles=[Role.ADMINISTRATOR])
    assert (await neighbour.get(desk.path)).status_code == 404
    assert "Chưa có đơn vị nào" in (await neighbour.get("/cap")).text
    refused = await neighbour.post("/cap", data={"title": "X", "area_code": "07339", "release": "officer"})
    assert (refused.status_code, 'value="X"' in refused.text) == (422, True)
    await desk.saves(title="Đài mới")
    late = await desk.client.post(desk.path, data={"version": "1", "do": "retire"})
    assert late.status_code == 412
