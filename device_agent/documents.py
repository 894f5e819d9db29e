"""The plan, the config and the alert sets in force, kept as the signed orders they came as.

Each is verified again when it is read from disk: what was changed there is refused like what was changed on the way,
and the one before it, kept beside, comes back in force.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Generic, TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from device_agent.errors import ConflictingOrder, OlderOrder
from device_agent.files import write_durably
from device_agent.ports import StoredPlan
from protocol.errors import Malformed, ProtocolError
from protocol.messages import AlertSet, Config, Instant, Plan, Problem, TrustedKey
from protocol.signing import KeyRing, Verified, signer_of, verify
from protocol.trust import Trust, follow, heed, notices_in, order_keys, with_recovery

log = structlog.get_logger(__name__)

TRUST_FILE = "trust.json"
PLAN_MAX_BYTES = 12 * 1024 * 1024
"""A plan that came by a manifest is longer than its topic allows."""


class _Sheet(BaseModel):
    """What lies on disk. `via` are the orders that introduced the signing key, from a pinned key on."""

    token: str
    received_at: Instant | None = None
    via: tuple[str, ...] = ()


B = TypeVar("B", Plan, Config, AlertSet)


@dataclass(frozen=True, slots=True)
class _InForce(Generic[B]):
    sheet: _Sheet
    order: Verified[B]


class _Store(Generic[B]):
    """One document: the one in force, and the good one before it."""

    def __init__(self, path: Path, model: type[B], audience: str, refused: Callable[[str], object]) -> None:
        self._path = path
        self._previous_path = _copy_of(path)
        self._model: type[B] = model
        self._audience = audience
        self._refused = refused
        self._held: _InForce[B] | None = None
        self._on_disk: _Sheet | None = None

    def _load(self, keys_for: Callable[[_Sheet], KeyRing], now: datetime | None = None) -> None:
        """Take the newest good document from disk."""
        self._held = None
        for path in (self._path, self._previous_path):
            try:
                sheet = _Sheet.model_validate_json(path.read_bytes())
                self._held = _InForce(sheet, self._verify(sheet.token, keys_for(sheet), now))
            except FileNotFoundError:
                continue
            except (OSError, ValidationError, ProtocolError) as error:
                code = error.code if isinstance(error, ProtocolError) else "unreadable"
                self._refused(code)
                log.warning("stored_document_refused", file=path.name, code=code)
            else:
                self._on_disk = self._held.sheet
                return

    def _judge_again(self, keys_for: Callable[[_Sheet], KeyRing], now: datetime | None = None) -> bool:
        """Judge what is in force by other keys. True when it went out of force."""
        if self._held is None:
            return False
        try:
            self._verify(self._held.sheet.token, keys_for(self._held.sheet), now)
        except ProtocolError as error:
            self._refused(error.code)
            log.warning("document_out_of_force", file=self._path.name, code=error.code)
            self._load(keys_for, now)
            return True
        return False

    def _verify(self, token: str, keys: KeyRing, now: datetime | None) -> Verified[B]:
        return verify(token, self._model, audiences={self._audience}, keys=keys, now=now, max_bytes=PLAN_MAX_BYTES)

    def compare(self, version: int) -> int:
        """Return above 0 when `version` is newer than what is in force, 0 when it is the same."""
        return version - (self._held.order.body.version if self._held else 0)

    def _replace(self, sheet: _Sheet, order: Verified[B]) -> bool:
        """Put an order in force, durably. False when it is in force already; raises when it must not be."""
        difference = self.compare(order.body.version)
        if difference < 0:
            raise OlderOrder(f"version {order.body.version} after {order.body.version - difference}")
        if difference == 0 and self._held is not None:
            if order.body != self._held.order.body:
                raise ConflictingOrder(f"version {order.body.version} with other words")
            return False
        self._held = _InForce(sheet, order)
        self.flush()
        return True

    @property
    def waits(self) -> bool:
        """Whether what is in force would not survive a restart: a full disk has prevented it so far."""
        return self._held is not None and self._held.sheet != self._on_disk

    def flush(self) -> None:
        """Store what is in force, if that was not possible so far."""
        if self._held is None or not self.waits:
            return
        try:
            if self._on_disk is not None:
                write_durably(self._previous_path, self._on_disk.model_dump_json().encode())
            write_durably(self._path, self._held.sheet.model_dump_json().encode())
        except OSError as error:
            log.warning("document_not_stored", file=self._path.name, reason=error.strerror)
            return
        self._on_disk = self._held.sheet

    def problems(self) -> tuple[Problem, ...]:
        """What is in force but not stored."""
        if not self.waits:
            return ()
        return (Problem(code="disk_full", text=f"{self._path.name} cannot be stored"),)


class PlanStore(_Store[Plan]):
    """The plan this speaker plays by."""

    def __init__(self, folder: Path, device_id: str, refused: Callable[[str], object]) -> None:
        super().__init__(folder / "plan.json", Plan, device_id, refused)

    def load(self, keys: KeyRing, now: datetime | None = None) -> None:
        """Read the plan from disk; with a trusted `now` an expired one does not come in force."""
        self._load(lambda _: keys, now)

    def judge_again(self, keys: KeyRing, now: datetime | None) -> bool:
        """Drop a plan whose key is no longer trusted. True when another one, or none, is in force now."""
        return self._judge_again(lambda _: keys, now)

    def current(self) -> StoredPlan | None:
        """The plan in force, from memory."""
        return StoredPlan(self._held.order.body, self._held.sheet.received_at) if self._held else None

    def expired(self, now: datetime) -> bool:
        """Whether a plan is in force whose lifetime is over: taken while the time was not known."""
        return self._held is not None and self._held.order.expires_at <= now

    def save(self, token: str, order: Verified[Plan], received_at: datetime | None) -> bool:
        """Put a verified plan in force; False when it is already. Raises `OlderOrder` or `ConflictingOrder`."""
        return self._replace(_Sheet(token=token, received_at=received_at), order)


class AlertSetStore(_Store[AlertSet]):
    """The alerts of one target."""

    def __init__(self, folder: Path, target: str, refused: Callable[[str], object]) -> None:
        super().__init__(folder / f"{target}.json", AlertSet, target, refused)

    def load(self, keys: KeyRing, now: datetime | None = None) -> None:
        """Read the set from disk; with a trusted `now` an expired one does not come in force."""
        self._load(lambda _: keys, now)

    def judge_again(self, keys: KeyRing, now: datetime | None) -> bool:
        """Drop a set whose key is no longer trusted. True when another one, or none, is in force now."""
        return self._judge_again(lambda _: keys, now)

    def current(self) -> AlertSet | None:
        """The set in force, from memory."""
        return self._held.order.body if self._held else None

    def signed_at(self) -> datetime | None:
        """When the set in force was signed."""
        return self._held.order.issued_at if self._held else None

    def save(self, token: str, order: Verified[AlertSet], received_at: datetime | None) -> bool:
        """Put a verified set in force; False when it is already. Raises `OlderOrder` or `ConflictingOrder`."""
        return self._replace(_Sheet(token=token, received_at=received_at), order)

    def forget(self) -> None:
        """This target is none of this speaker's any more."""
        self._held = self._on_disk = None
        for path in (self._path, self._previous_path):
            path.unlink(missing_ok=True)


class ConfigStore(_Store[Config]):
    """The config in force, and the keys that are trusted because of it and of what was learnt before."""

    def __init__(
        self, folder: Path, device_id: str, pinned: tuple[TrustedKey, ...], refused: Callable[[str], object]
    ) -> None:
        super().__init__(folder / "config.json", Config, device_id, refused)
        self._pinned = pinned
        self._memory = TrustMemory(folder / TRUST_FILE)
        self._keys = KeyRing(order_keys(Trust(), pinned))

    def load(self) -> None:
        """Read what was learnt about keys, and the config, following whoever introduced its signing key."""
        self._memory.load()
        self._load(self._keys_of)
        self._settle()

    def current(self) -> Config | None:
        """The config in force, from memory."""
        return self._held.order.body if self._held else None

    @property
    def keys(self) -> KeyRing:
        """The keys that may sign orders: pinned, introduced, and those of the config in force, but none revoked."""
        return self._keys

    @property
    def trust(self) -> Trust:
        """What was learnt about keys."""
        return self._memory.trust

    def heed(self, token: str) -> bool:
        """Take in what recovery keys say inside a config, whether or not it is to be believed otherwise.

        True when a revocation is among it: what its key signed is out of force from now on.
        """
        before = self.trust
        self._memory.learn(heed(before, self._pinned, notices_in(token)))
        revoked = self.trust.revoked != before.revoked
        if revoked:
            self._judge_again(self._keys_of)
        self._settle()
        return revoked

    def keys_for(self, token: str) -> KeyRing:
        """The keys that a config may be signed with: also such as its notices introduce."""
        return _ring(follow(self.trust, self._trusted(), notices_in(token)))

    def save(self, token: str, order: Verified[Config], received_at: datetime | None) -> bool:
        """Put a verified config in force; False when it is already. Raises `OlderOrder` or `ConflictingOrder`."""
        _ring(order.body.keys)
        sheet = _Sheet(token=token, received_at=received_at, via=self._via(token))
        fresh = self._replace(sheet, order)
        self._settle()
        return fresh

    def flush(self) -> None:
        """Store what a full disk has prevented from being stored so far."""
        super().flush()
        self._memory.flush()

    def problems(self) -> tuple[Problem, ...]:
        """What would not survive a restart."""
        return (*super().problems(), *self._memory.problems())

    def _settle(self) -> None:
        config = self.current()
        if config is not None:
            self._memory.learn(with_recovery(self.trust, self._pinned, config.keys))
        self._keys = _ring(self._trusted())

    def _trusted(self) -> tuple[TrustedKey, ...]:
        return order_keys(self.trust, self._pinned, self._held.order.body.keys if self._held else ())

    def _via(self, token: str) -> tuple[str, ...]:
        """The orders that introduced the key of this one, where neither a pinned key nor a notice does."""
        roots = follow(self.trust, order_keys(self.trust, self._pinned), notices_in(token))
        kid = signer_of(token)
        if self._held is None or kid in {key.kid for key in roots}:
            return ()
        held = self._held.sheet
        return held.via if signer_of(held.token) == kid else (*held.via, held.token)

    def _keys_of(self, sheet: _Sheet) -> KeyRing:
        keys = order_keys(self.trust, self._pinned)
        for token in sheet.via:
            introduced = self._verify(token, _ring(follow(self.trust, keys, notices_in(token))), None).body.keys
            keys = order_keys(self.trust, self._pinned, introduced)
        return _ring(follow(self.trust, keys, notices_in(sheet.token)))


def learnt(folder: Path) -> tuple[Path, ...]:
    """Return the files of what was learnt about keys since a speaker was enrolled."""
    return (folder / TRUST_FILE, _copy_of(folder / TRUST_FILE))


def _copy_of(path: Path) -> Path:
    return path.with_name(path.name + ".previous")


class TrustMemory:
    """What was learnt about keys, durably: a revocation that a restart forgets is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._previous_path = _copy_of(path)
        self.trust = Trust()
        self._on_disk = Trust()

    def load(self) -> None:
        """Read it, from the copy where the file cannot be read. Every config says it again."""
        for path in (self._path, self._previous_path):
            try:
                self.trust = self._on_disk = Trust.model_validate_json(path.read_bytes())
            except FileNotFoundError:
                continue
            except (OSError, ValidationError):
                log.warning("stored_document_refused", file=path.name, code="unreadable")
            else:
                return

    def learn(self, trust: Trust) -> None:
        """Believe this from now on."""
        self.trust = trust
        self.flush()

    def flush(self) -> None:
        """Store it, unless it is stored. Both copies: neither may know less of a stolen key."""
        if self.trust == self._on_disk:
            return
        said = self.trust.model_dump_json().encode()
        try:
            write_durably(self._path, said)
            write_durably(self._previous_path, said)
        except OSError as error:
            log.warning("document_not_stored", file=self._path.name, reason=error.strerror)
            return
        self._on_disk = self.trust

    def problems(self) -> tuple[Problem, ...]:
        """That what is known would not survive a restart."""
        if self.trust == self._on_disk:
            return ()
        return (Problem(code="disk_full", text=f"{self._path.name} cannot be stored"),)


def _ring(keys: tuple[TrustedKey, ...]) -> KeyRing:
    try:
        return KeyRing(keys)
    except ValueError as error:
        raise Malformed(f"a key that is none: {error}") from error
