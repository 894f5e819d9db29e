"""Duty officers at their desks, what speakers are told and what they report."""

from typing import Any

import httpx

from controller.accounts.roles import Role
from controller.alerts.keeping import counting_of
from controller.areas.models import Area
from controller.link.models import RetainedDocument
from protocol import topics
from protocol.messages import AlertPhase, AlertReport, AlertSet, AlertStanding
from protocol.signing import verify
from tests.support.broadcasts import hear, keys_of
from tests.support.controller import House

COMMUNE = "07339"
TARGET = f"area:{COMMUNE}"
OFFICER = (Role.DUTY_OFFICER,)
ONE = [{"kind": "device", "key": f"{COMMUNE}-1"}]


async def says(house: House, area: str, policy: dict[str, Any]) -> None:
    async with house.database.transaction() as session:
        (await session.get_one(Area, area)).policy = policy


class Desk:
    """A duty officer at work."""

    def __init__(self, house: House, client: httpx.AsyncClient) -> None:
        self.house, self.client = house, client

    @classmethod
    async def of(cls, house: House, name: str, area: str = COMMUNE) -> "Desk":
        return cls(house, await house.signed_in(area, name, roles=OFFICER))

    async def draft(self, **more: Any) -> dict[str, Any]:
        wish = {
            "area_code": COMMUNE,
            "headline": "Báo động lũ cấp III",
            "signal": "flood-3",
            "targets": [{"kind": "area", "key": COMMUNE}],
        }
        return await self.post("/api/v1/alerts", 201, **wish | more)

    async def post(self, path: str, status: int = 200, **body: Any) -> Any:
        answer = await self.client.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def release(self, alert: dict[str, Any], status: int = 200, **body: Any) -> Any:
        released = await self.post(f"/api/v1/alerts/{alert['id']}/release", status, **{"seen": alert["digest"]} | body)
        await counting_of(self.house.runtime).count()
        return released

    async def cancel(self, alert: dict[str, Any], status: int = 200, **body: Any) -> Any:
        return await self.post(f"/api/v1/alerts/{alert['id']}/cancel", status, **body)

    async def get(self, path: str) -> Any:
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()


def written(alert: dict[str, Any], *without: str) -> dict[str, Any]:
    """What was written of an alert; how far its sound is, which is made meanwhile, is left out."""
    apart = {"words_ready", "words_failed", "digest", *without}
    return {name: of for name, of in alert.items() if name not in apart}


async def addressed(desk: Desk, alert: dict[str, Any], targets: list[dict[str, str]]) -> dict[str, Any]:
    answer = await desk.client.put(f"/api/v1/alerts/{alert['id']}/targets", json={"targets": targets})
    assert answer.status_code == 200, answer.text
    changed: dict[str, Any] = answer.json()
    return changed


async def told(house: House, target: str = TARGET) -> AlertSet | None:
    """What stands on the broker for a target, its signature checked as a speaker does."""
    async with house.database.reading() as session:
        row = await session.get(RetainedDocument, topics.alerts(target))
    if row is None:
        return None
    return verify(row.payload, AlertSet, audiences=[target], keys=keys_of(house), now=house.clock.now).body


async def report(house: House, device: str, alert: str, phase: AlertPhase, *, revision: int = 1, **more: Any) -> None:
    standing = AlertStanding(alert=alert, revision=revision, phase=phase, at=house.clock.now, **more)
    await hear(house, AlertReport(device=device, standings=(standing,)), device)


async def counts(desk: Desk, alert: dict[str, Any]) -> dict[str, int]:
    reach = await desk.get(f"/api/v1/alerts/{alert['id']}/reach")
    return {name: count for name, count in reach["total"].items() if count}
