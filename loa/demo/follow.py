"""From what the controller tells to what the demo shows."""

from datetime import datetime
from zoneinfo import ZoneInfo

from loa.demo.progress import Airing, Fate, OnSpeaker
from loa.officer import Json, Officer
from schedules.types import VIETNAM

_FATES = {
    "coming": Fate.WAITING,
    "ready": Fate.READY,
    "on_air": Fate.ON_AIR,
    "played": Fate.PLAYED,
    "unreported": Fate.WAITING,
}


def follow(officer: Officer, *, since: datetime, now: datetime) -> list[Airing]:
    """Every airing of the days of this run; those of former runs, and those that somebody called off, left out."""
    zone = ZoneInfo(VIETNAM)
    days = {moment.astimezone(zone).date() for moment in (since, now)}
    items = [item for day in sorted(days) for item in officer.list("/occurrences", day=day.isoformat())]
    found = [airing(item) for item in items if not item["cancelled"]]
    return [each for each in found if each.starts_at >= since]


def airing(item: Json) -> Airing:
    """One occurrence of the API."""
    speakers = tuple(
        OnSpeaker(
            speaker["device"],
            _FATES.get(speaker["state"], Fate.NOT_PLAYED),
            reason=speaker["reason"] or speaker["state"],
            start_error_ms=speaker["start_error_ms"],
        )
        for speaker in item["speakers"]
    )
    starts_at, ends_at = (datetime.fromisoformat(item[key]) for key in ("starts_at", "ends_at"))
    return Airing(item["id"], item["title"], starts_at, ends_at, speakers)
