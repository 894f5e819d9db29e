"""Column types that several capabilities share."""

from enum import StrEnum

from sqlalchemy import Enum


def stored_as_text(kind: type[StrEnum]) -> Enum:
    """The column type of a word from a fixed list: plain text on every database."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=False,
        length=16,
        values_callable=lambda words: [word.value for word in words],
    )
