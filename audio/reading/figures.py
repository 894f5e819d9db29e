"""Numbers with what stands beside them: parts, telephones, money, measures, ranges."""

import re

from audio.reading import numbers
from audio.reading.forms import HERE, YEAR, Match, Rule, before, connected, count, in_words, rule
from audio.reading.tables import UNITS, any_of, cue

_NUMBER = r"(?:\d{1,3}(?:\.\d{3}){1,6}|\d{1,40})(?:,\d{1,9}(?!,?\d))?(?!\.\d{3}(?!\d))"
_PER = rf"(?:{any_of(UNITS)}|{cue('per')})(?![^\W_])"
_SOLD = rf"{_PER}|{cue('sold')}(?![^\W_])"
_PRICES = ("đồng", "nghìn", "triệu", "phần trăm", "đô la mỹ", "đô la")
_MEASURED = (
    r"(?<=[\d%h'])|(?<=\d[gđmk])|(?<=kg)|(?<=[mck]m)|(?<=ha)|(?<=[°o]C)|(?<=°)|(?<=°[NBSEĐW])"
    r"|(?<= giờ)|(?<=phút)|(?<=đồng)|(?<=triệu)"
)
_POINTED_UNITS = any_of(unit for unit in UNITS if unit not in {"h", "giờ", "s", "phút", "'"})
_POINTED_UNIT = rf"\s?(?:{_POINTED_UNITS}|triệu|tỷ|nghìn)(?![^\W_])"
"""After a point that English keyboards put for a comma: 2.5%, 1.5 triệu; 7.30 h is a time."""
_MONEY = r"\s?(?:đồng|đ|₫|vnđ|vnd|VNĐ|VND|tỷ|triệu)(?!\w)"


def _fraction(match: Match) -> str:
    top, bottom = int(match["top"]), int(match["bottom"])
    if 0 < top < bottom <= 10:  # noqa: PLR2004 - halves to tenths are parts, 15/20 is a count
        return f"{_cue_of(match)}{count(match['top'])} phần {'tư' if bottom == 4 else count(match['bottom'])}"  # noqa: PLR2004
    return _over(match)


def _over(match: Match) -> str:
    said = " trên ".join(map(count, re.findall(r"\d+", match["number"])))
    return f"{_cue_of(match)}{said}"


def _cue_of(match: Match) -> str:
    written = match.groupdict().get("cue")
    return f"{in_words(written)} " if written else ""


def _phone(match: Match) -> str:
    written = re.sub(r"^\(?\+?84\)?[ .-]?(?:\(0\))?0?", "0", match[0])
    groups = re.findall(r"\d+", written)
    if len(groups) == 1 or len(groups[0]) == 1:
        digits = "".join(groups)
        groups = [digits[:4], digits[4:7], digits[7:]]
    return numbers.spelled(" ".join(groups))


def _spelled(written: str) -> str:
    return numbers.in_threes(written) if written.isdecimal() else numbers.spelled(written)


def _after_cue(match: Match) -> str:
    return f"{in_words(match['cue'])} {numbers.spelled(match['number'])}"


def _tax_code(match: Match) -> str:
    return f"{in_words(match['cue'])} {_spelled(match['number'])} gạch ngang {numbers.spelled(match['branch'])}"


def _metre_and(match: Match) -> str:
    """«1m65»: what follows the metre is said as it is written."""
    part = match["part"]
    written = match.groupdict().get("cue")
    said = numbers.spelled(part) if part.startswith("0") else count(part)
    return " ".join([*([in_words(written)] if written else []), count(match["whole"]), "mét", said])


def _at_least(match: Match) -> str:
    unit = UNITS.get(match["unit"].strip()) or match["unit"].strip()
    return f"từ {numbers.number(match['number'])} {unit} trở {'lên' if match['sign'][0] in '>≥' else 'xuống'}"


_BEFORE_T = re.compile(rf"(?<!\w)(?:(?P<aged>{cue('aged')})|{cue('laden')})(?!\w)")


def _years_or_tonnes(match: Match) -> str | None:
    """«60t» of a person, «5t» of a lorry: what was named last tells."""
    clause = re.split(r"[;!?]|\.(?!\d)", before(match))[-1]
    named = list(_BEFORE_T.finditer(clause))
    return ("tuổi" if named[-1]["aged"] else "tấn") if named else None


def _million_and_half(match: Match) -> str:
    return f"{count(match['whole'])} triệu {count(match['part'])} trăm nghìn"


def _apart(match: Match) -> str:
    return numbers.number(re.sub(r"[ ,]", "", match[0]))


def _unit(match: Match) -> str:
    unit, per = UNITS[match["unit"]], match["per"]
    if not per:
        return unit
    return f"{unit} {'một' if per not in UNITS or unit in _PRICES else 'trên'} {_per_what(per)}"


def _per(match: Match) -> str:
    return f"một {_per_what(match['per'])}"


def _per_what(written: str) -> str:
    return UNITS.get(written) or written.lower()


PARTS: tuple[Rule, ...] = (
    rule(r"(?P<cue>(?i:vòng))\s(?P<number>(?P<top>1)/(?P<bottom>4|8))(?![\d/])", _fraction),
    rule(rf"(?P<cue>{cue('sight')})\s(?P<number>\d{{1,2}}/10)(?![\d/])", _over),
    rule(
        rf"{HERE}(?P<top>\d{{1,3}})/(?P<bottom>\d{{1,2}},\d{{1,2}})(?=\s?[kK][vV](?!\w))",
        lambda m: f"{count(m['top'])} trên {numbers.number(m['bottom'])}",
    ),
    rule(rf"(?P<cue>{cue('address')})\s(?P<number>\d{{1,4}}(?:/\d{{1,4}}){{1,3}})(?![\d/])", _over),
    rule(rf"(?P<cue>{cue('portion')})\s(?P<number>(?P<top>\d{{1,4}})/(?P<bottom>\d{{1,4}}))(?![\d/])", _fraction),
    rule(rf"{HERE}(?P<number>(?P<top>\d{{1,5}})\s?/\s?(?P<bottom>\d{{1,5}}))(?=\s{cue('counted')}(?!\w))", _fraction),
    rule(r"(?P<number>(?P<top>\d{1,3})⁄(?P<bottom>\d{1,3}))", _fraction),
)

TELEPHONES: tuple[Rule, ...] = (
    rule(rf"{HERE}(?P<number>\d{{1,9}}(?:/\d{{1,9}}){{1,4}})(?![\d/])", _over),
    rule(r"(?<![\d.,/-])(?:84[-.]\d{2,3}[-. ]\d{6,8}|02\d\d[. -]1022)(?![\d/-])", _phone),
    rule(r"(?<![\d.,])0\d{3}[. -]\d(?:[. -]?\d{3}){2}(?!\d|[.,]\d)", _phone),
    rule(r"(?<=\d[;,] )1022(?=\s?(?:$|[.;,)]))", lambda m: numbers.spelled(m[0])),
    rule(r"(?<![\d.,])\(?\+84\)?[ .-]?(?:\(0\)[ .-]?)?0?\d(?:[ .-]?\d){8,9}(?!\d)", _phone),
    rule(r"(?<![\d.,])0[35789](?:[ .-]?\d){8}(?!\d|[.,]\d)", _phone),
    rule(r"(?<![\d.,])\(?0[1246](?:[ .()-]{0,2}\d){8,9}(?!\d|[.,]\d)", _phone),
    rule(r"\s?[-–—/]\s?(?=\(?0\d{2,4}\)?[ .]?\d{3}|1[89]00)", ","),
    rule(
        rf"{HERE}\d{{1,3}}(?:-\d{{1,3}}){{2,4}}(?![\d-])",
        lambda m: ", ".join(map(count, m[0].split("-"))),
    ),
    rule(
        rf"(?P<cue>{cue('identity')}(?:\ssố)?):?\s(?P<number>\d{{10}})-(?P<branch>\d{{3}})(?![\d-])",
        _tax_code,
    ),
    rule(
        rf"(?P<cue>{cue('identity')}(?:\ssố)?):?\s(?P<number>\d{{6,20}}|\d{{3,5}}(?:[ .]\d{{2,6}}){{1,4}})(?!\d)",
        lambda m: f"{in_words(m['cue'])} {_spelled(m['number'])}",
    ),
    rule(
        r"(?<![\d.,])1[89]00(?:[ .-]?\d){4,6}(?!\d)",
        lambda m: numbers.spelled(m[0] if not m[0].isdecimal() else f"{m[0][:4]} {m[0][4:]}"),
    ),
    rule(
        rf"(?P<cue>{cue('emergency')}):?\s(?P<number>11[1-5](?:(?:,\s?|/|\s?-\s?)11[1-5]){{0,4}})(?![\d/-]|[.,]\d)",
        _after_cue,
    ),
    rule(rf"(?P<cue>{cue('hotline')}(?:\ssố)?):?\s(?P<number>\d{{3,5}})(?![ .,-]?\d)", _after_cue),
    rule(r"(?<=hoặc )11[1-5](?!\d|[.,]\d)", lambda m: numbers.spelled(m[0])),
)

NUMBERS: tuple[Rule, ...] = (
    rule(rf"(?P<cue>{cue('height')})\s(?P<whole>[0-5])m(?P<part>[23])(?![\w/²³])", _metre_and),
    rule(rf"{HERE}(?P<whole>\d{{1,3}})m(?P<part>[14-9]|\d\d)(?![\w/])", _metre_and),
    rule(
        rf"(?P<sign>>=|<=|≥|≤)\s?(?P<number>{_NUMBER})(?P<unit>\s?(?:{any_of(UNITS)}|tuần|tuổi|tháng|năm|ngày|điểm|người|hộ))(?![^\W_]|/)",
        _at_least,
    ),
    rule(
        rf"{HERE}\d{{1,3}}\.\d{{1,2}}(?={_POINTED_UNIT}|\s?[-–]\s?\d{{1,3}}\.\d{{1,2}}{_POINTED_UNIT})",
        lambda m: numbers.number(m[0].replace(".", ",")),
    ),
    rule(rf"{HERE}(?P<whole>\d{{1,4}})tr(?P<part>\d)(?!\w)", _million_and_half),
    rule(rf"{HERE}\d{{1,3}}(?:,\d{{3}}){{2,5}}(?![\d,])|{HERE}\d{{1,3}}(?:,\d{{3}})(?={_MONEY})", _apart),
    rule(rf"{HERE}\d{{1,3}}(?: \d{{3}}){{1,5}}(?={_MONEY})", _apart),
    rule(rf"(?:\$|€)\s?(?P<number>{_NUMBER})", lambda m: f"{numbers.number(m['number'])} {UNITS[m[0][0]]}"),
    rule(
        rf"(?P<cue>{cue('score')})\s(?P<one>\d{{1,3}})\s?[-–]\s?(?P<two>\d{{1,3}})(?!\d)",
        lambda m: f"{in_words(m['cue'])} {count(m['one'])} {count(m['two'])}",
    ),
    rule(
        rf"(?P<cue>{cue('listed')})\s(?P<numbers>\d{{1,3}}(?:,\d{{1,2}}){{1,12}})(?![\d%]|[.,]\d)",
        lambda m: f"{in_words(m['cue'])} {connected(m['numbers'], count)}",
    ),
    rule(r"(?:(?<!\S)−\s?|(?<![^\s(])[-–])(?=\d)", "âm"),
    rule(
        rf"{HERE}(?!\d{{1,3}}(?:\.\d{{3}}){{1,9}}(?!\d))\d{{1,18}}(?:\.\d{{1,9}}){{1,4}}(?![.,]?\d)",
        lambda m: numbers.pointed(m[0]),
    ),
    rule(r"(?<!\d,)(?<!\d\.)" + _NUMBER, lambda m: numbers.number(m[0])),
    rule(r"\d{1,40}", lambda m: numbers.number(m[0])),
)

BESIDE_NUMBERS: tuple[Rule, ...] = (
    rule(r"(?<=\d)\s?[đĐ]/[cC](?!\w)", "đồng chí"),
    rule(r"(?<=\d)\s?\(?DL(?!\w)", "dương lịch"),
    rule(r"(?<=\d)\s?TC(?!\w| NTM)", "tiêu chí"),
    rule(r"(?<=\d)\s?NK(?!\w)", "nhân khẩu"),
    rule(r"(?<=\d)\s?ĐV(?!\w)", "đảng viên"),
    rule(r"(?<=\d)t(?![\w/])", _years_or_tonnes),
    rule(rf"(?<=\d)\s?(?P<unit>{any_of(UNITS)})(?:/(?P<per>{_SOLD}))?(?![^\W_])", _unit),
    rule(
        rf"(?:(?<=nghìn)|(?<=triệu)|(?<=ngàn)|(?<=tỷ))\s?(?P<unit>đ|₫|vnđ|VNĐ|VND)(?:/(?P<per>{_SOLD}))?(?![^\W_])",
        _unit,
    ),
    rule(rf"(?<=đồng)/(?P<per>{cue('sold')})(?![^\W_])", _per),
    rule(rf"(?<=[^\W_%])\s?/\s?(?P<per>{_PER})", _per),
    rule(r"(?<=[IVX\d])/(?=(?:19|20)\d\d(?!\d))", "năm"),
    rule(
        rf"(?:{_MEASURED})\s?[-–—~]\s?(?=\d|[Nn]gày\s\d|[Tt]háng\s\d)",
        "đến",
    ),
    rule(r"(?<=[Tt]hứ \d)\s?[-–—]\s?(?=[Tt]hứ|\d|CN|[Cc]hủ)|(?<=T\d)\s?[-–—]\s?(?=CN|[Cc]hủ)", "đến"),
    rule(r"(?<=\d)\s?\+\s?(?=\d)", "cộng"),
    rule(r"(?<=\d)\s?[x×*]\s?(?=\d)|(?<=\s)[x×](?=\s\d)|(?<=[^\W_])\s×\s", "nhân"),
    rule(rf"(?<=\d):(?={YEAR}(?!\d))", "năm"),
    rule(r"(?<=\d):(?=\d)|(?<=[^\W\d_])/(?=\d)", "trên"),
    rule(r"(?<=[A-ZĐ])[-–](?=[A-ZĐ]{2})", ","),
    rule(r">(?=\s?(?:\d|BĐ))", "trên"),
    rule(r"<(?=\s?(?:\d|BĐ))", "dưới"),
    rule(r"~(?=\s?\d)", "khoảng"),
)
