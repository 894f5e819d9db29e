"""The kinds of text that input is made of."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from controller.text import Text


class In(BaseModel):
    """Input: a field that does not exist is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid")


def _without_controls(text: str, allowed: str = "") -> str:
    if any(unicodedata.category(letter) == "Cc" and letter not in allowed for letter in text):
        raise ValueError(Text("Contains control characters"))
    return unicodedata.normalize("NFC", text)


def _printable(text: str) -> str:
    return _without_controls(text, allowed="\n\r\t")


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_without_controls)
]
"""One line that says something, such as a name."""
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000), AfterValidator(_printable)]
"""Any text for people, perhaps none."""
Search = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
AreaCodeField = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""An area's code: it stands in topics and paths."""
