"""The styles keep to their tokens, and the icons to what is used."""

import re
from itertools import combinations
from math import dist
from pathlib import Path

import pytest

from controller.web import assets, build
from controller.web.pages.styleguide import ICONS
from controller.web.present.speakers import tone_rank
from controller.web.present.styleguide import TONES, contrast, guide, linear, tokens
from controller.web.present.tone import Tone
from controller.web.templating import TEMPLATES

SOURCES = build.FRONTEND / "src"
TOKENS = SOURCES / "styles" / "tokens.css"
SHEETS = sorted(path for path in SOURCES.rglob("*.css") if path != TOKENS)
SPACED = r"(?:padding|margin|gap)[\w-]*:\s*([^;}]+)"
LENGTH = r"(?<![\w.-])(\d*\.?\d+(?:rem|em|px))\b"
HAIR = {"1px"}
TOLD_APART = 0.05
"""Twice what eyes need side by side."""


def declarations(sheet: str) -> str:
    return re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_colours_spaces_corners_and_type_are_tokens(path: Path):
    sheet = declarations(path.read_text())
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgba?|hsla?|oklch|lab)\(", re.sub(r"url\([^)]*\)", "", sheet)) == []
    lengths = {length for said in re.findall(SPACED, sheet) for length in re.findall(LENGTH, said)}
    assert lengths <= HAIR, "a space is one of --s0 … --s6"
    corners = {said.strip() for said in re.findall(r"border-radius:\s*([^;}]+)", sheet)}
    assert {said for said in corners if not re.fullmatch(r"0|50%|var\(--(round[\w-]*|pill)\)", said)} == set()
    sizes = {said.strip() for said in re.findall(r"font-size:\s*([^;}]+)", sheet)}
    assert {said for said in sizes if said != "0" and "var(--step-" not in said} == set()


def test_every_token_is_used_and_every_one_that_is_used_exists():
    everything = "".join(path.read_text() for path in (TOKENS, *SHEETS))
    defined = set(re.findall(r"(--[\w-]+)\s*:", declarations(everything)))
    scripts = "".join(path.read_text() for path in SOURCES.rglob("*.js"))
    used = set(re.findall(r"var\((--[\w-]+)", everything + scripts))
    assert used - defined - set(re.findall(r"setProperty\([\"'](--[\w-]+)", scripts)) == set()
    assert set(re.findall(r"(--[\w-]+)\s*:", TOKENS.read_text())) - used == set()


def test_the_dark_scheme_changes_colours_that_the_bright_one_has():
    bright, dark = tokens(TOKENS.read_text())
    assert set(dark) <= set(bright)
    assert len(dark) > 2 * len(TONES)


def test_what_is_written_can_be_read_in_both_schemes():
    build.build()
    assets.manifest.cache_clear()
    shown = guide()
    assert len(shown.light) == len(shown.dark) > 2 * len(TONES)
    faint = [
        (each.front, each.ground, round(each.ratio, 2)) for each in shown.light + shown.dark if each.ratio < each.needs
    ]
    assert faint == []


@pytest.mark.parametrize(
    ("one", "other", "ratio"), [("#000", "#ffffff", 21), ("#777777", "#fff", 4.48), ("#0b6b5b", "#0b6b5b", 1)]
)
def test_contrast_is_that_of_the_standard(one: str, other: str, ratio: float):
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.01)


def seen(colour: str) -> tuple[float, float, float]:
    """A colour as eyes tell it from others (Oklab)."""
    red, green, blue = (linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    long = (0.4122 * red + 0.5363 * green + 0.0514 * blue) ** (1 / 3)
    middle = (0.2119 * red + 0.6807 * green + 0.1074 * blue) ** (1 / 3)
    short = (0.0883 * red + 0.2817 * green + 0.6300 * blue) ** (1 / 3)
    return (
        0.2105 * long + 0.7936 * middle - 0.0041 * short,
        1.9780 * long - 2.4286 * middle + 0.4506 * short,
        0.0259 * long + 0.7828 * middle - 0.8087 * short,
    )


def test_states_differ_in_colour_and_in_shape_wherever_they_are_drawn():
    assert set(TONES) == set(Tone)
    bright, dark = tokens(TOKENS.read_text())
    for scheme in (bright, bright | dark):
        apart = [dist(seen(scheme[one]), seen(scheme[other])) for one, other in combinations(TONES, 2)]
        assert min(apart) > TOLD_APART
    symbols = dict(re.findall(r'<symbol id="(\w+)"[^>]*>(<[^>]+>)', (SOURCES / "icons.svg").read_text()))
    assert len({symbols[tone] for tone in TONES}) == len(TONES), "each has an outline of its own"
    marks = (SOURCES / "map" / "map.js").read_text()
    worst_first = sorted(Tone, key=tone_rank)
    assert re.findall(r'"(\w+)"', re.findall(r"TONES = (\[.*?\])", marks)[0]) == worst_first
    signs = dict(re.findall(r'(\w+): "(.)"', re.findall(r"SIGN = (\{.*?\})", marks)[0]))
    assert set(signs) == set(TONES)
    assert len(set(signs.values())) == len(TONES)


def test_icons_are_defined_once_shown_and_used():
    defined = re.findall(r'<symbol id="([\w-]+)"', (SOURCES / "icons.svg").read_text())
    assert sorted(defined) == sorted(set(defined)) == sorted(ICONS)
    templates = "".join(path.read_text() for path in TEMPLATES.rglob("*.html") if path.name != "styleguide.html")
    scripts = "".join(path.read_text() for path in SOURCES.rglob("*.js"))
    named = set(re.findall(r'(?:icon|sign|empty)\("([\w-]+)"', templates)) | set(re.findall(r"#icon-([\w-]+)", scripts))
    assert named - set(defined) == set()
    assert set(defined) - named - set(TONES) == set()
