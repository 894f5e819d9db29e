"""All SQL about commands."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.tree import within
from controller.commands.models import CommandAttempt, CommandRow
from controller.devices.models import Device
from controller.repository import Repository


class CommandRepository(Repository[CommandRow]):
    """Commands to the viewer's speakers, newest first."""

    model = CommandRow
    order = (CommandRow.id,)
    descending = True

    def readable(self, viewer: Viewer) -> Select[CommandRow]:
        """Commands to the speakers in the viewer's subtree."""
        return (
            select(CommandRow)
            .join(Device, Device.id == CommandRow.device_id)
            .join(Area, Area.code == Device.area_code)
            .where(within(Area.path, viewer.scope))
        )


class CommandTraffic:
    """Commands as the link sees them."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def unsent(self, *, now: datetime, limit: int) -> Sequence[CommandRow]:
        """Return what was never handed to the broker and still makes sense."""
        tried = select(CommandAttempt.id).where(CommandAttempt.command_id == CommandRow.id).exists()
        return (
            await self._session.scalars(
                select(CommandRow).where(CommandRow.expires_at > now, ~tried).order_by(CommandRow.id).limit(limit)
            )
        ).all()

    async def sent(self, command_ids: Sequence[str], now: datetime) -> None:
        """Note a try for each."""
        self._session.add_all([CommandAttempt(command_id=id_, sent_at=now) for id_ in command_ids])

    async def find(self, device_id: str, command_id: str) -> CommandRow | None:
        """Return a command that was given to this speaker."""
        return await self._session.scalar(
            select(CommandRow).where(CommandRow.id == command_id, CommandRow.device_id == device_id)
        )
