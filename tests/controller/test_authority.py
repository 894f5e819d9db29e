"""The authority: what it certifies, for whom, and what it makes of hostile requests."""

import ssl
import stat
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from hypothesis import given
from hypothesis import strategies as st

from controller.authority.authority import CERTIFICATE_FILE, KEY_FILE, Authority, RequestRefused, Revoked, read_request

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def request(key: Private | None = None, *, name: str = "somebody-else") -> str:
    key = key or ec.generate_private_key(ec.SECP256R1())
    made = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    )
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return made.sign(key, algorithm).public_bytes(Encoding.PEM).decode()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.load(tmp_path, NOW)


def read(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def common_name(certificate: x509.Certificate) -> object:
    return certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value


def test_it_stays_the_same_over_restarts_and_only_the_service_reads_its_key(tmp_path: Path):
    first = Authority.load(tmp_path, NOW)
    again = Authority.load(tmp_path, NOW + timedelta(days=400))
    assert again.certificate == first.certificate
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == [KEY_FILE, CERTIFICATE_FILE]


def test_killed_between_key_and_certificate_it_goes_on_with_that_key(tmp_path: Path):
    first = Authority.load(tmp_path, NOW)
    (tmp_path / CERTIFICATE_FILE).unlink()
    assert Authority.load(tmp_path, NOW).root.public_key() == first.root.public_key()


def test_a_certificate_of_another_key_is_not_taken_for_its_own(tmp_path: Path):
    Authority.load(tmp_path / "a", NOW)
    Authority.load(tmp_path / "b", NOW)
    (tmp_path / "a" / CERTIFICATE_FILE).replace(tmp_path / "b" / CERTIFICATE_FILE)
    with pytest.raises(ValueError, match="same backup"):
        Authority.load(tmp_path / "b", NOW)


def test_no_secret_is_printed(authority: Authority):
    assert "PRIVATE" not in repr(authority) + repr(authority.issue_server(["a.vn"], NOW))


def test_a_speaker_is_named_by_us_and_not_by_its_request(authority: Authority):
    made = read(authority.issue_device(request(name="loa-controller"), "tan-yen-1", NOW))
    assert common_name(made) == "tan-yen-1"
    assert made.not_valid_before_utc < NOW < made.not_valid_after_utc <= NOW + timedelta(days=91)
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    use = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(use) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    made.verify_directly_issued_by(authority.root)


@pytest.mark.parametrize("name", ["loa-controller", "loa-controller-2"])
def test_no_speaker_bears_the_controllers_name(authority: Authority, name: str):
    with pytest.raises(ValueError, match="controller"):
        authority.issue_device(request(), name, NOW)


def test_the_service_bears_no_name_of_a_speaker(authority: Authority):
    assert common_name(read(authority.issue_client("loa-controller", NOW).certificate)) == "loa-controller"
    with pytest.raises(ValueError, match="a speaker"):
        authority.issue_client("tan-yen-1", NOW)


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(65537, 2048),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["p384", "rsa", "ed25519"],
)
def test_other_kinds_of_keys_are_refused(authority: Authority, key: Private):
    with pytest.raises(RequestRefused, match="P-256"):
        authority.issue_device(request(key), "tan-yen-1", NOW)


def test_a_request_with_a_key_that_did_not_sign_it_is_refused(authority: Authority):
    der = bytearray(x509.load_pem_x509_csr(request().encode()).public_bytes(Encoding.DER))
    der[-1] ^= 1
    forged = x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM).decode()
    with pytest.raises(RequestRefused):
        authority.issue_device(forged, "tan-yen-1", NOW)


_GOOD = request()


@given(st.one_of(st.text(max_size=300), st.integers(0, len(_GOOD) - 1).map(lambda at: _GOOD[:at] + "x" + _GOOD[at:])))
def test_whatever_is_no_request_is_refused_and_nothing_else_happens(text: str):

    try:
        read_request(text)
    except RequestRefused:
        return


def test_a_request_that_is_too_long_is_refused(authority: Authority):
    with pytest.raises(RequestRefused, match="long"):
        authority.issue_device(request() + " " * 9000, "tan-yen-1", NOW)


def test_a_broker_is_believed_by_its_names_only(authority: Authority):
    made = read(authority.issue_server(["loa.example.vn", "10.0.0.7"], NOW).certificate)
    verifier = PolicyBuilder().store(Store([authority.root])).time(NOW)
    for name in (x509.DNSName("loa.example.vn"), x509.IPAddress(ip_address("10.0.0.7"))):
        verifier.build_server_verifier(name).verify(made, [])
    with pytest.raises(VerificationError):
        verifier.build_server_verifier(x509.DNSName("evil.example.vn")).verify(made, [])


def test_a_speakers_certificate_passes_for_no_broker(authority: Authority):
    made = read(authority.issue_device(request(), "tan-yen-1", NOW))
    verifier = PolicyBuilder().store(Store([authority.root])).time(NOW).build_server_verifier(x509.DNSName("tan-yen-1"))
    with pytest.raises(VerificationError):
        verifier.verify(made, [])


def test_key_and_certificate_go_together(authority: Authority, tmp_path: Path):
    made = authority.issue_client("loa-controller", NOW)
    (tmp_path / "both.pem").write_text(made.certificate + made.key)
    ssl.create_default_context().load_cert_chain(tmp_path / "both.pem")


def test_the_list_of_what_is_revoked_is_signed_and_names_each_once(authority: Authority):
    pem = authority.crl([Revoked(7, NOW), Revoked(3, NOW), Revoked(7, NOW)], NOW)
    made = x509.load_pem_x509_crl(pem.encode())
    assert [each.serial_number for each in made] == [3, 7]
    public = authority.root.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert made.is_signature_valid(public)
    assert not list(x509.load_pem_x509_crl(authority.crl([], NOW).encode()))
