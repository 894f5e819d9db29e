"""The commune of the demo: two real ones, from the list of administrative units after the merger of 2025."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice

from vietnam_provinces import Province, Ward

PROVINCE = "Bắc Ninh"
COMMUNES = ("Tân Yên", "Lục Nam")
# The official list ends at the commune; these hamlets are there to be spoken to.
HAMLETS = {"Tân Yên": ("Thôn Đông", "Thôn Trung"), "Lục Nam": ("Thôn Sàn", "Thôn Gai")}


@dataclass(frozen=True, slots=True)
class Place:
    """An area as the API takes it."""

    code: str
    name: str
    kind: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class Speaker:
    """A virtual speaker."""

    id: str
    name: str
    area: str


def places() -> tuple[Place, ...]:
    """The province, its two communes, and their hamlets, parents first."""
    province = next(province for province in Province.iter_all() if province.name.endswith(PROVINCE))
    top = Place(f"{province.code:02d}", f"Tỉnh {PROVINCE}", "tỉnh", None)
    found = [top]
    for name in COMMUNES:
        ward = next(ward for ward in Ward.iter_by_province(province.code) if ward.name.endswith(name))
        commune = Place(f"{ward.code:05d}", f"Xã {name}", "xã", top.code)
        found.append(commune)
        found.extend(
            Place(f"{commune.code}-{number}", hamlet, "thôn", commune.code)
            for number, hamlet in enumerate(HAMLETS[name], start=1)
        )
    return tuple(found)


def speakers(count: int) -> tuple[Speaker, ...]:
    """`count` speakers, dealt out over the hamlets in turn."""
    return tuple(islice(_endless_speakers(), count))


def _endless_speakers() -> Iterator[Speaker]:
    named = {place.code: place for place in places()}
    hamlets = sorted((place for place in named.values() if place.kind == "thôn"), key=lambda place: place.code[-1])
    counts: dict[str, int] = {}
    for hamlet in cycle(hamlets):
        commune = named[hamlet.parent or ""].name.removeprefix("Xã ")
        number = counts[commune] = counts.get(commune, 0) + 1
        yield Speaker(f"{slug(commune)}-{number}", f"{commune} {number} – {hamlet.name}", hamlet.code)


def slug(name: str) -> str:
    """A Vietnamese name in plain letters: `Tân Yên` is `tan-yen`."""
    plain = unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.sub(r"[^a-z0-9]+", "-", letters.lower()).strip("-")


GREETING_TITLE = "Chào buổi phát thanh"
GREETING = (
    "Kính thưa bà con! Đây là đài truyền thanh xã Tân Yên và xã Lục Nam, tỉnh Bắc Ninh. "
    "Hệ thống loa đã sẵn sàng. Chúc bà con một ngày tốt lành."
)
NEWS_TITLE = "Bản tin nông nghiệp"
NEWS = (
    "Bản tin nông nghiệp. Trạm khuyến nông nhắc bà con thăm đồng thường xuyên, "
    "giữ mực nước ruộng từ ba đến năm xăng ti mét, và phòng trừ rầy nâu kịp thời."
)
