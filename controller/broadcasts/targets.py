"""Whom something may address: what its author sees, inside the area that issues it."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.repository import AreaRepository
from controller.broadcasts.models import TargetKind
from controller.broadcasts.schemas import Target
from controller.devices.models import DeviceStatus
from controller.devices.repository import DeviceRepository
from controller.errors import FieldError, Invalid
from controller.groups.models import Group
from controller.groups.repository import GroupRepository
from controller.text import Text


async def checked(
    session: AsyncSession, viewer: Viewer, wishes: Sequence[Target], issuer: Area
) -> list[tuple[TargetKind, str]]:
    """Return the targets that the viewer sees in the issuer's area; refuse the others, each by its place.

    So whoever may edit what is addressed sees everything that it addresses.
    """
    keys = {kind: {wish.key for wish in wishes if wish.kind is kind} for kind in TargetKind}
    areas, groups = AreaRepository(session), GroupRepository(session)
    seen = {
        TargetKind.AREA: {
            row.code
            for row in await areas.all(areas.readable(viewer).where(Area.code.in_(keys[TargetKind.AREA])))
            if row.path.startswith(issuer.path)
        },
        TargetKind.GROUP: {
            row.id
            for row in await groups.all(groups.readable(viewer).where(Group.id.in_(keys[TargetKind.GROUP])))
            if row.area.path.startswith(issuer.path)
        },
        TargetKind.DEVICE: {
            row.id
            for row in await DeviceRepository(session).some(viewer, keys[TargetKind.DEVICE])
            if row.status is DeviceStatus.ACTIVE and row.area.path.startswith(issuer.path)
        },
    }
    unknown = tuple(
        FieldError(f"targets.{place}.key", Text("There is no %(key)s in %(name)s", key=wish.key, name=issuer.name))
        for place, wish in enumerate(wishes)
        if wish.key not in seen[wish.kind]
    )
    if unknown:
        raise Invalid(errors=unknown)
    return sorted({(wish.kind, wish.key) for wish in wishes})
