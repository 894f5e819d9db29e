"""A province of some size, written straight into the database: what is slow shows only among many."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import DeclarativeBase

from controller.devices.models import Device, DeviceStatus
from controller.monitoring.models import DeviceStateRow
from controller.planning.models import PlannedRow
from controller.records.models import PlayRecordRow
from protocol.messages import ClockQuality, ClockState, DeviceState, Outcome, PlayerState
from schedules.types import Resume
from tests.support.broadcasts import playlist, schedule
from tests.support.controller import House

COMMUNES = 100
A_DAY = 10
"""Airings of a commune."""
AIR_S = 300
ROWS = 5_000


async def province(house: House, *, speakers: int, airings: int) -> Sequence[str]:
    """Fill province 24: its speakers in a hundred communes, each airing on all speakers of one; return their codes.

    Airings are a commune's ten a day, as many of them past as coming. One speaker in twenty is silent.
    """
    codes = [await house.commune(f"{9000 + number:05}") for number in range(COMMUNES)]
    now = house.clock.now
    own = {code: [f"{code}-{number:03}" for number in range(speakers // COMMUNES)] for code in codes}
    devices, states = list[dict[str, Any]](), list[dict[str, Any]]()
    for place, (code, ids) in enumerate(own.items()):
        for number, device_id in enumerate(ids):
            online = (place + number) % 20 != 0
            said = DeviceState(
                device=device_id, session="s", at=now, player=PlayerState(state="silent"),
                clock=ClockState(quality=ClockQuality.TRUSTED, source="exchange"), plan_version=1, ready=8, planned=8,
            )  # fmt: skip
            devices.append(
                {
                    "id": device_id, "name": f"Loa thôn {number + 1}", "area_code": code, "note": "", "version": 1,
                    "lat": 21.0 + place / 200 + number / 5_000, "lon": 106.0 + place % 10 / 50 + number / 7_000,
                    "status": DeviceStatus.ACTIVE, "registered_at": now,
                }
            )  # fmt: skip
            states.append(
                {
                    "device_id": device_id, "session": "s", "online": online,
                    "online_changed_at": now - timedelta(days=1),
                    "seen_at": now if online else now - timedelta(days=1), "agent_version": "1", "plan_version": 1,
                    "ready": 8, "planned": 8, "clock": "trusted", "player": "silent", "complains": False,
                    "state": said.model_dump(mode="json", exclude_none=True),
                }
            )  # fmt: skip
    await _fill(house, Device, devices)
    await _fill(house, DeviceStateRow, states)
    for place, code in enumerate(codes):
        programme = await playlist(house, code, title=f"Bản tin {place}")
        each = await schedule(house, code, programme, areas=(code,), title=f"Bản tin {place}")
        await _air(house, code, each, own[code], airings // COMMUNES)
    return codes


async def _air(house: House, code: str, schedule_id: str, speakers: Sequence[str], airings: int) -> None:
    planned, records = list[dict[str, Any]](), list[dict[str, Any]]()
    first = house.clock.now - timedelta(days=airings / A_DAY / 2)
    for number in range(airings):
        starts = first + timedelta(hours=24 / A_DAY * number)
        ends, airing = starts + timedelta(seconds=AIR_S), f"{schedule_id}.{starts:%Y%m%dT%H%M%SZ}"
        for seq, device_id in enumerate(speakers):
            planned.append(
                {
                    "device_id": device_id, "occurrence_id": airing, "schedule_id": schedule_id,
                    "title": f"Bản tin {code}", "starts_at": starts, "ends_at": ends, "duration_ms": AIR_S * 1000,
                    "priority": 0, "issuer_depth": 2, "commune_rank": 0, "resume": Resume.REJOIN, "volume": 60,
                    "own_volume": False, "stretches": [], "relays": [], "clips": [f"{number:064x}"], "plan_version": 1,
                }
            )  # fmt: skip
            if house.clock.now - timedelta(days=2) < ends < house.clock.now and seq % 50:
                records.append(
                    {
                        "device_id": device_id, "boot": "b", "seq": number, "boot_order": 1, "at": starts,
                        "received_at": ends, "kind": "item", "occurrence_id": airing, "schedule_id": schedule_id,
                        "title": f"Bản tin {code}", "planned_at": starts, "started_at": starts, "ended_at": ends,
                        "from_ms": 0, "played_ms": AIR_S * 1000, "start_error_ms": 0.1, "volume": 60,
                        "outcome": Outcome.COMPLETED, "reason": "", "clock": "trusted",
                    }
                )  # fmt: skip
    await _fill(house, PlannedRow, planned)
    await _fill(house, PlayRecordRow, records)


async def _fill(house: House, table: type[DeclarativeBase], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows below the ORM's events: nobody made these by hand."""
    async with house.database.transaction() as session:
        connection = await session.connection()
        for start in range(0, len(rows), ROWS):
            await connection.execute(insert(table.__table__), rows[start : start + ROWS])
