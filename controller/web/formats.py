"""Dates, times and numbers as people of one language and place write them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_timedelta

from controller.web.i18n import Translator

_MINUTE_S = 60
_HOUR_S = 3600


@dataclass(frozen=True)
class Formats:
    """How one page writes values: in its language and in the zone of the reader's area."""

    t: Translator
    zone: ZoneInfo

    def local(self, at: datetime) -> datetime:
        """The moment on the area's wall clock."""
        return at.astimezone(self.zone)

    def clock(self, at: datetime) -> str:
        """`06:30`; Vietnamese public hours are written on 24."""
        return f"{self.local(at):%H:%M}"

    def clock_s(self, at: datetime) -> str:
        """`06:30:05`, to the nearest second."""
        return f"{self.local(at + timedelta(milliseconds=500)):%H:%M:%S}"

    def day(self, at: datetime | date) -> str:
        """`Thứ Hai, 23 tháng 11`."""
        day = self._date(at)
        pattern = "EEEE, d MMMM"
        text: str = format_date(day, pattern, locale=self.t.language)
        return text[:1].upper() + text[1:]

    def weekday(self, day: date) -> str:
        """`Thứ Hai`."""
        text: str = format_date(day, "EEEE", locale=self.t.language)
        return text[:1].upper() + text[1:]

    def short_day(self, at: datetime | date) -> str:
        """`23/11/2026`, in Vietnamese and English alike: the day first."""
        return f"{self._date(at):%d/%m/%Y}"

    def since(self, at: datetime, now: datetime) -> str:
        """`10:32` today, `10:32 22/11/2026` before."""
        same_day = self.local(at).date() == self.local(now).date()
        return self.clock(at) if same_day else f"{self.clock(at)} {self.short_day(at)}"

    def ago(self, span: timedelta) -> str:
        """`3 phút`: how long something has lasted, in words."""
        text: str = format_timedelta(span, granularity="second", threshold=1.5, locale=self.t.language)
        return text

    def number(self, value: float, digits: int = 0) -> str:
        """`1.234,5` in Vietnamese."""
        return self.t.number(round(value, digits) or 0)

    def duration(self, seconds: float) -> str:
        """`45 giây`, `1 phút 20 giây`, `1 giờ 05 phút`: a length of sound in words."""
        whole = max(1, round(seconds)) if seconds > 0 else 0
        if whole < _MINUTE_S:
            return self.t("%(s)s s", s=whole)
        minutes, rest_s = divmod(whole, _MINUTE_S)
        if whole < _HOUR_S:
            return self.t("%(m)s min %(s)s s", m=minutes, s=rest_s) if rest_s else self.t("%(m)s min", m=minutes)
        hours, minutes = divmod(minutes, 60)
        return self.t("%(h)s h %(m)s min", h=hours, m=f"{minutes:02d}")

    def _date(self, at: datetime | date) -> date:
        return self.local(at).date() if isinstance(at, datetime) else at
