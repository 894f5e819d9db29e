"""What may happen to areas."""

from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.policy import AreaPolicy
from controller.areas.repository import AreaRepository
from controller.areas.schemas import AreaEdit, AreaIn
from controller.areas.tree import DEPTH_MAX, child_path
from controller.errors import Conflict, Invalid
from controller.events import AreaPolicyChanged, record_event
from controller.text import Text


class Areas:
    """Areas within one transaction, as one viewer may change them."""

    def __init__(self, session: AsyncSession, viewer: Viewer) -> None:
        self.session = session
        self.viewer = viewer
        self.repository = AreaRepository(session)

    async def place(self, code: str, field: str = "area_code") -> Area:
        """Return the area that some input names, or refuse that field."""
        area = await self.repository.find(self.viewer, code)
        if area is None:
            raise Invalid.field(field, Text("There is no area %(code)s", code=code))
        return area

    async def add(self, wish: AreaIn) -> Area:
        """Add an area below one that the viewer sees."""
        parent = await self.place(wish.parent_code, "parent_code")
        if parent.depth + 1 > DEPTH_MAX:
            raise Invalid.field("parent_code", Text("The tree would become too deep"))
        if await self.session.get(Area, wish.code) is not None:
            raise Conflict(Text("The area code %(code)s is taken", code=wish.code))
        area = Area(
            code=wish.code,
            name=wish.name,
            kind=wish.kind,
            parent_code=parent.code,
            path=child_path(parent.path, wish.code),
            depth=parent.depth + 1,
            polygon=wish.polygon.model_dump_json() if wish.polygon else None,
            contact=wish.contact,
            policy=_stored(wish.policy),
        )
        self.repository.add(area)
        await self.session.flush()
        return area

    async def edit(self, area: Area, wish: AreaEdit) -> Area:
        """Change what the wish names."""
        given = wish.model_fields_set
        area.name = wish.name or area.name
        area.kind = wish.kind or area.kind
        if "polygon" in given:
            area.polygon = wish.polygon.model_dump_json() if wish.polygon else None
        if wish.contact is not None:
            area.contact = wish.contact
        if wish.policy is not None and (stored := _stored(wish.policy)) != area.policy:
            before, area.policy = AreaPolicy.model_validate(area.policy), stored
            if not wish.policy.sounds_like(before):
                record_event(self.session, AreaPolicyChanged(area.path))
        await self.session.flush()
        return area

    async def remove(self, area: Area) -> None:
        """Remove an area that nothing hangs on; the database refuses one with speakers, groups or users."""
        if area.parent_code is None or await self.repository.has_children(area.code):
            raise Conflict(Text("There are areas below this one"))
        await self.session.delete(area)
        await self.session.flush()


def _stored(policy: AreaPolicy) -> dict[str, object]:
    return policy.model_dump(mode="json", exclude_defaults=True)
