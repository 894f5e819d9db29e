"""Under which names the service answers: a page of another name that leads here must not speak with our voice."""

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from controller.errors import ControllerError
from controller.http.language import preferred
from controller.http.problems import problem
from controller.text import Text

LOCALHOST = "localhost"


class UnknownHost(ControllerError):
    """The request names another host than ours."""

    status, code = 400, "unknown_host"
    title = Text("This service does not go by that name. Its operator names it in LOA_PUBLIC_URL or LOA_HOSTS.")


class KnownHosts:
    """Refuses what is addressed to a foreign name: so no site can point a name of its own at us and read our answers.

    Plain addresses are let in: nobody can make a browser believe that an address is theirs. So are requests without a
    name: browsers send one, a balancer's check may not.
    """

    def __init__(self, app: ASGIApp, *, names: Iterable[str]) -> None:
        self.app = app
        self.names = frozenset(name.lower() for name in (*names, LOCALHOST))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or self._is_known(Headers(scope=scope).get("host", "")):
            await self.app(scope, receive, send)
            return
        language = preferred(Headers(scope=scope).get("accept-language", ""))
        await problem(UnknownHost(), language)(scope, receive, send)

    def _is_known(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").removesuffix(".")
            return not host or name in self.names or bool(ip_address(name))
        except ValueError:
            return False
