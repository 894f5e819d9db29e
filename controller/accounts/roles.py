"""What people do in a commune's station, and what each of these roles may do. Pure."""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """A part that somebody plays within their area's subtree. One person may play several."""

    BROADCASTER = "broadcaster"
    """Types, records and schedules announcements."""
    APPROVER = "approver"
    """Listens, and lets what others made go on air, or not."""
    TECHNICIAN = "technician"
    """Puts speakers up, keeps them running, replaces them."""
    DUTY_OFFICER = "duty_officer"
    """Raises and ends emergencies."""
    ADMINISTRATOR = "administrator"
    """Gives others their roles, and sets what areas allow."""
    AUDITOR = "auditor"
    """Reads who did what; changes nothing."""


class Permission(StrEnum):
    """What an endpoint asks of whoever calls it."""

    READ = "read"
    """See what lies in one's area: everybody who is signed in."""
    ANNOUNCE = "announce"
    """Make announcements, playlists, pronunciations and schedules."""
    APPROVE = "approve"
    OPERATE = "operate"
    """Stop or skip what sounds, turn the volume."""
    MAINTAIN = "maintain"
    """Register, enrol, edit, test and retire speakers; order their logs or a restart."""
    ALERT = "alert"
    PREPARE = "prepare"
    """Word the standing messages that alerts begin with."""
    ADMINISTER = "administer"
    """Users, areas and their policies, groups."""
    AUDIT = "audit"


_OF: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.BROADCASTER: frozenset({Permission.ANNOUNCE, Permission.OPERATE}),
    Role.APPROVER: frozenset({Permission.APPROVE, Permission.OPERATE}),
    Role.TECHNICIAN: frozenset({Permission.MAINTAIN, Permission.OPERATE}),
    Role.DUTY_OFFICER: frozenset({Permission.ALERT, Permission.PREPARE, Permission.OPERATE}),
    Role.ADMINISTRATOR: frozenset({Permission.ADMINISTER, Permission.PREPARE, Permission.OPERATE, Permission.AUDIT}),
    Role.AUDITOR: frozenset({Permission.AUDIT}),
}


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    """Return what these roles may do together; without any, look on."""
    return frozenset({Permission.READ}).union(*(_OF[role] for role in roles))


def in_force(roles: Iterable[Role], needing_code: Collection[Role], *, code_shown: bool) -> frozenset[Role]:
    """Return which of somebody's roles count in a sign-in: those that need a one-time code only after one."""
    return frozenset(role for role in roles if code_shown or role not in needing_code)
