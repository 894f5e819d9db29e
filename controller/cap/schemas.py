"""Shapes of CAP: senders and their feeds, and what becomes of a message."""

from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from controller.cap.judging import Outcome, Release
from controller.cap.ladder import DEFAULT_LADDER, Ladder
from controller.cap.models import CapFeed, CapFeedState, CapMessage, CapSender
from controller.cap.polling import INTERVAL_S, PERIOD_MAX
from controller.cap.service import Taken
from controller.http.fields import AreaCodeField, In, Line
from controller.text import Language

Pem = Annotated[str, StringConstraints(max_length=20_000)]
Names = Annotated[list[Line], Field(max_length=50)]
Certificates = Annotated[list[Pem], Field(max_length=5)]
Languages = Annotated[
    list[Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$", max_length=35)]],
    Field(min_length=1, max_length=10),
]
FeedUrl = Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=2000)]
IntervalS = Annotated[int, Field(ge=INTERVAL_S, le=int(PERIOD_MAX.total_seconds()))]


class SenderIn(In):
    """Somebody whose messages are taken, for an area and all below it."""

    title: Line
    area_code: AreaCodeField
    names: Names = Field(default_factory=list)
    """What its messages may call their sender; none: anything."""
    certificates: Certificates = Field(default_factory=list)
    """In PEM. With any, whatever it sends must be signed by one of them."""
    release: Release = Release.OFFICER
    ladder: Ladder = DEFAULT_LADDER
    languages: Languages = Field(default_factory=lambda: ["vi"])
    """What its areas hear, the first first."""


class SenderEdit(In):
    """What to change; absent stays. The area stays: what was sent for it is known by it."""

    title: Line | None = None
    names: Names | None = None
    certificates: Certificates | None = None
    release: Release | None = None
    ladder: Ladder | None = None
    languages: Languages | None = None
    retired: bool | None = None
    """Put it away, or bring it back."""


class SenderOut(BaseModel):
    """A sender. `sends`: it has a token and may send by itself."""

    id: str
    title: str
    area_code: str
    names: list[str]
    certificates: list[str]
    release: Release
    ladder: Ladder
    languages: list[str]
    sends: bool
    retired: bool

    @classmethod
    def of(cls, row: CapSender) -> Self:
        """Return what may be seen of a row."""
        return cls(
            id=row.id,
            title=row.title,
            area_code=row.area_code,
            names=row.names,
            certificates=row.certificates,
            release=row.release,
            ladder=Ladder.model_validate(row.ladder),
            languages=row.languages,
            sends=row.token_hash is not None and row.retired_at is None,
            retired=row.retired_at is not None,
        )


class SenderTokenOut(BaseModel):
    """A sender's new token: shown this once."""

    token: str


class FeedIn(In):
    """A feed in which a sender publishes."""

    url: FeedUrl
    interval_s: IntervalS = INTERVAL_S


class FeedEdit(In):
    """How often a feed is looked at."""

    interval_s: IntervalS


class FeedOut(BaseModel):
    """A feed, and how reading it goes."""

    id: str
    url: str
    interval_s: int
    failures: int
    """In a row."""
    problem: str | None
    """What was wrong with it at the last look: a stable code."""
    looked_at: AwareDatetime | None
    next_at: AwareDatetime | None

    @classmethod
    def of(cls, row: CapFeed, state: CapFeedState | None) -> Self:
        """Return what may be seen of a feed."""
        return cls(
            id=row.id,
            url=row.url,
            interval_s=row.interval_s,
            failures=state.failures if state else 0,
            problem=state.problem if state else None,
            looked_at=state.looked_at if state else None,
            next_at=state.next_at if state else None,
        )


class MessageOut(BaseModel):
    """A message that was taken."""

    id: str
    sender: str
    identifier: str
    sent_at: AwareDatetime
    received_at: AwareDatetime
    outcome: Outcome
    notices: list[str]
    alerts: list[str]

    @classmethod
    def of(cls, row: CapMessage) -> Self:
        """Return what may be seen of a row."""
        return cls(
            id=row.id,
            sender=row.sender_name,
            identifier=row.identifier,
            sent_at=row.sent_at,
            received_at=row.received_at,
            outcome=row.outcome,
            notices=row.notices,
            alerts=row.alerts,
        )


class NoticeOut(BaseModel):
    """Something about a message that was taken; `number` is IPAWS-OPEN's, where it has one."""

    number: int | None
    code: str
    message: str


class TakenOut(BaseModel):
    """What a message came to. `held`: an officer is waited for."""

    identifier: str
    outcome: Outcome
    held: bool
    alerts: list[str]
    ended: list[str]
    """What it ends: at once, or, where it is held, when it is released."""
    notices: list[NoticeOut]

    @classmethod
    def of(cls, taken: Taken, language: Language) -> Self:
        """Return what the sender is told."""
        return cls(
            identifier=taken.message.identifier,
            outcome=taken.intake.outcome,
            held=taken.intake.held,
            alerts=taken.message.alerts,
            ended=list(taken.intake.ends),
            notices=[
                NoticeOut(number=notice.number, code=notice.code, message=notice.sentence.in_language(language))
                for notice in taken.intake.notices
            ],
        )
