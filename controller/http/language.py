"""Which language an answer speaks: what the browser prefers, Vietnamese when it does not say."""

from typing import Annotated

from fastapi import Depends, Request

from controller.text import LANGUAGES, Language

DEFAULT: Language = "vi"


def preferred(accept_language: str) -> Language:
    """Return the best of our languages for an `Accept-Language` header (RFC 9110, 12.5.4)."""
    best: tuple[float, Language] = (0.0, DEFAULT)
    for part in accept_language[:500].split(","):
        tag, _, weight = part.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight.strip() else 1.0
        except ValueError:
            continue
        language = next((known for known in LANGUAGES if tag.strip().lower().split("-")[0] == known), None)
        if language and quality > best[0]:
            best = (quality, language)
    return best[1]


def language_of(request: Request) -> Language:
    """Return the language for the answer to `request`."""
    return preferred(request.headers.get("accept-language", ""))


LanguageDep = Annotated[Language, Depends(language_of)]
