import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.text import for_reading

GOLDEN = dict(
    line.split("\t") for line in Path(__file__).with_name("reading.tsv").read_text(encoding="utf-8").splitlines()
)


@pytest.mark.parametrize("written", GOLDEN)
def test_what_an_office_writes_is_read_as_people_say_it(written: str):
    assert for_reading(written) == GOLDEN[written]


def test_a_headline_in_capitals_is_read_as_words():
    assert for_reading("THÔNG BÁO CHO BÀ CON THÔN NAM").startswith("thông báo cho bà con thôn nam")


def test_paragraphs_stay_apart():
    assert for_reading("Kính thưa bà con\n\n\nXin thông báo.\n") == "kính thưa bà con.\n\nxin thông báo."


def test_composed_and_decomposed_letters_read_alike():
    assert for_reading("Lịch cắt điện") == for_reading("Li\u0323ch că\u0301t đie\u0302\u0323n")


@pytest.mark.parametrize("nothing", ["", " \n ", "…", "--- *** ---", "🙂 🙂", "\u200b"])
def test_where_there_is_no_word_there_is_nothing_to_read(nothing: str):
    assert not for_reading(nothing)


@pytest.mark.parametrize("page", ["1", "1/", "0 ", "a-", "(", "AB ", "9" * 19 + " ", "1,", "- ", "ngày ", "1.000."])
def test_a_page_of_nonsense_does_not_keep_us_busy(page: str):
    began = time.process_time()
    for_reading((page * 20_000)[:20_000])

    assert time.process_time() - began < 10


@given(st.text(max_size=200))
def test_no_text_stops_the_reader_and_no_digit_is_left(text: str):
    said = for_reading(text)

    assert not any(character.isdecimal() for character in said)
    assert "\0" not in said
