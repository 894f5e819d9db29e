"""XML signatures of CAP messages: only what the sender's own certificate signed is read any further."""

from collections.abc import Sequence
from datetime import datetime
from itertools import product
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from controller.cap.errors import BadSignature
from controller.cap.loading import Element, parser
from controller.errors import Invalid
from controller.text import Text

DSIG: Final = "http://www.w3.org/2000/09/xmldsig#"
SIGNATURE: Final = f"{{{DSIG}}}Signature"
RSA_BITS_MIN: Final = 2048
_METHODS: Final = frozenset(
    {
        SignatureMethod.RSA_SHA256,
        SignatureMethod.RSA_SHA384,
        SignatureMethod.RSA_SHA512,
        SignatureMethod.SHA256_RSA_MGF1,
        SignatureMethod.SHA384_RSA_MGF1,
        SignatureMethod.SHA512_RSA_MGF1,
        SignatureMethod.ECDSA_SHA256,
        SignatureMethod.ECDSA_SHA384,
        SignatureMethod.ECDSA_SHA512,
    }
)
_DIGESTS: Final = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})
_TRANSFORMS: Final = frozenset(
    {
        SignatureConstructionMethod.enveloped.value,
        *(method.value for method in CanonicalizationMethod),
    }
)
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_WHOLE_DOCUMENT: Final = ""


class WeakCertificate(Invalid):
    """A certificate that no sender should be known by."""

    code = "cap_certificate"


def pinned(pem: str) -> x509.Certificate:
    """Read the certificate by which a sender will be known; raises `WeakCertificate`."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise WeakCertificate.field("certificate", Text("This PEM certificate cannot be read")) from error
    if isinstance(key, ec.EllipticCurvePublicKey) or (
        isinstance(key, rsa.RSAPublicKey) and key.key_size >= RSA_BITS_MIN
    ):
        return certificate
    raise WeakCertificate.field("certificate", Text("The certificate's key must be EC, or RSA of at least 2048 bits"))


class _ForgivingVerifier(XMLVerifier):
    """For an inclusive canonical form with the signature's namespace as default, as many tools write it.

    libxml2 puts empty namespace declarations into that form of a part, where the standard has none. To take them out
    again changes what is hashed, and what is hashed is what is read: it can make nothing valid that was not signed.
    """

    excise_empty_xmlns_declarations = True


def signed_part(data: bytes, certificates: Sequence[x509.Certificate], *, now: datetime) -> bytes:
    """Return the bytes that one of `certificates` signed, in canonical form; raises `BadSignature`.

    `data` has been through `load`. The signature must cover the whole document, as the standard says: with no choice
    of parts there is nothing to wrap. Several certificates are for the time when a sender changes from one to the next.
    """
    for certificate, verifier in product(certificates, (XMLVerifier, _ForgivingVerifier)):
        try:
            result = verifier().verify(
                data,
                x509_cert=certificate,
                parser=parser(whole=True),
                expect_config=SignatureConfiguration(
                    location="./",
                    signature_methods=_METHODS,
                    digest_algorithms=_DIGESTS,
                    ignore_ambiguous_key_info=True,
                    verification_time=now,
                ),
            )
        # On hostile input signxml also fails on its way (an empty value, a foreign key): no verdict is a no.
        except (SignXMLException, etree.LxmlError, ValueError, TypeError, KeyError, AttributeError):
            continue
        if isinstance(result, VerifyResult) and _covers_all(result.signature_xml):
            return result.signed_data
    raise BadSignature


def _covers_all(signature: Element) -> bool:
    """Whether the one reference is to the whole document, with nothing taken away but the signature."""
    references = signature.findall(f"{{{DSIG}}}SignedInfo/{{{DSIG}}}Reference")
    transforms = {each.get("Algorithm") for each in signature.iterfind(f"{{{DSIG}}}SignedInfo//{{{DSIG}}}Transform")}
    return [each.get("URI") for each in references] == [_WHOLE_DOCUMENT] and transforms <= _TRANSFORMS


def sign(message: Element, key: PrivateKey, chain: Sequence[x509.Certificate]) -> Element:
    """Return a copy of `message` with an enveloped signature over all of it; `chain` begins with the key's own."""
    method = SignatureMethod.RSA_SHA256 if isinstance(key, rsa.RSAPrivateKey) else SignatureMethod.ECDSA_SHA256
    signer = XMLSigner(
        signature_algorithm=method, c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
    )
    return signer.sign(message, key=key, cert=list(chain))
