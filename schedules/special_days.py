"""The days that a solar calendar does not know: public holidays of Việt Nam, and days of the lunar month.

Both come from libraries: `holidays` follows the yearly decisions about days off, and knows Tết and the Hùng kings' day;
`lunar_vn` reckons the day of the lunar month at UTC+7, where it is not always that of China.
"""

from datetime import date
from functools import lru_cache

from holidays import country_holidays
from lunar_vn import SUPPORTED_YEAR_RANGE, LunarDate, solar_to_lunar

from schedules.words import Sentence

FULL_MOON = 15
LONGEST_MONTH = 30


@lru_cache(maxsize=20_000)
def lunar_date(day: date) -> LunarDate | None:
    """Return the day in the lunar calendar; None beyond the years that are reckoned (1900 to 2100)."""
    first_year, last_year = SUPPORTED_YEAR_RANGE
    return solar_to_lunar(day) if first_year <= day.year <= last_year else None


def lunar_day(day: date) -> int | None:
    """Return the day of the lunar month, 1 to 30; None beyond the years that are reckoned."""
    found = lunar_date(day)
    return found.day if found else None


def holiday(day: date) -> Sentence | None:
    """Return the name of the public holiday that a day is, or None. A day off in place of another is one too."""
    return _holidays(day.year).get(day)


@lru_cache(maxsize=64)
def _holidays(year: int) -> dict[date, Sentence]:
    english = country_holidays("VN", years=year, language="en_US")
    vietnamese = country_holidays("VN", years=year, language="vi")
    return {day: Sentence(name, english[day]) for day, name in vietnamese.items()}
