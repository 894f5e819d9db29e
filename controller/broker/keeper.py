"""Keeps the broker's files true to the database, sees that the broker goes by them, and shows out who has no rights."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controller.authority.authority import Authority
from controller.broker.access import Access, access
from controller.broker.repository import Admissions, RevokedName
from controller.broker.setup import Setup, write_access, write_certificates, write_revoked
from controller.database import Database, after_commit
from controller.events import DeviceChanged, Event, GroupChanged

log = structlog.get_logger(__name__)

EVERY_S: Final = 60.0
"""The files are compared with the database this often even when nobody called."""
APART_S: Final = 0.5
"""A thousand changes at once are one change of the files: a broker that reads them stands still for a moment."""
AGAIN_AFTER_S: Final = 0.5
TOLD_AFTER: Final = 20
"""Tries; more than a broker and a reload unit ever take."""
MUTED_FOR: Final = timedelta(hours=1)
LATELY: Final = timedelta(days=1)


class Door(Protocol):
    """The broker, as the keeper needs it."""

    async def echoes(self, topic: str) -> bool:
        """Whether what we say on this topic comes back to us."""

    async def show_out(self, device_id: str) -> bool:
        """End the session of this name, if there is one. Returns whether that went well."""


@dataclass(frozen=True, slots=True)
class Written:
    """What the files say."""

    access: Access
    revoked: Mapping[int, str]
    """Serial number → who has to leave for it."""

    @property
    def names(self) -> frozenset[str]:
        """Who has rights."""
        return frozenset(each.name for each in self.access.rights)


class Keeper:
    """One folder of a broker's files, for as long as `run` runs."""

    def __init__(
        self,
        folder: Path,
        *,
        database: Database,
        authority: Authority,
        door: Door,
        now: Callable[[], datetime],
    ) -> None:
        self._folder = folder
        self._database = database
        self._authority = authority
        self._door = door
        self._now = now
        self._called = asyncio.Event()
        self._muted: dict[str, datetime] = {}
        self._leaving: set[str] = set()
        self.written: Written | None = None
        """What the files say now."""
        self.in_force = asyncio.Event()
        """The broker goes by what was written last."""

    def call(self) -> None:
        """Something has changed."""
        self._called.set()

    def mute(self, device_id: str) -> None:
        """Take the right to speak from a speaker that floods, for a while; it is still told everything."""
        if device_id not in self._muted:
            log.warning("broker.muted", device=device_id, for_s=MUTED_FOR.total_seconds())
        self._muted[device_id] = self._now() + MUTED_FOR
        self.call()

    async def process(self, session: AsyncSession, events: Sequence[Event]) -> None:
        """Be called once what changes anybody's rights is committed."""
        if any(isinstance(event, DeviceChanged | GroupChanged) for event in events):
            after_commit(session, self.call)

    async def run(self) -> None:
        """Keep the files until cancelled."""
        while True:
            self._called.clear()
            await self.refresh()
            await self._see_to_it()
            try:
                async with asyncio.timeout(EVERY_S):
                    await self._called.wait()
                await asyncio.sleep(APART_S)
            except TimeoutError:
                continue

    async def refresh(self) -> None:
        """Write what the database says, where the files say something else."""
        setup = Setup.of(self._folder)
        if setup is None:
            raise FileNotFoundError(f"{self._folder} was not made by `loa broker-config`")
        now = self._now()
        self._muted = {name: until for name, until in self._muted.items() if until > now}
        async with self._database.reading() as session:
            admissions = Admissions(session)
            admitted, revoked = await admissions.all(), await admissions.revoked(now)
            retired = await admissions.retired(since=now - LATELY)
        thrown_out = [each for each in revoked if not each.superseded]
        new = Written(access(admitted, self._muted), {each.serial: each.device_id for each in thrown_out})
        lately = {*retired, *(each.device_id for each in thrown_out if each.at > now - LATELY)}
        changed = await asyncio.to_thread(self._write, setup, new.access, revoked, now)
        self._leaving |= _who_leaves(self.written, new, lately)
        self.written = new
        if changed:
            self.in_force.clear()
            log.info("broker.files_written", names=len(new.names), revoked=len(new.revoked), mark=new.access.mark)

    def _write(self, setup: Setup, allowed: Access, revoked: Sequence[RevokedName], now: datetime) -> bool:
        # The access file last: when the broker is seen to go by it, it has read the others, too.
        certificates = write_certificates(self._folder, setup, self._authority, now)
        gone = write_revoked(self._folder, self._authority, revoked, now)
        return write_access(self._folder, setup, allowed) or gone or certificates

    async def _see_to_it(self) -> None:
        """Wait until the broker goes by the files; only then those are shown out who would come straight in again."""
        if self.written is None or (self.in_force.is_set() and not self._leaving):
            return
        tries = 0
        while not await self._door.echoes(self.written.access.mark):
            tries += 1
            if tries == TOLD_AFTER:
                log.warning("broker.files_not_in_force", folder=str(self._folder))
            if self._called.is_set():
                return
            await asyncio.sleep(AGAIN_AFTER_S)
        if not self.in_force.is_set():
            log.info("broker.files_in_force", mark=self.written.access.mark)
        self.in_force.set()
        for device_id in sorted(self._leaving):
            if await self._door.show_out(device_id):
                log.info("broker.shown_out", device=device_id)
                self._leaving.discard(device_id)


def _who_leaves(before: Written | None, now: Written, lately: Collection[str]) -> set[str]:
    """Return whose session must end: who has no rights any more, or one of whose certificates was revoked.

    Who was here before is not known after a start: then it is whoever left lately.
    """
    if before is None:
        return set(lately)
    revoked = {name for serial, name in now.revoked.items() if serial not in before.revoked}
    return {*(before.names - now.names), *revoked}
