"""Photos of speakers: whatever is sent, what is kept is pixels, few and small."""

import random
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from audio.ffmpeg import executable
from controller.content.service import collect_garbage, store_of
from controller.photos.errors import NoPicture, PictureTooBig
from controller.photos.picture import BYTES_MAX, SIDE_MAX, drawn_anew
from controller.photos.repository import PhotoRepository
from controller.photos.service import PHOTOS_MAX, REMOVED_KEPT
from tests.support.controller import House

SPEAKER = "07339-1"
WHERE = b"GPSHERE"


def png(width: int, height: int) -> bytes:
    """A white picture of one bit a pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    row = b"\0" + b"\xff" * ((width + 7) // 8)
    rows = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def converted(to: str) -> bytes:
    """The same in another format, by ffmpeg."""
    made = subprocess.run(
        [executable(), "-loglevel", "error", "-f", "png_pipe", "-i", "-", "-c:v", to, "-f", "image2pipe", "-"],
        input=png(64, 48),
        stdout=subprocess.PIPE,
        check=True,
    )
    return made.stdout


def jpeg() -> bytes:
    return converted("mjpeg")


def telling_where() -> bytes:
    """A JPEG that lies on its side and says where it was taken."""
    fields = struct.pack("<HHI4s", 0x0112, 3, 1, struct.pack("<HH", 6, 0)) + struct.pack("<HHII", 0x010F, 2, 8, 38)
    tiff = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 2) + fields + struct.pack("<I", 0) + WHERE + b"\0"
    exif = b"Exif\0\0" + tiff
    plain = jpeg()
    return plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:] + b"PK\x03\x04" + WHERE


def size_of(picture: bytes) -> tuple[int, int]:
    """Width and height of a JPEG."""
    at = 2
    while True:
        marker, length = struct.unpack(">HH", picture[at : at + 4])
        if 0xFFC0 <= marker <= 0xFFC3:
            height, width = struct.unpack(">HH", picture[at + 5 : at + 9])
            return width, height
        at += 2 + length


@pytest.mark.parametrize("make", [lambda: png(64, 48), jpeg, lambda: converted("libwebp")], ids=["png", "jpeg", "webp"])
def test_a_picture_is_drawn_anew_as_jpeg(make: Callable[[], bytes]):
    assert size_of(drawn_anew(make())) == (64, 48)


def test_where_it_was_taken_is_gone_and_it_stands_upright():
    source = telling_where()
    assert WHERE in source
    picture = drawn_anew(source)
    assert WHERE not in picture
    assert b"Exif" not in picture
    assert size_of(picture) == (48, 64)


def test_a_large_picture_becomes_smaller():
    assert size_of(drawn_anew(png(4000, 3000))) == (SIDE_MAX, 1200)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html><script>alert(1)</script>",
        b"GIF89a\x01\0\x01\0",
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b"\xff\xd8\xff",
        b"RIFF\x04\0\0\0WEBP",
        png(64, 48)[:40],
        png(64, 48)[:45] + b"nonsense" * 20,
        b"#EXTM3U\nfile:///etc/passwd",
    ],
    ids=["empty", "html", "gif", "svg", "jpeg-head", "webp-head", "png-head", "png-nonsense", "playlist"],
)
def test_what_is_no_whole_picture_is_refused(data: bytes):
    with pytest.raises(NoPicture):
        drawn_anew(data)


def test_a_few_kilobytes_that_unfold_to_gigabytes_are_refused():
    bomb = png(32_000, 32_000)
    assert len(bomb) < 200_000
    with pytest.raises(PictureTooBig):
        drawn_anew(bomb)


def test_damaged_pictures_are_refused_or_drawn_and_nothing_else():
    dice, whole = random.Random(1), jpeg()
    for _ in range(12):
        damaged = bytearray(whole)
        for _ in range(8):
            damaged[dice.randrange(3, len(damaged))] = dice.randrange(256)
        try:
            assert drawn_anew(bytes(damaged)).startswith(b"\xff\xd8\xff")
        except (NoPicture, PictureTooBig):
            continue


async def technician(house: House) -> httpx.AsyncClient:
    await house.commune("07339", speakers=2)
    return await house.signed_in("07339")


async def add(client: httpx.AsyncClient, data: bytes) -> httpx.Response:
    return await client.post(f"/api/v1/devices/{SPEAKER}/photos", files={"file": ("p.jpg", data, "image/jpeg")})


async def test_a_photo_is_added_looked_at_removed_and_brought_back(quiet_house: House):
    client = await technician(quiet_house)
    added = await add(client, telling_where())
    assert added.status_code == 201, added.text
    where = f"/api/v1/devices/{SPEAKER}/photos/{added.json()['id']}"
    picture = await client.get(where)
    assert (picture.headers["content-type"], picture.headers["x-content-type-options"]) == ("image/jpeg", "nosniff")
    assert WHERE not in picture.content
    assert (await client.get(where, headers={"If-None-Match": picture.headers["etag"]})).status_code == 304

    assert (await client.delete(where)).status_code == 204
    assert (await client.get(f"/api/v1/devices/{SPEAKER}/photos")).json() == []
    assert (await client.post(f"{where}/restore")).status_code == 200
    assert len((await client.get(f"/api/v1/devices/{SPEAKER}/photos")).json()) == 1
    assert (await client.get(where.replace(SPEAKER, "07339-2"))).status_code == 404


async def test_a_speaker_has_six_photos_at_most(quiet_house: House):
    client, data = await technician(quiet_house), jpeg()
    first, *_ = [await add(client, data) for _ in range(PHOTOS_MAX)]
    seventh = await add(client, data)
    assert (seventh.status_code, seventh.json()["code"]) == (409, "too_many_photos")
    where = f"/api/v1/devices/{SPEAKER}/photos/{first.json()['id']}"
    await client.delete(where)
    assert (await add(client, data)).status_code == 201
    assert (await client.post(f"{where}/restore")).status_code == 409


async def test_what_is_refused_says_why(quiet_house: House):
    client = await technician(quiet_house)
    for data, code in ((b"nonsense", "no_picture"), (b"\xff\xd8\xff" + bytes(BYTES_MAX), "picture_too_big")):
        answer = await add(client, data)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await client.get(f"/api/v1/devices/{SPEAKER}/photos")).json() == []


async def test_a_machine_without_ffmpeg_says_so(quiet_house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    client, data = await technician(quiet_house), jpeg()
    monkeypatch.setenv("LOA_FFMPEG", str(tmp_path / "none"))
    assert shutil.which(str(tmp_path / "none")) is None
    assert (await add(client, data)).status_code == 503


async def test_a_photos_bytes_stay_as_long_as_it_can_be_brought_back(quiet_house: House):
    house, client = quiet_house, await technician(quiet_house)
    added = (await add(client, jpeg())).json()
    await client.delete(f"/api/v1/devices/{SPEAKER}/photos/{added['id']}")
    store = store_of(house.runtime)

    async def tidy() -> list[str]:
        async with house.database.transaction() as session:
            await PhotoRepository(session).forget(removed_before=house.clock.now - REMOVED_KEPT)
        await collect_garbage(house.database, store, house.clock.now + timedelta(days=3650))
        return list(store.hashes())

    assert len(await tidy()) == 1
    house.clock.advance(REMOVED_KEPT + timedelta(seconds=1))
    assert await tidy() == []
