"""What can go wrong in the agent. `code` is stable; `transient` says whether trying again may help."""

from typing import ClassVar


class AgentError(Exception):
    """The root: anything the agent itself raises."""

    code: ClassVar[str] = "agent"
    transient: ClassVar[bool] = False


class ConfigError(AgentError):
    """The configuration cannot be used. Carries every problem, not only the first."""

    code = "config"

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class AlreadyRunning(AgentError):
    """Another agent holds this state directory."""

    code = "already_running"


class JournalBroken(AgentError):
    """The journal cannot be written: the disk is full or failing."""

    code = "journal_broken"
    transient = True


class DownloadError(AgentError):
    """A clip or a plan could not be fetched."""

    code = "download_failing"
    transient = True


class HashMismatch(DownloadError):
    """What arrived is not what the plan names. It is thrown away and fetched again."""

    code = "wrong_hash"


class UrlExpired(DownloadError):
    """The signed address is no longer honoured: it must be renewed."""

    code = "url_expired"


class HostNotAllowed(DownloadError):
    """The address leads to a host that this agent must not talk to."""

    code = "host_not_allowed"
    transient = False


class CacheFull(DownloadError):
    """There is no room for a clip, even after dropping all that the plan does not need."""

    code = "cache_full"


class DiskFull(DownloadError):
    """The disk has no room left."""

    code = "disk_full"


class LinkLost(AgentError):
    """The broker cannot be reached."""

    code = "link_lost"
    transient = True


class OlderOrder(AgentError):
    """A well-signed plan or config with a lower version than the one in force."""

    code = "older"


class ReplayedOrder(AgentError):
    """A command that was obeyed before."""

    code = "replayed"


class ConflictingOrder(AgentError):
    """The version in force again, with other words."""

    code = "conflicting"


class ControllerUnreachable(AgentError):
    """The controller does not answer, or not with an answer."""

    code = "controller_unreachable"
    transient = True

    def __init__(self, said: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(said)
        self.retry_after_s = retry_after_s


class EnrolmentRefused(AgentError):
    """The controller does not let this speaker in, or is not the one that was meant."""

    code = "enrolment_refused"


class IdentityRefused(AgentError):
    """What arrived as an identity is not this speaker's."""

    code = "identity_refused"
