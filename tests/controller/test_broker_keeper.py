import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from controller.broker.keeper import MUTED_FOR, Keeper
from controller.broker.setup import Kind, Setup, write_lasting
from controller.devices.models import Device, DeviceStatus
from controller.enrolment.models import Certificate, Reason
from controller.enrolment.office import authority_of
from tests.support.controller import House
from tests.support.eventually import becomes

GOOD, BAD = "07339-1", "07339-2"


@dataclass
class SlowDoor:
    """A broker that reads its files when it is told to, and may not be there."""

    mark: str = ""
    there: bool = True
    shown_out: list[str] = field(default_factory=list)

    async def echoes(self, topic: str) -> bool:
        return topic == self.mark

    async def show_out(self, device_id: str) -> bool:
        if self.there:
            self.shown_out.append(device_id)
        return self.there


@dataclass
class Watch:
    keeper: Keeper
    door: SlowDoor
    folder: Path

    @property
    def acl(self) -> str:
        return (self.folder / "acl").read_text()

    def broker_reads(self) -> None:
        assert self.keeper.written is not None
        self.door.mark = self.keeper.written.access.mark

    async def says(self, words: str, *, present: bool = True) -> None:
        async def said() -> bool:
            return (words in self.acl) is present

        await becomes(said)


@asynccontextmanager
async def watching(house: House, folder: Path) -> AsyncIterator[Watch]:
    write_lasting(folder, Setup(kind=Kind.MOSQUITTO, hosts=("localhost",), folder=folder, data=folder))
    door = SlowDoor()
    keeper = Keeper(folder, database=house.database, authority=authority_of(house.runtime), door=door, now=house.clock)
    await keeper.refresh()
    running = asyncio.create_task(keeper.run())
    try:
        yield Watch(keeper, door, folder)
    finally:
        running.cancel()
        await asyncio.wait([running])


async def retire(house: House, name: str) -> None:
    async with house.database.transaction() as session:
        device = await session.get_one(Device, name)
        device.status, device.retired_at = DeviceStatus.RETIRED, house.clock.now


@pytest.fixture
async def commune(either_house: House) -> House:
    await either_house.commune("07339", speakers=2)
    return either_house


async def test_nobody_is_shown_out_before_the_broker_goes_by_the_new_list(commune: House, tmp_path: Path):
    async with watching(commune, tmp_path) as watch:
        watch.broker_reads()
        async with asyncio.timeout(10):
            await watch.keeper.in_force.wait()
        await retire(commune, BAD)
        watch.keeper.call()
        await watch.says(f"user {BAD}", present=False)
        assert f"user {GOOD}" in watch.acl
        await becomes(lambda: _not_in_force(watch))
        assert watch.door.shown_out == []

        watch.broker_reads()
        async with asyncio.timeout(10):
            await watch.keeper.in_force.wait()
        await becomes(lambda: _are(watch, [BAD]))


async def _not_in_force(watch: Watch) -> bool:
    return not watch.keeper.in_force.is_set()


async def _are(watch: Watch, shown_out: list[str]) -> bool:
    return watch.door.shown_out == shown_out


async def test_who_left_while_nobody_watched_is_shown_out_at_the_next_start(commune: House, tmp_path: Path):
    await retire(commune, BAD)
    async with watching(commune, tmp_path) as watch:
        watch.broker_reads()
        await becomes(lambda: _are(watch, [BAD]))


async def test_who_has_no_certificate_that_counts_has_no_rights(commune: House, tmp_path: Path):
    def certificate(name: str, serial: str, reason: Reason | None) -> Certificate:
        now = commune.clock.now
        return Certificate(
            serial=serial,
            device_id=name,
            fingerprint=serial * 64,
            pem="",
            issued_at=now,
            not_after=now + timedelta(days=90),
            revoked_at=now if reason else None,
            reason=reason,
        )

    async with commune.database.transaction() as session:
        session.add_all(
            [
                certificate(BAD, "a", Reason.REVOKED),
                certificate(GOOD, "b", Reason.SUPERSEDED),
                certificate(GOOD, "c", None),
            ]
        )
    async with watching(commune, tmp_path) as watch:
        assert f"user {BAD}" not in watch.acl
        assert f"user {GOOD}" in watch.acl
        watch.broker_reads()
        await becomes(lambda: _are(watch, [BAD]))


async def test_a_muted_speaker_may_speak_again_later(commune: House, tmp_path: Path):
    async with watching(commune, tmp_path) as watch:
        watch.broker_reads()
        watch.keeper.mute(BAD)
        await watch.says(f"topic write loa/1/devices/{BAD}/state", present=False)
        assert f"topic read loa/1/devices/{BAD}/#" in watch.acl
        watch.broker_reads()
        commune.clock.advance(MUTED_FOR)
        watch.keeper.call()
        await watch.says(f"topic write loa/1/devices/{BAD}/state")


async def test_a_folder_that_nobody_made_is_said_plainly(commune: House, tmp_path: Path):
    keeper = Keeper(
        tmp_path, database=commune.database, authority=authority_of(commune.runtime), door=SlowDoor(), now=commune.clock
    )
    with pytest.raises(FileNotFoundError, match="broker-config"):
        await keeper.refresh()
