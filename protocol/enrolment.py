"""How a speaker gets its identity: what an agent and the controller say to each other over HTTPS before MQTT.

A technician's one-time code is known to both sides and never sent: with a key derived from it the agent proves that it
may join as that speaker, and the controller that it is the one the technician meant, whatever lies between. A speaker
without a code shows its key's fingerprint, and waits until somebody approves it. Who has a certificate renews it by
signing with the key that it certifies, also when it has expired meanwhile.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal, Self

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import Field

from protocol.errors import Malformed
from protocol.messages import VERSION, Identifier, Part, TrustedKey

CODE_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: what is misread when it is copied by hand stands for the letter that was meant."""
CODE_ID_LENGTH: Final = 4
CODE_SECRET_LENGTH: Final = 8
"""40 bits, each try of them as dear as scrypt makes it: enough for the hours that a code lives."""
CODE_LENGTH: Final = CODE_ID_LENGTH + CODE_SECRET_LENGTH
PEM_MAX: Final = 8192
_MISREAD: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
_SCRYPT: Final = {"n": 2**14, "r": 8, "p": 1}
"""16 MB and some 50 ms: also for a small board (RFC 7914)."""

Pem = Annotated[str, Field(max_length=PEM_MAX)]
Proof = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
State = Literal["enrolled", "waiting", "rejected"]


@dataclass(frozen=True, slots=True)
class EnrolmentCode:
    """A one-time code. `id` says which one it is; `secret` is never sent."""

    id: str
    secret: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a code as people type it. Raises `Malformed`."""
        letters = "".join(letter for letter in text.upper() if letter.isalnum()).translate(_MISREAD)
        if len(letters) != CODE_LENGTH or not set(letters) <= set(CODE_LETTERS):
            raise Malformed(f"an enrolment code has {CODE_LENGTH} letters and digits, such as {_shown('0' * 12)}")
        return cls(letters[:CODE_ID_LENGTH], letters[CODE_ID_LENGTH:])

    def __str__(self) -> str:
        return _shown(self.id + self.secret)

    def key(self) -> bytes:
        """What both sides prove to know. Slow on purpose."""
        return hashlib.scrypt(self.secret.encode(), salt=f"loa-enrolment/{VERSION}/{self.id}".encode(), **_SCRYPT)


def _shown(letters: str) -> str:
    return "-".join(letters[at : at + 4] for at in range(0, CODE_LENGTH, 4))


def prove(key: bytes, who: Literal["speaker", "controller"], said: str) -> str:
    """Return the proof that whoever says this knows the code's key."""
    return hmac.new(key, f"{who}|{said}".encode(), hashlib.sha256).hexdigest()


def proves(key: bytes, who: Literal["speaker", "controller"], said: str, proof: str | None) -> bool:
    """Whether a proof holds."""
    return proof is not None and hmac.compare_digest(prove(key, who, said), proof)


def fingerprint(public: EllipticCurvePublicKey) -> str:
    """Return the SHA-256 of a public key (SubjectPublicKeyInfo), in hex: what people compare."""
    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


class EnrolmentRequest(Part):
    """A speaker asks for its certificate; asked again it gets the same answer until somebody decides."""

    v: int = VERSION
    request: Pem
    """Its certificate request (PKCS#10) for an EC P-256 key that never leaves it. The names in it count for nothing."""
    code_id: Annotated[str, Field(pattern=r"^[0-9A-Z]{4}$")] | None = None
    proof: Proof | None = None
    """Of `request`, by the code's key; None asks to wait for approval."""
    hardware: Annotated[str, Field(max_length=200)] = ""
    hostname: Annotated[str, Field(max_length=255)] = ""
    agent_version: Annotated[str, Field(max_length=50)] = ""


class BrokerAddress(Part):
    """Where the speaker connects, and by which authority it knows the broker."""

    host: Annotated[str, Field(min_length=1, max_length=255)]
    port: Annotated[int, Field(gt=0, le=65535)]
    authority: Pem | None = None
    """None: the broker speaks without TLS, on this machine only."""


class Identity(Part):
    """All that a speaker needs to be itself."""

    device_id: Identifier
    certificate: Pem
    """With the authority that issued it behind it."""
    broker: BrokerAddress
    trusted_keys: tuple[TrustedKey, ...]
    content_hosts: tuple[Annotated[str, Field(max_length=2000)], ...]
    controller: Annotated[str, Field(max_length=2000)]
    """Where to renew: the service's address."""


class EnrolmentAnswer(Part):
    """What became of the request."""

    v: int = VERSION
    state: State
    fingerprint: Proof
    """Of the key in the request: what the technician compares with what the speaker shows."""
    identity: str | None = None
    """An `Identity` as JSON text, so that it can be proved letter by letter."""
    proof: Proof | None = None
    """Of `identity`, by the code's key, where there was a code."""


class RenewalRequest(Part):
    """A speaker's request for its next certificate.

    `token` is a JWS (ES256) by the key of its present certificate, `kid` that key's fingerprint, `sub` the speaker's
    id, `aud` "loa-renewal", with the claim `request`: the certificate request for its next key. It carries no time: a
    speaker that asks may not know it, and who repeats what it said gets what only the speaker's next key makes useful.
    """

    v: int = VERSION
    token: Annotated[str, Field(max_length=2 * PEM_MAX)]


class RenewalAnswer(Part):
    """The next certificate. It proves itself: by the authority that the speaker knows, for the key that it keeps.

    Nothing else changes with it. Whom a speaker believes was settled when it was enrolled.
    """

    v: int = VERSION
    certificate: Pem


RENEWAL_AUDIENCE: Final = "loa-renewal"
ENROL_PATH: Final = "/api/v1/enrolment"
RENEW_PATH: Final = "/api/v1/enrolment/renewal"


def renewal_due(not_before: datetime, not_after: datetime) -> datetime:
    """Return from when on a certificate is to be renewed: a third of its time is left for trying."""
    return not_after - (not_after - not_before) / 3
