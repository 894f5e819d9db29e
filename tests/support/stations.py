"""Real stations to relay: an Icecast and an HLS server on this machine, and what feeds them."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from audio.ffmpeg import executable
from loa.brokers import free_port
from tests.support.eventually import eventually

STATION_HZ, STAND_IN_HZ = 500, 900
TONE = f"sine=frequency={STATION_HZ}:sample_rate=48000"
SILENCE = "anullsrc=sample_rate=48000:channel_layout=mono"

_ICECAST = """<icecast>
<limits><clients>20</clients><sources>4</sources><burst-size>16384</burst-size></limits>
<authentication><source-password>nguon</source-password><admin-password>quantri</admin-password></authentication>
<hostname>127.0.0.1</hostname>
<listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>
<paths><logdir>{folder}</logdir><webroot>/usr/share/icecast2/web</webroot>
<adminroot>/usr/share/icecast2/admin</adminroot></paths>
<logging><accesslog>-</accesslog><errorlog>-</errorlog><loglevel>1</loglevel></logging>
<security><chroot>0</chroot>{owner}</security>
</icecast>"""
_OWNER = "<changeowner><user>nobody</user><group>nogroup</group></changeowner>"

_NGINX = """daemon off; master_process off; pid {folder}/pid; error_log stderr error;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; audio/mpeg mp3; text/html html; }}
  server {{
    listen 127.0.0.1:{port};
    root {folder};
    location /slow/ {{ alias {folder}/; limit_rate 3k; }}
  }}
}}"""


@contextmanager
def child(*command: str | Path, says: Path = Path(os.devnull)) -> Iterator[subprocess.Popen[bytes]]:
    """A process for as long as it is wanted. Its complaints go to the file `says`."""
    with says.open("wb") as complaints:
        process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=complaints
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _answers(url: str, status: int = 200) -> bool:
    try:
        with httpx.Client(trust_env=False) as client, client.stream("GET", url, timeout=5) as answer:
            return answer.status_code == status
    except httpx.HTTPError:
        return False


class Icecast:
    """A running Icecast with one mount."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._feeders = ExitStack()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/live.mp3"

    def send(self, sound: str = TONE, *, paced: tuple[str, ...] = ("-re",)) -> None:
        """Let a studio send, in real time if `paced` says nothing else; what another sent before ends."""
        self.fall_silent()
        to = f"icecast://source:nguon@127.0.0.1:{self._port}/live.mp3"
        mp3 = ("-c:a", "libmp3lame", "-b:a", "96k", "-content_type", "audio/mpeg", "-f", "mp3")
        self._feeders.enter_context(child(executable(), "-v", "error", *paced, "-f", "lavfi", "-i", sound, *mp3, to))
        eventually(lambda: _answers(self.url), within_s=30)

    def fall_silent(self) -> None:
        """The studio's line breaks."""
        self._feeders.close()


@contextmanager
def icecast(folder: Path) -> Iterator[Icecast]:
    """A real Icecast."""
    port = free_port()
    config = folder / "icecast.xml"
    config.write_text(_ICECAST.format(port=port, folder=folder, owner=_OWNER if os.geteuid() == 0 else ""))
    with child(program("icecast2"), "-c", config):
        eventually(lambda: _answers(f"http://127.0.0.1:{port}/none", 404), within_s=30)
        station = Icecast(port)
        try:
            yield station
        finally:
            station.fall_silent()


@contextmanager
def web_server(folder: Path) -> Iterator[str]:
    """A real nginx for the files of a folder; what is asked for below `/slow/` passes at 24 kbit/s."""
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(port=port, folder=folder))
    (folder / "here.html").write_text("<html><body>Trang này không phải là đài.</body></html>" * 100)
    with child(program("nginx"), "-c", config, "-p", folder, "-e", "stderr"):
        eventually(lambda: _answers(f"http://127.0.0.1:{port}/here.html"), within_s=30)
        yield f"http://127.0.0.1:{port}"


@contextmanager
def hls(folder: Path) -> Iterator[None]:
    """A live HLS stream in a folder, in segments of a second, of which the last six are kept."""
    muxed = ("-f", "hls", "-hls_time", "1", "-hls_list_size", "6", "-hls_flags", "delete_segments")
    live = folder / "live.m3u8"
    tone = ("-re", "-f", "lavfi", "-i", TONE, "-c:a", "aac", "-b:a", "64k")
    with child(executable(), "-v", "error", *tone, *muxed, live):
        eventually(lambda: live.exists() and live.read_text().count(".ts") >= 3, within_s=40)
        yield


def tone_file(path: Path, seconds: float, hz: int = STAND_IN_HZ) -> Path:
    """A clip of one tone, as the wire carries it."""
    source = ["-f", "lavfi", "-i", f"sine=frequency={hz}:sample_rate=48000:duration={seconds}"]
    opus = ["-ac", "1", "-c:a", "libopus", "-b:a", "32k", "-f", "ogg"]
    subprocess.run([executable(), "-v", "error", *source, *opus, path], check=True)
    return path


def program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    assert found, f"{name} is not installed; .ci/packages names what the tests need"
    return found
