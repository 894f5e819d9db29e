import hashlib
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from audio.clips import ClipFile, FilePart, Part
from audio.errors import EngineFailed, NotAudio
from audio.loudness import Loudness
from audio.playlist import MarkAt, StretchFile
from audio.profiles import Profile
from audio.waveform import Portrait
from controller.announcements import making, workshop
from controller.broadcasting import making_sound, planning
from tests.support.broadcasts import plan_of, replan, schedule, settled
from tests.support.controller import House, open_house
from tests.support.eventually import becomes

COMMUNE = "07339"
LOUD = Loudness(-16.0, -2.5)
PORTRAIT = Portrait(LOUD, 1000, (0, 50, 0))


class FakeAudio:
    """Makes "sound" of words at once; can be told to fail, and to wait."""

    def __init__(self) -> None:
        self.spoken: list[str] = []
        self.assembled = 0
        self.voices: list[tuple[str, int]] = []
        self.profiles: list[Profile] = []
        self.failures: list[Exception] = []
        self.telling: tuple[float, ...] = ()
        self.heard_progress = threading.Event()

    def make(self, parts: list[Part], folder: Path, **more: Any) -> ClipFile:
        self.profiles.append(more["profile"])
        said = b" / ".join(self._part(part) for part in parts)
        for told in self.telling:
            more["on_progress"]("encoding", told)
            self.heard_progress.wait(10)
        return ClipFile(*self._file(folder, said), duration_ms=1000, before=PORTRAIT, after=PORTRAIT)

    def _part(self, part: Part) -> bytes:
        if isinstance(part, FilePart):
            data = part.path.read_bytes()
            if not data.startswith(b"RIFF"):
                raise NotAudio
            return b"clip of " + data
        self.spoken.append(part.text)
        self.voices.append((part.voice.id, part.speed_wpm))
        if self.failures:
            raise self.failures.pop(0)
        return part.text.encode()

    def assemble(self, items: list[Any], folder: Path, **_more: object) -> list[StretchFile]:
        self.assembled += 1
        said = b"|".join(item.path.read_bytes() if hasattr(item, "path") else b"~" for item in items)
        marks = tuple(MarkAt(item.item_id, "announcement", "", 0, 1000) for item in items)
        return [StretchFile(*self._file(folder, said), duration_ms=5000, marks=marks, at_ms=0, loudness=LOUD)]

    @staticmethod
    def _file(folder: Path, data: bytes) -> tuple[Path, str, int]:
        path = folder / "sound"
        path.write_bytes(data)
        return path, hashlib.sha256(data).hexdigest(), len(data)


@pytest.fixture
def audio(monkeypatch: pytest.MonkeyPatch) -> FakeAudio:
    fake = FakeAudio()
    monkeypatch.setattr(making, "clip_from_parts", fake.make)
    monkeypatch.setattr(workshop, "assemble", fake.assemble)
    monkeypatch.setattr(workshop, "RETRY_AFTER_S", 0)
    return fake


@pytest.fixture
async def house(tmp_path: Path, audio: FakeAudio) -> AsyncIterator[House]:
    """A controller that makes sound and plans."""
    async with open_house(tmp_path / "data", services=(planning, making_sound)) as opened:
        await opened.commune(COMMUNE, speakers=1)
        await replan(opened, f"{COMMUNE}-1")
        yield opened


@pytest.fixture
async def officer(house: House) -> httpx.AsyncClient:
    return await house.signed_in(COMMUNE)


async def announce(client: httpx.AsyncClient, text: str = "Xin chào", **wish: object) -> dict[str, Any]:
    body = {"title": "Chào", "text": text, "area_code": COMMUNE, **wish}
    made = await client.post("/api/v1/announcements", json=body)
    assert made.status_code == 202, made.text
    assert made.json()["status"] == "processing"
    return await settled(client, made.headers["Location"])


async def compile_playlist(client: httpx.AsyncClient, *announcements: str) -> dict[str, Any]:
    items = [{"kind": "announcement", "announcement_id": each} for each in announcements]
    body = {"title": "Chương trình", "area_code": COMMUNE, "items": [{"kind": "chime"}, *items]}
    made = await client.post("/api/v1/playlists", json=body)
    assert made.status_code == 201, made.text
    return await settled(client, made.headers["Location"])


async def edit(client: httpx.AsyncClient, path: str, **change: object) -> httpx.Response:
    current = await client.get(path)
    return await client.patch(path, json=change, headers={"If-Match": current.headers["ETag"]})


async def test_typed_words_become_a_clip_that_can_be_heard(officer: httpx.AsyncClient) -> None:
    announcement = await announce(officer, "Xin chào bà con")

    assert announcement["status"] == "ready"
    assert (await officer.get(announcement["listen_url"])).content == "Xin chào bà con".encode()


async def test_a_refused_sound_says_why_in_two_languages(officer: httpx.AsyncClient, audio: FakeAudio) -> None:
    audio.failures = [NotAudio()]
    announcement = await announce(officer)

    assert announcement["status"] == "failed"
    assert announcement["error"] == {"code": "not_audio", "vi": NotAudio.vi, "en": NotAudio.en}


async def test_a_passing_failure_is_tried_again(officer: httpx.AsyncClient, audio: FakeAudio) -> None:
    audio.failures = [EngineFailed(engine="espeak-ng", detail="x"), OSError("disk full")]

    assert (await announce(officer))["status"] == "ready"
    assert len(audio.spoken) == 3


async def test_a_mistake_of_ours_fails_the_announcement_and_the_workshop_goes_on(
    officer: httpx.AsyncClient, audio: FakeAudio
) -> None:
    audio.failures = [RuntimeError("a bug")]

    assert (await announce(officer))["error"]["code"] == "internal"
    assert (await announce(officer, "Tiếp"))["status"] == "ready"


@pytest.mark.parametrize(("data", "status"), [(b"RIFF sound", "ready"), (b"not a sound", "failed")])
async def test_an_uploaded_file_is_converted_or_refused(officer: httpx.AsyncClient, data: bytes, status: str) -> None:
    made = await officer.post(
        "/api/v1/announcements/upload",
        data={"title": "Ghi âm", "area_code": COMMUNE},
        files={"file": ("../../bản ghi.wav", data)},
    )
    assert made.status_code == 202, made.text
    assert made.json()["source_name"] == "bản ghi.wav"
    assert (await settled(officer, made.headers["Location"]))["status"] == status


async def test_the_shape_the_voice_and_its_speed_are_as_wished(officer: httpx.AsyncClient, audio: FakeAudio) -> None:
    wish = {"profile": "indoor", "voice": "vi-vn-x-south", "speed_wpm": 120}
    announcement = await announce(officer, **wish)

    assert (announcement["profile"], announcement["speed_wpm"]) == ("indoor", 120)
    assert audio.profiles == [Profile.INDOOR]
    assert audio.voices == [("espeak:vi-vn-x-south+Nguyen", 120)]


async def test_what_came_and_what_goes_on_air_are_shown_side_by_side(officer: httpx.AsyncClient) -> None:
    announcement = await announce(officer)

    portrait = {"lufs": -16.0, "peak_dbtp": -2.5, "duration_ms": 1000, "waveform": [0, 50, 0]}
    assert announcement["before"] == announcement["after"] == portrait


async def test_another_language_follows_in_the_same_clip(officer: httpx.AsyncClient, audio: FakeAudio) -> None:
    announcement = await announce(officer, "Xin chào", second={"language": "en", "text": "Hello"})

    assert announcement["second"] == {"language": "en", "text": "Hello", "voice": None, "source_name": ""}
    assert (await officer.get(announcement["listen_url"])).content == "Xin chào / Hello".encode()
    assert audio.voices[1][0].startswith("espeak:en")


async def test_a_language_that_nobody_reads_here_is_refused_in_words(officer: httpx.AsyncClient) -> None:
    announcement = await announce(officer, second={"language": "tyz", "text": "Slam"})

    assert announcement["status"] == "failed"
    assert announcement["error"]["code"] == "no_voice"


async def test_a_recording_in_another_language_follows_and_can_be_taken_away(officer: httpx.AsyncClient) -> None:
    announcement = await announce(officer, "Xin chào")
    path = f"/api/v1/announcements/{announcement['id']}"
    file = {"file": ("tiếng Tày.wav", b"RIFF slam")}
    sent = await officer.put(f"{path}/second", data={"language": "tyz"}, files=file)
    assert sent.status_code == 202, sent.text

    both = await settled(officer, path)
    assert both["second"] == {"language": "tyz", "text": "", "voice": None, "source_name": "tiếng Tày.wav"}
    assert (await officer.get(both["listen_url"])).content == "Xin chào / clip of RIFF slam".encode()

    assert (await edit(officer, path, second=None)).status_code == 200
    alone = await settled(officer, path)
    assert (alone["second"], alone["clip"]) == (None, announcement["clip"])


@pytest.mark.parametrize(
    "change", [{"profile": "as_is"}, {"speed_wpm": 90}, {"second": {"language": "en", "text": "Hi"}}]
)
async def test_what_is_heard_otherwise_is_made_anew(
    change: dict[str, Any], officer: httpx.AsyncClient, audio: FakeAudio
) -> None:
    announcement = await announce(officer)
    path = f"/api/v1/announcements/{announcement['id']}"
    await edit(officer, path, **change)
    await settled(officer, path)

    assert len(audio.profiles) == 2
    await edit(officer, path, **change)
    assert (await officer.get(path)).json()["status"] == "ready", "the same again changes nothing"


async def test_how_far_the_sound_is_can_be_seen_while_it_is_made(officer: httpx.AsyncClient, audio: FakeAudio) -> None:
    audio.telling = (0.42,)
    body = {"title": "Chào", "text": "Xin chào", "area_code": COMMUNE}
    made = await officer.post("/api/v1/announcements", json=body)

    async def told() -> object:
        return (await officer.get(made.headers["Location"])).json()["progress"]

    assert await becomes(told) == {"stage": "encoding", "percent": 42}
    audio.heard_progress.set()
    assert (await settled(officer, made.headers["Location"]))["progress"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": " … "}, "text"),
        ({"text": "a" * 20_001}, "text"),
        ({"title": ""}, "title"),
        ({"area_code": "24"}, "area_code"),
        ({"voice": "robot"}, "voice"),
        ({"surprise": 1}, "surprise"),
    ],
)
async def test_a_wrong_announcement_is_refused_by_its_field(
    officer: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    refused = await officer.post(
        "/api/v1/announcements", json={"title": "Chào", "text": "Chào", "area_code": COMMUNE, **body}
    )
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)


async def test_the_same_items_are_assembled_once(officer: httpx.AsyncClient, audio: FakeAudio) -> None:
    announcement = await announce(officer)
    first = await compile_playlist(officer, announcement["id"])
    second = await compile_playlist(officer, announcement["id"])

    assert first["status"] == second["status"] == "ready"
    assert first["stretches"] == second["stretches"]
    assert audio.assembled == 1


async def test_new_words_reach_the_plan_through_every_playlist(house: House, officer: httpx.AsyncClient) -> None:
    announcement = await announce(officer)
    playlist = await compile_playlist(officer, announcement["id"])
    await schedule(house, COMMUNE, playlist["id"], areas=(COMMUNE,))
    before = await plan_of(house, f"{COMMUNE}-1")

    edited = await edit(officer, f"/api/v1/announcements/{announcement['id']}", text="Tin mới")
    assert edited.status_code == 200, edited.text

    async def newer() -> bool:
        return (await plan_of(house, f"{COMMUNE}-1")).version > before.version

    await becomes(newer)
    after = await plan_of(house, f"{COMMUNE}-1")
    (clip,) = after.clips
    assert clip.sha256 != before.clips[0].sha256
    assert (await house.browser().get(clip.url)).content == "~|Tin mới".encode()


async def test_a_failed_edit_leaves_the_sound_that_airs(
    house: House, officer: httpx.AsyncClient, audio: FakeAudio
) -> None:
    announcement = await announce(officer)
    await compile_playlist(officer, announcement["id"])
    audio.failures = [NotAudio()]

    await edit(officer, f"/api/v1/announcements/{announcement['id']}", text="Tin mới")

    seen = await settled(officer, f"/api/v1/announcements/{announcement['id']}")
    assert (seen["status"], seen["clip"]) == ("failed", announcement["clip"])


async def test_what_a_restart_left_undone_is_taken_up(tmp_path: Path, audio: FakeAudio) -> None:
    async with open_house(tmp_path / "again", services=(planning,)) as house:
        await house.commune(COMMUNE)
        officer = await house.signed_in(COMMUNE)
        body = {"title": "Chào", "text": "Xin chào", "area_code": COMMUNE}
        path = (await officer.post("/api/v1/announcements", json=body)).headers["Location"]
        announcement_id = path.rpartition("/")[2]
        items = [{"kind": "announcement", "announcement_id": announcement_id}]
        made = await officer.post("/api/v1/playlists", json={"title": "C", "area_code": COMMUNE, "items": items})
        token = officer.headers["Authorization"]
    assert audio.spoken == []

    async with open_house(tmp_path / "again", services=(planning, making_sound)) as house:
        officer = house.browser(Authorization=token)
        assert (await settled(officer, path))["status"] == "ready"
        assert (await settled(officer, made.headers["Location"]))["status"] == "ready"


async def test_an_announcement_in_use_is_not_put_away(officer: httpx.AsyncClient) -> None:
    announcement = await announce(officer)
    playlist = await compile_playlist(officer, announcement["id"])
    path = f"/api/v1/announcements/{announcement['id']}"
    assert (await edit(officer, path, retired=True)).status_code == 409

    assert (await edit(officer, f"/api/v1/playlists/{playlist['id']}", retired=True)).status_code == 200
    assert (await edit(officer, path, retired=True)).status_code == 200
    assert (await officer.get("/api/v1/announcements")).json()["items"] == []


async def test_a_playlist_is_edited_by_the_version_that_was_read(officer: httpx.AsyncClient) -> None:
    announcement = await announce(officer)
    playlist = await compile_playlist(officer, announcement["id"])
    path = f"/api/v1/playlists/{playlist['id']}"
    tag = (await officer.get(path)).headers["ETag"]
    items = [{"kind": "pause", "pause_ms": 500}, {"kind": "announcement", "announcement_id": announcement["id"]}]

    edited = await officer.patch(path, json={"items": items}, headers={"If-Match": tag})
    assert edited.status_code == 200, edited.text
    assert [item["kind"] for item in edited.json()["items"]] == ["pause", "announcement"]
    assert (await officer.patch(path, json={"title": "Khác"}, headers={"If-Match": tag})).status_code == 412
    assert (await settled(officer, path))["status"] == "ready"


@pytest.mark.parametrize(
    ("items", "field"),
    [
        ([], "items"),
        ([{"kind": "pause", "pause_ms": 10}], "items"),
        ([{"kind": "chime"}, {"kind": "announcement", "announcement_id": "none"}], "items.1.announcement_id"),
        ([{"kind": "pause", "pause_ms": 0}], "items.0.pause.pause_ms"),
    ],
)
async def test_a_wrong_playlist_is_refused_by_its_item(
    officer: httpx.AsyncClient, items: list[dict[str, Any]], field: str
) -> None:
    refused = await officer.post("/api/v1/playlists", json={"title": "C", "area_code": COMMUNE, "items": items})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)


async def test_what_a_killed_service_left_half_made_is_cleared_away(tmp_path: Path, audio: FakeAudio) -> None:
    left = tmp_path / "data" / "work" / "tmpkilled" / "half.wav"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    async with open_house(tmp_path / "data", services=(planning, making_sound)) as house:
        await house.commune(COMMUNE)
        officer = await house.signed_in(COMMUNE)
        typed = await officer.post(
            "/api/v1/announcements", json={"title": "Chào", "text": "Chào bà con", "area_code": COMMUNE}
        )
        made = await settled(officer, typed.headers["Location"])
    assert made["status"] == "ready"
    assert not left.exists()
