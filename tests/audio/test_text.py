from pathlib import Path

import pytest

from audio.reading.tables import ABBREVIATIONS, DOCUMENTS, SYMBOLS, UNITS, WORDS
from audio.text import for_reading
from tests.audio.ink import PAUSES, VOICED

NEW_LINE = " ⏎ "
GOLDEN = [
    tuple(line.split("\t")) for line in Path(__file__).with_name("reading.tsv").read_text(encoding="utf-8").splitlines()
]


@pytest.mark.parametrize(("kind", "written", "said"), GOLDEN, ids=[f"{row[0]}: {row[1]}"[:80] for row in GOLDEN])
def test_what_an_office_writes_is_read_as_people_say_it(kind: str, written: str, said: str):
    assert for_reading(written.replace(NEW_LINE, "\n")).replace("\n\n", NEW_LINE) == said


def test_what_was_made_ready_is_not_changed_by_reading_it_again():
    for _kind, _written, said in GOLDEN:
        assert for_reading(said.replace(NEW_LINE, "\n\n")).replace("\n\n", NEW_LINE) == said


def test_enough_is_written_down():
    assert len({written for _kind, written, _said in GOLDEN}) == len(GOLDEN) >= 170


@pytest.mark.parametrize("table", [ABBREVIATIONS, DOCUMENTS, SYMBOLS, UNITS, WORDS])
def test_a_table_says_only_what_a_voice_can_say(table: dict[str, str]):
    for written, said in table.items():
        assert said.strip(), written
        assert set(said) <= VOICED | PAUSES, written


def test_paragraphs_stay_apart():
    assert for_reading("Kính thưa bà con\n\n\nXin thông báo.\n") == "kính thưa bà con.\n\nxin thông báo."


def test_composed_and_decomposed_letters_read_alike():
    assert for_reading("Lịch cắt điện") == for_reading("Li\u0323ch că\u0301t đie\u0302\u0323n")


@pytest.mark.parametrize("nothing", ["", " \n ", "…", "--- *** ---", "🙂 🙂", "\u200b", "中文", "./."])
def test_where_there_is_no_word_there_is_nothing_to_read(nothing: str):
    assert not for_reading(nothing)


def test_a_typed_list_is_not_taken_for_broken_lines():
    typed = "Đề nghị bà con mang theo:\ncăn cước công dân\nthẻ bảo hiểm y tế\ngiấy ra viện"

    assert for_reading(typed).count("\n\n") == 3


def test_a_column_of_numbers_is_not_taken_for_page_numbers():
    assert for_reading("Số ca mắc\n12\n15") == "số ca mắc.\n\nmười hai.\n\nmười lăm."


ENGLISH = "The river will rise by 0.5 m at 17:30 on 7/9. Call 115; don't wait!"


@pytest.mark.parametrize("language", ["en", "en-GB"])
def test_english_is_left_to_its_own_engine(language: str):
    assert for_reading(ENGLISH, language=language) == ENGLISH


def test_english_lists_and_broken_lines_are_put_in_order():
    page = "WARNING\n-  Stay at home\n•\tCharge your phone,\nand listen to the radio"

    assert for_reading(page, language="en") == (
        "WARNING.\n\nStay at home.\n\nCharge your phone, and listen to the radio."
    )


def test_other_scripts_keep_their_digits_and_joints():
    khmer = "ទឹក\u200bឡើង ១២ ម៉ែត្រ។"

    assert for_reading(khmer, language="km") == khmer
