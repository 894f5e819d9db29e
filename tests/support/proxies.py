"""The reverse proxies of `deploy/`, as they are shipped but for names, ports and certificates."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from loa.brokers import free_port
from tests.support.eventually import eventually
from tests.support.stations import child, program
from tests.support.tls import certificate

DEPLOY = Path(__file__).parents[2] / "deploy"
VISITOR = "127.0.0.2"
"""Where the test's browser calls from: neither the proxy's address nor a trusted one."""


@dataclass(frozen=True)
class Proxy:
    """A running proxy."""

    port: int
    folder: Path
    """All that it writes lies here."""
    tls: ssl.SSLContext

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def browser(self, **headers: str) -> httpx.Client:
        transport = httpx.HTTPTransport(verify=self.tls, local_address=VISITOR)
        return httpx.Client(transport=transport, base_url=self.url, headers={"Origin": self.url, **headers})

    def written(self) -> str:
        """Everything in its logs."""
        return "".join(file.read_text() for file in sorted(self.folder.glob("*.log")))


@contextmanager
def proxy(kind: str, folder: Path, upstream: str, *, awaits: int = 200) -> Iterator[Proxy]:
    """Run nginx or Caddy before `upstream` (host and port), which makes it answer `awaits`."""
    cert, key = certificate(folder)
    port = free_port()
    command = _nginx if kind == "nginx" else _caddy
    running = Proxy(port, folder, ssl.create_default_context(cafile=str(cert)))
    with child(*command(folder, port, cert, key, upstream), says=folder / "complaints.log"):
        with running.browser() as browser:
            eventually(lambda: _answers(browser, awaits), within_s=30, what=f"{kind} answers")
        yield running


def _answers(browser: httpx.Client, status: int) -> bool:
    try:
        return browser.get("/healthz").status_code == status
    except httpx.TransportError:
        return False


def _changed(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert old in text, f"{old} is no longer in the configuration: change the test too"
        text = text.replace(old, new)
    return text


def _nginx(folder: Path, port: int, cert: Path, key: Path, upstream: str) -> list[str | Path]:
    shipped = _changed(
        (DEPLOY / "nginx.conf").read_text(),
        {
            "    listen [::]:80;\n": "",
            "    listen [::]:443 ssl http2;\n": "",
            "listen 80;": f"listen 127.0.0.1:{free_port()};",
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "/etc/letsencrypt/live/loa.example.vn/fullchain.pem": str(cert),
            "/etc/letsencrypt/live/loa.example.vn/privkey.pem": str(key),
            "/var/log/nginx": str(folder),
            "127.0.0.1:8080": upstream,
            "proxy_set_header Host $host;": "proxy_set_header Host $http_host;",  # the port is not 443 here
        },
    )
    temporary = " ".join(
        f"{each}_temp_path {folder}/{each};" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log stderr crit;\n"
        f"events {{ }}\nhttp {{ {temporary}\n{shipped} }}"
    )
    return [program("nginx"), "-c", config, "-p", folder, "-e", "stderr"]


def _caddy(folder: Path, port: int, cert: Path, key: Path, upstream: str) -> list[str | Path]:
    config = folder / "Caddyfile"
    config.write_text(
        _changed(
            (DEPLOY / "Caddyfile").read_text(),
            {
                "\tservers {": "\tadmin off\n\tauto_https off\n\tservers {",
                "\nloa.example.vn {": f"\nhttps://localhost:{port} {{\n\tbind 127.0.0.1\n\ttls {cert} {key}",
                "/var/log/caddy": str(folder),
                "127.0.0.1:8080": upstream,
            },
        )
    )
    home = [f"{name}={folder}" for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")]
    return ["env", *home, f"PATH={os.environ['PATH']}", program("caddy"), "run", "--config", config]
