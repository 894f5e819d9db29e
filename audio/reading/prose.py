"""Words, abbreviations, Roman numerals and signs."""

import re

from audio.reading import numbers
from audio.reading.forms import AND, HERE, YEAR, Match, Rule, before, connected, in_words, of_year, rule
from audio.reading.tables import ABBREVIATIONS, SYMBOLS, any_of, cue
from audio.reading.words import CAPITAL, SMALL, letters, shout, word

_NUMERAL = r"[IVXL]{1,7}(?!\w)"
_BEFORE_NAME = rf"(?=\s?[{CAPITAL}\d])"
_POINTS = {"T": "tây", "Đ": "đông", "N": "nam", "B": "bắc"}
_OFFICES = "Chủ|Giám|Trưởng|Bí|Hiệu|Chánh|Kinh|Nội|Tài|Văn|Hành|Giáo|Lao|Tổ|Kế|Tư|Quản|Nông|Công|Đào|Khám"
"""After a P these make a deputy or a room of it, and no ward."""
_PERSON = rf"\s(?!Hồ Chí)(?=[{CAPITAL}]){cue('family')}(?:\s[{CAPITAL}][{SMALL}]{{0,6}}){{2,3}}(?!\w)"
"""A family's name and two or three more; streets and towns have two syllables in all."""
_PLACES = {"x": "xã", "h": "huyện", "t": "tỉnh", "p": "phường", "q": "quận"}
_ABBREVIATION = "|".join(
    any_of([written]) + (_BEFORE_NAME if written.endswith(".") else r"(?![^\W\d_])")
    for written in sorted(ABBREVIATIONS, key=len, reverse=True)
    if written[-1].isalnum() or written[-1] == "."
)


def _roman_list(match: Match) -> str | None:
    if any(numbers.roman(numeral) is None for numeral in re.findall(r"[IVXL]+", match["numerals"])):
        return None
    cue_said = "thế kỷ" if match["cue"] == "TK" else in_words(match["cue"])

    def say(numeral: str) -> str:
        return _rank(cue_said, numbers.roman(numeral.strip()) or 0)

    return f"{cue_said} {connected(match['numerals'], say)}{of_year(match['year'])}"


def _rank(after: str, worth: int) -> str:
    return "nhất" if worth == 1 and after.endswith("thứ") else numbers.cardinal(worth)


def _roman_with_letter(match: Match) -> str | None:
    worth = numbers.roman(match["numeral"])
    return None if worth is None else f"{in_words(match['cue'])} {numbers.cardinal(worth)} {letters(match['letter'])}"


def _compass(match: Match) -> str:
    return " ".join([match["cue"].lower(), *(_POINTS[point] for point in match["points"])])


def _branch(match: Match) -> str | None:
    """«CN Đà Nẵng» of a bank, «CN Nguyễn Thị Hoa» with a degree; «sáng CN Ngày 5» is a Sunday."""
    if re.search(r"(?i:sáng|trưa|chiều|tối|đêm|ngày|thứ 7|T7|và|hoặc|hoặc là)[,\s–-]{1,3}$", before(match)):
        return None
    person = re.match(_PERSON, match.string[match.end() : match.end() + 40])
    return "cử nhân" if person and not _of_a_company(match) else "chi nhánh"


def _branch_in(match: Match) -> str | None:
    """«Agribank CN huyện»; without a company «CN tỉnh ra quân» is a Sunday."""
    return "chi nhánh" if _of_a_company(match) else None


def _of_a_company(match: Match) -> bool:
    return re.search(rf"(?<!\w){cue('company')}(?!\w)[^.;:,]*$", before(match)) is not None


def _place(match: Match) -> str | None:
    """«x. Hòa Tiến»; a letter of a list or of a name is none."""
    return None if re.search(r"(?i:điểm|khoản|mục|ý)\s$|\d\s?$", before(match)) else _PLACES[match["place"]]


def _ward(match: Match) -> str | None:
    """«P Hòa Khánh»; «Nguyễn Văn P» is a man."""
    return None if re.search(rf"[{CAPITAL}][{SMALL}]{{0,9}}\s$", before(match)) else "phường"


def _bare_roman(match: Match) -> str | None:
    worth = numbers.roman(match[0])
    return None if worth is None else numbers.cardinal(worth)


def _abbreviation(match: Match) -> str | None:
    written = match[0].strip()
    if written.isalpha() and written.isupper() and len(written) == 2 and word(written.lower()) == written.lower():  # noqa: PLR2004
        before, after = _neighbours(match)
        if shout(written, before, after) == written.lower():
            return None
    return ABBREVIATIONS.get(written, "vân vân")


def _capitals(match: Match) -> str:
    return shout(match[0], *_neighbours(match))


def _neighbours(match: Match) -> tuple[str, str]:
    before = re.search(r"([^\W\d_]+)\W{0,3}$", match.string[max(0, match.start() - 14) : match.start()])
    after = re.match(r"\W{0,3}([^\W\d_]+)", match.string[match.end() : match.end() + 14])
    return before[1] if before else "", after[1] if after else ""


def _initials(match: Match) -> str:
    return letters(match[0].replace(".", "").replace(" ", ""))


FIXED: tuple[Rule, ...] = (
    rule(rf"{HERE}(?:{any_of(w for w in ABBREVIATIONS if w[0].isdecimal())})(?![\w/])", lambda m: ABBREVIATIONS[m[0]]),
)

WORDS: tuple[Rule, ...] = (
    rule(r"Đ/[cC](?=:\s?(?:[Ss]ố\s)?\d)", "địa chỉ"),
    rule(rf"ĐH\.?\s?(?=\d{{1,3}}(?!\d|[.,/]\d|\s[{SMALL}]))", "đường huyện"),
    rule(r"Đ\.(?=\d{1,3}(?![\d/]))", "điều"),
    rule(rf"CN(?=\s(?!Ngày|Từ|Lúc|Sáng|Trưa|Chiều|Tối|Hằng|Hàng|Mời|Xin|Toàn)[{CAPITAL}][{SMALL}])", _branch),
    rule(r"CN(?=\s(?:số\s\d|(?:huyện|tỉnh|thành phố|TP|thị xã|quận|xã|phường|khu vực)(?!\w)))", _branch_in),
    rule(rf"(?<![\w.])(?P<place>[xhtpq])\.\s?(?=(?!{_OFFICES})[{CAPITAL}][{SMALL}])", _place),
    rule(rf"P(?=\s(?!{_OFFICES})[{CAPITAL}][{SMALL}])", _ward),
    rule(r"BĐ(?P<level>I{1,3})(?!\w)", lambda m: f"báo động {numbers.cardinal(len(m['level']))}"),
    rule(r"(?P<cue>(?i:hướng|gió))\s(?P<points>[TĐNB]?[TĐ][NB])(?![\w&-])", _compass),
    rule(
        r"(?P<cue>(?i:phụ lục|mục|phần|biểu|mẫu))\s(?P<numeral>[IVX]{1,5})(?P<letter>[a-eđ])(?!\w)", _roman_with_letter
    ),
    rule(r"(?<=[IVX])\.(?=\d{1,2}(?![\d/]))", "chấm"),
    rule(rf"(?<=[.;:] )[IVX]{{1,5}}(?=/\s[{CAPITAL}])", _bare_roman),
    rule(r"(?:[Đđ]ường\s)?ĐT\.?(?=\d{3}[A-E]?(?![\d.]))", "đường tỉnh"),
    rule(r"CT\.(?=\d\d(?!\d))", "cao tốc"),
    rule(r"SN(?=\s?\d{1,3}[A-Z]?(?!\d))", "số nhà"),
    rule(r"TL\.?\s?(?=\d{3}(?!\d))", "tỉnh lộ"),
    rule(r"[Kk][Mm]\s?(?=\d)", "ki lô mét"),
    rule(rf"[HKLMRY]['’](?=[{SMALL}{CAPITAL}])", lambda m: {"K": "cờ", "Y": "y"}.get(m[0][0], f"{m[0][0].lower()}ờ")),
    rule(
        rf"(?P<cue>{cue('roman')})\s(?P<numerals>{_NUMERAL}(?:{AND}{_NUMERAL}){{0,6}})(?:[/-](?P<year>{YEAR})(?!\d))?",
        _roman_list,
    ),
    rule(r"(?!XXX)[IVX]{3,6}(?![\w.])", _bare_roman),
    rule(rf"{_ABBREVIATION}|[Vv]\.?[Vv](?:\.|…)", _abbreviation),
    rule(r"(?:[A-ZĐ]\.\s?){1,4}[A-ZĐ](?!\w)", _initials),
    rule(r"[^\W\d_]{1,40}", lambda m: _capitals(m) if m[0].isupper() and len(m[0]) > 1 else word(m[0])),
)

SIGNS: tuple[Rule, ...] = (
    rule(r"\./\.", "."),
    rule(r"(?<=[^\W_])[.](?=[^\W_])", ""),
    rule(r"[.!?]{1,40}|…", lambda m: "." if m[0][0] in ".…" else m[0][0]),
    rule(r"[:;,]", lambda m: m[0]),
    rule(r"[()\[\]{}|/\t]|(?<=\s)[-–—](?=\s)", ","),
    rule(any_of(SYMBOLS), lambda m: SYMBOLS[m[0]]),
)
