"""The dictionary as its page sees it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PronunciationView:
    """An entry of the dictionary."""

    id: str
    version: str
    written: str
    spoken: str
    language: str
    area_code: str
    area_name: str
    inherited: bool = False


@dataclass(frozen=True)
class PronunciationsView:
    """What was typed and what is wrong with it; what was just removed, to be taken back."""

    written: str = ""
    spoken: str = ""
    error: str = ""
    wrong: str = ""
    """The entry that the error is about; none: the new one."""
    removed: PronunciationView | None = None
