"""Somebody who speaks live through the API, as the page does: frames at the pace of speech, and again after a break."""

import contextlib
import json
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from websockets.exceptions import ConnectionClosed, InvalidHandshake, WebSocketException
from websockets.sync.client import connect

from audio.opus import RATE_HZ, Encoder
from tests.support.fleet import COMMUNE, Fleet, Speaker
from tests.support.sound import Samples, find

FRAME_S = 0.02
LEVEL = 20
NO_MORE = {4403, 4409, 4410}
PIECE_S = 1
LIKE = 0.6
"""The speaker's own level and Opus take their share; another second of the same speech reaches 0.2."""


def speech(seconds: int, seed: int = 1) -> Samples:
    """Sound no second of which is like another: a tone that jumps twelve times a second."""
    rng = np.random.default_rng(seed)
    hz = np.repeat(rng.uniform(300, 2500, seconds * 12), RATE_HZ // 12)
    wave: Samples = (0.3 * np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ)).astype(np.float32)
    return wave


@dataclass
class Talker:
    """One session and its connection. `news` is what the centre said last."""

    fleet: Fleet
    session: dict[str, Any]
    samples: Samples
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    news: dict[str, Any] = field(default_factory=dict)
    closed: list[int] = field(default_factory=list)
    uncarried: bool = False
    """Whether the centre ever said that the speakers were not reached."""

    def __post_init__(self) -> None:
        encoder = Encoder()
        pcm = (self.samples * 32767).astype("<i2").tobytes()
        size = encoder.frame_bytes
        self._frames = [encoder.encode(pcm[at : at + size]) for at in range(0, len(pcm) - size + 1, size)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="talker")

    @property
    def id(self) -> str:
        return str(self.session["id"])

    @property
    def occurrence(self) -> str:
        return f"live.{self.id}"

    def said(self, since: datetime | None = None) -> Iterator[tuple[datetime, Samples]]:
        """Each whole second of what was said until now, and when it was said."""
        size = PIECE_S * RATE_HZ
        for begin in range(0, len(self.samples) - size, size):
            at = self.began_at + timedelta(seconds=begin / RATE_HZ)
            if at + timedelta(seconds=PIECE_S) < datetime.now(UTC) and (since is None or at >= since):
                yield at, self.samples[begin : begin + size]

    def lags_s(self, speaker: Speaker, since: datetime | None = None) -> list[float]:
        """How much later each second was heard, where a speaker's sink kept the very sound of it."""
        heard = [each for each in speaker.recordings if each.occurrence == self.occurrence and each.seconds > PIECE_S]
        lags = []
        for at, piece in self.said(since):
            found = max((find(piece, recording) for recording in heard), key=lambda each: each.likeness, default=None)
            if found is not None and found.likeness > LIKE:
                lags.append((found.at - at).total_seconds())
        return lags

    @contextmanager
    def talking(self) -> Iterator["Talker"]:
        """Speak from now on."""
        self.began_at = datetime.now(UTC)
        self._thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            self._thread.join()

    def end(self) -> None:
        self.fleet.officer.create(f"/live-sessions/{self.id}/end", {})

    def _run(self) -> None:
        begun = time.monotonic()
        while not self._stop.is_set() and not NO_MORE.intersection(self.closed):
            with contextlib.suppress(OSError, InvalidHandshake, TimeoutError):
                self._connected(begun)
            self._stop.wait(0.2)

    def _connected(self, begun: float) -> None:
        url = f"{self.fleet.controller.url.replace('http', 'ws', 1)}/api/v1/live-sessions/{self.id}/sound"
        token = {"Authorization": f"Bearer {self.fleet.token}"}
        with connect(url, additional_headers=token, proxy=None, open_timeout=5, close_timeout=1) as socket:
            hearing = threading.Thread(target=self._listen, args=[socket], name="talker-hears")
            hearing.start()
            try:
                number = int((time.monotonic() - begun) / FRAME_S)
                while number < len(self._frames) and not self._stop.wait(
                    max(0.0, begun + number * FRAME_S - time.monotonic())
                ):
                    head = struct.pack("!BI", LEVEL, round((time.monotonic() - begun) * 1000))
                    socket.send(head + self._frames[number])
                    number += 1
            except WebSocketException:
                pass
            finally:
                socket.close()
                hearing.join()

    def _listen(self, socket: Any) -> None:
        try:
            for text in socket:
                self.news = json.loads(text)
                self.uncarried = self.uncarried or not self.news["carried"]
        except ConnectionClosed:
            pass
        self.closed.append(socket.close_code or 1006)


def at_the_microphone(fleet: Fleet, *speakers: Speaker, seconds: int = 60, seed: int = 1) -> Talker:
    """Press the button; what is said is `seconds` long."""
    session = fleet.officer.create(
        "/live-sessions",
        {
            "title": "Thử nói",
            "area_code": COMMUNE,
            "targets": [{"kind": "device", "key": speaker.id} for speaker in speakers],
        },
    )
    return Talker(fleet, session, speech(seconds, seed))
