"""A sound before and after it was made fit for air: a drawing, two figures, and a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audio.loudness import TARGET_LUFS, TOLERANCE_LU, Loudness
from controller.web.formats import Formats
from controller.web.i18n import Translator

_HEIGHT = 100
_NOTICEABLE_DB = 1.0
_NOTICEABLE_S = 0.3


@dataclass(frozen=True)
class Listen:
    """What can be heard in the browser, now or in a moment."""

    announcement: str
    url: str = ""
    """Empty while the sound is being made."""
    duration_s: float = 0
    name: str = ""
    fresh: bool = False
    percent: int | None = None
    """How far the making is, where that is known."""
    change: str = ""
    unfit: str = ""
    """What to do about a clip that stayed too soft or too loud."""
    portraits: tuple["PortraitView", ...] = ()


@dataclass(frozen=True)
class PortraitView:
    """A sound at a glance: its figures, and its outline as an SVG path `peaks` wide and 100 high."""

    name: str
    figures: str
    duration_s: float
    outline: str
    peaks: int


def portrait(stored: Mapping[str, Any] | None, name: str, fmt: Formats) -> PortraitView | None:
    """What the page shows of a stored portrait."""
    if not stored or not stored["waveform"]:
        return None
    return PortraitView(
        name=name,
        figures=f"{_signed(stored['lufs'], fmt)} LUFS · {_signed(stored['peak_dbtp'], fmt)} dBTP",
        duration_s=stored["duration_ms"] / 1000,
        outline=outline(stored["waveform"]),
        peaks=len(stored["waveform"]),
    )


def outline(peaks: Sequence[int]) -> str:
    """The waveform as one SVG shape, as wide as there are peaks: up along the tops, back along the bottoms."""
    middle = _HEIGHT / 2
    tops = [f"{at} {middle - max(1, peak) / 2:g}" for at, peak in enumerate(peaks)]
    bottoms = [f"{at} {middle + max(1, peak) / 2:g}" for at, peak in enumerate(peaks)]
    return f"M{'L'.join([*tops, *reversed(bottoms)])}Z"


def change(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, fmt: Formats) -> str:
    """What was done to it, in plain words; empty when nothing worth telling was."""
    if not before or not after:
        return ""
    raised_db = after["lufs"] - before["lufs"]
    cut_s = (before["duration_ms"] - after["duration_ms"]) / 1000
    said: list[str] = []
    if raised_db >= _NOTICEABLE_DB:
        said.append(fmt.t("made louder by %(db)s dB", db=fmt.number(raised_db)))
    elif raised_db <= -_NOTICEABLE_DB:
        said.append(fmt.t("made softer by %(db)s dB", db=fmt.number(-raised_db)))
    if cut_s >= _NOTICEABLE_S:
        said.append(fmt.t("%(s)s s of silence cut off", s=fmt.number(cut_s, 1)))
    sentence = ", ".join(said)
    return f"{sentence[:1].upper()}{sentence[1:]}." if sentence else ""


def unfit(after: Mapping[str, Any] | None, t: Translator) -> str:
    """What to do about a clip that could not be brought to the loudness of the others; empty when it was."""
    if not after or Loudness(after["lufs"], after["peak_dbtp"]).fit_for_air:
        return ""
    if after["lufs"] < TARGET_LUFS - TOLERANCE_LU:
        return t("Still too soft for the speakers. Please record it again, closer to the microphone.")
    return t("Still too loud for the speakers. Please record it again, a little farther from the microphone.")


def _signed(value: float, fmt: Formats) -> str:
    return fmt.number(value, 1).replace("-", "−")
