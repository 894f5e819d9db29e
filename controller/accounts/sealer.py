"""What must be read again and by nobody else: secrets at rest, and notes to ourselves that a browser carries."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from controller.keys import read_or_make


class Sealer:
    """Seals with the first of its keys and opens with any: a key is replaced by putting another before it."""

    def __init__(self, keys: bytes) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys.split()])

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the keys from a file, one a line and the newest first; make it where it is missing."""
        return cls(read_or_make(path, Fernet.generate_key))

    def seal(self, text: str) -> str:
        """Return a secret as it may lie in the database."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Return the secret."""
        return self._fernet.decrypt(sealed).decode()

    def note(self, purpose: str, said: dict[str, Any], now: datetime) -> str:
        """Return a note that a browser brings back. It holds for this purpose only."""
        body = json.dumps({"for": purpose, **said}, separators=(",", ":")).encode()
        return self._fernet.encrypt_at_time(body, int(now.timestamp())).decode()

    def read(self, purpose: str, note: str, now: datetime, *, lasts: timedelta) -> dict[str, Any] | None:
        """Return what a note says; None if it is too old, for another purpose, or not ours."""
        try:
            body = self._fernet.decrypt_at_time(note, int(lasts.total_seconds()), int(now.timestamp()))
            said: dict[str, Any] = json.loads(body)
        except (InvalidToken, ValueError):
            return None
        return said if said.pop("for", None) == purpose else None
