"""Following a manifest: only the plan that was announced comes in force, however the content server behaves."""

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from device_agent.alerts.store import AlertStore
from device_agent.documents import ConfigStore, PlanStore
from device_agent.download import Downloader
from device_agent.ledger import Ledger
from device_agent.manifest import ManifestFollower
from device_agent.orders import OrderDesk
from device_agent.replay import Rejections, ReplayMemory
from protocol.messages import PlanManifest
from protocol.signing import SigningKey
from tests.support.agent_rooms import KEY, NOON, SPEAKER, order, plan

HOST = "http://content.test"


class Office:
    """A manifest follower with a desk behind it and a content server before it that answers as told."""

    def __init__(self, tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rejections = Rejections(ledger, {})
        self.plans = PlanStore(tmp_path, SPEAKER, self.rejections.count)
        configs = ConfigStore(tmp_path, SPEAKER, (KEY.public,), self.rejections.count)
        desk = OrderDesk(
            SPEAKER,
            plans=self.plans,
            configs=configs,
            alerts=AlertStore(tmp_path / "alerts", self.rejections.count),
            replay=ReplayMemory(ledger, {}),
            rejections=self.rejections,
            now=lambda: NOON,
        )
        self.desk = desk
        self.answers: deque[httpx.Response | Exception] = deque()
        self.asked: asyncio.Queue[str] = asyncio.Queue()
        self.adopted: asyncio.Queue[int] = asyncio.Queue()
        self.tried: asyncio.Queue[int] = asyncio.Queue()
        self.wait_s = 0.0
        client = partial(httpx.AsyncClient, transport=httpx.MockTransport(self._answer))
        monkeypatch.setattr(httpx, "AsyncClient", client)
        self.downloader = Downloader((HOST,))
        self.follower = ManifestFollower(desk, self.downloader, adopted=self._adopt, wait_s=self._wait)

    @property
    def version(self) -> int | None:
        stored = self.plans.current()
        return stored.plan.version if stored else None

    def announce(self, version: int, *answers: bytes | int | Exception, token: bytes | None = None) -> PlanManifest:
        """Announce a plan; the server gives the answers first, then the plan itself."""
        token = token or order(plan(version))
        self.answers.extend(_response(answer) for answer in (*answers, token))
        manifest = PlanManifest(
            device=SPEAKER,
            version=version,
            sha256=hashlib.sha256(token).hexdigest(),
            url=f"{HOST}/plans/{version}",
            size_bytes=len(token),
        )
        self.follower.follow(manifest)
        return manifest

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.follower.run())
        try:
            async with asyncio.timeout(5):
                yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.put_nowait(request.url.path)
        answer = self.answers.popleft()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _adopt(self) -> None:
        self.adopted.put_nowait(self.version or 0)

    def _wait(self, attempt: int) -> float:
        self.tried.put_nowait(attempt)
        return self.wait_s


def _response(answer: bytes | int | Exception) -> httpx.Response | Exception:
    if isinstance(answer, bytes):
        return httpx.Response(200, stream=httpx.ByteStream(answer))
    return httpx.Response(answer, stream=httpx.ByteStream(b"")) if isinstance(answer, int) else answer


@pytest_asyncio.fixture
async def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    ledger = await Ledger.open(tmp_path / "journal.sqlite3", now=NOON)
    one = Office(tmp_path, ledger, monkeypatch)
    yield one
    await one.downloader.aclose()
    await ledger.aclose()


async def test_the_plan_that_was_announced_comes_in_force(office: Office) -> None:
    office.announce(5)
    async with office.following():
        assert await office.adopted.get() == 5
    assert office.follower.problems() == ()


@pytest.mark.parametrize(
    "trouble",
    [500, 404, 403, 302, 416, b"another plan", b"", httpx.ConnectError("down"), httpx.ReadTimeout("slow")],
    ids=repr,
)
async def test_whatever_the_server_says_it_is_asked_again_until_the_plan_is_here(
    office: Office, trouble: bytes | int | Exception
) -> None:
    office.announce(5, trouble, trouble)
    async with office.following():
        assert await office.adopted.get() == 5
    assert [office.tried.get_nowait() for _ in range(2)] == [1, 2]
    assert office.follower.problems() == ()


async def test_a_document_longer_than_announced_is_not_read_to_its_end(office: Office) -> None:
    office.announce(5, b"x" * 20_000_000)
    office.wait_s = 3600
    async with office.following():
        await office.tried.get()
        (problem,) = office.follower.problems()
    assert "longer than" in problem.text
    assert office.version is None


async def test_why_the_plan_is_not_here_is_a_problem_meanwhile(office: Office) -> None:
    office.announce(5, 500)
    office.wait_s = 3600
    async with office.following():
        await office.tried.get()
        (problem,) = office.follower.problems()
        assert problem.code == "download_failing"
        assert "500" in problem.text
        office.follower.forget()
        assert office.follower.problems() == ()


async def test_a_newer_announcement_is_followed_at_once(office: Office) -> None:
    office.announce(5, 500)
    office.wait_s = 3600
    async with office.following():
        await office.tried.get()
        office.answers.clear()
        office.announce(6)
        assert await office.adopted.get() == 6


async def test_an_older_announcement_does_not_replace_a_newer(office: Office) -> None:
    newer = office.announce(6)
    office.follower.follow(newer.model_copy(update={"version": 5, "url": f"{HOST}/plans/5"}))
    async with office.following():
        assert await office.adopted.get() == 6
    assert office.asked.get_nowait() == "/plans/6"
    assert office.asked.empty()


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (order(plan(5), key=SigningKey.generate()), "unknown_key"),
        (order(plan(5), audience="elsewhere"), "wrong_audience"),
        (order(plan(3)), "older"),
        (b"no token at all", "malformed"),
    ],
    ids=["stranger", "elsewhere", "older", "malformed"],
)
async def test_a_plan_that_must_not_be_believed_is_refused_and_not_asked_for_again(
    office: Office, token: bytes, code: str
) -> None:
    office.desk.plan(order(plan(4)))
    office.announce(5, token=token)
    async with office.following():
        await office.asked.get()
        office.announce(6)
        assert await office.adopted.get() == 6
    assert office.rejections.totals() == {code: 1}
    assert office.asked.qsize() == 1


async def test_a_host_that_is_not_ours_is_never_asked(office: Office) -> None:
    office.follower.follow(office.announce(5).model_copy(update={"url": "http://evil.test/plan"}))
    office.wait_s = 3600
    async with office.following():
        await office.tried.get()
        (problem,) = office.follower.problems()
    assert "evil.test" in problem.text
    assert office.asked.empty()
