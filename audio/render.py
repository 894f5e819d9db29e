"""From any source to what goes over the wire: mono Ogg Opus, loud enough, never too loud."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from audio.child import ChildLimits
from audio.errors import EngineFailed
from audio.ffmpeg import Source, command, ogg_pipe, stream
from audio.files import durable
from audio.levelling import Treatment
from audio.listen import Measured, measure
from audio.loudness import Loudness
from audio.waveform import Portrait

MEDIA_TYPE = "audio/ogg; codecs=opus"
_OPUS = (
    "-c:a", "libopus", "-b:a", "32k", "-vbr", "constrained", "-compression_level", "3", "-frame_duration", "20",
    "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact",
    "-f", "ogg", "pipe:1",
)  # fmt: skip
_TRIES = 4
"""The first does for most; the second corrects what the rehearsal could not foresee; more is for short, odd sounds."""

OnTry = Callable[[int, float], None]
"""Told which try it is, from 0, and the seconds of sound encoded in it. What it raises stops the work."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """An encoded file and how it came out."""

    path: Path
    portrait: Portrait

    @property
    def loudness(self) -> Loudness:
        """How loud it came out."""
        return self.portrait.loudness

    @property
    def duration_ms(self) -> int:
        """To the nearest millisecond, without the padding of the codec."""
        return self.portrait.duration_ms


def render(
    source: Source,
    treatment: Treatment,
    folder: Path,
    *,
    on_try: OnTry | None = None,
    limits: ChildLimits | None = None,
) -> Rendered:
    """Encode `source` into `folder`, listening to what comes out, and correct it when it is not fit for air.

    What cannot be brought there (isolated cracks in silence) keeps its nearest try: the peak comes first, and
    the loudness is reported as it is.
    """
    tries: list[Rendered] = []
    for number in range(_TRIES):

        def heard(seconds: float, number: int = number) -> None:
            if on_try:
                on_try(number, seconds)

        made = _encode(source, treatment, folder / f"try-{number}.opus", heard, limits)
        tries.append(made)
        if made.loudness.surely_fit:
            break
        treatment = treatment.corrected(made.loudness)
    return min(tries, key=lambda made: made.loudness.distance)


def _encode(
    source: Source, treatment: Treatment, path: Path, on_heard: Callable[[float], None], limits: ChildLimits | None
) -> Rendered:
    """Encode; meanwhile a second ffmpeg decodes and measures what the first has made so far."""
    reading, writing = os.pipe()
    heard_s = 0.0

    def hear() -> Measured:
        def note(seconds: float) -> None:
            nonlocal heard_s
            heard_s = seconds

        with os.fdopen(reading, "rb") as made:
            return measure(ogg_pipe(), given=made, on_heard=note, limits=limits)

    def take(data: bytes) -> None:
        file.write(data)
        _pour(data, writing)
        on_heard(heard_s)

    with ThreadPoolExecutor(1, "ear") as ear, durable(path) as file:
        listening = ear.submit(hear)
        try:
            report = stream(command(source, *_OPUS, filters=treatment.filters()), take, limits)
        finally:
            os.close(writing)
        measured = listening.result()
    if not measured.sample_count:
        raise EngineFailed(engine="ffmpeg", detail=report.last_line)
    return Rendered(path, measured.portrait)


def _pour(data: bytes, pipe: int) -> None:
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(pipe, rest) :]
    except BrokenPipeError as error:
        raise EngineFailed(engine="ffmpeg", detail="the ear has died") from error
