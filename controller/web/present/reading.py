"""How long a text takes when read aloud, estimated without reading it: good to about a tenth."""

import re

from audio.text import for_reading

_WORD_S = 0.24
_PAUSE_S = 0.3
_PAUSES = re.compile(r"[.,:;!?…]+(?=\s|$)|\n+")


def reading_s(text: str) -> float | None:
    """Seconds of speech at the usual pace; None when there is nothing to say."""
    words = for_reading(text)
    if not words.strip():
        return None
    return len(words.split()) * _WORD_S + len(_PAUSES.findall(words)) * _PAUSE_S
