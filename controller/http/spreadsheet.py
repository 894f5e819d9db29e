"""Lists for a spreadsheet: RFC 4180, UTF-8, moments in UTC."""

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime
from io import StringIO
from typing import Final

from fastapi import Response

MEDIA_TYPE: Final = "text/csv"
_BYTE_ORDER_MARK: Final = "\ufeff"
"""Without it a spreadsheet takes Vietnamese for Latin-1."""
_FORMULA: Final = frozenset("=+-@\t\r")


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a list as text."""
    text = StringIO(newline="")
    text.write(_BYTE_ORDER_MARK)
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_harmless(cell) for cell in row])
    return text.getvalue()


def moment(at: datetime | None) -> str:
    """Write a moment; nothing for none."""
    return "" if at is None else at.isoformat(timespec="seconds").replace("+00:00", "Z")


def spreadsheet(text: str, name: str) -> Response:
    """Answer a list as a file to keep."""
    disposition = f'attachment; filename="{name}.csv"'
    return Response(text, media_type=MEDIA_TYPE, headers={"Content-Disposition": disposition})


def _harmless(cell: str) -> str:
    """What somebody named must not be a formula in a spreadsheet."""
    return f"'{cell}" if cell[:1] in _FORMULA else cell
