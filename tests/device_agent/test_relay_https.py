"""A station behind https is believed only with a certificate that somebody vouches for."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from device_agent.relay.source import RelaySource
from tests.support.eventually import eventually
from tests.support.stations import tone_file
from tests.support.tls import certificate


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that does not believe us breaks off."""


@contextmanager
def station(folder: Path, cert: Path, key: Path) -> Iterator[str]:
    """The address of a tone behind https."""
    sound = tone_file(folder / "tone", 20)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with Server(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"https://localhost:{server.server_address[1]}/{sound.name}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("vouched", [True, False])
def test_a_station_is_heard_only_if_its_certificate_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, vouched: bool
) -> None:
    cert, key = certificate(tmp_path)
    if vouched:
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    with station(tmp_path, cert, key) as url:
        source = RelaySource(url, window_s=30)
        source.start()
        try:
            eventually(lambda: source.jitter.seen[0] if vouched else source.trouble, within_s=20)
            assert bool(source.jitter.seen[0]) is vouched
        finally:
            source.close()
            eventually(lambda: not [each for each in threading.enumerate() if each.name == "relay"], within_s=10)
