import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.reading.rules import RULES
from audio.reading.sentences import LONGEST_CHARS
from audio.text import for_reading, sentences
from tests.audio.ink import PAGES, PAUSES, SCRAWL, VOICED

AN_UNBOUNDED_REPEAT = re.compile(r"[*+]|\{\d*,\}")
OUTSIDE_CLASSES = re.compile(r"\\.|\[(?:\\.|[^\]\\])+\]|\(\?<?[=!:]")

NONSENSE = (
    *("1", "1/", "0 ", "a-", "(", "AB ", "9999999999 ", "1,", "- ", "ngày ", "1.000.", "A.", "a@", "www.", "I,", "T2-"),
    *("1 000 ", "số 1/", "1:", "\n1", "nanan", "'", "thứ 1,", "QĐ-", "21°16'", "TP. ", "a, \n", "\t", "\ufdfa"),
)


@settings(deadline=None)
@given(PAGES)
def test_nothing_is_left_that_a_voice_cannot_say(text: str):
    assert set(for_reading(text)) <= VOICED | PAUSES


@settings(deadline=None)
@given(PAGES, st.dictionaries(PAGES, PAGES, max_size=4))
def test_no_dictionary_stops_the_reader_or_brings_in_what_cannot_be_said(text: str, dictionary: dict[str, str]):
    said = for_reading(text, dictionary)

    assert not set(said) & set("<>[]{}&|\\/\0\x1b")


@settings(deadline=None)
@given(PAGES, st.sampled_from(["en", "km", "tay"]))
def test_text_in_another_language_keeps_its_words(text: str, language: str):
    for_reading(text, language=language)


@settings(deadline=None)
@given(PAGES | SCRAWL.map(lambda text: text * 20))
def test_no_word_is_lost_between_sentences(text: str):
    cut = sentences(text)

    assert "".join("".join(cut).split()) == "".join(text.split())
    assert all(0 < len(sentence) <= LONGEST_CHARS for sentence in cut)


def test_no_rule_looks_without_end():
    for pattern, _saying in RULES:
        assert not AN_UNBOUNDED_REPEAT.search(OUTSIDE_CLASSES.sub("", pattern.pattern)), pattern.pattern


@pytest.mark.parametrize("scrap", NONSENSE)
def test_work_grows_with_the_text_and_no_faster(scrap: str):
    short, long = (_calls(lambda page=(scrap * size)[:size]: for_reading(page)) for size in (500, 2000))

    assert long <= 5 * short + 500


def _calls(work) -> int:
    """How many functions were called, of Python's and of C's: a clock that no load disturbs."""
    calls = 0

    def count(_frame, event, _argument) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls
