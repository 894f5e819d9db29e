"""The design system as the served stylesheet has it: tokens, and how well what is written on what can be read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from controller.web import assets
from controller.web.build import DIST

TONES = ("good", "air", "wait", "warn", "bad", "away", "off")
TEXT, SIGN = 4.5, 3.0
"""The contrast that text needs (WCAG 2.2, 1.4.3), and the edge of a field (1.4.11)."""

PAIRS: tuple[tuple[str, str, float], ...] = (
    ("ink", "ground", TEXT), ("ink", "surface", TEXT), ("ink", "sunken", TEXT),
    ("ink-soft", "ground", TEXT), ("ink-soft", "surface", TEXT), ("ink-soft", "sunken", TEXT),
    ("brand", "surface", TEXT), ("on-brand", "brand", TEXT), ("brand-deep", "brand-wash", TEXT),
    *((tone, ground, TEXT) for tone in TONES for ground in ("surface", f"{tone}-wash")),
    ("surface", "bad", TEXT), ("line-strong", "surface", SIGN), ("on-paper-soft", "paper", TEXT),
)  # fmt: skip
"""What is written on what, and the contrast that it needs."""


@dataclass(frozen=True)
class Pair:
    """One colour on another."""

    front: str
    ground: str
    front_value: str
    ground_value: str
    ratio: float
    needs: float


@dataclass(frozen=True)
class Guide:
    """What the page shows."""

    light: tuple[Pair, ...]
    dark: tuple[Pair, ...]
    type_steps: tuple[tuple[str, str], ...]
    spaces: tuple[tuple[str, str], ...]
    rounds: tuple[tuple[str, str], ...]


def guide() -> Guide:
    """Read it from the stylesheet that pages are served with; empty where it was never built."""
    try:
        sheet = (DIST / assets.manifest()["style.css"]).read_text()
    except (KeyError, FileNotFoundError):
        sheet = ""
    light, dark = tokens(sheet)
    return Guide(
        light=pairs(light),
        dark=pairs({**light, **dark}),
        type_steps=_named(light, "step-"),
        spaces=tuple(each for each in light.items() if re.fullmatch(r"s\d", each[0])),
        rounds=(*_named(light, "round"), *_named(light, "pill")),
    )


def tokens(sheet: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the custom properties of `:root`, and those that the dark scheme changes."""
    dark = re.search(r"@media\s*\(prefers-color-scheme:\s*dark\)\s*{\s*:root\s*{([^}]*)}", sheet)
    bright = re.search(r":root\s*{([^}]*)}", sheet)
    return tuple(  # type: ignore[return-value]  # two of them
        {name: value.strip() for name, value in re.findall(r"--([\w-]+):([^;}]*)", found[1] if found else "")}
        for found in (bright, dark)
    )


def pairs(values: Mapping[str, str]) -> tuple[Pair, ...]:
    """All pairs of one scheme."""
    return tuple(
        Pair(front, ground, values[front], values[ground], contrast(values[front], values[ground]), needs)
        for front, ground, needs in PAIRS
        if front in values and ground in values
    )


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    if len(digits) == 3:  # noqa: PLR2004 - the short form
        digits = "".join(2 * each for each in digits)
    red, green, blue = (linear(int(digits[at : at + 2], 16) / 255) for at in (0, 2, 4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear(channel: float) -> float:
    """One channel of sRGB, 0 to 1, as light."""
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - of sRGB


def _named(values: Mapping[str, str], prefix: str) -> tuple[tuple[str, str], ...]:
    return tuple(each for each in values.items() if each[0].startswith(prefix))
