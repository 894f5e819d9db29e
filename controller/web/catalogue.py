"""Brings the catalogues up to date with the sentences in use: `python -m controller.web.catalogue`.

New sentences come in untranslated (English ones as they stand), unused ones leave. A test compares both sides.
"""

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

import controller
from controller.text import catalogue_of
from controller.web.i18n import Language

_ROOT = Path(controller.__file__).parent
_METHODS = [
    ("migrations/**", "ignore"),
    ("web/frontend/**", "ignore"),
    ("**.py", "python"),
    ("web/templates/**.html", "jinja2"),
]
_OPTIONS = {"web/templates/**.html": {"trimmed": "true", "silent": "false"}}
_KEYWORDS = {
    "_": None,
    "Text": None,
    "t": None,
    "gettext": None,
    "ngettext": (1, 2),
    "count": (1, 2),
}

_UNWANTED = (
    '"Project-Id',
    '"Report-',
    '"POT-',
    '"PO-Rev',
    '"Last-T',
    '"Language-Team',
    '"Generated-By',
    "#, python-format",
)

MessageId = str | tuple[str, ...]


def sentences() -> Iterator[tuple[str, int, MessageId]]:
    """Every sentence of the services and the pages, with its file and line."""
    found = extract_from_dir(str(_ROOT), _METHODS, _OPTIONS, keywords=_KEYWORDS)
    for file, line, message, _comments, _context in found:
        yield file, line, message


def template() -> Catalog:
    """A catalogue of what is in use, with no translation."""
    catalogue = Catalog(project="loa", charset="utf-8", fuzzy=False)
    for file, line, message in sentences():
        catalogue.add(message, locations=[(file, line)])
    return catalogue


def update(language: Language) -> int:
    """Rewrite one catalogue; return how many sentences still lack a translation."""
    path = catalogue_of(language.code)
    catalogue = Catalog(locale=language, project="loa", fuzzy=False)
    if path.exists():
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language)
    catalogue.update(template(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.mime_headers = [("Language", language.value), ("Content-Type", "text/plain; charset=utf-8")]
    catalogue.header_comment = f"# The services and the pages in {language.label}."
    for message in catalogue:
        if language is Language.ENGLISH and message.id and not any(_forms(message.string)):
            message.string = message.id
    path.write_text(_text(catalogue), encoding="utf-8")
    return sum(1 for message in catalogue if message.id and not all(_forms(message.string)))


def _text(catalogue: Catalog) -> str:
    """The catalogue as a file; of its header only what a reader needs, so that nothing changes without a reason."""
    file = BytesIO()
    write_po(file, catalogue, sort_output=True, no_location=True, ignore_obsolete=True, width=120)
    lines = file.getvalue().decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(_UNWANTED))


def _forms(string: object) -> tuple[object, ...]:
    return tuple(string) if isinstance(string, (list, tuple)) else (string,)


def main() -> None:
    """Update both catalogues."""
    for language in Language:
        missing = update(language)
        sys.stderr.write(f"{language}: {missing} to translate\n")


if __name__ == "__main__":
    main()
