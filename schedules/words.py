"""Sentences for people, in the two languages of the pages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentence:
    """One thing said twice: in Vietnamese, which comes first on every page, and in English."""

    vi: str
    en: str
