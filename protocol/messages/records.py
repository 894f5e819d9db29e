"""What a speaker played, and that the controller has it."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from protocol.messages._base import Hash, Identifier, Instant, Message, Milliseconds, Order, Part, Title, VolumePercent
from protocol.messages.state import ClockQuality
from protocol.topics import Channel


class Outcome(StrEnum):
    """How one stretch of airing ended."""

    COMPLETED = "completed"
    PRE_EMPTED = "pre-empted"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    MISSED = "missed"
    SKIPPED = "skipped"


class PlayRecord(Part):
    """What the sink really played, once. Ordered by (boot order, seq): the wall clock may have stepped."""

    seq: int = Field(gt=0)
    kind: Literal["occurrence", "alert", "live", "test_tone"] = "occurrence"
    occurrence: Identifier | None = None
    schedule_id: Identifier | None = None
    title: Title = ""
    clip: Hash | None = None
    planned_at: Instant | None = None
    started_at: Instant | None = None
    ended_at: Instant | None = None
    from_ms: int = 0
    """Where in the occurrence the sound began: above 0 after a late join."""
    played_ms: int = 0
    start_error_ms: float | None = None
    """First sample at the sink, less its time."""
    underruns: int | None = Field(default=None, ge=0, lt=2**31)
    """How often it broke off in its midst for lack of samples. None where the speaker does not say: nothing
    was begun, or its agent is older."""
    underrun_ms: Milliseconds | None = None
    """For how long, in all; no part of `played_ms`."""
    level_dbfs: float | None = Field(default=None, ge=-120, le=20)
    """How loud what the sink consumed of it was: RMS over all of `played_ms`, its own pauses too, after the volume. A
    broadcast of silence shows here. None when nothing sounded."""
    volume: VolumePercent = 0
    outcome: Outcome
    reason: str = Field(default="", max_length=200)
    clock: ClockQuality = ClockQuality.TRUSTED
    plan_version: int | None = None


class Records(Message):
    """A batch of play records of one boot, in order of their numbers."""

    channel = Channel.RECORDS
    device: Identifier
    boot: Identifier
    boot_order: int = Field(gt=0)
    """Counts the agent's starts; a new journal begins at 1 with a new `boot`."""
    oldest: int | None = Field(default=None, gt=0)
    """The lowest number of this boot that the device still has, said when older ones had to make room."""
    records: tuple[PlayRecord, ...] = Field(max_length=100)


class RecordsAck(Order):
    """The highest contiguous number stored, per boot: only now may the device forget."""

    channel = Channel.RECORDS_ACK
    typ = "loa-records-ack+jwt"
    device: Identifier
    stored: dict[Identifier, int]
