"""Who may call what: one row for each endpoint, read from the routes themselves."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fastapi.routing import APIRoute

from controller.accounts.access import May, demand_national, demand_person, demand_viewer
from controller.accounts.roles import Permission, Role, permissions_of
from controller.app import ROUTERS, health
from controller.web.pages import PAGES

_HEAD: Final = """# Who may call what

Made from the routes: `python -m controller.authorisation > docs/authorisation.md`. A test calls every guarded endpoint
as everybody in this table, of a commune and of the country, and fails where the answer is another one or a refused call
changed something. (The stream `/events` has no end, so only its refusal is called.) Another names to each endpoint, as
each role, things of one's own area, a hamlet in it, the province above and the commune beside it.

**The rule.** First the role, then the area. Whoever is not signed in gets 401, or a page's sign-in form;
whoever lacks the role gets 403, before anything is looked up. Whoever has the role finds what lies in their own area
and below it. What lies in a parent's or a neighbour's area is answered in the same words as what never was, mostly 404:
nobody learns what exists elsewhere. One thing comes down: a pronunciation of an area above is read, not edited.

- ● yes, within one's own area and below · – refused with 403
- **national**: of the whole country; to those of a part of it 403, whatever their role.
- **parent**, **sibling**: what a role that is let in finds when it names a thing of the area above, or of the one
  beside its own: *absent*, the same answer as for what never was; *read*, seen and not edited. Empty: nothing is named.
- **token**: an API token whose owner plays every role. What is marked – there is done by people in a browser only.
- What needs no sign-in at all stands at the end: it is public, or asks for another secret.
"""
_NAMES: Final = {
    Role.BROADCASTER: "broadcaster",
    Role.APPROVER: "approver",
    Role.TECHNICIAN: "technician",
    Role.DUTY_OFFICER: "duty officer",
    Role.ADMINISTRATOR: "administrator",
    Role.AUDITOR: "auditor",
}


NAMED: Final = frozenset(
    {
        "device_id",
        "code",
        "area_code",
        "group_id",
        "announcement_id",
        "playlist_id",
        "schedule_id",
        "user_id",
        "pronunciation_id",
        "command_id",
        "incident_id",
        "photo_id",
        "alert_id",
        "live_session_id",
        "occurrence_id",
        "key",
        "sender_id",
        "feed_id",
    }
)
"""Path parameters that name what lies in an area."""
INHERITED: Final = frozenset({"pronunciation_id"})
"""What an area has from those above it: read there, and refused openly to who would change it."""


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """What one endpoint asks of whoever calls it."""

    path: str
    method: str
    permission: Permission | None
    """None: being signed in is enough."""
    national: bool
    """Only for those of the whole country."""
    in_person: bool
    open: bool
    """Needs no sign-in."""

    def lets_in(self, role: Role) -> bool:
        """Return whether somebody who plays this role alone, signed in with a browser, may call it."""
        return self.permission is None or self.permission in permissions_of([role])

    @property
    def named(self) -> frozenset[str]:
        """The parameters of its path that name something of an area."""
        return NAMED.intersection(re.findall(r"{(\w+)}", self.path))

    @property
    def parent(self) -> str:
        """What is found of the area above."""
        return "read" if self.named & INHERITED else self.sibling

    @property
    def sibling(self) -> str:
        """What is found of the area beside."""
        return "absent" if self.named else ""

    @property
    def lets_tokens_in(self) -> bool:
        """Whether an API token will do, if its owner may."""
        return not self.in_person


def rows() -> Iterator[Row]:
    """Return a row for every endpoint, in the order of the routers."""
    for router in (*ROUTERS, *PAGES, health):
        for route in router.routes:
            if not isinstance(route, APIRoute):
                continue
            asked = [each.dependency for each in route.dependencies]
            permission = next((each.permission for each in asked if isinstance(each, May)), None)
            for method in sorted(route.methods or ()):
                yield Row(
                    path=route.path,
                    method=method,
                    permission=permission,
                    national=demand_national in asked,
                    in_person=demand_person in asked,
                    open=permission is None and demand_viewer not in asked,
                )


def text() -> str:
    """Return the table as it stands in `docs/authorisation.md`."""
    columns = ["endpoint", "asks for", *_NAMES.values(), "token", "parent", "sibling"]
    lines = [_HEAD, _line(columns), _line(["---", "---", *[":-:"] * (len(columns) - 2)])]
    for row in rows():
        if not row.open:
            cells = [*(row.lets_in(role) for role in _NAMES), row.lets_tokens_in]
            asks = (row.permission or "sign-in") + (", national" if row.national else "")
            signs = ("●" if cell else "–" for cell in cells)
            lines.append(_line([f"`{row.method} {row.path}`", asks, *signs, row.parent, row.sibling]))
    opened = "\n".join(f"- `{row.method} {row.path}`" for row in rows() if row.open)
    return "\n".join([*lines, "", "## Without a sign-in", opened, ""])


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(text())
