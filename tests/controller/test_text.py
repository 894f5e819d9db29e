import pickle

import pytest

from controller.errors import Conflict, Invalid
from controller.text import Text

NAMED = Text("There is a user %(name)s already", name="lan")


def test_a_sentence_is_said_in_both_languages():
    assert NAMED.en == "There is a user lan already"
    assert NAMED.vi == "Đã có người dùng lan"


def test_a_sentence_within_a_sentence_speaks_the_same_language():
    assert Conflict().detail.en == "In conflict with what is there. Load the page again, then do it anew."
    assert Conflict().detail.vi == "Mâu thuẫn với dữ liệu hiện có. Hãy tải lại trang rồi làm lại."


def test_what_comes_in_both_languages_stays_as_it_came():
    said = Text.both("Giọng 100 % nhỏ", "A voice 100 % soft")
    assert (said.vi, said.en) == ("Giọng 100 % nhỏ", "A voice 100 % soft")


@pytest.mark.parametrize(
    ("n", "vi", "en"),
    [(1, "1 cụm loa", "1 speaker"), (0, "0 cụm loa", "0 speakers"), (10_004, "10.004 cụm loa", "10,004 speakers")],
)
def test_a_number_is_written_as_people_do_and_its_sentence_fits_it(n: int, vi: str, en: str):
    counted = Text.count("%(n)s speaker", "%(n)s speakers", n)
    assert (counted.vi, counted.en) == (vi, en)


def test_a_sentence_nobody_translated_is_said_in_english():
    assert Text("Nobody has translated this, 100 %").vi == "Nobody has translated this, 100 %"


def test_sentences_are_values():
    same = Text("There is a user %(name)s already", name="lan")
    assert same == NAMED == pickle.loads(pickle.dumps(NAMED))  # noqa: S301 our own
    assert len({same, NAMED, Text("There is a user %(name)s already", name="mai")}) == 2
    with pytest.raises(AttributeError):
        NAMED.sentence = "Otherwise"  # type: ignore[misc]


def test_the_log_reads_a_refusal_in_english():
    assert str(Invalid.field("name", NAMED)) == NAMED.en
