"""Files that others read while they are written: each is the old one or the new one, at any instant."""

import os
import secrets
from pathlib import Path


def read(path: Path) -> str | None:
    """Return what stands in a file; None: there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def put(path: Path, text: str, mode: int) -> bool:
    """Make this the file's content, whole and on disk. Returns whether it was something else before."""
    if read(path) == text and path.stat().st_mode & 0o777 == mode:
        return False
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return True
