from controller.cap.message import Info
from controller.cap.reading import read
from controller.cap.speech import CANCELLED, SPOKEN_MAX, Voice, farewell, voices
from tests.support.cap import cap, info


def told(*infos: str) -> tuple[Info, ...]:
    return read(cap(*infos)).infos


def said(*infos: str, wanted: tuple[str, ...] = ("vi",), exercise: bool = False) -> list[str]:
    return [voice.text for voice in voices(told(*infos), wanted, exercise=exercise)]


def parameter(name: str, value: str) -> str:
    return f"<parameter><valueName>{name}</valueName><value>{value}</value></parameter>"


def test_headline_description_and_instruction_are_read_out():
    assert said(info()) == ["Cảnh báo lũ quét. Nước sông Thương đang lên rất nhanh. Bà con hãy lên chỗ cao ngay."]


def test_a_text_that_was_made_to_be_read_out_comes_first():
    for name in ("layer:SOREM:1.0:Broadcast_Text", "broadcastText", "CMAMbroadcasttext", "EASText", "EAS_Text"):
        assert said(info(more=parameter(name, "Hãy\n lên chỗ cao!"))) == ["Hãy lên chỗ cao!"]


def test_other_parameters_are_not_read_out():
    more = parameter("EASTextLength", "5") + parameter("broadcastText", "")
    assert said(info(more=more)) == said(info())


def test_markup_is_not_read_out():
    told_so = info(headline="A", description="B&lt;br /&gt;C &lt; 5 &lt;b&gt;D&lt;/b&gt;", instruction=None)
    assert said(told_so) == ["A. B C < 5 D."]


def test_where_nothing_else_is_said_the_event_is():
    assert said(info(headline=None, description=None, instruction=None)) == ["Lũ quét"]


def test_the_areas_language_comes_first_and_a_region_does_not_matter():
    english, hmong, vietnamese = info(language="en-US", headline="E"), info(language="hmn"), info(language="vi-VN")
    spoken = voices(told(english, hmong, vietnamese), ("hmn", "vi"))
    assert [voice.language for voice in spoken] == ["hmn", "vi-VN", "en-US"]


def test_of_two_tellings_in_one_language_the_first_is_read_out():
    assert said(info(headline="Một"), info(headline="Hai"))[0].startswith("Một.")
    assert len(said(info(headline="Một"), info(headline="Hai"))) == 1


def test_a_long_text_loses_its_description_not_what_to_do():
    (voice,) = voices(told(info(description="a " * SPOKEN_MAX)), ("vi",))
    assert voice == Voice("vi-VN", "Cảnh báo lũ quét. Bà con hãy lên chỗ cao ngay.", shortened=True)


def test_a_longer_one_ends_with_a_whole_sentence():
    (voice,) = voices(told(info(more=parameter("EASText", "Chạy ngay! " * 1000))), ("vi",))
    assert voice.shortened
    assert len(voice.text) <= SPOKEN_MAX
    assert voice.text.endswith("Chạy ngay!")


def test_an_exercise_says_so_before_and_after_in_vietnamese_too():
    assert said(info(), exercise=True) == [f"Đây là diễn tập. {said(info())[0]} Xin nhắc lại: đây là diễn tập."]
    english = info(language="en-US", headline="Flood", description=None, instruction=None)
    assert said(english, exercise=True) == [
        "Đây là diễn tập. This is an exercise. Flood. I repeat: this is an exercise."
    ]
    assert said(info(language="hmn", headline="H", description=None, instruction=None), exercise=True) == [
        "Đây là diễn tập. H. Xin nhắc lại: đây là diễn tập."
    ]


def test_a_cancellation_says_its_own_words_or_that_it_is_one():
    assert farewell((), ("vi",), exercise=False) == (Voice("vi", CANCELLED["vi"]),)
    assert farewell(told(info(headline="Lũ đã rút", description=None, instruction=None)), ("vi",), exercise=False) == (
        Voice("vi-VN", "Lũ đã rút."),
    )
    (exercise,) = farewell((), ("vi",), exercise=True)
    assert exercise.text.startswith("Đây là diễn tập.")
