"""The port: what every speech engine can do, and how one that runs in a process of its own is driven."""

from collections.abc import Callable, Sequence
from typing import Protocol

from audio.child import ChildLimits, run
from audio.errors import EngineFailed
from audio.speech.script import Sentence
from audio.speech.voices import Voice

OnSamples = Callable[[bytes, int], object]
"""Takes speech as it comes: mono, signed 16-bit little-endian, and its rate in Hz. What it raises stops the engine; a
process that thinks for long hands on nothing at all several times a second, so that one can give up."""


class SpeechEngine(Protocol):
    """Reads sentences aloud, one after the other."""

    @property
    def key(self) -> str:
        """What the ids of its voices begin with."""

    def voices(self) -> Sequence[Voice]:
        """Who can read here and now; the first of a language is the one to take unasked."""

    def speak(self, sentences: Sequence[Sentence], voice: Voice, speed_wpm: int, on_samples: OnSamples) -> None:
        """Speak, handing on samples as soon as there are some. Blocks until done; raises an `AudioError`."""


def speak_in_child(
    engine: str,
    command: Sequence[str],
    sentences: Sequence[Sentence],
    *,
    rate_hz: int,
    on_samples: OnSamples,
    limits: ChildLimits,
) -> None:
    """Have a worker program speak: it reads lines `pause_ms<TAB>text`, writes samples and the silences between."""
    lines = "".join(f"{each.pause_ms}\t{' '.join(each.text.split())}\n" for each in sentences)
    half = b""

    def take(data: bytes) -> None:
        nonlocal half
        data = half + data
        half = data[len(data) & ~1 :]
        if whole := data[: len(data) & ~1]:
            on_samples(whole, rate_hz)

    report = run(command, on_output=take, given=lines.encode(), limits=limits, on_wait=lambda: on_samples(b"", rate_hz))
    if report.timed_out:
        raise EngineFailed(engine=engine, detail="timeout")
    if report.status != 0 or half:
        raise EngineFailed(engine=engine, detail=report.last_line if report.status else "half a sample")
