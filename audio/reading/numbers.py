"""Numbers as a Vietnamese news reader says them."""

import re

DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_AFTER_TENS = {1: "mốt", 4: "tư", 5: "lăm"}
_SCALES = ((10**9, "tỷ"), (10**6, "triệu"), (10**3, "nghìn"))
_TOO_LONG_TO_COUNT, _TOO_LONG_WITHOUT_DOTS = 19, 13
_SPELLED_FROM = 4
_ROMAN = re.compile(r"(?=.)(?:X{0,3})(?:IX|IV|V?I{0,3})|XL(?:IX|IV|V?I{0,3})|L(?:X{0,3})(?:IX|IV|V?I{0,3})")
_WORTH = {"I": 1, "V": 5, "X": 10, "L": 50}


def cardinal(number: int, *, after_more: bool = False) -> str:
    """1050000 is «một triệu không trăm năm mươi nghìn»; `after_more` says the hundreds even when they are none."""
    for scale, name in _SCALES:
        if number >= scale:
            head, rest = divmod(number, scale)
            said = f"{cardinal(head, after_more=after_more)} {name}"
            return f"{said} {cardinal(rest, after_more=True)}" if rest else said
    hundreds, rest = divmod(number, 100)
    said = f"{DIGITS[hundreds]} trăm" if hundreds or after_more else ""
    return f"{said} {_below_hundred(rest, bool(said))}".strip() if rest or not said else said


def _below_hundred(number: int, after_hundreds: bool) -> str:  # noqa: FBT001 - private, and named at its one call
    tens, ones = divmod(number, 10)
    if not tens:
        return f"lẻ {DIGITS[ones]}" if after_hundreds else DIGITS[ones]
    said = "mười" if tens == 1 else f"{DIGITS[tens]} mươi"
    if not ones:
        return said
    if tens == 1:
        return f"{said} {'lăm' if ones == 5 else DIGITS[ones]}"  # noqa: PLR2004 - mười lăm
    return f"{said} {_AFTER_TENS.get(ones, DIGITS[ones])}"


def number(written: str) -> str:
    """A number with dots between thousands and a decimal comma, as Vietnamese offices write it."""
    whole, _, part = written.replace(".", "").partition(",")
    said = in_threes(whole) if len(whole) >= _TOO_LONG_WITHOUT_DOTS and "." not in written else _whole(whole)
    return f"{said} phẩy {_part(part)}" if part else said


def pointed(written: str) -> str:
    """A number with dots that part something else: 1.1 of a list, 21.2819 of a map."""
    return " chấm ".join(_part(part) if i else _whole(part) for i, part in enumerate(written.split(".")))


def spelled(written: str) -> str:
    """Digit by digit, with a short stop where it was written apart."""
    return ", ".join(" ".join(DIGITS[int(digit)] for digit in group) for group in re.findall(r"\d+", written))


def in_threes(digits: str) -> str:
    """A long number that nobody counts (an account, an identity card), digit by digit."""
    return spelled(" ".join(digits[i : i + 3] for i in range(0, len(digits), 3)))


def roman(written: str) -> int | None:
    """The worth of a well-formed Roman numeral below 90; None for any other word."""
    if not _ROMAN.fullmatch(written):
        return None
    values = [_WORTH[letter] for letter in written]
    following = [*values[1:], 0]
    return sum(-value if value < after else value for value, after in zip(values, following, strict=True))


def _whole(digits: str) -> str:
    if len(digits) >= _TOO_LONG_TO_COUNT or (digits.startswith("0") and len(digits) > 2):  # noqa: PLR2004 - 03 is three
        return in_threes(digits)
    return cardinal(int(digits))


def _part(digits: str) -> str:
    if digits.startswith("0") or len(digits) >= _SPELLED_FROM:
        return spelled(digits)
    return cardinal(int(digits))
