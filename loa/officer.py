"""What an officer does, through the controller's API: for the demo, the system tests and the measurements."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

import httpx

Json = dict[str, Any]
_POLL_S = 0.1


class Refused(Exception):
    """The controller said no; `problem` is what it said."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        try:
            self.problem: Json = response.json()
        except ValueError:
            self.problem = {"detail": response.text[:500]}
        request = response.request
        super().__init__(f"{request.method} {request.url.path}: {self.status} {self.problem}")


_IDLE_S = 2.0
"""The controller hangs up on a connection that rests for 5 s: none is used in the very moment in which it does."""


class Officer:
    """A signed-in user of the API."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(
            base_url=f"{url}/api/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
            limits=httpx.Limits(keepalive_expiry=_IDLE_S),
            trust_env=False,
        )

    def get(self, path: str, **query: object) -> Any:
        """Read one thing."""
        return self._ask("GET", path, params={key: str(value) for key, value in query.items()})

    def list(self, path: str, **query: object) -> list[Json]:
        """Read every page of a list."""
        items: list[Json] = []
        cursor: str | None = None
        while True:
            page = self.get(path, **query, **({"cursor": cursor} if cursor else {}))
            items += page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                return items

    def create(self, path: str, body: Mapping[str, object]) -> Json:
        """Make something, once: the same key is sent again if the answer got lost."""
        created: Json = self._ask("POST", path, json=body, headers={"Idempotency-Key": uuid.uuid4().hex})
        return created

    def change(self, path: str, body: Mapping[str, object]) -> Json:
        """Change something that nobody else changed since it was read here."""
        changed: Json = self._ask("PATCH", path, json=body, headers=self._as_read(path))
        return changed

    def put(self, path: str, body: Mapping[str, object]) -> Json:
        """Say what something is from now on."""
        found: Json = self._ask("PUT", path, json=body, headers=self._as_read(path))
        return found

    def ensure(self, path: str, body: Mapping[str, object], *, key: str) -> Json:
        """Make something unless it is there already under its `key`."""
        try:
            found: Json = self.get(f"{path}/{body[key]}")
        except Refused as refused:
            if refused.status != httpx.codes.NOT_FOUND:
                raise
            return self.create(path, body)
        return found

    def announce(self, title: str, text: str, *, area: str, within_s: float = 60) -> Json:
        """Type an announcement and wait until it can be heard."""
        made = self.create("/announcements", {"title": title, "text": text, "area_code": area, "language": "vi"})
        return self._ready(f"/announcements/{made['id']}", within_s)

    def playlist(
        self, title: str, announcements: Sequence[str], *, area: str, chime: bool = True, within_s: float = 60
    ) -> Json:
        """Put announcements in order and wait until their sound is assembled."""
        items: list[Json] = [{"kind": "chime"}] if chime else []
        items += [{"kind": "announcement", "announcement_id": announcement} for announcement in announcements]
        made = self.create("/playlists", {"title": title, "area_code": area, "items": items})
        return self._ready(f"/playlists/{made['id']}", within_s)

    def schedule(
        self,
        title: str,
        playlist: str,
        *,
        area: str,
        at: datetime,
        areas: Sequence[str] = (),
        devices: Sequence[str] = (),
        zone: str = "Asia/Ho_Chi_Minh",
        **more: object,
    ) -> Json:
        """Say when and where a playlist airs."""
        targets = [{"kind": "area", "key": key} for key in areas] + [{"kind": "device", "key": key} for key in devices]
        local = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat(timespec="seconds")
        body = {
            "title": title,
            "playlist_id": playlist,
            "area_code": area,
            "first_local": local,
            "zone": zone,
            "targets": targets,
            **more,
        }
        return self.create("/schedules", body)

    def release(self, alert: Json) -> Json:
        """Let an alert be heard as it was seen here."""
        return self.create(f"/alerts/{alert['id']}/release", {"seen": alert["digest"]})

    def listen(self, url: str) -> bytes:
        """The bytes behind a `listen_url`."""
        response = self._http.get(self._http.base_url.join(url))
        if response.is_error:
            raise Refused(response)
        return response.content

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _ready(self, path: str, within_s: float) -> Json:
        def look() -> Json | None:
            seen: Json = self.get(path)
            if seen["status"] == "failed":
                raise RuntimeError(f"{path} failed: {seen}")
            return seen if seen["status"] == "ready" else None

        return wait_for(look, within_s, path)

    def _as_read(self, path: str) -> dict[str, str]:
        """What says that an edit is one of what is there now."""
        etag = self._http.get(path).headers.get("ETag", "")
        return {"If-Match": etag} if etag else {}

    def _ask(self, method: str, path: str, **details: Any) -> Any:
        response = self._http.request(method, path, **details)
        if response.is_error:
            raise Refused(response)
        return response.json() if response.content else None


def wait_for(look: Callable[[], Json | None], within_s: float, what: str) -> Json:
    """Return the first thing that `look` sees."""
    deadline = time.monotonic() + within_s
    while (seen := look()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} was not ready within {within_s:g} s")
        time.sleep(_POLL_S)
    return seen
