"""The one who asks: every query begins with what they may see."""

from dataclasses import dataclass

from controller.accounts.roles import Permission, Role, permissions_of

ROOT_PATH = "/"


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in user. `scope` is the path of their area: they see it and everything below."""

    user_id: str
    name: str
    scope: str
    area_code: str
    depth: int = 0
    """Depth of their area: 0 is national. It ranks what they issue."""
    roles: frozenset[Role] = frozenset()
    scopes: frozenset[Permission] | None = None
    """What an API token is limited to; None: to nothing less than its owner."""
    session_id: str = ""
    """The sign-in of a browser; empty for a program, which may not change what people sign in with."""

    @property
    def permissions(self) -> frozenset[Permission]:
        """All that this viewer may do."""
        held = permissions_of(self.roles)
        return held if self.scopes is None else held & self.scopes

    def may(self, permission: Permission) -> bool:
        """Whether this viewer may do such things, in their area."""
        return permission in self.permissions

    def sees(self, path: str) -> bool:
        """Whether an area path lies in this viewer's subtree."""
        return path.startswith(self.scope)


SYSTEM = Viewer(user_id="system", name="system", scope=ROOT_PATH, area_code="VN", roles=frozenset(Role))
"""The service itself: the planner, retention, the link."""
