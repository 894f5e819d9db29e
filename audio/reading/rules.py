"""What offices write that is not a plain word: one rule a form, tried in order where the reader stands.

A rule is an expression and what is said for its match; None leaves the place to the next rule. No expression may
look further than a few dozen characters, so that reading takes a time proportional to the text.
"""

import re
from collections.abc import Callable

from audio.reading import numbers
from audio.reading.tables import ABBREVIATIONS, DOCUMENTS, SYMBOLS, UNITS, any_of, cue
from audio.reading.words import CAPITAL, SMALL, letters, piece_of_an_address, shout, word

Match = re.Match[str]
Saying = Callable[[Match], str | None]
Rule = tuple[re.Pattern[str], Saying]

_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_YEAR = r"(?:19|20)\d\d"
_WHOLE = r"\d{1,40}"
_NUMBER = rf"(?:\d{{1,3}}(?:\.\d{{3}}){{1,6}}|{_WHOLE})(?:,\d{{1,9}}(?!,?\d))?(?!\.\d{{3}}(?!\d))"
_HERE = r"(?<![\d.,/])"
_BEFORE_DAY = rf"(?:(?P<cue>(?i:ngày)|{cue('holiday')})\s)?"
_PART = r"[A-ZĐƯ][A-Za-zĐđƯư]{0,14}\d{0,2}"
_CODE = rf"{_PART}(?:\s?[-/&.]\s?{_PART}){{0,6}}(?!\w)"
_NUMERAL = r"[IVXL]{1,7}(?!\w)"
_AND = r"\s?(?:,|;|-|–|—|và|hoặc|đến|tới)\s?"
_UNIT = any_of(UNITS)
_PER = rf"(?:{any_of(UNITS)}|{cue('per')})(?![^\W_])"
_PRICES = ("đồng", "nghìn", "triệu", "phần trăm", "đô la mỹ", "đô la")
_MONEY = r"\s?(?:đồng|đ|₫|vnđ|vnd|VNĐ|VND|tỷ|triệu)(?!\w)"
_DOTTED = rf"(?=\s?[{CAPITAL}\d])"
_ABBREVIATION = "|".join(
    any_of([written]) + (_DOTTED if written.endswith(".") else r"(?![^\W\d_])")
    for written in sorted(ABBREVIATIONS, key=len, reverse=True)
    if written[-1].isalnum() or written[-1] == "."
)
_SHORT_KINDS = any_of(kind for kind in DOCUMENTS if len(kind) == 2 or kind == "TTr")  # noqa: PLR2004 - QĐ, NĐ, CV
_CONNECTORS = {",": ", ", ";": ", ", "-": " đến ", "–": " đến ", "—": " đến ", "tới": " đến "}


def _connected(written: str, say: Callable[[str], str]) -> str:
    """A list such as «2, 3 và 4» or «II-IV», each member said by `say`."""
    parts = re.split(rf"({_AND})", written)
    joined = [
        say(part) if i % 2 == 0 else _CONNECTORS.get(part.strip(), f" {part.strip()} ") for i, part in enumerate(parts)
    ]
    return "".join(joined)


def _int(written: str) -> str:
    return numbers.cardinal(int(written))


# Dates and times


def _month(written: str) -> str:
    return "tư" if int(written) == 4 else _int(written)  # noqa: PLR2004 - April is tháng tư


def _year(written: str | None) -> str:
    if not written:
        return ""
    full = int(written) if len(written) > 2 else 2000 + int(written) - 100 * (int(written) >= 50)  # noqa: PLR2004 - two digits
    return f" năm {numbers.cardinal(full)}"


def _date(match: Match) -> str:
    before = match.groupdict().get("cue") or "ngày"
    return f"{before.lower()} {_int(match['day'])} tháng {_month(match['month'])}{_year(match.groupdict().get('year'))}"


def _days(match: Match) -> str:
    each = "" if "," in match["days"] else "ngày "
    days = _connected(match["days"], lambda day: each + _int(day.lower().removeprefix("ngày"))).removeprefix("ngày ")
    return f"{(match['cue'] or 'ngày').lower()} {days} tháng {_month(match['month'])}{_year(match['year'])}"


def _of_year(match: Match) -> str:
    return f"tháng {_month(match['month'])}{_year(match['year'])}"


def _months(match: Match) -> str:
    return f"tháng {_connected(match['months'], _month)}"


def _weekdays(match: Match) -> str:
    return _connected(match[0], lambda day: f"thứ {_weekday(day[-1])}")


def _weekday(digit: str) -> str:
    return {"4": "tư"}.get(digit, _int(digit))


def _ordinal(match: Match) -> str:
    said = _connected(match["numbers"], lambda n: {"1": "nhất", "4": "tư"}.get(n, _int(n)))
    return f"{match['cue'].lower()} {said}"


def _time(match: Match) -> str:
    minutes, seconds = int(match["minutes"] or match["after"] or 0), int(match["seconds"] or 0)
    said = f"{_int(match['hours'])} giờ"
    if minutes or seconds:
        said += f" {numbers.cardinal(minutes)} phút"
    return f"{said} {numbers.cardinal(seconds)} giây" if seconds else said


# Numbers, money, measures


def _phone(match: Match) -> str:
    written = re.sub(r"^\(?\+84\)?[ .-]?(?:\(0\))?0?", "0", match[0])
    groups = re.findall(r"\d+", written)
    if len(groups) == 1 or len(groups[0]) == 1:
        digits = "".join(groups)
        groups = [digits[:4], digits[4:7], digits[7:]]
    return numbers.spelled(" ".join(groups))


def _after_cue(match: Match) -> str:
    return f"{_plain(match['cue'])} {numbers.spelled(match['number'])}"


def _plain(text: str) -> str:
    return " ".join(ABBREVIATIONS.get(part) or word(part) for part in re.findall(r"[^\W\d_]+", text))


def _million_and_half(match: Match) -> str:
    return f"{_int(match['whole'])} triệu {_int(match['part'])} trăm nghìn"


def _apart(match: Match) -> str:
    return numbers.number(re.sub(r"[ ,]", "", match[0]))


def _fraction(match: Match) -> str:
    top, bottom = int(match["top"]), int(match["bottom"])
    if 0 < top < bottom <= 10:  # noqa: PLR2004 - halves to tenths are parts, 15/20 is a count
        return f"{_cue_of(match)}{_int(match['top'])} phần {'tư' if bottom == 4 else _int(match['bottom'])}"  # noqa: PLR2004
    return _over(match)


def _over(match: Match) -> str:
    said = " trên ".join(map(_int, re.findall(r"\d+", match["number"])))
    return f"{_cue_of(match)}{said}"


def _cue_of(match: Match) -> str:
    written = match.groupdict().get("cue")
    return f"{_plain(written)} " if written else ""


def _unit(match: Match) -> str:
    unit, per = UNITS[match["unit"]], match["per"]
    if not per:
        return unit
    return f"{unit} {'một' if per not in UNITS or unit in _PRICES else 'trên'} {_per_what(per)}"


def _per(match: Match) -> str:
    return f"một {_per_what(match['per'])}"


def _per_what(written: str) -> str:
    return UNITS.get(written) or written.lower()


def _roman_list(match: Match) -> str | None:
    if any(numbers.roman(numeral) is None for numeral in re.findall(r"[IVXL]+", match["numerals"])):
        return None
    cue_said = _plain(match["cue"])

    def say(numeral: str) -> str:
        return _rank(cue_said, numbers.roman(numeral.strip()) or 0)

    return f"{cue_said} {_connected(match['numerals'], say)}{_year(match['year'])}"


def _rank(after: str, worth: int) -> str:
    return "nhất" if worth == 1 and after.endswith("thứ") else numbers.cardinal(worth)


def _bare_roman(match: Match) -> str | None:
    worth = numbers.roman(match[0])
    return None if worth is None else numbers.cardinal(worth)


# Codes and addresses


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
    return " ".join([*filter(None, said), *map(_code_part, parts)])


def _code_part(part: str) -> str:
    stem = part.rstrip("0123456789")
    number = part[len(stem) :]
    said = DOCUMENTS.get(part) or DOCUMENTS.get(stem) or ABBREVIATIONS.get(stem) or letters(stem)
    return said if part in DOCUMENTS or not number else f"{said} {numbers.number(number)}"


def _blank_number(match: Match) -> str:
    return " ".join(map(_code_part, re.split(r"[-/]", match["code"])))


def _year_of_document(match: Match) -> str:
    kind = DOCUMENTS.get(match["kind"]) or _plain(match["kind"])
    return (
        f"{kind}{' số' if match['so'] else ''} {numbers.number(match['number'])} trên {numbers.number(match['year'])}"
    )


def _kind_of_document(match: Match) -> str:
    return DOCUMENTS[match["kind"]]


def _address(match: Match) -> str:
    said = []
    for part in re.findall(r"[^\W\d_]+|\d+|[@._/-]", match["address"].lower()):
        named = {"@": "a còng", ".": "chấm", "/": "gạch chéo", "-": "gạch ngang", "_": "gạch dưới"}.get(part)
        said.append(named or (numbers.spelled(part) if part.isdecimal() else piece_of_an_address(part)))
    return " ".join(said)


def _plate(match: Match) -> str:
    series = " ".join(letters(c) if c.isalpha() else _int(c) for c in match["series"])
    return f"{numbers.spelled(match['province'])} {series}, {numbers.spelled(match['number'])}"


def _map_angle(match: Match) -> str:
    said = f"{_int(match['degrees'])} độ {_int(match['minutes'])} phút"
    side = {"N": "vĩ bắc", "B": "vĩ bắc", "S": "vĩ nam", "E": "kinh đông", "Đ": "kinh đông", "W": "kinh tây"}
    if match["seconds"]:
        said += f" {numbers.number(match['seconds'].replace('.', ','))} giây"
    return f"{said} {side[match['side']]}" if match["side"] else said


# Words


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


def _rule(pattern: str, saying: Saying | str) -> Rule:
    return re.compile(pattern), (lambda _match: saying) if isinstance(saying, str) else saying


def item(match: Match) -> str:
    """What is said for the mark that begins an item of a list."""
    mark = match["number"] or match["numbered"]
    if not mark:
        return ""
    worth = numbers.roman(mark)
    if worth:
        return numbers.cardinal(worth)
    return letters(mark) if mark.isalpha() else numbers.pointed(mark)


RULES: tuple[Rule, ...] = (
    _rule(
        rf"{_HERE}(?:{any_of(w for w in ABBREVIATIONS if w[0].isdecimal())})(?![\w/])", lambda m: ABBREVIATIONS[m[0]]
    ),
    # Addresses of the net
    _rule(r"(?:https?://|www\.)(?P<address>[\w.@/-]{1,80})[^\s,;]{0,80}(?<![.])", _address),
    _rule(r"(?P<address>[\w.-]{1,40}@[A-Za-z0-9-]{1,30}(?:\.[A-Za-z0-9-]{1,20}){1,4})", _address),
    _rule(
        r"(?P<address>(?:[A-Za-z0-9-]{1,30}\.){1,4}(?:vn|com|net|org|gov|edu|info|me)(?:/[\w.-]{1,30}(?<!\.)){0,4})(?!\w)",
        _address,
    ),
    # Times
    _rule(
        rf"{_HERE}(?P<hours>[01]?\d|2[0-4])(?:(?:\s?[hH]\s?|[gG]|\s?giờ\s)(?P<minutes>[0-5]\d|\d(?=\s?(?:phút|ph|p|')))"
        r"(?:\s?(?:phút|ph|p|')(?!\w))?|(?P<colon>:)(?P<after>[0-5]\d)(?::(?P<seconds>[0-5]\d))?)(?![\w:]|[.,]\d)",
        _time,
    ),
    _rule(
        rf"{_HERE}(?P<hours>[01]?\d|2[0-4])g(?=\s(?:sáng|trưa|chiều|tối|đêm|ngày|đến)|\s?[-–]\s?\d)",
        lambda m: f"{_int(m['hours'])} giờ",
    ),
    # Documents, before dates: QĐ 29/2021 is no month
    _rule(
        rf"(?P<kind>{cue('document')}|{any_of(DOCUMENTS)})(?P<so>\s[Ss]ố:?)?\s(?P<number>\d{{1,6}}[a-z]?)/(?P<year>\d{{4}})(?![\d/-])",
        _year_of_document,
    ),
    _rule(
        rf"(?P<kind>{any_of(DOCUMENTS)})(?=\s(?:[Ss]ố:?\s?)?\d{{1,6}}[a-z]?[/-]\d{{0,4}}/?[A-ZĐ])", _kind_of_document
    ),
    _rule(rf"(?P<kind>{_SHORT_KINDS})(?=\s(?:[Ss]ố:?\s?)?\d{{1,6}}(?![\d.,%]|\s[{SMALL}]))", _kind_of_document),
    _rule(
        rf"{_HERE}(?P<number>\d{{1,6}}[a-zA-Z]?)(?:/(?P<year>\d{{4}}))?\s?(?P<by>[/-])\s?(?P<code>{_CODE})", _document
    ),
    _rule(r"(?<=[\s:.…])/(?P<code>[A-ZĐ]{2,10}(?:[-/][A-ZĐ]{2,10}){1,4})(?!\w)", _blank_number),
    _rule(rf"(?P<code>(?:{_SHORT_KINDS})(?:-[A-ZĐ]{{2,10}}){{1,4}})(?!\w)", _blank_number),
    # Plates and places on a map
    _rule(
        r"(?<!\w)(?P<province>\d{2})(?P<series>[A-ZĐ]{1,2}\d?)\s?[-–. ]\s?(?P<number>\d{3}\.\d{2}|\d{4,5})(?![\w.]\d|\d)",
        _plate,
    ),
    _rule(
        r"(?P<degrees>\d{1,3})\s?°\s?(?P<minutes>\d{1,2})\s?['’′]\s?(?:(?P<seconds>\d{1,2}(?:[.,]\d{1,3})?)\s?(?:\"|”|″|''))?\s?(?P<side>[NBSEĐW](?!\w))?",
        _map_angle,
    ),
    # Dates
    _rule(
        rf"{_BEFORE_DAY}{_HERE}(?P<day>{_DAY})\s?(?P<by>[/.-])\s?(?P<month>{_MONTH})\s?(?P=by)\s?(?P<year>\d{{4}})(?![\d/])",
        _date,
    ),
    _rule(rf"{_BEFORE_DAY}{_HERE}(?P<day>{_DAY})/(?P<month>{_MONTH})/(?P<year>\d\d)(?![\d/])", _date),
    _rule(rf"{_BEFORE_DAY}{_HERE}(?P<year>{_YEAR})-(?P<month>\d\d)-(?P<day>\d\d)(?![\d/-])", _date),
    _rule(
        rf"(?P<cue>(?i:ngày)|{cue('holiday')})\s(?P<days>{_DAY}(?:{_AND}(?:ngày\s)?{_DAY}){{1,8}})/(?P<month>{_MONTH})(?:/(?P<year>\d{{4}}))?(?![\d/])",
        _days,
    ),
    _rule(
        rf"(?P<cue>(?!)x)?{_HERE}(?P<days>{_DAY}\s?(?:-|–|—|và|đến)\s?{_DAY})/(?P<month>{_MONTH})(?:/(?P<year>\d{{4}}))?(?![\d/])",
        _days,
    ),
    _rule(
        rf"(?P<cue>(?i:ngày)|{cue('holiday')})\s(?P<day>{_DAY})[.-](?P<month>{_MONTH})(?![\d/]|[.,-]\d|\s?tháng)", _date
    ),
    _rule(rf"(?i:tháng\s){_HERE}(?P<month>{_MONTH})\s?[/-]\s?(?P<year>\d{{4}})(?![\d/])", _of_year),
    _rule(rf"T(?P<month>{_MONTH})/(?P<year>\d{{4}})(?![\d/])", _of_year),
    _rule(rf"{_HERE}(?P<month>{_MONTH})/(?P<year>{_YEAR})(?![\d/])", _of_year),
    _rule(rf"(?i:tháng)\s(?P<months>{_MONTH}(?:{_AND}{_MONTH}){{0,6}})(?![\d/%]|[.,]\d)", _months),
    _rule(rf"T[2-7](?:{_AND}T[2-7]){{0,5}}(?!\w|/\d)", _weekdays),
    _rule(r"T(?P<months>1|8|9|1[0-2])(?!\w|/\d)", lambda m: f"tháng {_int(m['months'])}"),
    _rule(
        rf"(?P<cue>(?i:quý))\s(?P<number>[1-4])\s?[/-]\s?(?P<year>{_YEAR})(?!\d)",
        lambda m: f"quý {_int(m['number'])}{_year(m['year'])}",
    ),
    _rule(
        rf"(?P<cue>(?i:lần thứ|thứ|hạng))\s(?P<numbers>\d{{1,3}}(?:{_AND}\d{{1,3}}){{0,6}})(?![\d%/]|[.,]\d)", _ordinal
    ),
    # Fractions, houses, days without a year
    _rule(rf"(?P<cue>{cue('address')})\s(?P<number>\d{{1,4}}(?:/\d{{1,4}}){{1,3}})(?![\d/])", _over),
    _rule(rf"(?P<cue>{cue('portion')})\s(?P<number>(?P<top>\d{{1,4}})/(?P<bottom>\d{{1,4}}))(?![\d/])", _fraction),
    _rule(rf"{_HERE}(?P<number>(?P<top>\d{{1,5}})\s?/\s?(?P<bottom>\d{{1,5}}))(?=\s{cue('counted')}(?!\w))", _fraction),
    _rule(r"(?P<number>(?P<top>\d{1,3})⁄(?P<bottom>\d{1,3}))", _fraction),
    _rule(rf"{_BEFORE_DAY}{_HERE}(?P<day>{_DAY})/(?P<month>{_MONTH})(?![\d/]|[.,]\d)", _date),
    _rule(rf"{_HERE}(?P<number>\d{{1,9}}(?:/\d{{1,9}}){{1,4}})(?![\d/])", _over),
    # Telephones
    _rule(r"(?<![\d.,])\(?\+84\)?[ .-]?(?:\(0\)[ .-]?)?0?\d(?:[ .-]?\d){8,9}(?!\d)", _phone),
    _rule(r"(?<![\d.,])0[35789](?:[ .-]?\d){8}(?!\d|[.,]\d)", _phone),
    _rule(r"(?<![\d.,])\(?0[1246](?:[ .()-]{0,2}\d){8,9}(?!\d|[.,]\d)", _phone),
    _rule(r"\s?[-–—/]\s?(?=\(?0\d{2,4}\)?[ .]?\d{3}|1[89]00)", ","),
    _rule(
        rf"(?P<cue>{cue('identity')}(?:\ssố)?):?\s(?P<number>\d{{6,20}})(?!\d)",
        lambda m: f"{_plain(m['cue'])} {numbers.in_threes(m['number'])}",
    ),
    _rule(
        r"(?<![\d.,])1[89]00(?:[ .-]?\d){4,6}(?!\d)",
        lambda m: numbers.spelled(m[0] if re.search(r"\D", m[0]) else f"{m[0][:4]} {m[0][4:]}"),
    ),
    _rule(rf"(?P<cue>{cue('hotline')}(?:\ssố)?):?\s(?P<number>\d{{3,5}})(?![ .,-]?\d)", _after_cue),
    _rule(
        rf"(?P<cue>{cue('emergency')})\s(?P<number>11[1-5](?:(?:,\s|/|\s?-\s?)11[1-5]){{0,4}})(?![\d/-]|[.,]\d)",
        _after_cue,
    ),
    _rule(r"(?<=hoặc )11[1-5](?!\d|[.,]\d)", lambda m: numbers.spelled(m[0])),
    # Money and numbers
    _rule(rf"{_HERE}(?P<whole>\d{{1,4}})tr(?P<part>\d)(?!\w)", _million_and_half),
    _rule(rf"{_HERE}\d{{1,3}}(?:,\d{{3}}){{2,5}}(?![\d,])|{_HERE}\d{{1,3}}(?:,\d{{3}})(?={_MONEY})", _apart),
    _rule(rf"{_HERE}\d{{1,3}}(?: \d{{3}}){{1,5}}(?={_MONEY})", _apart),
    _rule(rf"(?:\$|€)\s?(?P<number>{_NUMBER})", lambda m: f"{numbers.number(m['number'])} {UNITS[m[0][0]]}"),
    _rule(
        rf"(?P<cue>{cue('score')})\s(?P<one>\d{{1,3}})\s?[-–]\s?(?P<two>\d{{1,3}})(?!\d)",
        lambda m: f"{_plain(m['cue'])} {_int(m['one'])} {_int(m['two'])}",
    ),
    _rule(
        rf"(?P<cue>{cue('listed')})\s(?P<numbers>\d{{1,3}}(?:,\d{{1,2}}){{1,12}})(?![\d%]|[.,]\d)",
        lambda m: f"{_plain(m['cue'])} {_connected(m['numbers'], _int)}",
    ),
    _rule(r"(?:(?<!\S)−\s?|(?<![^\s(])[-–])(?=\d)", "âm"),
    _rule(
        rf"{_HERE}(?!\d{{1,3}}(?:\.\d{{3}})+(?!\d))\d{{1,18}}(?:\.\d{{1,9}}){{1,4}}(?![.,]?\d)",
        lambda m: numbers.pointed(m[0]),
    ),
    _rule(r"(?<!\d,)(?<!\d\.)" + _NUMBER, lambda m: numbers.number(m[0])),
    _rule(r"\d{1,40}", lambda m: numbers.number(m[0])),
    # What follows a number
    _rule(rf"(?<=\d)\s?(?P<unit>{_UNIT})(?:/(?P<per>{_PER}))?(?![^\W_])", _unit),
    _rule(rf"(?<=[^\W_%])\s?/\s?(?P<per>{_PER})", _per),
    _rule(r"(?<=[IVX\d])/(?=(?:19|20)\d\d(?!\d))", "năm"),
    _rule(
        r"(?:(?<=[\d%h'])|(?<=\d[gđmk])|(?<=kg)|(?<=mm)|(?<=cm)|(?<=km)|(?<=ha)|(?<=°C)|(?<= giờ)|(?<=phút)|(?<=đồng)|(?<=triệu))\s?[-–—~]\s?(?=\d|[Nn]gày\s\d|[Tt]háng\s\d)",
        "đến",
    ),
    _rule(r"(?<=[Tt]hứ \d)\s?[-–—]\s?(?=[Tt]hứ|\d|CN|[Cc]hủ)|(?<=T\d)\s?[-–—]\s?(?=CN|[Cc]hủ)", "đến"),
    _rule(r"(?<=\d)\s?\+\s?(?=\d)", "cộng"),
    _rule(r"(?<=\d)\s?[x×*]\s?(?=\d)|(?<=\s)[x×](?=\s\d)|(?<=[^\W_])\s×\s", "nhân"),
    _rule(rf"(?<=\d):(?={_YEAR}(?!\d))", "năm"),
    _rule(r"(?<=\d):(?=\d)|(?<=[^\W\d_])/(?=\d)", "trên"),
    _rule(r"(?<=[A-ZĐ])[-–](?=[A-ZĐ]{2})", ","),
    _rule(r">(?=\s?\d)", "trên"),
    _rule(r"<(?=\s?\d)", "dưới"),
    _rule(r"~(?=\s?\d)", "khoảng"),
    # Words
    _rule(r"ĐT\.?(?=\d{3}[A-E]?(?![\d.]))", "đường tỉnh"),
    _rule(r"TL\.?\s?(?=\d{3}(?!\d))", "tỉnh lộ"),
    _rule(r"[Kk][Mm]\s?(?=\d)", "ki lô mét"),
    _rule(rf"[HKLMRY]['’](?=[{SMALL}{CAPITAL}])", lambda m: {"K": "cờ", "Y": "y"}.get(m[0][0], f"{m[0][0].lower()}ờ")),
    _rule(
        rf"(?P<cue>{cue('roman')})\s(?P<numerals>{_NUMERAL}(?:{_AND}{_NUMERAL}){{0,6}})(?:[/-](?P<year>{_YEAR})(?!\d))?",
        _roman_list,
    ),
    _rule(r"(?!XXX)[IVX]{3,6}(?![\w.])", _bare_roman),
    _rule(rf"{_ABBREVIATION}|[Vv]\.?[Vv](?:\.|…)", _abbreviation),
    _rule(r"(?:[A-ZĐ]\.\s?){1,4}[A-ZĐ](?!\w)", _initials),
    _rule(r"[^\W\d_]{1,40}", lambda m: _capitals(m) if m[0].isupper() and len(m[0]) > 1 else word(m[0])),
    # Signs
    _rule(r"\./\.", "."),
    _rule(r"(?<=[^\W_])[.](?=[^\W_])", ""),
    _rule(r"[.!?]{1,40}|…", lambda m: "." if m[0][0] in ".…" else m[0][0]),
    _rule(r"[:;,]", lambda m: m[0]),
    _rule(r"[()\[\]{}|/\t]|(?<=\s)[-–—](?=\s)", ","),
    _rule(any_of(SYMBOLS), lambda m: SYMBOLS[m[0]]),
)
"""In this order; where none matches, the character is silent."""
