import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.reading.tables import ABBREVIATIONS
from audio.text import for_reading

GOLDEN = [
    tuple(line.split("\t")) for line in Path(__file__).with_name("reading.tsv").read_text(encoding="utf-8").splitlines()
]
NEW_LINE = " ⏎ "

VOICED = set("abcdeghiklmnopqrstuvxyàáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵfjwz")
PAUSES = set(" .,:;!?\n")

OFFICE_INK = st.sampled_from(
    [*ABBREVIATIONS, *string.punctuation, *"–—°²½\n\t", "ngày ", "số ", "Quý ", "TP. ", "IV", "98A-"]
)
SCRAWL = st.lists(OFFICE_INK | st.text(max_size=8) | st.integers(0, 10**15).map(str), max_size=40).map("".join)


@pytest.mark.parametrize(("kind", "written", "said"), GOLDEN, ids=[f"{row[0]}: {row[1]}"[:80] for row in GOLDEN])
def test_what_an_office_writes_is_read_as_people_say_it(kind: str, written: str, said: str):
    assert for_reading(written.replace(NEW_LINE, "\n")).replace("\n\n", NEW_LINE) == said


def test_enough_is_written_down():
    assert len(GOLDEN) >= 170
    assert len({written for _kind, written, _said in GOLDEN}) == len(GOLDEN)


def test_paragraphs_stay_apart():
    assert for_reading("Kính thưa bà con\n\n\nXin thông báo.\n") == "kính thưa bà con.\n\nxin thông báo."


def test_composed_and_decomposed_letters_read_alike():
    assert for_reading("Lịch cắt điện") == for_reading("Li\u0323ch că\u0301t đie\u0302\u0323n")


@pytest.mark.parametrize("nothing", ["", " \n ", "…", "--- *** ---", "🙂 🙂", "\u200b", "中文", "./."])
def test_where_there_is_no_word_there_is_nothing_to_read(nothing: str):
    assert not for_reading(nothing)


@settings(deadline=None)
@given(st.text(max_size=200) | SCRAWL)
def test_nothing_is_left_that_a_voice_cannot_say(text: str):
    assert set(for_reading(text)) <= VOICED | PAUSES


@pytest.mark.parametrize("said", sorted({row[2] for row in GOLDEN}))
def test_what_was_made_ready_is_not_changed_by_reading_it_again(said: str):
    assert for_reading(said.replace(NEW_LINE, "\n\n")).replace("\n\n", NEW_LINE) == said
