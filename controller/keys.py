"""Secrets that the service makes for itself: in files that only it may read, or in a token that gives none away."""

import contextlib
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

from controller.errors import ControllerError, Unavailable
from controller.text import Text
from protocol.messages import TrustedKey
from protocol.signing import Signer, SigningKey


class KeyExposed(ControllerError):
    """Others could have read a secret: it must not be used before somebody has looked."""

    code = "key_exposed"
    title = Text("A secret key is not kept secret")


class KeyMissing(Unavailable):
    """The key that should sign is in no place that this service knows."""

    code = "key_missing"
    title = Text("The signing key is missing. Tell the server's operator.")


class Vault(Protocol):
    """Where private halves lie."""

    def make(self) -> Signer:
        """Make a new key and keep it."""

    def find(self, kid: str) -> Signer | None:
        """Return a key that lies here."""

    def destroy(self, kid: str) -> None:
        """Forget a key for good, if it lies here."""


class Folder:
    """Keys as files in the data folder."""

    def __init__(self, folder: Path) -> None:
        self._first = folder / "signing-key.pem"
        self._keys = folder / "keys"

    def first(self) -> SigningKey:
        """Return the key of a service that never had another one; make it where it is missing."""
        return SigningKey.from_pem(read_or_make(self._first, lambda: SigningKey.generate().pem()))

    def make(self) -> SigningKey:
        """Make a key."""
        key = SigningKey.generate()
        self._keys.mkdir(mode=0o700, exist_ok=True)
        read_or_make(self._path(key.kid), key.pem)
        return key

    def find(self, kid: str) -> SigningKey | None:
        """Return a key, the first one too."""
        for path in (self._path(kid), self._first):
            if path.exists():
                key = SigningKey.from_pem(read_secret(path))
                if key.kid == kid:
                    return key
        return None

    def destroy(self, kid: str) -> None:
        """Remove its file."""
        if self.find(kid) is not None:
            path = self._path(kid)
            (path if path.exists() else self._first).unlink()

    def _path(self, kid: str) -> Path:
        return self._keys / f"{kid}.pem"


class SigningKeys:
    """The key that signs at this moment, and what speakers are told about keys. Changes while the service runs."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self.trusted: tuple[TrustedKey, ...] = (signer.public,)
        """Named in every config."""
        self.notices: tuple[str, ...] = ()

    @property
    def kid(self) -> str:
        """Whose turn it is."""
        return self._signer.kid

    @property
    def public(self) -> TrustedKey:
        """The public half of the key that signs."""
        return self._signer.public

    @property
    def to_pin(self) -> tuple[TrustedKey, ...]:
        """What a speaker is born with: the key that signs, and the recovery key."""
        return (self.public, *(key for key in self.trusted if key.role == "recovery"))

    def itself(self) -> Signer:
        """Return the key that signs now."""
        return self._signer.itself()

    def sign(self, data: bytes) -> bytes:
        """Sign with it."""
        return self._signer.sign(data)

    def change(self, signer: Signer, trusted: Sequence[TrustedKey], notices: Sequence[str]) -> bool:
        """Put other keys to use. True when anything changed."""
        before = (self.kid, self.trusted, self.notices)
        self._signer, self.trusted, self.notices = signer, tuple(trusted), tuple(notices)
        return before != (self.kid, self.trusted, self.notices)


@dataclass(frozen=True, slots=True)
class Keys:
    """What the controller signs with."""

    signing: SigningKeys = field(repr=False)
    """Signs orders; devices pin its public half."""
    content: bytes = field(repr=False)
    """Signs expiring content links (HMAC)."""
    vaults: tuple[Vault, ...] = field(repr=False)
    """Where keys lie; new ones are made in the first."""
    _current: Path = field(repr=False)

    @classmethod
    def load(cls, folder: Path, *vaults: Vault) -> Self:
        """Read the keys in `folder` and in other vaults; make what is missing. Raises `KeyExposed` or `KeyMissing`."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        files, current = Folder(folder), folder / "signing-key.kid"
        content = read_or_make(folder / "content-secret", lambda: secrets.token_hex(32).encode())
        places = (*vaults, files)
        signer = find_key(places, current.read_text().strip()) if current.exists() else files.first()
        return cls(SigningKeys(signer), content, places, current)

    def find(self, kid: str) -> Signer:
        """Return a key from wherever it lies. Raises `KeyMissing`."""
        return find_key(self.vaults, kid)

    def make(self) -> Signer:
        """Make a key for orders."""
        return self.vaults[0].make()

    def destroy(self, kid: str) -> None:
        """Forget a private half for good."""
        for vault in self.vaults:
            vault.destroy(kid)

    def use(self, signer: Signer, trusted: Sequence[TrustedKey], notices: Sequence[str]) -> bool:
        """Sign with this key from now on, also after a restart. True when anything changed."""
        changed = self.signing.change(signer, trusted, notices)
        if changed:
            write_secret(self._current, signer.kid.encode())
        return changed


def find_key(vaults: Sequence[Vault], kid: str) -> Signer:
    """Return a key from whichever vault holds it. Raises `KeyMissing`."""
    for vault in vaults:
        found = vault.find(kid)
        if found is not None:
            return found
    raise KeyMissing(
        Text(
            "The signing key %(kid)s is nowhere to be found. Restore it from a backup, or attach the"
            " token that holds it.",
            kid=kid,
        )
    )


def read_secret(path: Path) -> bytes:
    """Return a secret file's bytes. Raises `KeyExposed` when others than its owner may read or change it."""
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise KeyExposed(
            Text(
                "%(path)s is open to others (mode %(mode)s). If nobody can have taken it: chmod 600"
                " %(path)s. If in doubt, replace the key (docs/keys-and-backup.md).",
                path=path,
                mode=format(mode, "04o"),
            ),
        )
    return path.read_bytes()


def write_secret(path: Path, content: bytes) -> None:
    """Replace a secret file, whole or not at all."""
    draft = _draft(path, content)
    try:
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def read_or_make(path: Path, make: Callable[[], bytes], *, secret: bool = True) -> bytes:
    """Return the file's bytes. A new file appears whole or not at all, and the first of two writers wins."""
    if not path.exists():
        draft = _draft(path, make())
        try:
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(draft)
        finally:
            draft.unlink()
    return read_secret(path) if secret else path.read_bytes()


def _draft(path: Path, content: bytes) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        draft.unlink()
        raise
    return draft
