"""The agent's configuration: one TOML file, overridden by environment variables `LOA_AGENT_…`.

All problems are told at once, unknown keys with the name that was probably meant, and secrets never.
"""

import difflib
import json
import os
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from audio.signals import ABOUT, Signal, Use
from device_agent.alerts.button import Contact
from device_agent.alerts.local import Stored
from device_agent.amplifier import Line, Margins
from device_agent.errors import ConfigError
from device_agent.gpio import GpioContact, GpioLine
from device_agent.identity import IDENTITY_FILE, IdentityStore
from protocol.messages import Identifier, TrustedKey
from protocol.signing import KeyRing


def base_url(url: str) -> str:
    """Return an address without its last slash, or raise ValueError for what is none."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("a base address such as https://loa.example.vn is needed")
    return url.rstrip("/")


def _usable_key(key: TrustedKey) -> TrustedKey:
    KeyRing((key,))
    return key


STATE_DIR = Path("/var/lib/loa")
BaseUrl = Annotated[str, AfterValidator(base_url)]


class TlsSettings(BaseModel):
    """Certificates for the broker: the authority that is trusted, and who this speaker is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


class BrokerSettings(BaseModel):
    """Where the MQTT broker is, and how to speak to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(min_length=1)
    port: int = Field(default=1883, gt=0, le=65535)
    username: str | None = None
    password: SecretStr | None = None
    tls: TlsSettings | None = None
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    """MQTT version; `auto` tries 5 and falls back to 3.1.1."""
    keepalive_s: int = Field(default=30, gt=0, le=3600)


class AmplifierSettings(BaseModel):
    """Which output of the board powers the amplifier, and how early and how long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    chip: Path = Path("/dev/gpiochip0")
    line: int | str
    """Its number on the chip, or its name such as `GPIO17`."""
    active_low: bool = False
    lead_ms: int = Field(default=300, ge=0, le=5000)
    hold_ms: int = Field(default=800, ge=0, le=30_000)

    def line_of(self) -> Line:
        """The line itself."""
        return GpioLine(str(self.chip), self.line, active_low=self.active_low)

    @property
    def margins(self) -> Margins:
        """How long around sound it is on."""
        return Margins(self.lead_ms / 1000, self.hold_ms / 1000)


_ALARMS = (
    Signal.ATTENTION,
    *(each for each in Signal if ABOUT[each].use is Use.ALARM and each is not Signal.ALL_CLEAR),
)


def _alarming(signal: Signal) -> Signal:
    if signal not in _ALARMS:
        raise ValueError(f"not the signal of an alarm; one of: {', '.join(_ALARMS)}")
    return signal


class ButtonSettings(BaseModel):
    """Which input of the board the alarm's button is on, and how long it must be held."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    chip: Path = Path("/dev/gpiochip0")
    line: int | str
    """Its number on the chip, or its name such as `GPIO27`."""
    active_low: bool = True
    """Closed, it joins the line to ground; the board pulls it up."""
    normally_closed: bool = False
    """It rests closed, and pressing opens it: a cut wire, too, counts as pressed."""
    hold_ms: int = Field(default=3000, ge=500, le=30_000)

    def contact_of(self) -> Contact:
        """The contact itself."""
        return GpioContact(str(self.chip), self.line, active_low=self.active_low, normally_closed=self.normally_closed)


class LocalAlarmSettings(BaseModel):
    """What sounds when somebody raises the alarm here. The configuration from above must allow it besides."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hazard: Literal["storm", "flood", "dam", "tsunami", "evacuation", "fire"] | None = None
    """Whose standing message it is: that siren and those words. What follows holds while they are not here."""
    headline: str = Field(default="Báo động tại chỗ", min_length=1, max_length=300)
    """What play records call it."""
    signal: Annotated[Signal, AfterValidator(_alarming)]
    button: ButtonSettings | None = None
    """Absent: the command alone raises it."""

    @property
    def stored(self) -> Stored:
        """The same for the alarm."""
        return Stored(self.headline, self.signal)


class AgentSettings(BaseSettings):
    """Everything one agent needs to know before it can be told anything."""

    model_config = SettingsConfigDict(
        env_prefix="LOA_AGENT_", env_nested_delimiter="__", extra="forbid", frozen=True, validate_default=False
    )

    device_id: Identifier
    """Stands in the file, or came by enrolling, as do broker, keys and hosts. What the file says outranks that."""
    state_dir: Path = STATE_DIR
    controller: BaseUrl | None = None
    """Where a speaker that was never enrolled asks by itself to be let in."""
    broker: BrokerSettings
    trusted_keys: tuple[Annotated[TrustedKey, AfterValidator(_usable_key)], ...] = Field(min_length=1)
    """Keys pinned on the device; the config may add more, never remove these."""
    content_hosts: tuple[BaseUrl, ...] = ()
    """Base addresses that clips and plans may be fetched from; nothing else is ever asked."""
    sink: Literal["auto", "pulse", "alsa", "wav"] = "auto"
    sink_device: str | None = None
    sink_offset_ms: float = Field(default=0.0, ge=-200, le=2000)
    """By how much sound leaves the horn later than the sink says: an amplifier's or a converter's own delay."""
    amplifier: AmplifierSettings | None = None
    """Absent: the amplifier is not switched by this machine."""
    local_alarm: LocalAlarmSettings | None = None
    """Absent: nobody raises an alarm at this speaker."""
    cache_limit_mb: int = Field(default=2048, ge=1)
    journal_limit_mb: int = Field(default=64, ge=1)
    journal_days: int = Field(default=30, ge=1)
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 — the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment outranks the file; nothing else is read."""
        return env_settings, init_settings


@dataclass(frozen=True, slots=True)
class Unenrolled:
    """What a speaker knows that must ask first who it is."""

    state_dir: Path
    controller: str


def load_settings(path: Path, *, state_dir: Path | None = None) -> AgentSettings:
    """Read a configuration file, and what was learnt by enrolling. Raises `ConfigError` with every problem found.

    `state_dir` replaces the file's; a relative one is taken from the file's own folder.
    """
    raw = _read(path, state_dir)
    store = IdentityStore(Path(raw["state_dir"]))
    own = store.load() if "device_id" not in raw else None
    if own is not None:
        learnt = store.settings(own)
        said = raw.get("broker", {})
        raw = {**learnt, **raw, "broker": {**learnt["broker"], **said} if isinstance(said, dict) else said}
    try:
        return AgentSettings(**raw)
    except SettingsError as error:
        raise ConfigError((f"environment: {error}",)) from error
    except ValidationError as error:
        problems = tuple(_sentence(detail) for detail in error.errors(include_input=False, include_url=False))
        raise ConfigError(problems) from error


def unenrolled(path: Path, *, state_dir: Path | None = None) -> Unenrolled | None:
    """Return what is needed for asking to be let in, where the file says nothing else and nobody has enrolled it."""
    raw = _read(path, state_dir)
    folder, controller = Path(raw["state_dir"]), raw.get("controller")
    if controller is None or "device_id" in raw or "LOA_AGENT_DEVICE_ID" in os.environ:
        return None
    if (folder / IDENTITY_FILE).exists():
        return None
    try:
        return Unenrolled(folder, base_url(str(controller)))
    except ValueError as error:
        raise ConfigError((f"controller: {error}",)) from error


def state_dir_of(path: Path) -> Path:
    """Return where the agent of a configuration keeps what it knows; without a file, where it is by default."""
    return Path(_read(path, None)["state_dir"]) if path.exists() else STATE_DIR


def _read(path: Path, state_dir: Path | None) -> dict[str, Any]:
    """Return the file as it stands, its state directory as an absolute path."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError((f"{path}: {error.strerror}",)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError((f"{path}: not TOML: {error}",)) from error
    said = raw.get("state_dir", str(STATE_DIR))
    if not isinstance(said, str):
        raise ConfigError(("state_dir: Input is not a valid path",))
    raw["state_dir"] = os.environ.get("LOA_AGENT_STATE_DIR", str(state_dir or path.parent / said))
    return raw


def _sentence(detail: ErrorDetails) -> str:
    location = tuple(str(part) for part in detail["loc"])
    name = ".".join(location)
    if detail["type"] != "extra_forbidden":
        return f"{name}: {detail['msg']}"
    near = difflib.get_close_matches(location[-1], _known(location[:-1]), n=1)
    return f"{name}: unknown key" + (f"; did you mean {near[0]!r}?" if near else "")


def _known(parents: Iterable[str]) -> list[str]:
    """The keys that a table of the configuration may have."""
    tables: dict[tuple[str, ...], type[BaseModel]] = {
        (): AgentSettings,
        ("amplifier",): AmplifierSettings,
        ("broker",): BrokerSettings,
        ("local_alarm",): LocalAlarmSettings,
        ("local_alarm", "button"): ButtonSettings,
        ("broker", "tls"): TlsSettings,
    }
    model = tables.get(tuple(parents))
    return list(model.model_fields) if model else []


def write_settings(settings: AgentSettings, path: Path) -> None:
    """Write a configuration file that only its owner may read, whole or not at all."""
    plain = settings.model_dump(mode="json", exclude_none=True)
    if settings.broker.password is not None:
        plain["broker"]["password"] = settings.broker.password.get_secret_value()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(_toml(plain))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _toml(table: Mapping[str, Any], prefix: str = "") -> str:
    """The small part of TOML that settings need: scalars, lists of scalars or tables, nested tables."""
    lines = [f"{key} = {_value(value)}" for key, value in table.items() if not isinstance(value, Mapping)]
    for key, value in table.items():
        if isinstance(value, Mapping):
            lines += ["", f"[{prefix}{key}]", _toml(value, f"{prefix}{key}.").rstrip()]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # TOML wants what JSON leaves free
