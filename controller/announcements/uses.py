"""What an announcement is still needed for, and what was only ever made to send it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from controller.alerts.models import AlertRow
from controller.announcements.models import Announcement
from controller.broadcasts.models import Schedule
from controller.errors import Conflict
from controller.playlists.models import Playlist
from controller.text import Text


@dataclass(frozen=True, slots=True)
class Uses:
    """Why an announcement stays; nothing of it: it may be put away, and `spent` goes with it."""

    alerts: tuple[AlertRow, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    """Those that will air it again, approved or not."""
    playlists: tuple[Playlist, ...] = ()
    """Those that are kept to be aired."""
    spent: tuple[Playlist, ...] = ()
    """Those that held nothing else, were aired, and will not be again."""

    def __bool__(self) -> bool:
        return bool(self.alerts or self.schedules or self.playlists)

    @property
    def names(self) -> Sequence[str]:
        """What still uses it, each by its name, once."""
        named = [each.headline for each in self.alerts]
        named += [each.title for each in self.schedules]
        named += [each.title for each in self.playlists]
        return list(dict.fromkeys(named))


class StillUsed(Conflict):
    """It will be heard again, so that it cannot be put away."""

    code = "still_used"

    def __init__(self, uses: Uses) -> None:
        self.uses = uses
        names = ", ".join(f"“{name}”" for name in uses.names)
        super().__init__(Text("It is still used by: %(names)s. Take it out there first.", names=names))


def uses(
    row: Announcement,
    *,
    alerts: Collection[AlertRow],
    holding: Collection[Playlist],
    aired: Collection[str],
    to_come: Collection[Schedule],
) -> Uses:
    """Sort what holds or airs an announcement into what needs it and what is over. Pure."""
    busy = {each.playlist_id for each in to_come}
    spent = [each for each in holding if each.id in aired and each.id not in busy and _alone(each, row.id)]
    return Uses(
        alerts=tuple(alerts),
        schedules=tuple({each.id: each for each in to_come}.values()),
        playlists=tuple(each for each in holding if each not in spent),
        spent=tuple(spent),
    )


def _alone(playlist: Playlist, announcement_id: str) -> bool:
    named = {id_ for item in playlist.items for id_ in (item.announcement_id, item.bed_id) if id_}
    return named == {announcement_id}
