"""What the running service is made of, opened once and handed to whoever asks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from fastapi import FastAPI, Request

from controller.audit.tally import Tally
from controller.audit.trail import keep_trail
from controller.database import Database
from controller.keys import Keys
from controller.settings import Settings


def utc_now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Runtime:
    """The service's parts."""

    settings: Settings
    database: Database
    keys: Keys
    clock: Callable[[], datetime] = utc_now
    """The only place that time comes from; tests set their own."""
    parts: dict[type[Any], Any] = field(default_factory=dict)
    """What capabilities keep for the life of the service, by type."""

    @classmethod
    def open(cls, settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> Self:
        """Make the data folder and the keys where they are missing; connect to nothing yet."""
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        database, tally = Database(settings.database), Tally()
        keep_trail(database, clock, tally)
        return cls(settings, database, Keys.load(settings.data_dir), clock, {Tally: tally})


def runtime_of(source: FastAPI | Request) -> Runtime:
    """Return the runtime behind an application or a request."""
    app: FastAPI = source if isinstance(source, FastAPI) else source.app
    runtime: Runtime = app.state.runtime
    return runtime
