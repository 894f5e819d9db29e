"""A throw-away PKCS#11 token: SoftHSM2 with its store in a temporary folder."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PLACES = map(Path, ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"))
MODULE = next((path for path in _PLACES if path.exists()), Path("libsofthsm2.so"))
PIN = "1234"
_FOLDER = "SOFTHSM2_CONF"


@contextmanager
def unplugged() -> Iterator[None]:
    """Take the token away, and bring it back."""
    folder = Path(os.environ[_FOLDER]).parent
    (folder / "tokens").rename(folder / "away")
    try:
        yield
    finally:
        (folder / "away").rename(folder / "tokens")


@contextmanager
def soft_token(label: str) -> Iterator[str]:
    """Make a token. SoftHSM2 reads where its store is when it is loaded: one folder a process."""
    with tempfile.TemporaryDirectory(prefix="loa-softhsm-") as name:
        folder = Path(name)
        (folder / "tokens").mkdir()
        (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
        os.environ[_FOLDER] = str(folder / "softhsm2.conf")
        try:
            words = ["--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "5678"]
            subprocess.run(["softhsm2-util", *words], check=True, capture_output=True)
            yield label
        finally:
            del os.environ[_FOLDER]
