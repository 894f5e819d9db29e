"""Shapes of signals."""

from typing import Self

from pydantic import BaseModel

from audio.signals import ABOUT, Signal, Use, length_ms


class SignalOut(BaseModel):
    """A signal: what it means, and where it can be heard. Those of use `alarm` sound with emergencies only."""

    kind: Signal
    use: Use
    name_vi: str
    name_en: str
    meaning_vi: str
    meaning_en: str
    source_vi: str
    source_en: str
    """Where the meaning comes from."""
    duration_ms: int
    listen_url: str

    @classmethod
    def of(cls, kind: Signal) -> Self:
        """Return what there is to know of one."""
        about = ABOUT[kind]
        return cls(
            kind=kind,
            use=about.use,
            name_vi=about.name_vi,
            name_en=about.name_en,
            meaning_vi=about.meaning_vi,
            meaning_en=about.meaning_en,
            source_vi=about.source_vi,
            source_en=about.source_en,
            duration_ms=length_ms(kind),
            listen_url=f"/api/v1/signals/{kind}.opus",
        )


class SignalsOut(BaseModel):
    """All of them: for any programme, then for tests, then sirens."""

    items: list[SignalOut]
