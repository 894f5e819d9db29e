import pytest

from audio.text import for_reading, sentences


@pytest.mark.parametrize(
    "whole",
    [
        "Về TP. Hồ Chí Minh lúc 15.30, mang 1.250 suất quà",
        "Ông N.V.A. Sáng nay đến TX. Việt Yên",
        "PGS.TS. Nguyễn Văn B, BS. Hà và ThS. Lê C dự",
        "v.v. và nhiều việc khác",
        "1. Thành phần dự họp",
        "Gửi về ubnd@tanyen.gov.vn trước 17h00.",
        "Giá 12.345.678 đồng, tăng 1.5 lần",
    ],
)
def test_a_dot_inside_a_number_or_an_abbreviation_ends_nothing(whole: str):
    assert sentences(whole) == [whole]


def test_a_text_is_cut_at_sentences_paragraphs_and_items():
    page = "Kính thưa bà con! Sáng mai cắt điện. Vì sao?\n- Thay dây (lộ 475).\n- Thay cột\n\nXin cảm ơn"

    assert sentences(page) == [
        "Kính thưa bà con!",
        "Sáng mai cắt điện.",
        "Vì sao?",
        "- Thay dây (lộ 475).",
        "- Thay cột",
        "Xin cảm ơn",
    ]


def test_what_was_made_ready_is_cut_the_same_way():
    assert sentences(for_reading("1. Họp lúc 7h30. Địa điểm: TP. Bắc Giang.\n2. Tập huấn")) == [
        "một.",
        "họp lúc bảy giờ ba mươi phút.",
        "địa điểm: thành phố bắc giang.",
        "hai.",
        "tập huấn.",
    ]


def test_a_long_sentence_is_cut_where_one_breathes():
    clause = "các hộ dân ở vùng thấp trũng khẩn trương kê cao đồ đạc"
    cut = sentences(", ".join([clause] * 20) + ".")

    assert len(cut) > 3
    assert all(sentence.endswith((",", ".")) and len(sentence) <= 300 for sentence in cut)


def test_a_word_longer_than_a_sentence_is_cut_at_last():
    assert [len(sentence) for sentence in sentences("a" * 700)] == [300, 300, 100]


def test_a_broken_line_is_one_sentence():
    assert sentences("UBND các huyện: Lục Nam, Tân Yên và thành\n\nphố Bắc Giang.") == [
        "UBND các huyện: Lục Nam, Tân Yên và thành phố Bắc Giang."
    ]
