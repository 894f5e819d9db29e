import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from controller.web.catalogue import sentences
from controller.web.i18n import LOCALES, Language, translator
from controller.web.templating import TEMPLATES
from tests.support.controller import House

PLACE = re.compile(r"%\((\w+)\)s|\{(\w+)\}")
VISIBLE = ("aria-label", "placeholder", "title", "alt", "data-label", "data-chosen", "data-none")
PROPER_NAMES = {"Loa", "· Loa", "ms", "·", "–"}


@pytest.mark.parametrize("language", list(Language))
def test_every_sentence_in_use_is_translated(language: Language):
    with (LOCALES / language / "LC_MESSAGES" / "loa.po").open("rb") as file:
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
    with (LOCALES / language / "LC_MESSAGES" / "loa.po").open("rb") as file:
        kept = {message.id if isinstance(message.id, str) else message.id[0] for message in read_po(file) if message.id}
    assert kept == used


@pytest.mark.parametrize("language", list(Language))
def test_a_translation_has_the_places_of_its_sentence(language: Language):
    with (LOCALES / language / "LC_MESSAGES" / "loa.po").open("rb") as file:
        for message in read_po(file, locale=language):
            if not message.id:
                continue
            ids = [message.id] if isinstance(message.id, str) else list(message.id)
            texts = [message.string] if isinstance(message.string, str) else list(message.string)
            wanted = {place for each in ids for place in PLACE.findall(each)}
            assert all(set(PLACE.findall(text)) <= wanted for text in texts), message.id


@pytest.mark.parametrize("template", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_templates_hold_no_visible_text_of_their_own(template: Path):
    source = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "\0", template.read_text(), flags=re.DOTALL)
    spoken = [text.strip(" \n\0·–") for text in re.sub(r"<[^>]*>", "\n", source).split("\n")]
    for attribute in VISIBLE:
        spoken += [value.strip("\0 ") for value in re.findall(rf'\b{attribute}="([^"]*)"', source)]
    assert {text for text in spoken if re.search(r"\w", text)} <= PROPER_NAMES


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
