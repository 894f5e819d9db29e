"""Whatever comes in, the answer is a clear problem that names the field, and never a crash."""

import asyncio
import errno
import os
import re
import tempfile
from pathlib import Path
from typing import BinaryIO

import httpx
import pytest
from fastapi import APIRouter

from controller.content.store import ContentStore, Stored
from controller.errors import (
    Conflict,
    ControllerError,
    Forbidden,
    Invalid,
    Malformed,
    MethodNotAllowed,
    NotFound,
    TooLarge,
)
from controller.http.middleware import BodyLimit
from controller.http.route import TransactionRoute
from controller.text import Text
from tests.support.controller import ORIGIN, House

SPEAKER = {"id": "tan-yen-1", "name": "Cụm loa", "area_code": "07339"}


@pytest.fixture
async def lan(either_house: House) -> httpx.AsyncClient:
    await either_house.commune("07339", speakers=1)
    return await either_house.signed_in("07339", "lan")


WRONG_FIELDS: list[tuple[dict[str, object], str]] = [
    ({"name": ""}, "name"),
    ({"name": "  "}, "name"),
    ({"name": "x" * 201}, "name"),
    ({"name": "a\0b"}, "name"),
    ({"name": "a\nb"}, "name"),
    ({"name": 7}, "name"),
    ({"name": None}, "name"),
    ({"id": "Hoa"}, "id"),
    ({"id": "../etc"}, "id"),
    ({"id": "a/b"}, "id"),
    ({"id": "a+#"}, "id"),
    ({"id": "x" * 65}, "id"),
    ({"area_code": "%"}, "area_code"),
    ({"area_code": "nowhere"}, "area_code"),
    ({"lat": 91, "lon": 0}, "lat"),
    ({"lat": 21.3, "lon": "east"}, "lon"),
    ({"lat": 21.3}, ""),
    ({"note": "x" * 4001}, "note"),
    ({"nmae": "typo"}, "nmae"),
]
WRONG_BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"\xff\xfe",
    b'{"id": "\\ud800", "name": "x", "area_code": "07339"}',
    b'{"id": NaN}',
    b"[" * 100_000,
    b'{"lat": 1e999, "lon": 1, "id": "a", "name": "x", "area_code": "07339"}',
    b'{"lat": ' + b"9" * 5000 + b"}",
]
STRANGE_ADDRESSES = [
    "/api/v1/devices/%00",
    "/api/v1/devices?q=%00",
    "/api/v1/devices?area=%00",
    "/api/v1/devices/%25",
    "/api/v1/devices/..%2f..",
    "/api/v1/areas/" + "9" * 5000,
    "/api/v1/groups/%F0%9F%94%8A",
    "/api/v1/nothing",
    "/api/v1/areas?depth=99999999999999999999",
    "/api/v1/occurrences?day=9999-12-31",
    "/api/v1/occurrences?day=0001-01-01",
]


async def test_a_wrong_field_is_named(lan: httpx.AsyncClient):
    for change, field in WRONG_FIELDS:
        answer = await lan.post("/api/v1/devices", json={**SPEAKER, **change})
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["code"] == "invalid"
        assert [error["field"] for error in problem["errors"]] == [field], change
        assert all(error["message"] for error in problem["errors"])


async def test_a_body_that_is_no_such_object_is_refused(lan: httpx.AsyncClient):
    for body in WRONG_BODIES:
        answer = await lan.post("/api/v1/devices", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in {400, 422}, body
        assert answer.json()["code"] in {"invalid", "malformed"}


async def test_a_strange_address_is_refused_calmly(lan: httpx.AsyncClient):
    for path in STRANGE_ADDRESSES:
        answer = await lan.get(path)
        assert answer.status_code in {400, 404, 422}, path
        assert answer.headers["content-type"] == "application/problem+json"


async def test_vietnamese_first_and_english_on_request(lan: httpx.AsyncClient):
    texts = {}
    for language in ("", "vi", "en", "en-GB,en;q=0.9,vi;q=0.1", "fr", "vi;q=0.2, en;q=0.1", "en;q=0, vi", ";;;q=x"):
        answer = await lan.get("/api/v1/devices/nothing", headers={"Accept-Language": language})
        texts[language] = answer.json()["title"]
    english = {language for language, title in texts.items() if title == "Not found"}
    assert english == {"en", "en-GB,en;q=0.9,vi;q=0.1"}
    assert {title for language, title in texts.items() if language not in english} == {"Không tìm thấy"}


async def test_marks_of_vietnamese_letters_are_stored_composed(lan: httpx.AsyncClient):
    decomposed = "Loa\u0302i Ta\u0302n Ye\u0302n"
    made = await lan.post("/api/v1/devices", json={**SPEAKER, "name": f"  {decomposed} "})
    assert made.json()["name"] == "Loâi Tân Yên"


async def test_a_taken_id_is_a_conflict(lan: httpx.AsyncClient):
    await lan.post("/api/v1/devices", json=SPEAKER)
    again = await lan.post("/api/v1/devices", json=SPEAKER)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


async def test_an_unforeseen_error_tells_no_details(quiet_house: House):
    router = APIRouter(route_class=TransactionRoute)

    @router.get("/api/v1/broken")
    async def broken() -> None:
        raise RuntimeError("the secret is 42")

    quiet_house.app.include_router(router)
    answer = await quiet_house.browser().get("/api/v1/broken")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert "42" not in answer.text


async def test_a_wrong_method_is_a_problem(quiet_house: House):
    answer = await quiet_house.browser().put("/api/v1/devices")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


async def test_too_long_a_body_is_refused_announced_or_not(lan: httpx.AsyncClient, either_house: House):
    limit = either_house.runtime.settings.body_max_bytes

    async def unannounced():
        for _ in range(limit // 65_536 + 2):
            yield b" " * 65_536

    json_type = {"Content-Type": "application/json"}
    for content in (b" " * (limit + 1), unannounced()):
        answer = await lan.post("/api/v1/devices", content=content, headers=json_type)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    lying = await lan.post("/api/v1/devices", content=b"{}", headers={**json_type, "Content-Length": "9" * 400})
    assert lying.status_code == 413


async def test_a_strangers_files_are_refused_unread(quiet_house: House):
    async def endless():
        yield b"--x\r\nContent-Disposition: form-data; name=file; filename=a.mp3\r\n\r\n"
        raise AssertionError("the file was read")

    form = {"Content-Type": "multipart/form-data; boundary=x"}
    for authorization in ("", "Bearer nobody"):
        headers = {**form, "Authorization": authorization}
        answer = await quiet_house.browser().post("/api/v1/announcements/upload", content=endless(), headers=headers)
        assert answer.status_code in {401, 404, 405}
        answer = await quiet_house.browser().post("/api/v1/groups", content=endless(), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def test_a_body_that_stops_coming_is_given_up(quiet_house: House):
    await quiet_house.commune("07339")
    lan = await quiet_house.signed_in("07339", "lan")
    settings = quiet_house.runtime.settings

    async def stopping():
        yield b'{"name": '
        await asyncio.Event().wait()

    async def in_time():
        yield b'{"name": '
        yield b'"in time"}'

    for body, patience_s, status in ((stopping(), 0.05, 408), (in_time(), 30.0, 201)):
        app = BodyLimit(
            quiet_house.app,
            body_max_bytes=settings.body_max_bytes,
            upload_max_bytes=settings.upload_max_bytes,
            patience_s=patience_s,
        )
        transport, headers = httpx.ASGITransport(app), {**lan.headers, "Content-Type": "application/json"}
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers) as client:
            answer = await client.post("/api/v1/groups", content=body)
        assert answer.status_code == status, answer.text
    assert [group["name"] for group in (await lan.get("/api/v1/groups")).json()["items"]] == ["in time"]


@pytest.mark.parametrize(
    "body",
    [
        b"".join(b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n' % n for n in range(2000)),
        b"".join(
            b'--x\r\nContent-Disposition: form-data; name="f"; filename="%d"\r\n\r\n1\r\n' % n for n in range(2000)
        ),
        b'--x\r\nContent-Disposition: form-data; name="' + b"a" * 200_000 + b'"\r\n\r\n1\r\n',
        b"--x\r\n" + b"X-Header: 1\r\n" * 20_000 + b'Content-Disposition: form-data; name="a"\r\n\r\n1\r\n',
        b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\n' + b"1" * 1_500_000 + b"\r\n",
        b"no boundary at all",
        b"",
    ],
    ids=["parts", "files", "name", "headers", "field", "nonsense", "nothing"],
)
async def test_a_form_of_a_strange_shape_is_refused(quiet_house: House, body: bytes):
    await quiet_house.commune("07339")
    lan = await quiet_house.signed_in("07339", "lan")
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await lan.post("/api/v1/announcements/upload", content=body + b"--x--\r\n", headers=headers)
    assert answer.status_code in {400, 413, 422}, answer.text
    assert answer.json()["code"] in {"malformed", "too_large", "invalid"}
    assert (await lan.get("/api/v1/announcements")).json()["items"] == []


@pytest.mark.parametrize(
    "name",
    ["../../../etc/cron.d/x.wav", "..\\..\\x.wav", "/etc/passwd", "a\u202egnp.wav", "a\x00b.wav", "ễ" * 5000, ".."],
)
async def test_a_file_may_call_itself_what_it_likes_and_lies_where_we_say(
    quiet_house: House, tmp_path: Path, name: str
):
    await quiet_house.commune("07339")
    lan = await quiet_house.signed_in("07339", "lan")
    before = written_beside(tmp_path)
    answer = await lan.post(
        "/api/v1/announcements/upload",
        data={"title": "Tin", "area_code": "07339"},
        files={"file": (name, b"RIFF....WAVE", "audio/wav")},
    )
    assert answer.status_code in {202, 400, 422}, answer.text
    assert written_beside(tmp_path) == before


def written_beside(folder: Path) -> set[Path]:
    """What lies outside the service's own folder, or in it under a name that looks like a visitor's."""
    ours = folder / "data"
    return {path for path in folder.rglob("*") if not path.is_relative_to(ours) or re.search("wav|passwd|ễ", path.name)}


async def test_a_slow_body_holds_no_lock(quiet_house: House):
    await quiet_house.commune("07339")
    lan = await quiet_house.signed_in("07339", "lan")

    async def slow():
        yield b'{"name": '
        assert (await lan.post("/api/v1/groups", json={"name": "meanwhile"})).status_code == 201
        yield b'"at last"}'

    answer = await lan.post("/api/v1/groups", content=slow(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text


async def test_every_answer_keeps_browsers_strict(quiet_house: House):
    for path in ("/healthz", "/api/v1/me", "/nothing"):
        headers = (await quiet_house.browser().get(path)).headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "strict-origin"


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_the_ends_of_the_calendar_are_moments_too(lan: httpx.AsyncClient, moment: str):
    for bound in ("since", "until"):
        assert (await lan.get("/api/v1/records", params={bound: moment})).status_code == 200


async def test_a_day_beyond_all_calendars_filters_nothing(quiet_house: House):
    lan = await quiet_house.signed_in("VN")
    for day in ("9999-12-31", "0001-01-01", "yesterday"):
        assert (await lan.get("/records", params={"since": day, "until": day})).status_code == 200


@pytest.mark.parametrize("path", ["/nowhere", "/parts/nothing", "/static/../x"])
async def test_a_browser_gets_a_page_that_says_so_and_a_program_a_problem(quiet_house: House, path: str):
    browser = quiet_house.browser(Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    page = await browser.get(path, headers={"Accept-Language": "vi"})
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "Không tìm thấy" in page.text

    assert (await quiet_house.browser().get(path)).json()["code"] == "not_found"
    assert (await browser.get("/api/v1/nothing")).json()["code"] == "not_found"
    assert (await browser.get(f"/content/{'0' * 64}")).json()["code"] == "unauthenticated"


@pytest.mark.parametrize("where", ["arriving", "being kept"])
async def test_a_full_disk_is_said_and_leaves_nothing_behind(
    quiet_house: House, monkeypatch: pytest.MonkeyPatch, where: str
):
    await quiet_house.commune("07339")
    lan = await quiet_house.signed_in("07339", "lan")

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if where == "arriving":
        monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", full)
    else:
        monkeypatch.setattr(os, "fsync", full)
    big = b"x" * (3 << 20)
    sent = {"data": {"title": "Tin", "area_code": "07339"}, "files": {"file": ("a.mp3", big)}}
    answer = await lan.post("/api/v1/announcements/upload", **sent)

    assert (answer.status_code, answer.json()["code"]) == (503, "storage_full"), answer.text
    assert "no room" in answer.json()["detail"]
    content = quiet_house.runtime.settings.content_dir
    assert [path for path in content.rglob("*") if path.is_file()] == []
    assert (await lan.get("/api/v1/announcements")).json()["items"] == []

    monkeypatch.undo()
    assert (await lan.post("/api/v1/announcements/upload", **sent)).status_code == 202


async def test_a_file_being_kept_holds_no_lock(quiet_house: House, monkeypatch: pytest.MonkeyPatch):
    await quiet_house.commune("07339")
    lan = await quiet_house.signed_in("07339", "lan")
    keep, loop = ContentStore.put_stream, asyncio.get_running_loop()

    async def meanwhile() -> int:
        return (await lan.post("/api/v1/groups", json={"name": "meanwhile"})).status_code

    def slow(store: ContentStore, source: BinaryIO) -> Stored:
        assert asyncio.run_coroutine_threadsafe(meanwhile(), loop).result(timeout=10) == 201
        return keep(store, source)

    monkeypatch.setattr(ContentStore, "put_stream", slow)
    data = {"title": "Tin", "area_code": "07339"}
    key = {"Idempotency-Key": "once"}
    answers = [
        await lan.post("/api/v1/announcements/upload", data=data, files={"file": ("a.mp3", b"x" * 100)}, headers=key)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json()["id"] == answers[1].json()["id"]


@pytest.mark.parametrize("problem", [Malformed, Forbidden, NotFound, MethodNotAllowed, Conflict, TooLarge, Invalid])
def test_what_is_refused_without_a_reason_says_what_to_do(problem: type[ControllerError]):
    said = problem().detail
    for language in ("vi", "en"):
        title, detail = problem.title.in_language(language), said.in_language(language)
        assert detail.startswith(f"{title}. ")
        assert detail.endswith(".")


def test_a_refusal_of_its_own_name_keeps_its_own_sentence():
    class Special(Conflict):
        title = Text.both("Hãy đợi.", "Wait.")

    assert Special().detail == Special.title
