"""Groups of speakers: a line in the list, and the form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from controller.web.present.targets import Picker


@dataclass(frozen=True)
class GroupRow:
    """A group in the list."""

    id: str
    name: str
    place: str
    size: int
    schedules: int
    """How many address it that will air again, whoever issued them."""


@dataclass(frozen=True)
class Gone:
    """A group that was dissolved just now, with all that makes it again."""

    id: str
    name: str
    note: str
    area_code: str
    device_ids: Sequence[str]


@dataclass(frozen=True)
class GroupValues:
    """What the form holds beside the speakers."""

    token: str
    """The group's id, given before it is made: a form that comes twice makes one."""
    name: str = ""
    note: str = ""
    version: str = ""
    area_code: str = ""
    """Whose it is, chosen once: its speakers lie there. Empty: the reader's own area."""


@dataclass(frozen=True)
class Use:
    """A schedule that addresses the group."""

    title: str
    place: str
    url: str
    """Empty where its reader may not open it."""


@dataclass(frozen=True)
class GroupView:
    """A group with its speakers, to read or to change."""

    values: GroupValues
    heading: str
    place: str
    action: str
    picker: Picker | None = None
    """None: its reader changes no groups."""
    members: Sequence[str] = ()
    uses: Sequence[Use] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    kept: bool = False
