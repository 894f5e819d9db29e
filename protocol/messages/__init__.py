"""Every message of the wire as a typed model.

Down-going bodies travel inside a signed order (`protocol.signing`), up-going ones as plain JSON. A reader ignores
fields it does not know, so that either side may be updated first, and refuses a version it does not speak.
"""

from protocol.messages._base import (
    VERSION,
    Hash,
    Identifier,
    Instant,
    Message,
    Milliseconds,
    Order,
    Part,
    Title,
    VolumePercent,
)
from protocol.messages.alerts import (
    ACTIVE_MAX,
    LOCAL_ALERT,
    Alert,
    AlertKind,
    AlertPhase,
    AlertReport,
    AlertSet,
    AlertStanding,
    RepeatPlan,
)
from protocol.messages.commands import Action, Command, Reply, Restart, SendLogs, SetVolume, Skip, Stop, TestTone
from protocol.messages.configs import (
    STANDING_MAX,
    CapLimits,
    ClassVolumes,
    Config,
    KeyNotice,
    LocalTime,
    TrustedKey,
    VolumeWindow,
    Window,
    Zone,
    standing_digest,
)
from protocol.messages.live import LiveSession
from protocol.messages.plans import ClipRef, Mark, Plan, PlanManifest, PlanOccurrence, Relay, Stretch
from protocol.messages.records import Outcome, PlayRecord, Records, RecordsAck
from protocol.messages.state import ClockQuality, ClockState, DeviceState, Health, PlayerState, Problem, Status
from protocol.messages.timing import ClockReply, ClockRequest, Pulse

ORDERS: tuple[type[Order], ...] = (
    Plan,
    PlanManifest,
    Config,
    Command,
    RecordsAck,
    ClockReply,
    Pulse,
    AlertSet,
    LiveSession,
)
REPORTS: tuple[type[Message], ...] = (Reply, Status, DeviceState, Records, ClockRequest, AlertReport)

__all__ = [
    "ACTIVE_MAX",
    "LOCAL_ALERT",
    "ORDERS",
    "REPORTS",
    "STANDING_MAX",
    "VERSION",
    "Action",
    "Alert",
    "AlertKind",
    "AlertPhase",
    "AlertReport",
    "AlertSet",
    "AlertStanding",
    "CapLimits",
    "ClassVolumes",
    "ClipRef",
    "ClockQuality",
    "ClockReply",
    "ClockRequest",
    "ClockState",
    "Command",
    "Config",
    "DeviceState",
    "Hash",
    "Health",
    "Identifier",
    "Instant",
    "KeyNotice",
    "LiveSession",
    "LocalTime",
    "Mark",
    "Message",
    "Milliseconds",
    "Order",
    "Outcome",
    "Part",
    "Plan",
    "PlanManifest",
    "PlanOccurrence",
    "PlayRecord",
    "PlayerState",
    "Problem",
    "Pulse",
    "Records",
    "RecordsAck",
    "Relay",
    "RepeatPlan",
    "Reply",
    "Restart",
    "SendLogs",
    "SetVolume",
    "Skip",
    "Status",
    "Stop",
    "Stretch",
    "TestTone",
    "Title",
    "TrustedKey",
    "VolumePercent",
    "VolumeWindow",
    "Window",
    "Zone",
    "standing_digest",
]
