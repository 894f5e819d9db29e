"""Secrets that the service makes for itself at its first start, each in a file that only it may read."""

import contextlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from protocol.signing import SigningKey


@dataclass(frozen=True, slots=True)
class Keys:
    """What the controller signs with."""

    signing: SigningKey = field(repr=False)
    """Signs orders; devices pin its public half."""
    content: bytes = field(repr=False)
    """Signs expiring content links (HMAC)."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the keys in `folder`; make those that are missing."""
        folder.mkdir(parents=True, exist_ok=True)
        signing = read_or_make(folder / "signing-key.pem", lambda: SigningKey.generate().pem())
        content = read_or_make(folder / "content-secret", lambda: secrets.token_hex(32).encode())
        return cls(SigningKey.from_pem(signing), content)


def read_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    """Return the file's bytes. A new file appears whole or not at all, and the first of two writers wins."""
    if not path.exists():
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(make())
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(draft)
        finally:
            draft.unlink()
    return path.read_bytes()
