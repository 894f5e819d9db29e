"""The alerts in force: one signed set for each area, group or handful of speakers that this one belongs to."""

from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path

from device_agent.documents import AlertSetStore
from device_agent.errors import AgentError
from protocol.messages import Alert, AlertSet, Config, Problem
from protocol.signing import KeyRing, Verified


class NotOurs(AgentError):
    """A set for a target that this speaker does not belong to."""

    code = "not_ours"


def targets_of(device_id: str, config: Config | None) -> tuple[str, ...]:
    """Return by which names this speaker may be alerted, as `AlertSet.target` writes them."""
    areas, groups = (config.areas, config.groups) if config is not None else ((), ())
    return (*(f"area:{code}" for code in areas), *(f"group:{group}" for group in groups), f"device:{device_id}")


class AlertStore:
    """Keeps the sets over restarts, and what is active of them all together."""

    def __init__(self, folder: Path, refused: Callable[[str], object]) -> None:
        self._folder = folder
        self._refused = refused
        self._sets: dict[str, AlertSetStore] = {}

    def follow(self, targets: Collection[str], keys: KeyRing, now: datetime | None) -> bool:
        """Keep the sets of these targets and no others. True when what is active may have changed."""
        gone = [target for target in self._sets if target not in targets]
        fresh = [target for target in targets if target not in self._sets]
        for target in gone:
            self._sets.pop(target).forget()
        for target in fresh:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._sets[target] = AlertSetStore(self._folder, target, self._refused)
            self._sets[target].load(keys, now)
        return bool(gone or fresh)

    def save(self, target: str, token: str, order: Verified[AlertSet], received_at: datetime | None) -> bool:
        """Put a verified set in force; False when it is already. Raises an `AgentError` when it must not be."""
        if target not in self._sets or order.body.target != target:
            raise NotOurs(f"a set for {order.body.target!r}")
        return self._sets[target].save(token, order, received_at)

    def judge_again(self, keys: KeyRing, now: datetime | None) -> bool:
        """Drop what was signed by keys that are trusted no more. True when something was."""
        changed = [each.judge_again(keys, now) for each in self._sets.values()]
        return any(changed)

    def active(self, now: datetime) -> tuple[Alert, ...]:
        """Return every alert that is in force at `now`, once: of the same one from two targets, the newer word."""
        newest: dict[str, Alert] = {}
        for each in self._sets.values():
            for alert in held.alerts if (held := each.current()) is not None else ():
                known = newest.get(alert.id)
                if known is None or alert.revision > known.revision:
                    newest[alert.id] = alert
        return tuple(alert for alert in newest.values() if now < alert.expires_at)

    def signed_at(self) -> datetime | None:
        """When the newest set in force was signed."""
        return max((at for each in self._sets.values() if (at := each.signed_at()) is not None), default=None)

    def versions(self) -> dict[str, int]:
        """The version in force of each target that has a set."""
        return {target: held.version for target, each in self._sets.items() if (held := each.current()) is not None}

    @property
    def waits(self) -> bool:
        """Whether something in force would not survive a restart."""
        return any(each.waits for each in self._sets.values())

    def flush(self) -> None:
        """Store what a full disk has prevented from being stored so far."""
        for each in self._sets.values():
            each.flush()

    def problems(self) -> tuple[Problem, ...]:
        """What is in force but not stored."""
        return tuple(problem for each in self._sets.values() for problem in each.problems())
