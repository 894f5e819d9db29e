import base64
import json

import httpx
import pytest

from tests.support.controller import House


@pytest.fixture
async def admin(either_house: House) -> httpx.AsyncClient:
    await either_house.commune("07339", speakers=7)
    return await either_house.signed_in("VN", "admin")


async def walk(client: httpx.AsyncClient, path: str, limit: int) -> list[list[str]]:
    """The ids on each page."""
    pages: list[list[str]] = []
    cursor = None
    while True:
        params = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(path, params=params)).json()
        pages.append([item.get("id") or item["code"] for item in page["items"]])
        cursor = page["next_cursor"]
        if cursor is None:
            return pages


async def test_pages_cover_everything_once(admin: httpx.AsyncClient):
    assert await walk(admin, "/api/v1/devices", 3) == [
        ["07339-1", "07339-2", "07339-3"],
        ["07339-4", "07339-5", "07339-6"],
        ["07339-7"],
    ]
    assert [len(page) for page in await walk(admin, "/api/v1/devices", 7)] == [7]
    assert await walk(admin, "/api/v1/areas", 1) == [["VN"], ["24"], ["07339"]]


async def test_rows_added_meanwhile_neither_repeat_nor_hide_others(either_house: House, admin: httpx.AsyncClient):
    first = (await admin.get("/api/v1/devices", params={"limit": 3})).json()
    await either_house.device("07339-0", "07339")
    await either_house.device("07339-35", "07339")
    rest = (await admin.get("/api/v1/devices", params={"limit": 200, "cursor": first["next_cursor"]})).json()
    ids = [device["id"] for device in (*first["items"], *rest["items"])]
    assert ids == ["07339-1", "07339-2", "07339-3", "07339-35", "07339-4", "07339-5", "07339-6", "07339-7"]


async def test_a_page_has_one_to_two_hundred_rows(admin: httpx.AsyncClient):
    for limit in ("0", "201", "-1", "9999999999999999999999", "x", "1e3"):
        answer = await admin.get("/api/v1/devices", params={"limit": limit})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "limit"


def cursor(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


async def test_a_made_up_cursor_is_refused(admin: httpx.AsyncClient):
    made_up = [cursor(value) for value in ([1], {}, [], ["a\0"], [None])]
    for bad in ("", "x", "AAAA", "🙂", "a" * 1999, *made_up):
        answer = await admin.get("/api/v1/devices", params={"cursor": bad})
        assert answer.status_code == 422, bad
        assert answer.json()["errors"][0]["field"] == "cursor"


async def test_a_search_takes_wildcards_as_letters(either_house: House, admin: httpx.AsyncClient):
    await either_house.device("a-percent", "07339", name="Loa 100% mới")
    await either_house.device("a-line", "07339", name="Loa_1")
    for search, found in (("%", ["a-percent"]), ("_", ["a-line"]), ("LOA", ["a-line", "a-percent"]), ("\\", [])):
        items = (await admin.get("/api/v1/devices", params={"q": search})).json()["items"]
        assert [item["id"] for item in items] == found
