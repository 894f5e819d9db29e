"""The pages in two languages, Vietnamese first, out of the same catalogues as the services' sentences."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache

from markupsafe import Markup
from starlette.requests import Request

from controller.text import Language as TextLanguage
from controller.text import counting, number, translations

COOKIE = "loa_language"


class Language(StrEnum):
    """A language of the pages; its own name beside it."""

    VIETNAMESE = "vi"
    ENGLISH = "en"

    @property
    def code(self) -> TextLanguage:
        """The same, as the controller's own sentences know it."""
        return "en" if self is Language.ENGLISH else "vi"

    @property
    def label(self) -> str:
        """What its speakers call it."""
        return {Language.VIETNAMESE: "Tiếng Việt", Language.ENGLISH: "English"}[self]


class Translator:
    """Turns the English sentences of the source into one language; an untranslated one stays as it is."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._texts = translations(language.code)

    def gettext(self, text: str) -> str:
        """Return the sentence in this language."""
        return self._texts.get(text, (text,))[0] or text

    def ngettext(self, one: str, many: str, n: int) -> str:
        """Return the sentence that fits the number, still to be filled in."""
        return counting(self.language.code, one, many, n)

    def __call__(self, text: str, **values: object) -> str:
        """Return the sentence with its `%(name)s` filled in."""
        return self.gettext(text) % values if values else self.gettext(text)

    def number(self, value: float) -> str:
        """`1.234,5` in Vietnamese."""
        return number(self.language.code, value)

    def count(self, one: str, many: str, n: int, **values: object) -> str:
        """Return the sentence for `n` things, filled in; numbers are written as people do."""
        return self.ngettext(one, many, n) % self._written({"n": n, **values})

    def counted(self, one: str, many: str, num: int, **values: object) -> Markup:
        """Return the same for a template, where the sentence may hold markup and values are escaped."""
        return Markup(self.ngettext(one, many, num)) % self._written({"num": num, **values})  # noqa: S704 our own catalogue

    def _written(self, values: Mapping[str, object]) -> Mapping[str, object]:
        return {name: self.number(value) if isinstance(value, int) else value for name, value in values.items()}


@cache
def translator(language: Language) -> Translator:
    """The translator of one language."""
    return Translator(language)


def language_of(request: Request) -> Language:
    """The language the reader chose; Vietnamese until then."""
    chosen = request.cookies.get(COOKIE)
    return Language(chosen) if chosen in set(Language) else Language.VIETNAMESE
