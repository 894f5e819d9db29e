"""All SQL about play records."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.tree import ROOT_PATH, within
from controller.devices.models import Device
from controller.devices.repository import of_speakers
from controller.records.models import PlayRecordRow, RecordMark
from controller.repository import Repository

FEW: Final = 10
"""Speakers whose records are found by speaker, and then sorted; those of more are found by time: each has ten a day."""


class RecordRepository(Repository[PlayRecordRow]):
    """Play records of the viewer's speakers, newest first."""

    model = PlayRecordRow
    order = (PlayRecordRow.at, PlayRecordRow.device_id, PlayRecordRow.boot, PlayRecordRow.seq)
    descending = True

    def readable(self, viewer: Viewer) -> Select[PlayRecordRow]:
        """Records of the speakers in the viewer's subtree."""
        return (
            select(PlayRecordRow)
            .join(Device, Device.id == PlayRecordRow.device_id)
            .join(Area, Area.code == Device.area_code)
            .where(within(Area.path, viewer.scope))
        )

    async def newest(self, viewer: Viewer, path: str = ROOT_PATH) -> Select[PlayRecordRow]:
        """The same of a subtree, where most of them may be asked for."""
        return select(PlayRecordRow).where(
            await of_speakers(self.session, viewer, PlayRecordRow.device_id, path, few=FEW)
        )


class IncomingRecords:
    """The rows of one speaker, as its own messages touch them."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def mark(self, device_id: str, boot: str, boot_order: int) -> RecordMark:
        """Return how far a boot's numbering is complete; begin at nothing."""
        found = await self._session.get(RecordMark, (device_id, boot))
        if found is None:
            found = RecordMark(device_id=device_id, boot=boot, boot_order=boot_order, complete_to=0, dropped=0)
            self._session.add(found)
        return found

    async def known(self, device_id: str, boot: str, numbers: Collection[int]) -> Sequence[int]:
        """Return which of these are stored already."""
        return await self._numbers(device_id, boot, PlayRecordRow.seq.in_(numbers)) if numbers else ()

    async def stored_beyond(self, device_id: str, boot: str, number: int) -> Sequence[int]:
        """Return the stored numbers above one."""
        return await self._numbers(device_id, boot, PlayRecordRow.seq > number)

    def add(self, rows: Iterable[PlayRecordRow]) -> None:
        """Add rows to the transaction."""
        self._session.add_all(rows)

    async def _numbers(self, device_id: str, boot: str, condition: ColumnElement[bool]) -> Sequence[int]:
        return (
            await self._session.scalars(
                select(PlayRecordRow.seq).where(
                    PlayRecordRow.device_id == device_id, PlayRecordRow.boot == boot, condition
                )
            )
        ).all()
