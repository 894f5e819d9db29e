"""The HTTP server of the controller."""

import gc
import socket
import sys

import uvicorn
from fastapi import FastAPI

from controller.garbage import settle
from controller.monitoring.hub import hub_of
from controller.runtime import Runtime, runtime_of
from controller.settings import Settings

NOT_STARTED = 3
ENDS_WITHIN_S = 5


class Server(uvicorn.Server):
    """Ends open event streams when it is told to stop: they would keep it until its patience is over."""

    def __init__(self, config: uvicorn.Config, runtime: Runtime) -> None:
        super().__init__(config)
        self._runtime = runtime
        self._found = gc.get_threshold()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start."""
        await super().startup(sockets)
        settle()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop."""
        hub_of(self._runtime).close()
        await super().shutdown(sockets)
        gc.set_threshold(*self._found)


def server_of(app: FastAPI, settings: Settings) -> Server:
    """Return what serves an application as its settings say."""
    config = uvicorn.Config(
        app,
        host=settings.http_host,
        port=settings.http_port,
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=ENDS_WITHIN_S,
    )
    return Server(config, runtime_of(app))


def serve(app: FastAPI, settings: Settings) -> None:
    """Serve until a signal ends it; exit with an error if it could not start."""
    server = server_of(app, settings)
    try:
        server.run()
    except KeyboardInterrupt:
        return
    if not server.started:
        sys.exit(NOT_STARTED)
