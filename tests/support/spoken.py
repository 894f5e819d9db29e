"""Somebody who speaks live: Opus frames of 20 ms, and the signed words around them."""

import ctypes
from ctypes.util import find_library
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from protocol.live import FrameSigner
from protocol.messages import LiveSession
from protocol.signing import SigningKey
from tests.support.agent_rooms import KEY, order
from tests.support.commune_speaker import NOON

FRAME = 960
VOIP = 2048
RATE_HZ = 48_000


class Encoder:
    """libopus, mono at 48 kHz."""

    def __init__(self) -> None:
        self._opus = ctypes.CDLL(find_library("opus") or "libopus.so.0")
        self._opus.opus_encoder_create.restype = ctypes.c_void_p
        self._opus.opus_encode.argtypes = (
            ctypes.c_void_p,
            ctypes.c_char_p,
            ctypes.c_int,
            ctypes.c_char_p,
            ctypes.c_int32,
        )
        self._opus.opus_encoder_destroy.argtypes = (ctypes.c_void_p,)
        error = ctypes.c_int()
        self._state = self._opus.opus_encoder_create(RATE_HZ, 1, VOIP, ctypes.byref(error))
        assert error.value == 0

    def encode(self, pcm: bytes) -> bytes:
        out = ctypes.create_string_buffer(1275)
        size = self._opus.opus_encode(self._state, pcm, FRAME, out, len(out))
        assert size > 0
        return out.raw[:size]

    def close(self) -> None:
        self._opus.opus_encoder_destroy(self._state)


def tone(frames: int, hz: float = 440.0) -> list[bytes]:
    """A steady tone as frames."""
    wave = 8000 * np.sin(2 * np.pi * hz * np.arange(frames * FRAME) / RATE_HZ)
    pcm = wave.astype("<i2").tobytes()
    encoder = Encoder()
    try:
        return [encoder.encode(pcm[at : at + 2 * FRAME]) for at in range(0, len(pcm), 2 * FRAME)]
    finally:
        encoder.close()


@dataclass
class Mouth:
    """One session, as the controller says it."""

    session: str = "01JLIVE"
    target: str = "area:07339"
    starts_at: datetime = NOON
    lasts_s: float = 600
    signer: FrameSigner = field(default_factory=FrameSigner)
    number: int = -1

    def word(
        self, *, over: bool = False, key: SigningKey = KEY, now: datetime = NOON, lives_s: float = 15, **more: Any
    ) -> bytes:
        facts: dict[str, Any] = {
            "session": self.session,
            "target": self.target,
            "title": "Chủ tịch nói",
            "issuer_depth": 2,
            "starts_at": self.starts_at,
            "ends_at": self.starts_at + timedelta(seconds=self.lasts_s),
            "frame_key": self.signer.key,
            "over": over,
        }
        body = LiveSession(**facts | more)
        return order(body, audience=body.target, key=key, now=now, days=lives_s / 86_400)

    def frame(self, opus: bytes, at: datetime) -> bytes:
        self.number += 1
        return self.signer.seal(self.number, round(at.timestamp() * 1000), opus)
