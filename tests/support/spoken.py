"""Somebody who speaks live: Opus frames of 20 ms, and the signed words around them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from audio.opus import FRAME, RATE_HZ, Encoder
from protocol.live import FrameSigner
from protocol.messages import LiveSession
from protocol.signing import SigningKey
from tests.support.agent_rooms import KEY, order
from tests.support.commune_speaker import NOON


def tone(frames: int, hz: float = 440.0) -> list[bytes]:
    """A steady tone as frames."""
    wave = 8000 * np.sin(2 * np.pi * hz * np.arange(frames * FRAME) / RATE_HZ)
    pcm = wave.astype("<i2").tobytes()
    encoder = Encoder()
    return [encoder.encode(pcm[at : at + 2 * FRAME]) for at in range(0, len(pcm), 2 * FRAME)]


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
