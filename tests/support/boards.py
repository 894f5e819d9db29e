"""A board that wants to be a speaker, as the controller meets it: its key, and what it says."""

from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from protocol.enrolment import RENEWAL_AUDIENCE, EnrolmentCode, Identity, fingerprint, prove, proves


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def request_of(key: ec.EllipticCurvePrivateKey) -> str:
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    return made.public_bytes(Encoding.PEM).decode()


@dataclass
class Board:
    """One key, and its request."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)

    def __post_init__(self) -> None:
        self.request = request_of(self.key)
        self.fingerprint = fingerprint(self.key.public_key())

    def asks(self, code: str | None = None, **more: Any) -> dict[str, Any]:
        """The body of its request, with a code or without."""
        said: dict[str, Any] = {"request": self.request, "hardware": "Pi 4", "hostname": "loa"}
        if code is not None:
            parsed = EnrolmentCode.parse(code)
            said |= {"code_id": parsed.id, "proof": prove(parsed.key(), "speaker", self.request)}
        return said | more

    def renews(self, device_id: str, following: "Board", **changed: Any) -> dict[str, Any]:
        """The body of its wish for the next certificate."""
        claims = {"sub": device_id, "aud": RENEWAL_AUDIENCE, "request": following.request, **changed}
        return {"token": jwt.encode(claims, self.key, algorithm="ES256", headers={"kid": self.fingerprint})}


def believed(answer: dict[str, Any], code: str) -> Identity:
    """The identity in an answer whose proof holds."""
    assert answer["state"] == "enrolled"
    assert proves(EnrolmentCode.parse(code).key(), "controller", answer["identity"], answer["proof"])
    return Identity.model_validate_json(answer["identity"])
