"""CAP messages written by hand, as others would send them, and senders with their keys."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

import shapely
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from lxml import etree

from controller.cap.geometry import Atlas, Outlined, Standing
from controller.cap.message import Point
from controller.cap.signature import PrivateKey, sign
from schedules.types import AreaCode, DeviceId

NOON = datetime(2026, 11, 23, 5, tzinfo=UTC)
"""12:00 in Việt Nam."""
CENTRE = "canhbao@kttv.example.vn"
NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
TAN_YEN = "<polygon>21.3,106.0 21.3,106.2 21.5,106.2 21.5,106.0 21.3,106.0</polygon>"


def info(
    *,
    language: str = "vi-VN",
    event: str = "Lũ quét",
    urgency: str = "Immediate",
    severity: str = "Extreme",
    certainty: str = "Observed",
    expires: str | None = "2026-11-23T15:00:00+07:00",
    headline: str | None = "Cảnh báo lũ quét",
    description: str | None = "Nước sông Thương đang lên rất nhanh",
    instruction: str | None = "Bà con hãy lên chỗ cao ngay",
    response: str | None = None,
    more: str = "",
    places: str | None = None,
) -> str:
    def maybe(tag: str, text: str | None) -> str:
        return f"<{tag}>{text}</{tag}>" if text is not None else ""

    return (
        f"<info><language>{language}</language><category>Met</category><event>{event}</event>"
        f"{maybe('responseType', response)}"
        f"<urgency>{urgency}</urgency><severity>{severity}</severity><certainty>{certainty}</certainty>"
        f"{maybe('expires', expires)}{maybe('headline', headline)}{maybe('description', description)}"
        f"{maybe('instruction', instruction)}{more}{area(code('07339')) if places is None else places}</info>"
    )


def area(inside: str = "", *, description: str = "Tân Yên") -> str:
    return f"<area><areaDesc>{description}</areaDesc>{inside}</area>"


def code(value: str, name: str = "GSO") -> str:
    return f"<geocode><valueName>{name}</valueName><value>{value}</value></geocode>"


def cap(
    *infos: str,
    identifier: str = "VN-2026-0001",
    sender: str = CENTRE,
    sent: str = "2026-11-23T11:58:00+07:00",
    status: str = "Actual",
    kind: str = "Alert",
    scope: str = "Public",
    references: str | None = None,
    namespace: str = NAMESPACE,
    before: str = '<?xml version="1.0" encoding="UTF-8"?>\n',
    after_root: str = "",
) -> bytes:
    body = "".join(infos or (info(),))
    named = f"<references>{references}</references>" if references is not None else ""
    return (
        f'{before}<alert xmlns="{namespace}"><identifier>{identifier}</identifier><sender>{sender}</sender>'
        f"<sent>{sent}</sent><status>{status}</status><msgType>{kind}</msgType><scope>{scope}</scope>{named}{body}"
        f"{after_root}</alert>"
    ).encode()


def reference(
    identifier: str = "VN-2026-0001", *, sender: str = CENTRE, sent: str = "2026-11-23T11:58:00+07:00"
) -> str:
    return f"{sender},{identifier},{sent}"


@cache
def key(name: str = "centre") -> PrivateKey:
    return rsa.generate_private_key(65537, 2048) if name == "rsa" else ec.generate_private_key(ec.SECP256R1())


def certificate(
    of: PrivateKey, *, name: str = "KTTV", since: datetime = NOON - timedelta(days=1), days: int = 365
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(of.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(since + timedelta(days=days))
        .sign(of, hashes.SHA256())
    )


def signed(message: bytes, by: PrivateKey | None = None, chain: Sequence[x509.Certificate] | None = None) -> bytes:
    by = by or key()
    return etree.tostring(
        sign(etree.fromstring(message), by, chain or [certificate(by)]), xml_declaration=True, encoding="UTF-8"
    )


def outlined(path: str, outline: tuple[float, float, float, float] | None = None) -> Outlined:
    """An area; the outline is west, south, east, north in degrees."""
    area_code = path.rstrip("/").rsplit("/", 1)[-1]
    return Outlined(AreaCode(area_code), path, shapely.box(*outline) if outline else None)


def standing(name: str, path: str, lat: float, lon: float) -> Standing:
    return Standing(DeviceId(name), path, Point(lat, lon))


BAC_GIANG = Atlas(
    areas=(
        outlined("/24/", (105.8, 21.1, 107.0, 21.7)),
        outlined("/24/07339/", (106.0, 21.3, 106.2, 21.5)),
        outlined("/24/07340/", (106.2, 21.3, 106.4, 21.5)),
        outlined("/24/07339/07339-1/"),
    ),
    speakers=(standing("tan-yen-1", "/24/07339/", 21.4, 106.1), standing("far-1", "/24/07399/", 21.6, 106.8)),
)
"""A province with two communes that have outlines, one hamlet that has none, and a commune that is not listed."""
