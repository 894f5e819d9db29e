"""Two duty officers of a commune, and what they see of an alert."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from loa.officer import Json, Officer
from tests.support.eventually import eventually
from tests.support.fleet import COMMUNE, PROVINCE, Fleet, Speaker


class Post:
    """Two duty officers: what one writes the other releases."""

    def __init__(self, fleet: Fleet, second: Officer) -> None:
        self.fleet, self.first, self.second = fleet, fleet.officer, second

    def draft(self, headline: str, **more: Any) -> Json:
        wish: Json = {
            "area_code": COMMUNE,
            "headline": headline,
            "signal": "attention",
            "signal_s": 4,
            "targets": [{"kind": "area", "key": COMMUNE}],
            "lifetime_s": 600,
        }
        return self.first.create("/alerts", wish | more)

    def release(self, alert: Json) -> datetime:
        pressed_at = datetime.now(UTC)
        self.second.release(alert)
        return pressed_at

    def cancel(self, alert: Json, *, all_clear: bool = False) -> None:
        self.second.create(f"/alerts/{alert['id']}/cancel", {"all_clear": all_clear})

    def counts(self, alert: Json) -> Json:
        found: Json = self.first.get(f"/alerts/{alert['id']}/reach")["total"]
        return found

    def reached(self, alert: Json) -> list[Json]:
        """How it stands on each speaker that said that it has it."""
        found: list[Json] = self.first.get(f"/alerts/{alert['id']}/reach/speakers")
        return [each for each in found if each["received_at"]]

    def words_ready(self, alert: Json) -> None:
        eventually(lambda: self.first.get(f"/alerts/{alert['id']}")["words_ready"], within_s=60, what="words are made")

    def parts(self, speaker: Speaker, alert: Json) -> list[str]:
        """What of an alert is in a speaker's recordings, in order."""
        return [each.occurrence for each in speaker.recordings if each.occurrence.startswith(f"{alert['id']}.")]

    def records(self, speaker: Speaker, alert: Json) -> list[tuple[str, str]]:
        """Its play records of an alert that reached the controller, in order."""
        found = [each for each in self.first.list("/records", device=speaker.id) if each["kind"] == "alert"]
        found.sort(key=lambda each: (each["boot_order"], each["seq"]))
        mine = [each for each in found if (each["occurrence"] or "").startswith(f"{alert['id']}.")]
        return [(each["occurrence"].removeprefix(f"{alert['id']}."), each["outcome"]) for each in mine]


@contextmanager
def manned(fleet: Fleet) -> Iterator[Post]:
    """Have what one writes released by a second person, all over the province."""
    fleet.controller.command("user", "add", "second", "--area", "VN", "--all-roles")
    fleet.officer.change(f"/areas/{PROVINCE}", {"policy": {"release": "second_person"}})
    token = fleet.controller.command("user", "token", "second")
    with Officer(fleet.controller.url, token) as second:
        yield Post(fleet, second)
