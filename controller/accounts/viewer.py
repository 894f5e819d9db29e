"""The one who asks: every query begins with what they may see."""

from dataclasses import dataclass

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
    roles: frozenset[str] = frozenset()

    def sees(self, path: str) -> bool:
        """Whether an area path lies in this viewer's subtree."""
        return path.startswith(self.scope)


SYSTEM = Viewer(user_id="system", name="system", scope=ROOT_PATH, area_code="VN")
"""The service itself: the planner, retention, the link."""
