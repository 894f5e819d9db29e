"""What an operator may set: environment variables `LOA_*`, with defaults that run on one machine."""

from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, IPvAnyNetwork, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from audio.speech.voices import Gender, Region

MIB = 1024 * 1024


class RemoteVoice(BaseModel):
    """A voice of the speech service at `speech_url`, by the service's own name for it."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,57}$")
    language: str = "vi"
    gender: Gender | None = None
    region: Region | None = None
    title: str = Field(default="", max_length=100)


class Settings(BaseSettings):
    """The controller's settings. Everything it keeps lies below `data_dir`."""

    model_config = SettingsConfigDict(env_prefix="LOA_", frozen=True, extra="ignore")

    data_dir: Path = Path("loa-data")
    database_url: str = ""
    """Such as `postgresql+asyncpg://loa@/loa`; empty: SQLite in `data_dir`."""

    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8080, ge=0, le=65535)
    public_url: str = ""
    """How speakers and browsers reach us, such as `https://loa.example.vn`; empty: `http_host`:`http_port`."""

    hosts: str = ""
    """Further names that this service goes by, by comma, besides that of `public_url` and plain addresses."""

    trusted_proxies: str = "127.0.0.1,::1"
    """Whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed: addresses or networks by comma, or nobody."""

    broker_host: str = "127.0.0.1"
    broker_port: int = Field(default=1883, gt=0, le=65535)
    broker_user: str | None = None
    broker_password: SecretStr | None = None
    broker_tls: bool = False
    broker_ca_file: Path | None = None
    broker_cert_file: Path | None = None
    """The controller's own certificate for the broker, and its key."""
    broker_key_file: Path | None = None
    broker_dir: Path | None = None
    """The folder that `loa broker-config` has made: kept up to date, and used for all of the above."""
    mqtt_version: Literal["5", "3.1.1"] = "5"

    speaker_broker: str = Field(default="", pattern=r"^(mqtts?://[A-Za-z0-9._-]+:[0-9]{1,5})?$")
    """Where speakers reach the broker, such as `mqtts://loa.example.vn:8883`; empty: where we do."""

    hsm_module: Path | None = None
    """A PKCS#11 library such as `/usr/lib/softhsm/libsofthsm2.so`: new signing keys are made in its token."""
    hsm_token: str = "loa"  # noqa: S105 a label, not a secret
    hsm_pin: SecretStr = SecretStr("")

    zone: str = "Asia/Ho_Chi_Minh"
    freeze_s: int = Field(default=10, ge=0)
    """What starts within this many seconds does not change any more."""
    lead_s: int = Field(default=15, ge=1)
    """"Now" means this many seconds from now, so that speakers can get ready."""
    alert_lead_ms: int = Field(default=800, ge=0, le=10_000)
    """From the press to the instant at which all speakers begin an alert: time for the order to reach them."""
    standing_sounds: bool = True
    """Whether the sound of standing messages is made beforehand and kept by every speaker."""
    live_limit_s: int = Field(default=600, ge=10, le=14_400)
    """A live session ends after so long at the latest, if whoever opens it names no other limit."""
    live_silence_s: int = Field(default=60, ge=5, le=3600)
    """It ends by itself when nobody has spoken for so long."""
    live_at_once: int = Field(default=4, ge=1, le=32)
    """So many of the officers of one area may speak at the same time; the whole service carries 32."""
    cap_networks: tuple[IPvAnyNetwork, ...] = ()
    """Networks of our own in which feeds of CAP may lie, as JSON: `["10.20.0.0/16"]`. All others must be public."""

    cap_sender: str = Field(default="", pattern=r"^[^\s,<&]*$", max_length=200)
    """What our own CAP messages call their sender; empty: the host of `public_url`. Best left alone once used."""
    cap_public: bool = False
    """Whether anybody may read our CAP feed without a sign-in."""

    plan_days: int = Field(default=8, ge=1, le=31)

    tiles: str = Field(
        default="", pattern=r"^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[^\s;,]*\{z\}[^\s;,]*)?$", max_length=500
    )
    """Where map tiles come from, such as `https://tile.example/{z}/{x}/{y}.png`; empty: maps show outlines only."""
    tiles_attribution: str = Field(default="", max_length=200)
    """Whose map it is, as its terms ask."""

    body_max_bytes: int = Field(default=1 * MIB, gt=0)
    upload_max_bytes: int = Field(default=200 * MIB, gt=0)
    session_days: int = Field(default=14, ge=1)
    """A sign-in ends after this many days without use."""

    audit_heads_file: Path | None = None
    """Where signed heads of the audit trail are appended: best on another machine's disk; none: in `data_dir`."""
    smtp_host: str = ""
    """The mail server that takes letters with one-time links; empty: links are handed over in person only."""
    smtp_port: int = Field(default=587, gt=0, le=65535)
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_tls: Literal["starttls", "tls", "none"] = "starttls"
    smtp_ca_file: Path | None = None
    smtp_from: str = Field(default="loa@localhost", pattern=r"^[^@\s<>]+@[^@\s<>]+$")

    oidc_issuer: str = Field(default="", pattern=r"^(https://.+|http://(127\.0\.0\.1|localhost)([:/].*)?)?$")
    """The province's identity provider (OpenID Connect), as it names itself in its tokens; empty: there is none."""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr | None = None
    oidc_title: str = Field(default="OpenID", max_length=60)
    """What the button to it says."""
    oidc_trust_email: bool = False
    """Whether a mail address that it calls verified lets in whoever was invited with that address."""

    voices_dir: Path | None = None
    """Where Piper voices lie (`NAME.onnx` and `NAME.onnx.json`); none: `data_dir`/voices."""
    speech_url: str = Field(default="", pattern=r"^(https?://.+)?$")
    """A speech service over HTTP, such as the province's own; empty: there is none."""
    speech_token: SecretStr | None = None
    speech_timeout_s: float = Field(default=10.0, gt=0, le=120)
    speech_voices: tuple[RemoteVoice, ...] = ()
    """Who reads there, as JSON: `[{"id": "ngoc", "gender": "female", "region": "southern"}]`."""

    @field_validator("trusted_proxies")
    @classmethod
    def _only_addresses(cls, proxies: str) -> str:
        named = [each.strip() for each in proxies.split(",") if each.strip()]
        for each in named:
            ip_network(each)  # a name or `*` would be believed by mistake, or never
        return ",".join(named)

    @property
    def tiles_origin(self) -> str:
        """Where browsers may fetch tiles; empty where there are none."""
        parts = urlsplit(self.tiles)
        return f"{parts.scheme}://{parts.netloc}" if self.tiles else ""

    @property
    def host_names(self) -> tuple[str, ...]:
        """The names by which requests may call us."""
        further = (each.strip() for each in self.hosts.split(","))
        return tuple(name for name in (urlsplit(self.base_url).hostname or "", *further) if name)

    @property
    def database(self) -> str:
        """The database's address."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'loa.db'}"

    @property
    def oidc_button(self) -> str:
        """What the button to the identity provider says; nothing where there is none."""
        return self.oidc_title if self.oidc_issuer else ""

    @property
    def base_url(self) -> str:
        """What links given to speakers begin with; no slash at the end."""
        return (self.public_url or f"http://{self.http_host}:{self.http_port}").rstrip("/")

    @property
    def content_dir(self) -> Path:
        """Where clips lie, by their hash."""
        return self.data_dir / "content"
