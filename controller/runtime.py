"""What the running service is made of, opened once and handed to whoever asks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Self

from fastapi import FastAPI, Request

from controller.accounts.sealer import Sealer
from controller.audit.tally import Tally
from controller.audit.trail import keep_trail
from controller.database import Database
from controller.errors import Unavailable
from controller.keys import Keys, Vault
from controller.settings import Settings
from controller.text import Text

UNFINISHED = ".restoring-"
"""What a restore that was not ended has left begins so."""


class Unfinished(Unavailable):
    """A backup was only half restored."""

    code = "restore_unfinished"
    title = Text("A backup was only half restored: run `loa restore FILE --force` again.")


def utc_now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


def tokens_of(settings: Settings) -> Sequence[Vault]:
    """Return the token that holds signing keys, where there is one. Its library is an extra: `loa[hsm]`."""
    if settings.hsm_module is None:
        return ()
    try:
        hsm = import_module("controller.hsm")
    except ModuleNotFoundError as error:
        raise Unavailable(Text("The PKCS#11 library is missing: pip install 'loa[hsm]'")) from error
    token: Vault = hsm.Token(settings.hsm_module, settings.hsm_token, settings.hsm_pin.get_secret_value())
    return (token,)


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

    @property
    def sealer(self) -> Sealer:
        """Seals what people sign in with."""
        if Sealer not in self.parts:
            self.parts[Sealer] = Sealer.load(self.settings.data_dir / "account-keys")
        sealer: Sealer = self.parts[Sealer]
        return sealer

    @classmethod
    def open(cls, settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> Self:
        """Make the data folder and the keys where they are missing; connect to nothing yet."""
        if any(settings.data_dir.glob(f"{UNFINISHED}*")):
            raise Unfinished
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        database, tally = Database(settings.database), Tally()
        keep_trail(database, clock, tally)
        return cls(settings, database, Keys.load(settings.data_dir, *tokens_of(settings)), clock, {Tally: tally})


def runtime_of(source: FastAPI | Request) -> Runtime:
    """Return the runtime behind an application or a request."""
    app: FastAPI = source if isinstance(source, FastAPI) else source.app
    runtime: Runtime = app.state.runtime
    return runtime
