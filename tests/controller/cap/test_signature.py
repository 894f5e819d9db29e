import base64
import hashlib
import re
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner

from controller.cap.errors import BadSignature
from controller.cap.reading import read
from controller.cap.signature import WeakCertificate, pinned, signed_part
from tests.support.cap import NOON, cap, certificate, info, key, signed

CENTRE = certificate(key())
SIGNED = signed(cap())
DS = "http://www.w3.org/2000/09/xmldsig#"


def trusted(data: bytes, *certificates: x509.Certificate) -> bytes:
    return signed_part(data, certificates or (CENTRE,), now=NOON)


@pytest.mark.parametrize("name", ["centre", "rsa"])
def test_what_the_sender_signed_is_read(name: str):
    data = signed(cap(), key(name))
    assert read(trusted(data, certificate(key(name)))) == read(cap())


def test_1_1_may_be_signed_too():
    older = signed(cap(namespace="urn:oasis:names:tc:emergency:cap:1.1"))
    assert read(trusted(older)) == read(cap())


def test_a_sender_may_change_from_one_certificate_to_the_next():
    assert read(trusted(SIGNED, certificate(key("next")), CENTRE)) == read(cap())


def test_a_new_certificate_of_the_same_key_will_do():
    assert read(trusted(SIGNED, certificate(key(), name="KTTV 2"))) == read(cap())


def test_an_unsigned_message_is_refused():
    with pytest.raises(BadSignature) as refused:
        trusted(cap())
    assert refused.value.number == 208


def test_a_stranger_who_brings_his_own_certificate_is_refused():
    with pytest.raises(BadSignature):
        trusted(signed(cap(), key("stranger")))


def test_a_certificate_that_is_out_of_date_is_refused():
    for since in (NOON - timedelta(days=400), NOON + timedelta(days=1)):
        with pytest.raises(BadSignature):
            trusted(SIGNED, certificate(key(), since=since))


def test_one_changed_letter_is_noticed():
    with pytest.raises(BadSignature):
        trusted(SIGNED.replace("lũ quét".encode(), "lũ quyt".encode()))


def test_what_is_added_beside_the_signed_part_is_noticed():
    for more in (b"<info/>", b"<note>x</note>", b" ", b"<?pi?>"):
        with pytest.raises(BadSignature):
            trusted(SIGNED.replace(b"<info>", more + b"<info>", 1))


def test_comments_neither_break_a_signature_nor_say_anything():
    commented = SIGNED.replace(b"Actual", b"Act<!-- Test -->ual")
    assert read(trusted(commented)) == read(cap())


def wrapped(evil: bytes, form: str) -> bytes:
    """The genuine signed message put somewhere into another one, with the signature kept valid by its reference."""
    genuine = etree.fromstring(cap())
    genuine.set("Id", "genuine")
    signer = XMLSigner(method=SignatureConstructionMethod.detached, signature_algorithm=SignatureMethod.ECDSA_SHA256)
    signature = signer.sign(genuine, key=key(), cert=[CENTRE], reference_uri="#genuine", id_attribute="Id")
    outer = etree.fromstring(evil)
    if form == "object":
        etree.SubElement(signature, f"{{{DS}}}Object").append(genuine)
        outer.append(signature)
    elif form == "sibling":
        outer.append(signature)
        outer.append(genuine)
    elif form == "inside info":
        outer.append(signature)
        outer.find("{*}info").append(genuine)
    elif form == "enveloping":
        etree.SubElement(signature, f"{{{DS}}}Object").append(genuine)
        outer = signature
    elif form == "two roots alike":
        outer.set("Id", "genuine")
        outer.append(signature)
        outer.append(genuine)
    return etree.tostring(outer)


@pytest.mark.parametrize("form", ["object", "sibling", "inside info", "enveloping", "two roots alike"])
def test_a_signed_message_wrapped_into_another_is_refused(form: str):
    evil = cap(info(headline="Tin giả"), identifier="evil")
    with pytest.raises(BadSignature):
        trusted(wrapped(evil, form))


def test_a_signature_over_a_part_only_is_refused():
    root = etree.fromstring(cap())
    root.find("{*}info").set("Id", "part")
    signer = XMLSigner(signature_algorithm=SignatureMethod.ECDSA_SHA256)
    part = etree.tostring(signer.sign(root, key=key(), cert=[CENTRE], reference_uri="#part", id_attribute="Id"))
    with pytest.raises(BadSignature):
        trusted(part)


def test_a_signature_that_lies_deeper_is_refused():
    root = etree.fromstring(SIGNED)
    signature = root.find(f"{{{DS}}}Signature")
    root.find("{*}info").append(signature)
    with pytest.raises(BadSignature):
        trusted(etree.tostring(root))


def test_a_second_signature_adds_nothing():
    root = etree.fromstring(signed(cap(info(headline="Tin giả")), key("stranger")))
    root.append(etree.fromstring(SIGNED).find(f"{{{DS}}}Signature"))
    with pytest.raises(BadSignature):
        trusted(etree.tostring(root))


@pytest.mark.parametrize(
    ("method", "digest"),
    [(SignatureMethod.RSA_SHA1, DigestAlgorithm.SHA256), (SignatureMethod.RSA_SHA256, DigestAlgorithm.SHA1)],
)
def test_sha_1_is_refused(method: SignatureMethod, digest: DigestAlgorithm):
    class Careless(XMLSigner):
        def check_deprecated_methods(self) -> None:
            """As a signer of fifteen years ago."""

    signer = Careless(signature_algorithm=method, digest_algorithm=digest)
    data = etree.tostring(signer.sign(etree.fromstring(cap()), key=key("rsa"), cert=[certificate(key("rsa"))]))
    with pytest.raises(BadSignature):
        trusted(data, certificate(key("rsa")))


def test_the_public_key_is_no_shared_secret():
    secret = CENTRE.public_bytes(Encoding.PEM)
    signer = XMLSigner(signature_algorithm=SignatureMethod.HMAC_SHA256)
    with pytest.raises(BadSignature):
        trusted(etree.tostring(signer.sign(etree.fromstring(cap()), key=secret)))


@pytest.mark.parametrize("c14n", list(CanonicalizationMethod))
def test_every_canonical_form_is_understood(c14n: CanonicalizationMethod):
    signer = XMLSigner(signature_algorithm=SignatureMethod.ECDSA_SHA256, c14n_algorithm=c14n)
    data = etree.tostring(signer.sign(etree.fromstring(cap()), key=key(), cert=[CENTRE]))
    assert read(trusted(data)) == read(cap())


def signed_as_others_do(message: bytes, canonical: str) -> bytes:
    """A signature without prefixes, its canonical form written by hand as the standard has it."""
    digest = base64.b64encode(
        hashlib.sha256(etree.tostring(etree.fromstring(message), method="c14n")).digest()
    ).decode()
    transforms = "".join(
        f'<Transform Algorithm="{each}"></Transform>' for each in (f"{DS}enveloped-signature", canonical)
    )
    told = (
        f'<SignedInfo xmlns="{DS}"><CanonicalizationMethod Algorithm="{canonical}"></CanonicalizationMethod>'
        '<SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"></SignatureMethod>'
        f'<Reference URI=""><Transforms>{transforms}</Transforms>'
        '<DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></DigestMethod>'
        f"<DigestValue>{digest}</DigestValue></Reference></SignedInfo>"
    )
    value = base64.b64encode(key("rsa").sign(told.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    inner = told.replace(f' xmlns="{DS}"', "")
    signature = f'<Signature xmlns="{DS}">{inner}<SignatureValue>{value}</SignatureValue></Signature>'
    return message.replace(b"</alert>", f"{signature}</alert>".encode())


@pytest.mark.parametrize(
    "canonical", ["http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2001/10/xml-exc-c14n#"]
)
def test_what_other_tools_signed_is_read(canonical: str):
    data = signed_as_others_do(cap(), canonical)
    assert read(trusted(data, certificate(key("rsa")))) == read(cap())
    with pytest.raises(BadSignature):
        trusted(data.replace("lũ quét".encode(), "lũ quyt".encode()), certificate(key("rsa")))


def test_what_is_forgiven_in_the_canonical_form_says_nothing():
    data = signed_as_others_do(cap(), "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")
    padded = data.replace(b"</headline>", b' xmlns=""</headline>').replace(b"<event>", b'<event xmlns="">')
    assert read(trusted(padded, certificate(key("rsa")))) == read(cap())


@pytest.mark.parametrize("tag", ["SignatureValue", "DigestValue"])
@pytest.mark.parametrize("value", ["", "AAAA", "!", "\u0661"])
def test_values_that_are_none_are_refused(tag: str, value: str):
    data = re.sub(f"<ds:{tag}>[^<]*<", f"<ds:{tag}>{value}<", SIGNED.decode())
    with pytest.raises(BadSignature):
        trusted(data.encode())


START = SIGNED.index(b"<ds:Signature ")


@settings(max_examples=150, deadline=None)
@given(st.integers(START, len(SIGNED) - 1), st.binary(max_size=3), st.integers(0, 30))
def test_whatever_is_changed_in_the_signature_nothing_else_is_believed(at: int, put: bytes, removed: int):
    try:
        believed = trusted(SIGNED[:at] + put + SIGNED[at + removed :])
    except BadSignature:
        return
    assert read(believed) == read(cap())


def test_only_a_strong_certificate_is_pinned():
    assert pinned(CENTRE.public_bytes(Encoding.PEM).decode()) == CENTRE
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 on purpose
    for pem in ("", "x", certificate(weak).public_bytes(Encoding.PEM).decode()):
        with pytest.raises(WeakCertificate):
            pinned(pem)


def test_a_certificate_whose_key_cannot_sign_xml_is_not_pinned():
    own = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([])
    made = (
        x509.CertificateBuilder(name, name, own.public_key(), 1, NOON, NOON + timedelta(days=1))
        .sign(own, None)
        .public_bytes(Encoding.PEM)
    )
    with pytest.raises(WeakCertificate):
        pinned(made.decode())


def test_curves_of_every_usual_size_will_do():
    for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()):
        own = ec.generate_private_key(curve)
        assert read(trusted(signed(cap(), own), certificate(own))) == read(cap())
