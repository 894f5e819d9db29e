"""Drafts read aloud: whose they are, what they sound like, and what ends them."""

import asyncio
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from audio.decode import pcm
from audio.errors import EngineFailed
from audio.speech import OnSamples, Sentence, Studio, named
from controller.runtime import Runtime
from controller.speech.previews import AT_ONCE, KEPT_PER_USER, Previews, previews_of
from tests.support.children import running
from tests.support.controller import House
from tests.support.ears import from_bytes
from tests.support.eventually import eventually
from tests.support.speech import FakeEngine

PREVIEWS = "/api/v1/speech/previews"
TEXT = "Kính thưa bà con, sáng mai xã ta tiêm phòng."
OWN = named("http", "own", "vi", None, None)


@pytest.fixture
async def commune(quiet_house: House) -> House:
    await quiet_house.area("24")
    await quiet_house.area("07339", parent="24")
    await quiet_house.area("07444", parent="24")
    return quiet_house


async def draft(who: httpx.AsyncClient, text: str = TEXT, **more: object) -> httpx.Response:
    return await who.post(PREVIEWS, json={"text": text, **more})


def seconds(answer: httpx.Response, folder: Path) -> float:
    file = folder / "heard.mp3"
    file.write_bytes(answer.content)
    return len(from_bytes(pcm(file))) / 48_000


def using(runtime: Runtime, *engines: FakeEngine) -> None:
    runtime.parts[Previews] = Previews(Studio(engines), runtime.settings.data_dir / "work")


async def test_a_draft_is_heard_at_an_address_that_holds_none_of_it(commune: House, tmp_path: Path):
    who = await commune.signed_in("07339")
    made = await draft(who, voice="espeak:vi+f3", speed_wpm=120)

    assert made.status_code == 201
    assert made.json()["voice"]["gender"] == "female"
    assert made.json()["note"] == ""
    assert made.headers["Location"] == made.json()["url"]
    heard = await who.get(made.json()["url"])
    assert (heard.status_code, heard.headers["Content-Type"]) == (200, "audio/mpeg")
    assert heard.headers["Cache-Control"] == "no-store"
    assert 2 < seconds(heard, tmp_path) < 6


async def test_it_is_read_with_the_dictionary_of_its_place(commune: House, tmp_path: Path):
    who = await commune.signed_in("07339")
    before = seconds(await who.get((await draft(who, "Zqx")).json()["url"]), tmp_path)
    long = "ban chỉ đạo phong trào toàn dân đoàn kết xây dựng đời sống văn hoá"
    await who.post("/api/v1/pronunciations", json={"written": "Zqx", "spoken": long})

    assert seconds(await who.get((await draft(who, "Zqx")).json()["url"]), tmp_path) > before + 2


async def test_only_who_prepared_it_may_hear_it_and_not_for_ever(commune: House):
    who, colleague = await commune.signed_in("07339"), await commune.signed_in("07339", "colleague")
    url = (await draft(who)).json()["url"]

    assert (await commune.browser().get(url)).status_code == 401
    assert (await commune.browser().post(PREVIEWS, json={"text": TEXT})).status_code == 401
    assert (await colleague.get(url)).status_code == 404
    assert (await who.get(f"{PREVIEWS}/nothing")).status_code == 404
    commune.clock.advance(timedelta(minutes=11))
    assert (await who.get(url)).status_code == 404


async def test_a_dictionary_of_another_place_is_not_lent(commune: House):
    answer = await draft(await commune.signed_in("07339"), area_code="07444")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "area_code")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"text": " … "}, "text"),
        ({"text": "a" * 20_001}, "text"),
        ({"voice": "robot"}, "voice"),
        ({"voice": "espeak:"}, "voice"),
        ({"speed_wpm": 20}, "speed_wpm"),
        ({"language": "Vietnamese"}, "language"),
    ],
)
async def test_what_cannot_be_read_is_refused_by_its_field(commune: House, wrong, field):
    answer = await draft(await commune.signed_in("07339"), **{"text": TEXT, **wrong})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_a_language_that_no_voice_reads_asks_for_a_recording(commune: House):
    answer = await draft(await commune.signed_in("07339"), language="tyz")

    assert answer.status_code == 422
    assert "Record" in answer.json()["detail"]


async def test_a_voice_that_is_gone_is_replaced_and_that_is_said(commune: House):
    answer = await draft(await commune.signed_in("07339"), voice="piper:vais1000")

    assert answer.json()["voice"]["id"] == "espeak:vi"
    assert "piper:vais1000" in answer.json()["note"]


async def test_voices_are_listed_with_sex_and_region(commune: House):
    voices = (await (await commune.signed_in("07339")).get("/api/v1/speech/voices")).json()["items"]

    found = {(voice["gender"], voice["region"]) for voice in voices if voice["language"] == "vi"}
    assert found == {(sex, region) for sex in ("female", "male") for region in ("northern", "central", "southern")}
    assert {"vi", "en"} <= {voice["language"] for voice in voices}


def _dies(_sentences: Sequence[Sentence], _on_samples: OnSamples) -> None:
    raise EngineFailed(engine="own", detail="died")


async def test_an_engine_that_fails_is_named_and_it_may_be_tried_again(commune: House):
    using(commune.runtime, FakeEngine("http", OWN, _dies))
    who = await commune.signed_in("07339")
    answer = await who.get((await draft(who, voice="http:own")).json()["url"])

    assert (answer.status_code, answer.json()["code"]) == (503, "sound_failed")
    assert "own" in answer.json()["detail"]
    assert answer.headers["Retry-After"]


async def test_a_disk_that_takes_nothing_is_said(commune: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("audio.speech.aloud._MAX_BYTES", 0)
    who = await commune.signed_in("07339")
    answer = await who.get((await draft(who)).json()["url"])

    assert (answer.status_code, answer.json()["code"]) == (503, "sound_failed")


class Endless:
    """An engine that speaks until it may not any more."""

    def __init__(self) -> None:
        self.running = 0
        self._lock = threading.Lock()

    def __call__(self, _sentences: Sequence[Sentence], on_samples: OnSamples) -> None:
        with self._lock:
            self.running += 1
        pause = threading.Event()
        try:
            while True:
                on_samples(b"\x00\x40\x00\xc0" * 800, 16_000)
                pause.wait(0.02)
        finally:
            with self._lock:
                self.running -= 1


async def begin(previews: Previews, house: House, name: str) -> object:
    viewer, secret = await house.user(name, "07339")
    url = (await draft(house.browser(Authorization=f"Bearer {secret}"), voice="http:own")).json()["url"]
    return await previews.listen(viewer, url.rsplit("/", 1)[1], house.clock.now)


async def test_who_listens_anew_ends_what_they_heard_before_and_many_wait(commune: House):
    endless = Endless()
    using(commune.runtime, FakeEngine("http", OWN, endless))
    previews = previews_of(commune.runtime)
    sounds = [await begin(previews, commune, f"u{number}") for number in range(AT_ONCE)]
    try:
        _, secret = await commune.user("late", "07339")
        late = commune.browser(Authorization=f"Bearer {secret}")
        refused = await late.get((await draft(late, voice="http:own")).json()["url"])
        assert (refused.status_code, endless.running) == (503, AT_ONCE)
    finally:
        previews.close()
    await asyncio.to_thread(eventually, lambda: endless.running == 0, within_s=10)
    for sound in sounds:
        sound._reading.end()


async def test_a_listener_who_leaves_stops_the_children(commune: House):
    who = await commune.signed_in("07339")
    url = (await draft(who, TEXT * 400)).json()["url"]
    left = asyncio.Event()

    async def receive() -> dict:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict) -> None:
        if message["type"] == "http.response.body" and message["body"]:
            left.set()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": url,
        "raw_path": url.encode(),
        "query_string": b"",
        "headers": [(b"authorization", who.headers["Authorization"].encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "scheme": "http",
        "root_path": "",
    }
    before = running()
    await commune.app(scope, receive, send)
    await asyncio.to_thread(eventually, lambda: running() <= before, within_s=10)


async def test_drafts_are_bounded_for_each_and_for_all(commune: House):
    who = await commune.signed_in("07339")
    urls = [(await draft(who)).json()["url"] for _ in range(KEPT_PER_USER + 1)]

    assert (await who.get(urls[0])).status_code == 404
    assert (await who.get(urls[1])).status_code == 200
