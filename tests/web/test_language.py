import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import controller
import loa
from controller.errors import ControllerError
from controller.text import catalogue_of
from controller.web.build import FRONTEND
from controller.web.catalogue import sentences
from controller.web.i18n import Language, translator
from controller.web.templating import TEMPLATES
from tests.support.controller import House
from tests.support.own_words import english_in_python, in_python, in_script, in_template

PLACE = re.compile(r"%\((\w+)\)s|\{(\w+)\}")
PROPER_NAMES = {"Loa", "· Loa", "ms", "dB", ":00", "·", "–"}
HOUSES = {"controller": Path(controller.__file__).parent, "loa": Path(loa.__file__).parent}
PYTHON = {
    f"{name}/{path.relative_to(root)}": path
    for name, root in HOUSES.items()
    for path in sorted(root.rglob("*.py"))
    if not {"migrations", "frontend"} & set(path.relative_to(root).parts)
}
VIETNAMESE_BY_NATURE = {
    "controller/alerts/standing.py": "the standing messages as they come with the system",
    "controller/alerts/testing.py": "what silent tests are called and say",
    "controller/cap/hazards.py": "the words by which dangers are known",
    "controller/cap/speech.py": "what loudspeakers say around a warning",
    "loa/demo/commune.py": "a commune, its places and its news",
}
"""Files of what is said over loudspeakers or read in messages, in whatever language an officer reads the pages."""
DATA = {
    "controller/alerts/wording.py": {"Khẩn cấp", " Việc thử đã xong, không có nguy hiểm.", "Báo yên: "},
    "controller/cap/publishing.py": {"Bản âm thanh"},
    "controller/live/service.py": {"Phát trực tiếp"},
    "controller/text.py": {"đ"},
    "controller/web/i18n.py": {"Tiếng Việt"},
    "controller/web/pages/emergency.py": {
        "Thử loa có tiếng",
        " Không có nguy hiểm, bà con cứ sinh hoạt bình thường.",
    },
    "controller/web/present/compose.py": {
        *("English – Tiếng Anh", "Tày", "Nùng", "Thái", "Mường", "Mông", "Chăm", "Ê Đê"),
    },
    "loa/demo/broadcasts.py": {" – hằng ngày", "xã"},
    "loa/fleet/stage.py": {"Cụm loa "},
}
"""What is stored, spoken or sent to others as it stands, and what languages call themselves."""
PAGES = {
    name for name in PYTHON if name.startswith("controller/web/") and not name.endswith(("/build.py", "/catalogue.py"))
}
AS_IT_STANDS = {
    "controller/accounts/links.py": {"Loa: "},
    "controller/web/assets.py": {"Vary", "public, max-age=31536000, immutable"},
    "controller/web/formats.py": {"EEEE, d MMMM"},
    "controller/web/pages/emergency.py": DATA["controller/web/pages/emergency.py"],
    "controller/web/pages/live.py": {"event: beat\ndata: .\n\n", "\ndata: .\n\n", "event: ", "retry: "},
    "controller/web/pages/speaker.py": {'attachment; filename="'},
    "controller/web/present/compose.py": {"English – Tiếng Anh", "Dao", "Khmer", "Gia Rai", "Ba Na", "Hoa"},
    "controller/web/present/portrait.py": {" LUFS · ", " dBTP"},
    "controller/web/present/speaker.py": {" MB"},
}
"""What machines read, names, and units: the same in every language."""


def kinds(of: type[ControllerError]) -> set[str]:
    """What refusals are called, of all that is loaded."""
    return {of.__name__}.union(*(kinds(each) for each in of.__subclasses__()))


@pytest.mark.parametrize("language", list(Language))
def test_every_sentence_in_use_is_translated(language: Language):
    with catalogue_of(language.code).open("rb") as file:
        catalogue = read_po(file, locale=language)
    missing = []
    for file_name, line, message in sentences():
        entry = catalogue.get(message if isinstance(message, str) else message[0])
        texts = [] if entry is None else [entry.string] if isinstance(entry.string, str) else list(entry.string)
        if not texts or not all(texts):
            missing.append(f"{file_name}:{line} {message}")
    assert not missing, "run `python -m controller.web.catalogue`, then translate"


@pytest.mark.parametrize("language", list(Language))
def test_no_catalogue_keeps_what_is_no_longer_said(language: Language):
    used = {message if isinstance(message, str) else message[0] for _, _, message in sentences()}
    with catalogue_of(language.code).open("rb") as file:
        kept = {message.id if isinstance(message.id, str) else message.id[0] for message in read_po(file) if message.id}
    assert kept == used


@pytest.mark.parametrize("language", list(Language))
def test_a_translation_has_the_places_of_its_sentence(language: Language):
    with catalogue_of(language.code).open("rb") as file:
        for message in read_po(file, locale=language):
            if not message.id:
                continue
            ids = [message.id] if isinstance(message.id, str) else list(message.id)
            texts = [message.string] if isinstance(message.string, str) else list(message.string)
            wanted = {place for each in ids for place in PLACE.findall(each)}
            assert all(set(PLACE.findall(text)) <= wanted for text in texts), message.id


@pytest.mark.parametrize("template", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_templates_hold_no_visible_text_of_their_own(template: Path):
    assert set(in_template(template.read_text())) <= PROPER_NAMES


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("<p>Hello</p>", "Hello"),
        ("{% if x %}Hello{% endif %}", "Hello"),
        ('<p>{{ "Hello" if new else _("Welcome (back)") }}</p>', "Hello"),
        *(
            (f'<p {name}="Hello there">{{{{ _("Hi") }}}}</p>', "Hello there")
            for name in ("title", "aria-label", "placeholder", "alt", "data-hold", "data-text-lost", "data-whatever")
        ),
        ("<button title=\"{{ 'Close' }}\"></button>", "Close"),
        ('<div data-zoom-in="Closer" data-state="idle"></div>', "Closer"),
        ("{% set name = 'Đã xong' %}", "Đã xong"),
    ],
)
def test_a_word_of_a_templates_own_is_found(source: str, said: str):
    assert in_template(source) == [said]
    assert in_template(source.replace(said, "")) == []


@pytest.mark.parametrize("name", PYTHON)
def test_python_speaks_through_the_catalogues(name: str):
    if name not in VIETNAMESE_BY_NATURE:
        assert set(in_python(PYTHON[name].read_text())) == DATA.get(name, set())


@pytest.mark.parametrize("name", [name for name in PYTHON if name.startswith("controller/")])
def test_what_people_read_is_not_english_alone(name: str):
    found = english_in_python(PYTHON[name].read_text(), kinds(ControllerError), page=name in PAGES)
    assert set(found) == AS_IT_STANDS.get(name, set())


def test_refusals_are_known_by_their_names():
    assert len(PAGES) > 50
    assert {"Invalid", "NoLetters", "CapRefused", "BadCircle"} <= kinds(ControllerError)


def test_what_may_be_vietnamese_is_still_there():
    assert all(in_python(PYTHON[name].read_text()) for name in VIETNAMESE_BY_NATURE)
    assert set(DATA) <= set(PYTHON)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 'Đã xong'", ["Đã xong"]),
        ("x = f'{n} cụm loa'", [" cụm loa"]),
        ("Text(f'{n} speakers')", ["f'{n} speakers'"]),
        ("t('Hello ' + name)", ["'Hello ' + name"]),
        ('"""Chú thích."""\nx = 1  # chú thích\n"""Cũng vậy."""', []),
        ("Text('%(n)s speakers', n=n)", []),
    ],
)
def test_a_sentence_past_the_catalogues_is_found(source: str, said: list[str]):
    assert in_python(source) == said


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise Invalid('The name is taken')", ["The name is taken"]),
        ("raise Invalid.field('name', 'Too long')", ["Too long"]),
        ("raise errors.Invalid(f'{name} is taken')", [" is taken"]),
        ("Invalid(errors=(FieldError('name', 'Too long'),))", ["Too long"]),
        ("raise Invalid(Text('Taken by %(who)s', who='nobody here' if x else name))", ["nobody here"]),
        ("class Full(Invalid):\n    title = 'It is full'", ["It is full"]),
        ("class Full(Invalid):\n    code = 'full'\n    title: ClassVar = 'Full'", ["Full"]),
        ("Letter(to, 'Your password', 'Good day ' + name)", ["Good day ", "Your password"]),
        ("t('%(n)s of %(all)s', n=n, all='all of them')", ["all of them"]),
        ("raise Invalid.field('two words', Text('Too long', n=2))", []),
        ("raise ValueError('the caller is wrong')\nlog.info('it went well')", []),
        ("class Full(Invalid):\n    'It is full.'\n    title = Text('It is full')", []),
    ],
)
def test_english_that_is_said_past_the_catalogues_is_found(source: str, said: list[str]):
    assert english_in_python(source, {"Invalid"}) == said


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("page.html('rules.html', note='It was saved')", ["It was saved"]),
        ("return Line('Saved.', tone)", ["Saved."]),
        ("WORDS = {State.LOST: 'the link is lost'}", ["the link is lost"]),
        ("f'{n} speakers' + f'until {end}'", [" speakers", "until "]),
        ("t('Saved' if new else 'Left as it was')", ["Left as it was", "Saved"]),
        ("page.html('rules.html', note=t('It was saved'), kind=f'tone-{tone}', way='as_it_was')", []),
        ("t.count('%(num)s place', '%(num)s places', n, num=n)", []),
        ("def line(f: 'Formats') -> 'Line':\n    'It was saved.'\n    raise ValueError('not a line')", []),
    ],
)
def test_english_of_a_page_is_found_wherever_it_stands(source: str, said: list[str]):
    assert english_in_python(source, page=True) == said


@pytest.mark.parametrize("script", sorted((FRONTEND / "src").rglob("*.js")), ids=lambda path: path.name)
def test_scripts_take_their_words_from_the_page(script: Path):
    assert set(in_script(script.read_text())) <= {"đ"}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('button.textContent = "Close";', ["Close"]),
        ('tip.title =\n  full ? "Too many" : words(n);', ["Too many"]),
        ("Object.assign(item, { textContent: `Place ${n}` })", ["Place "]),
        ('box.setAttribute("aria-label", "Close");', ["Close"]),
        ('box.setAttribute("class", "wide open");', []),
        ('list.append("Nothing here");', ["Nothing here"]),
        ('const sign = "Đang phát"; // đang phát', ["Đang phát"]),
        ('tip.textContent = text("lost").replace("{name}", name); // "Lost"', []),
        ('if (tip.textContent === "open") tip.hidden = true;', []),
    ],
)
def test_a_word_of_a_scripts_own_is_found(source: str, said: list[str]):
    assert in_script(source) == said


def test_numbers_choose_their_form():
    words = ("%(num)s needs a look", "%(num)s need a look")
    english, vietnamese = translator(Language.ENGLISH), translator(Language.VIETNAMESE)
    assert english.ngettext(*words, 1) != english.ngettext(*words, 2)
    assert vietnamese.ngettext(*words, 1) == vietnamese.ngettext(*words, 2)


async def test_vietnamese_comes_first_and_the_choice_is_remembered(house: House):
    browser = house.browser()
    assert '<html lang="vi">' in (await browser.get("/sign-in")).text
    answer = await browser.post("/language", data={"language": "en", "next": "/sign-in"})
    assert answer.headers["location"] == "/sign-in"
    assert '<html lang="en">' in (await browser.get("/sign-in")).text


@pytest.mark.parametrize("form", [{"language": "fr"}, {}])
async def test_a_language_we_do_not_speak_is_refused_in_a_page(house: House, form: dict[str, str]):
    answer = await house.browser().post("/language", data=form)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/html")
