"""Signed orders: JWTs (RFC 7519) as JWS compact with EdDSA over Ed25519 (RFC 8037).

The device trusts the signed body only: not the topic, not the broker, not an MQTT property.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, Protocol, Self, TypeVar

import jwt
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from pydantic import ValidationError
from pydantic_core import to_json

from protocol.errors import (
    BadSignature,
    Expired,
    Malformed,
    NotYetValid,
    TooLarge,
    UnknownKey,
    UnsupportedVersion,
    WrongAudience,
    WrongType,
)
from protocol.messages import VERSION, Order, TrustedKey
from protocol.topics import DELIVERY

B = TypeVar("B", bound=Order)

ISSUED_AHEAD_TOLERANCE = timedelta(seconds=60)
"""How far a trusted device clock may lag behind the controller's before an order looks issued in the future."""


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Signer(Protocol):
    """What signs: a key in memory, one that never leaves a token, or whichever is in use today."""

    @property
    def kid(self) -> str:
        """The thumbprint of the public half."""

    @property
    def public(self) -> TrustedKey:
        """What devices pin."""

    def itself(self) -> "Signer":
        """Return the very key that signs now: what changes hands must not do so in the middle of an order."""

    def sign(self, data: bytes) -> bytes:
        """Return the Ed25519 signature (RFC 8032). Raises `OSError` when the key cannot be reached."""


class _BySigner(jwt.algorithms.OKPAlgorithm):
    """Leaves the signature to a `Signer`: the key itself need not be in this process."""

    def prepare_key(self, key: Any) -> Any:
        return key

    def sign(self, msg: str | bytes, key: Any) -> bytes:
        signature: bytes = key.sign(msg.encode() if isinstance(msg, str) else msg)
        return signature


_ISSUING: Final = jwt.PyJWS(algorithms=[])
_ISSUING.register_algorithm("EdDSA", _BySigner())


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A controller's private key in memory. Its `kid` is the RFC 7638 thumbprint of the public half."""

    private: Ed25519PrivateKey
    kid: str

    @classmethod
    def generate(cls) -> Self:
        """Return a new random key."""
        return cls._of(Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """Read an unencrypted PKCS#8 key."""
        private = load_pem_private_key(pem, password=None)
        if not isinstance(private, Ed25519PrivateKey):
            raise InvalidKey("an Ed25519 key is needed")
        return cls._of(private)

    @classmethod
    def _of(cls, private: Ed25519PrivateKey) -> Self:
        return cls(private, public_jwk(private.public_key()).kid)

    def pem(self) -> bytes:
        """The key as unencrypted PKCS#8, for a file that only the service may read."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def public(self) -> TrustedKey:
        """What devices pin."""
        return public_jwk(self.private.public_key())

    def itself(self) -> "SigningKey":
        """Return this key: it stands for no other."""
        return self

    def sign(self, data: bytes) -> bytes:
        """Sign."""
        return self.private.sign(data)


def public_jwk(public: Ed25519PublicKey) -> TrustedKey:
    """Return the JWK of a public key, named by its thumbprint."""
    x = _b64(public.public_bytes(Encoding.Raw, PublicFormat.Raw))
    thumbprint = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"), sort_keys=True)
    # "k" first: an identifier on this wire begins with a letter or a digit, a thumbprint may begin with "-" or "_".
    return TrustedKey(kid="k" + _b64(hashlib.sha256(thumbprint.encode()).digest()), x=x)


class KeyRing:
    """The public keys a device trusts, by `kid`."""

    def __init__(self, keys: Collection[TrustedKey]) -> None:
        self._keys: Mapping[str, Ed25519PublicKey] = {key.kid: _public(key) for key in keys}

    def __getitem__(self, kid: str) -> Ed25519PublicKey:
        try:
            return self._keys[kid]
        except KeyError:
            raise UnknownKey(f"key {kid!r} is not trusted here") from None


def thumbprint(key: TrustedKey) -> str:
    """Return the kid that a key must have. Raises `ValueError` for a key that is none."""
    return public_jwk(_public(key)).kid


def _public(key: TrustedKey) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key.x + "=" * (-len(key.x) % 4)))


@dataclass(frozen=True, slots=True)
class Verified(Generic[B]):
    """An order whose signature, kind, audience and lifetime were found good."""

    body: B
    audience: str
    jti: str
    issued_at: datetime
    expires_at: datetime


def sign(body: Order, *, audience: str, key: Signer, now: datetime, lifetime: timedelta, jti: str | None = None) -> str:
    """Return `body` as a signed order for one device id, area code, group id or "all"."""
    claims = {
        "aud": audience,
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
        "jti": jti or secrets.token_hex(12),
        "v": body.v,
        "body": body,
    }
    payload = to_json(claims, exclude_none=True)
    signer = key.itself()
    headers = {"kid": signer.kid, "typ": body.typ}
    return _ISSUING.encode(payload, signer, algorithm="EdDSA", headers=headers)  # type: ignore[arg-type]  # _BySigner's


def signer_of(token: str | bytes) -> str:
    """Return the kid that an order names, unverified."""
    try:
        return str(jwt.get_unverified_header(token).get("kid", ""))
    except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
        raise Malformed(str(error)) from error


def order_type(token: str | bytes) -> str:
    """Return the kind an order claims to be, unverified: only to choose which model to verify it as."""
    try:
        return str(jwt.get_unverified_header(token).get("typ", ""))
    except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
        raise Malformed(str(error)) from error


def verify(
    token: str | bytes,
    model: type[B],
    *,
    audiences: Collection[str],
    keys: KeyRing,
    now: datetime | None,
    max_bytes: int | None = None,
) -> Verified[B]:
    """Return the order's body, or raise a `ProtocolError` that says why not.

    With `now=None` (no trusted clock) lifetimes are not judged: the caller must judge `expires_at` once it knows the
    time. `max_bytes` replaces the channel's limit for an order fetched from the content server.
    """
    limit = max_bytes or DELIVERY[model.channel].max_bytes
    if len(token) > limit:
        raise TooLarge(f"{model.typ}: {len(token)} bytes, {limit} allowed")
    if not _is_written_plainly(token):
        raise Malformed("not three parts of base64url without padding")
    try:
        header = jwt.get_unverified_header(token)
        key = keys[str(header.get("kid", ""))]
        claims = jwt.decode(
            token,
            key,
            algorithms=["EdDSA"],
            options={
                "require": ["aud", "iat", "exp", "jti"],
                "verify_aud": False,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.InvalidSignatureError as error:
        raise BadSignature(str(error)) from error
    except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
        raise Malformed(str(error)) from error
    if header.get("typ") != model.typ:
        raise WrongType(f"{header.get('typ')!r} where {model.typ!r} belongs")
    return _judge(claims, model, audiences=audiences, now=now)


def _is_written_plainly(token: str | bytes) -> bool:
    """Whether its signature is written as RFC 7515 wants it: a lenient decoder knows other spellings of the same."""
    try:
        signature = (token if isinstance(token, str) else token.decode("ascii")).rpartition(".")[2]
        return _b64(base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))) == signature
    except ValueError:
        return False


def _judge(
    claims: Mapping[str, object], model: type[B], *, audiences: Collection[str], now: datetime | None
) -> Verified[B]:
    """Judge the claims of a token whose signature is good."""
    audience, jti, issued, expires = claims["aud"], claims["jti"], claims["iat"], claims["exp"]
    if not (
        isinstance(audience, str) and isinstance(jti, str) and isinstance(issued, int) and isinstance(expires, int)
    ):
        raise Malformed("aud, jti, iat or exp is of the wrong type")
    if audience not in audiences:
        raise WrongAudience(f"addressed to {audience!r}")
    try:
        issued_at, expires_at = datetime.fromtimestamp(issued, UTC), datetime.fromtimestamp(expires, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Malformed(str(error)) from error
    if now is not None and expires_at <= now:
        raise Expired(f"expired at {expires_at.isoformat()}")
    if now is not None and issued_at > now + ISSUED_AHEAD_TOLERANCE:
        raise NotYetValid(f"issued at {issued_at.isoformat()}")
    if claims.get("v") != VERSION:
        raise UnsupportedVersion(f"order version {claims.get('v')}; this side speaks {VERSION}")
    try:
        body = model.model_validate(claims.get("body"), strict=False).known_version()
    except ValidationError as error:
        raise Malformed(str(error)) from error
    return Verified(body, audience, jti, issued_at, expires_at)
