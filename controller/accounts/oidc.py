"""Signing in through the province's identity provider (OpenID Connect: authorization code, PKCE, state and nonce).

Authlib speaks the protocol. Here is what we believe of its outcome: a subject of the one configured issuer is who it
was linked to, by a one-time link or by a verified mail address of somebody invited with it; never by a guess.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
import structlog
from authlib.integrations.starlette_client import OAuth, OAuthError  # type: ignore[import-untyped]
from joserfc.errors import JoseError
from starlette.requests import Request
from starlette.responses import RedirectResponse

from controller.accounts.models import Identity, User
from controller.accounts.repository import Credentials
from controller.accounts.secrets import token_hash
from controller.accounts.service import LinkOver
from controller.database import Database
from controller.errors import Forbidden, Unavailable
from controller.runtime import Runtime
from controller.settings import Settings
from controller.text import Text

log = structlog.get_logger(__name__)

CALLBACK: Final = "/sign-in/openid/callback"
COOKIE: Final = "loa_openid"
FLOW_LASTS: Final = timedelta(minutes=10)
TIMEOUT_S: Final = 10.0
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with a key that only the provider holds; never `none`, never one of our own secret."""
_SUBJECT_MAX: Final = 255


class ProviderAway(Unavailable):
    """The identity provider does not answer, or not as it should."""

    code = "openid_unavailable"
    title = Text("The identity provider does not answer. Try again, or sign in with your password.")


class NotSignedInThere(Forbidden):
    """The way there and back was broken off, is too old, or was not begun in this browser."""

    code = "openid_refused"
    title = Text("That sign-in was not finished. Start again.")


class NotLinked(Forbidden):
    """The provider knows them, and we do not."""

    code = "openid_not_linked"
    title = Text("This account was not invited here. Ask the administrator of your area for an invitation link.")


@dataclass(frozen=True, slots=True)
class Claims:
    """What the provider says of somebody, its signature checked."""

    issuer: str
    subject: str
    email: str
    """Empty unless it calls it verified."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What was noted when somebody went there."""

    target: str
    link: str
    """The secret of the one-time link by which they came, if any."""
    protocol: dict[str, Any]


class Provider:
    """The one configured identity provider."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        secret = settings.oidc_client_secret
        self._client = OAuth().register(
            "loa",
            client_id=settings.oidc_client_id,
            client_secret=secret.get_secret_value() if secret else None,
            server_metadata_url=f"{settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={"scope": "openid email", "code_challenge_method": "S256", "timeout": TIMEOUT_S},
        )

    async def send(self, request: Request) -> tuple[RedirectResponse, dict[str, Any]]:
        """Return the way there, and what to note until the way back."""
        request.scope["session"] = {}
        try:
            await self._know()
            answer = await self._client.authorize_redirect(request, f"{self.settings.base_url}{CALLBACK}")
        except (OAuthError, httpx.HTTPError, ValueError, KeyError, RuntimeError) as error:
            log.warning("openid_unavailable", reason=type(error).__name__)
            raise ProviderAway from error
        return answer, dict(request.scope["session"])

    async def receive(self, request: Request, flow: Flow) -> Claims:
        """Return whom the provider sends back. Raises `NotSignedInThere` or `ProviderAway`."""
        request.scope["session"] = flow.protocol
        try:
            await self._know()
            token = await self._client.authorize_access_token(request)
            said = token["userinfo"]
            issuer, subject = str(said["iss"]), str(said["sub"])
        except httpx.HTTPError as error:
            log.warning("openid_unavailable", reason=type(error).__name__)
            raise ProviderAway from error
        except (OAuthError, JoseError, ValueError, KeyError, RuntimeError) as error:
            log.warning("openid_refused", reason=type(error).__name__)
            raise NotSignedInThere from error
        if issuer != self.settings.oidc_issuer or not 0 < len(subject) <= _SUBJECT_MAX:
            raise NotSignedInThere
        verified = said.get("email_verified") is True
        return Claims(issuer, subject, str(said.get("email") or "") if verified else "")

    async def _know(self) -> None:
        metadata = await self._client.load_server_metadata()
        if metadata.get("issuer") != self.settings.oidc_issuer:
            raise ValueError("the provider names itself otherwise than it is configured here")
        offered = metadata.get("id_token_signing_alg_values_supported") or []
        metadata["id_token_signing_alg_values_supported"] = [a for a in offered if a in _ALGORITHMS] or ["RS256"]


async def user_of(database: Database, claims: Claims, link: str, *, trust_email: bool, now: datetime) -> User:
    """Return who this is here; link them at their first sign-in. Raises `NotLinked` or `LinkOver`."""
    async with database.transaction() as session:
        credentials = Credentials(session)
        known = await credentials.identity(claims.issuer, claims.subject)
        if known is not None:
            return known.user
        if link:
            found = await credentials.link(token_hash(link), now)
            if found is None or found.user.disabled or not await credentials.spend_link(token_hash(link)):
                raise LinkOver
            user = found.user
        else:
            invited = await credentials.invited(claims.email) if trust_email and claims.email else []
            if len(invited) != 1:
                raise NotLinked
            user = invited[0]
            await credentials.forget_links(user.id)
        session.add(Identity(issuer=claims.issuer, subject=claims.subject, user_id=user.id, linked_at=now))
        await session.flush()
        return user


def provider_of(runtime: Runtime) -> Provider | None:
    """Return the service's identity provider, if it has one."""
    if not runtime.settings.oidc_issuer:
        return None
    if Provider not in runtime.parts:
        runtime.parts[Provider] = Provider(runtime.settings)
    provider: Provider = runtime.parts[Provider]
    return provider
