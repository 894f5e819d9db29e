import pytest

from audio.text import for_reading


@pytest.mark.parametrize(
    ("text", "dictionary", "said"),
    [
        ("UBND xã", {"UBND": "u bê"}, "u bê xã."),
        ("Quyết định 123/QĐ-UBND", {"UBND": "U Bờ"}, "quyết định một trăm hai mươi ba quyết định U Bờ."),
        ("giá 1.250 đồng", {"1.250": "Một hai rưỡi"}, "giá Một hai rưỡi đồng."),
        ("ngày 5/9 khai giảng", {"ngày 5/9": "mồng năm tháng chín"}, "mồng năm tháng chín khai giảng."),
        ("thôn Phúc Lễ", {"phúc lễ": "phúc lẽ"}, "thôn phúc lẽ."),
        ("ca trực của CA xã", {"CA": "công an ta"}, "ca trực của công an ta xã."),
        ("Tân Yên, tân yên", {"TÂN YÊN": "không"}, "tân yên, tân yên."),
        ("xã Tân Yên", {"Tân": "một", "Tân Yên": "hai"}, "xã hai."),
        ("an toàn", {"an": "anh"}, "anh toàn."),
        ("ban an", {"an": "anh"}, "ban anh."),
        ("Bản Ba Vì", {"Ba  Vì": "ba vi"}, "bản ba vi."),
        ("Krông Pa", {"Krông": "crông"}, "crông pa."),
    ],
)
def test_the_officers_word_stands_above_every_rule(text: str, dictionary: dict[str, str], said: str):
    assert for_reading(text, dictionary) == said


def test_what_the_officer_wrote_is_said_as_written():
    assert for_reading("gặp ông Tý", {"Tý": "Tí 2 UBND"}) == "gặp ông Tí 2 UBND."


@pytest.mark.parametrize("composed", ["Lịch", "Li\u0323ch"])
def test_an_entry_is_found_however_its_letters_are_stored(composed: str):
    assert for_reading("Lịch họp", {composed: "lích"}) == "lích họp."


@pytest.mark.parametrize("written", ["", " ", "\n", "(", "[a-z]+", ".*", "\\", "a" * 10_000, "\0"])
def test_a_hostile_entry_changes_nothing(written: str):
    assert for_reading("Kính thưa bà con", {written: "xấu"}) == "kính thưa bà con."


def test_no_mark_up_reaches_the_voice():
    said = for_reading("xã ta", {"ta": "<speak>[[h@]] \x1b\0\n\n& \\{}</speak>"})

    assert said == "xã speak h speak."


def test_an_entry_may_silence_a_word():
    assert for_reading("mật khẩu là 1234", {"là 1234": ""}) == "mật khẩu."


def test_another_language_has_its_own_entries():
    assert for_reading("Meet at Ba Vi.", {"ba vi": "bah vee"}, language="en") == "Meet at bah vee."
