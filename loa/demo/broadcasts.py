"""The demo's broadcasts: typed, put in playlists and scheduled through the API."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from loa.demo import commune
from loa.demo.commune import Place, Speaker
from loa.officer import Officer
from schedules.types import VIETNAM, Priority

FIRST_AFTER = timedelta(seconds=20)
"""From scheduling to air: speakers fetch the sound first, and in the last ten seconds nothing changes any more."""
SECOND_AFTER = timedelta(seconds=30)
"""From the first broadcast to the second."""
DAILY_AT = time(17, 0)
DAILY_SUFFIX = " – hằng ngày"


@dataclass(frozen=True, slots=True)
class Programme:
    """Something to be heard, and where."""

    title: str
    text: str
    areas: tuple[str, ...]


def programmes() -> tuple[Programme, Programme]:
    """The greeting for both communes, and the news for the first."""
    communes = tuple(place.code for place in commune.places() if place.kind == "xã")
    return (
        Programme(commune.GREETING_TITLE, commune.GREETING, communes),
        Programme(commune.NEWS_TITLE, commune.NEWS, communes[:1]),
    )


def settle(officer: Officer, speakers: Sequence[Speaker]) -> None:
    """See that the areas and the speakers exist."""
    for place in commune.places():
        body = {"code": place.code, "name": place.name, "kind": place.kind, "parent_code": place.parent or "VN"}
        officer.ensure("/areas", body, key="code")
    for speaker in speakers:
        body = {"id": speaker.id, "name": speaker.name, "area_code": speaker.area}
        officer.ensure("/devices", body, key="id")


class Desk:
    """Where the demo's officer sits."""

    def __init__(self, officer: Officer, clock: Callable[[], datetime]) -> None:
        self._officer = officer
        self._clock = clock
        self._area: Place = commune.places()[0]

    def air_soon(self) -> None:
        """Schedule each programme once: the first in some seconds, the second after it."""
        first, second = programmes()
        playlist = self._playlist(first)
        at = self._clock() + FIRST_AFTER
        self._schedule(first, playlist, at)
        later = self._playlist(second)
        self._schedule(second, later, max(at + SECOND_AFTER, self._clock() + FIRST_AFTER))

    def air_daily(self) -> None:
        """Schedule the greeting for every day, unless it is already."""
        greeting, _ = programmes()
        title = greeting.title + DAILY_SUFFIX
        if any(known["title"] == title for known in self._officer.list("/schedules")):
            return
        tomorrow = self._clock().astimezone(ZoneInfo(VIETNAM)).date() + timedelta(days=1)
        self._officer.schedule(
            title,
            self._playlist(greeting),
            area=self._area.code,
            at=datetime.combine(tomorrow, DAILY_AT, ZoneInfo(VIETNAM)),
            areas=greeting.areas,
            rrule="FREQ=DAILY",
        )

    def _schedule(self, programme: Programme, playlist: str, at: datetime) -> None:
        self._officer.schedule(
            programme.title,
            playlist,
            area=self._area.code,
            at=at,
            areas=programme.areas,
            priority=int(Priority.PRIORITY),
            staggered=False,
        )

    def _playlist(self, programme: Programme) -> str:
        for known in self._officer.list("/playlists"):
            if known["title"] == programme.title and known["status"] == "ready":
                return str(known["id"])
        announcement = self._officer.announce(programme.title, programme.text, area=self._area.code)
        return str(self._officer.playlist(programme.title, [announcement["id"]], area=self._area.code)["id"])
