"""Numbers of documents, plates, places on a map, addresses of the net."""

import re

from audio.reading import numbers
from audio.reading.forms import HERE, Match, Rule, count, in_words, rule
from audio.reading.tables import ABBREVIATIONS, DOCUMENTS, any_of, cue
from audio.reading.words import SMALL, letters, piece_of_an_address

_PART = r"[A-ZĐƯ][A-Za-zĐđƯư]{0,14}\d{0,2}"
_CODE = rf"{_PART}(?:\s?[-/&.]\s?{_PART}){{0,6}}(?!\w)"
_KINDS = [kind for kind in DOCUMENTS if len(kind) == 2 or kind in {"TTr", "CTr", "QyĐ"}]  # noqa: PLR2004 - QĐ, NĐ, CV
_SHORT_KINDS = any_of(_KINDS)
_NAMED_SIGNS = {"@": "a còng", ".": "chấm", "/": "gạch chéo", "-": "gạch ngang", "_": "gạch dưới"}
_SIDES = {"N": "vĩ bắc", "B": "vĩ bắc", "S": "vĩ nam", "E": "kinh đông", "Đ": "kinh đông", "W": "kinh tây"}


def _document(match: Match) -> str | None:
    code = match["code"]
    parts = re.split(r"\s?[-/&.]\s?", code)
    known = [
        part for part in parts if part in DOCUMENTS or part in ABBREVIATIONS or part.rstrip("0123456789").isupper()
    ]
    if len(known) < len(parts) or (match["by"] == "-" and "/" not in code and parts[0] not in DOCUMENTS):
        return None
    digits = re.sub(r"\D", "", match["number"])
    suffix = match["number"][len(digits) :]
    said = [numbers.number(digits), letters(suffix)]
    if match["year"]:
        said += ["trên", numbers.number(match["year"])]
    return " ".join([*filter(None, said), _code(parts)])


def _code(parts: list[str]) -> str:
    """«quyết định ủy ban nhân dân»; those who issued it together are told apart by a pause."""
    kind = [_code_part(part) for part in parts[:1] if part in _KINDS]
    return " ".join([*kind, ", ".join(map(_code_part, parts[len(kind) :]))])


def _code_part(part: str) -> str:
    stem = part.rstrip("0123456789")
    number = part[len(stem) :]
    said = DOCUMENTS.get(part) or DOCUMENTS.get(stem) or ABBREVIATIONS.get(stem) or letters(stem)
    return said if part in DOCUMENTS or not number else f"{said} {numbers.number(number)}"


def _blank_number(match: Match) -> str:
    return _code(re.split(r"[-/]", match["code"]))


def _year_of_document(match: Match) -> str:
    kind = DOCUMENTS.get(match["kind"]) or in_words(match["kind"])
    return (
        f"{kind}{' số' if match['so'] else ''} {numbers.number(match['number'])} trên {numbers.number(match['year'])}"
    )


def _kind_of_document(match: Match) -> str:
    return DOCUMENTS[match["kind"]]


def _address(match: Match) -> str:
    said = []
    for part in re.findall(r"[^\W\d_]+|\d+|[@._/-]", match["address"].lower()):
        named = _NAMED_SIGNS.get(part)
        said.append(named or (numbers.spelled(part) if part.isdecimal() else piece_of_an_address(part)))
    return " ".join(said)


def _plate(match: Match) -> str:
    series = " ".join(letters(c) if c.isalpha() else count(c) for c in match["series"])
    return f"{numbers.spelled(match['province'])} {series}, {numbers.spelled(match['number'])}"


def _map_angle(match: Match) -> str:
    said = f"{count(match['degrees'])} độ {count(match['minutes'])} phút"
    if match["seconds"]:
        said += f" {numbers.number(match['seconds'].replace('.', ','))} giây"
    return f"{said} {_SIDES[match['side']]}" if match["side"] else said


def _degrees(match: Match) -> str:
    return f"{numbers.number(match['degrees'].replace('.', ','))} độ {_SIDES[match['side']]}"


ADDRESSES: tuple[Rule, ...] = (
    rule(r"(?:https?://|www\.)(?P<address>[\w.@/-]{1,80})[^\s,;]{0,80}(?<![.])", _address),
    rule(r"(?P<address>[\w.-]{1,40}@[A-Za-z0-9-]{1,30}(?:\.[A-Za-z0-9-]{1,20}){1,4})", _address),
    rule(
        r"(?P<address>(?:[A-Za-z0-9-]{1,30}\.){1,4}(?:vn|com|net|org|gov|edu|info|me)(?:/[\w.-]{1,30}(?<!\.)){0,4})(?!\w)",
        _address,
    ),
)

DOCUMENT_NUMBERS: tuple[Rule, ...] = (
    rule(
        rf"(?P<kind>{cue('document')}|{any_of(DOCUMENTS)})(?P<so>\s[Ss]ố:?)?\s(?P<number>\d{{1,6}}[a-z]?)/(?P<year>\d{{4}})(?![\d/-])",
        _year_of_document,
    ),
    rule(rf"(?P<kind>{any_of(DOCUMENTS)})(?=\s(?:[Ss]ố:?\s?)?\d{{1,6}}[a-z]?[/-]\d{{0,4}}/?[A-ZĐ])", _kind_of_document),
    rule(rf"(?P<kind>{_SHORT_KINDS})(?=\s(?:[Ss]ố:?\s?)?\d{{1,6}}(?![\d.,%]|\s[{SMALL}]))", _kind_of_document),
    rule(rf"{HERE}(?P<number>\d{{1,6}}[a-zA-Z]?)(?:/(?P<year>\d{{4}}))?\s?(?P<by>[/-])\s?(?P<code>{_CODE})", _document),
    rule(r"(?<=[\s:.…])/(?P<code>[A-ZĐ]{2,10}(?:[-/][A-ZĐ]{2,10}){1,4})(?!\w)", _blank_number),
    rule(rf"(?P<code>(?:{_SHORT_KINDS})(?:-[A-ZĐ]{{2,10}}){{1,4}})(?!\w)", _blank_number),
)

PLATES_AND_PLACES: tuple[Rule, ...] = (
    rule(rf"{HERE}(?P<degrees>\d{{1,3}}[.,]\d{{1,2}})(?P<side>[NE])(?!\w)", _degrees),
    rule(r"(?<=\dN)\s?[-–]\s?(?=\d{1,3}[.,]\d{1,2}E(?!\w))", ","),
    rule(
        r"(?<!\w)(?P<province>\d\d)(?P<series>[A-ZĐ]{1,2}\d?)\s?[-–. ]\s?(?P<number>\d{3}\.\d\d|\d{4,5})(?![\w.]?\d)",
        _plate,
    ),
    rule(
        r"(?P<degrees>\d{1,3})\s?°\s?(?P<minutes>\d{1,2})\s?['’′]\s?"
        r"(?:(?P<seconds>\d{1,2}(?:[.,]\d{1,3})?)\s?(?:\"|”|″|''))?\s?(?P<side>[NBSEĐW](?!\w))?",
        _map_angle,
    ),
)
