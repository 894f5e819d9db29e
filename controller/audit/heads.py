"""Signed heads: the service says, in writing that lies elsewhere, how far the trail had come. They show a cut end.

Each is a JWS (RFC 7515) by the service's signing key, one a line of a file that is only ever appended to.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, TypeAlias

import jwt
from jwt.utils import base64url_encode

from controller.audit.chain import Head, canonical
from controller.audit.values import moment
from protocol.errors import ProtocolError
from protocol.signing import KeyRing, Signer

Purpose: TypeAlias = Literal["loa-audit-head", "loa-audit-base", "loa-audit-export"]
HEAD: Final[Purpose] = "loa-audit-head"
BASE: Final[Purpose] = "loa-audit-base"
EXPORT: Final[Purpose] = "loa-audit-export"


@dataclass(frozen=True, slots=True)
class Signed:
    """What a token vouches for. Of an export `base` is what its entries follow."""

    head: Head
    at: str
    base: Head | None = None


def sign(head: Head, *, purpose: Purpose, key: Signer, now: datetime, base: Head | None = None) -> str:
    """Return a token that vouches for a head."""
    said: dict[str, object] = {"number": head.number, "hash": head.hash, "at": moment(now)}
    if base is not None:
        said |= {"base_number": base.number, "base_hash": base.hash}
    signer = key.itself()
    header = canonical({"alg": "EdDSA", "kid": signer.kid, "typ": purpose})
    signed = base64url_encode(header) + b"." + base64url_encode(canonical(said))
    return (signed + b"." + base64url_encode(signer.sign(signed))).decode()


def read(token: str, *, purpose: Purpose, keys: KeyRing) -> Signed | None:
    """Return what a token vouches for; None for one that none of these keys signed, or for another purpose."""
    try:
        header = jwt.get_unverified_header(token)
        if header.get("typ") != purpose:
            return None
        said = json.loads(jwt.api_jws.decode(token, keys[str(header.get("kid", ""))], algorithms=["EdDSA"]))
        base = Head(said["base_number"], said["base_hash"]) if "base_number" in said else None
        return Signed(Head(said["number"], said["hash"]), said["at"], base)
    except (jwt.InvalidTokenError, ProtocolError, ValueError, LookupError, TypeError, RecursionError):
        return None


def append_line(path: Path, token: str) -> None:
    """Add a token to the file; it is on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, f"{token}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_lines(lines: Iterable[str], keys: KeyRing) -> tuple[list[Signed], int]:
    """Return the heads that these keys signed, and how many lines are none: torn by a power cut, or tampered with."""
    found, bad = [], 0
    for line in filter(None, (line.strip() for line in lines)):
        signed = read(line, purpose=HEAD, keys=keys)
        if signed is None:
            bad += 1
        else:
            found.append(signed)
    return found, bad


def read_file(path: Path, keys: KeyRing) -> tuple[list[Signed], int]:
    """The same of a file; none where there is no file."""
    if not path.exists():
        return [], 0
    with path.open(encoding="ascii", errors="replace") as file:
        return read_lines(file, keys)
