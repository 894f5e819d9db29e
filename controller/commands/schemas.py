"""Shapes of commands."""

from datetime import datetime, timedelta
from typing import Any, Literal, Self

from pydantic import AwareDatetime, BaseModel

from controller.commands.models import CommandRow
from controller.http.fields import In
from protocol.messages import Action

ANSWERS_WITHIN = timedelta(seconds=30)
"""Time for an answer to a command that was carried out just before it ended."""


class CommandIn(In):
    """What a speaker is to do at once."""

    action: Action


class AttemptOut(BaseModel):
    """One try."""

    sent_at: AwareDatetime | None
    replied_at: AwareDatetime | None
    outcome: str | None
    detail: str


class CommandOut(BaseModel):
    """A command and its tries."""

    id: str
    device: str
    action: dict[str, Any]
    author: str
    requested_at: AwareDatetime
    expires_at: AwareDatetime
    outcome: Literal["waiting", "sent", "done", "refused", "failed", "unanswered"]
    """`unanswered`: it ended before the speaker answered; whether it was done is not known."""
    attempts: list[AttemptOut]

    @classmethod
    def of(cls, row: CommandRow, now: datetime) -> Self:
        """Return what may be seen of a row at a moment."""
        attempts = [
            AttemptOut(sent_at=each.sent_at, replied_at=each.replied_at, outcome=each.outcome, detail=each.detail)
            for each in row.attempts
        ]
        replied = next((each.outcome for each in reversed(attempts) if each.outcome), None)
        unanswered = "unanswered" if now >= row.expires_at + ANSWERS_WITHIN else None
        return cls.model_validate(
            {
                "id": row.id,
                "device": row.device_id,
                "action": row.action,
                "author": row.author,
                "requested_at": row.requested_at,
                "expires_at": row.expires_at,
                "outcome": replied or unanswered or ("sent" if attempts else "waiting"),
                "attempts": attempts,
            }
        )
