"""A small language for tests of the controller: a running application, signed-in people, communes and speakers."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from fastapi import FastAPI

from controller.accounts.models import ApiToken, User
from controller.accounts.roles import Role
from controller.accounts.secrets import hash_password, new_token, token_hash
from controller.accounts.service import viewer_for
from controller.accounts.viewer import Viewer
from controller.app import SERVICES, Service, create_app
from controller.areas.models import Area
from controller.areas.tree import ROOT_CODE, ROOT_PATH, child_path
from controller.database import Database
from controller.devices.models import Device, DeviceStatus
from controller.migrations import migrate
from controller.runtime import Runtime
from controller.settings import Settings

NOON = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
"""Noon in Việt Nam on a Friday."""
PASSWORD = "đất nước mến yêu"
ORIGIN = "http://testserver"


@dataclass
class TestClock:
    """The controller's clock: stands still until it is moved."""

    __test__ = False
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


@cache
def password_hash() -> str:
    """The hash of PASSWORD, computed once: it is slow on purpose."""
    return hash_password(PASSWORD)


@dataclass
class House:
    """A controller under test, with its database and clock in hand."""

    app: FastAPI
    runtime: Runtime
    clock: TestClock
    _clients: list[httpx.AsyncClient] = field(default_factory=list)

    @property
    def database(self) -> Database:
        return self.runtime.database

    def browser(self, **headers: str) -> httpx.AsyncClient:
        """A client that nobody signed in. Errors of the application come as answers."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        client = httpx.AsyncClient(
            transport=transport, base_url=ORIGIN, headers={"Origin": ORIGIN, "Accept-Language": "en", **headers}
        )
        self._clients.append(client)
        return client

    async def signed_in(
        self, area: str, name: str | None = None, *, roles: Collection[Role] = tuple(Role)
    ) -> httpx.AsyncClient:
        """A client with an API token of a new user of this area."""
        _, secret = await self.user(name or f"officer-{area.lower()}", area, roles=roles)
        return self.browser(Authorization=f"Bearer {secret}")

    async def in_person(
        self, area: str, name: str | None = None, *, roles: Collection[Role] = tuple(Role)
    ) -> httpx.AsyncClient:
        """A browser in which a new user of this area has signed in."""
        name = name or f"officer-{area.lower()}"
        await self.user(name, area, roles=roles)
        browser = self.browser()
        answer = await browser.post("/api/v1/session", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return browser

    async def user(self, name: str, area: str, *, roles: Collection[Role] = tuple(Role)) -> tuple[Viewer, str]:
        """Register a user with PASSWORD (unless there is one); return their view and an API token's secret."""
        secret = new_token()
        async with self.database.transaction() as session:
            owner = await session.get(Area, area)
            assert owner is not None, f"no area {area}: make it first"
            user = User(
                name=name,
                password_hash=password_hash(),
                area=owner,
                area_code=area,
                created_at=self.clock.now,
                roles=sorted(roles),
            )
            session.add(user)
            await session.flush()
            session.add(
                ApiToken(user_id=user.id, name="test", token_hash=token_hash(secret), created_at=self.clock.now)
            )
            return viewer_for(user), secret

    async def area(
        self, code: str, *, parent: str = ROOT_CODE, name: str = "", policy: dict[str, Any] | None = None
    ) -> str:
        """Make an area below another one; return its code."""
        async with self.database.transaction() as session:
            above = await session.get(Area, parent)
            if above is None:
                above = Area(code=ROOT_CODE, name="Việt Nam", kind="quốc gia", path=ROOT_PATH, depth=0, policy={})
                session.add(above)
                await session.flush()
            if code != above.code:
                path = child_path(above.path, code)
                session.add(
                    Area(
                        code=code,
                        name=name or code,
                        kind="xã",
                        parent_code=above.code,
                        path=path,
                        depth=above.depth + 1,
                        policy=policy or {},
                    )
                )
        return code

    async def device(self, device_id: str, area: str, name: str = "") -> str:
        """Register a speaker; return its id."""
        async with self.database.transaction() as session:
            session.add(
                Device(
                    id=device_id,
                    name=name or device_id,
                    area_code=area,
                    status=DeviceStatus.ACTIVE,
                    registered_at=self.clock.now,
                )
            )
        return device_id

    async def commune(self, code: str, *, speakers: int = 0) -> str:
        """Make a commune below province 24 with speakers `{code}-1`, `{code}-2`, …; return its code."""
        async with self.database.reading() as session:
            known = await session.get(Area, "24") is not None
        if not known:
            await self.area("24", name="Bắc Ninh")
        await self.area(code, parent="24")
        for number in range(1, speakers + 1):
            await self.device(f"{code}-{number}", code)
        return code


_schema: list[bytes] = []


async def with_schema(database: Path) -> None:
    """Begin a database with the newest schema: to walk through all migrations takes a second, for each test."""
    if not _schema:
        with TemporaryDirectory(prefix="loa-schema-") as folder:
            whole = Path(folder) / "loa.db"
            await migrate(f"sqlite+aiosqlite:///{whole}")
            _schema.append(whole.read_bytes())
    database.parent.mkdir(parents=True, exist_ok=True)
    database.write_bytes(_schema[0])  # noqa: ASYNC240 a test waits for nobody


@asynccontextmanager
async def open_house(
    folder: Path,
    *,
    database_url: str = "",
    services: Sequence[Service] = SERVICES,
    now: datetime = NOON,
    **settings: Any,
) -> AsyncIterator[House]:
    """Run a controller on a real database file in `folder`, with these `services` behind it."""
    clock = TestClock(now)
    settings = {"standing_sounds": False} | settings
    chosen = Settings(data_dir=folder, database_url=database_url, public_url=ORIGIN, **settings)
    if not database_url and not (folder / "loa.db").exists():
        await with_schema(folder / "loa.db")
    runtime = Runtime.open(chosen, clock=clock)
    app = create_app(chosen, runtime=runtime, services=services)
    house = House(app, runtime, clock)
    async with app.router.lifespan_context(app):
        await house.area(ROOT_CODE)
        try:
            yield house
        finally:
            for client in house._clients:
                await client.aclose()
