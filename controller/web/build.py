"""Builds the page's assets: `python -m controller.web.build`.

Runs npm only when its inputs changed, so that a second run takes no time and needs no network.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

_WEB = Path(__file__).parent
FRONTEND = _WEB / "frontend"
DIST = _WEB / "static" / "dist"
_STAMP = ".inputs"


class BuildError(RuntimeError):
    """The assets could not be built; the message says what to do."""


def build() -> bool:
    """Bring `static/dist` up to date. Returns whether anything had to be done. Two at once take turns."""
    with (FRONTEND / "package.json").open("rb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        return _build()


def _build() -> bool:
    locked = _digest(FRONTEND / "package.json", FRONTEND / "package-lock.json")
    sources = _digest(*sorted(p for p in (FRONTEND / "src").rglob("*") if p.is_file()), FRONTEND / "build.mjs")
    wanted = f"{locked}\n{sources}\n"
    if _read(DIST / _STAMP) == wanted:
        return False
    installed = FRONTEND / "node_modules" / _STAMP
    if _read(installed) != locked:
        _run(_npm(), "ci", "--ignore-scripts", "--prefer-offline", "--loglevel=error")
        installed.write_text(locked)
    _run(_npm(), "run", "--silent", "build")
    (DIST / _STAMP).write_text(wanted)
    return True


def _npm() -> str:
    beside = Path(sys.executable).parent / "npm"
    npm = str(beside) if beside.exists() else shutil.which("npm")
    if npm is None:
        raise BuildError("npm not found: install the extra that brings it, `pip install 'loa[build]'`")
    return npm


def _run(*command: str) -> None:
    path = os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", os.defpath)])
    try:
        subprocess.run(command, cwd=FRONTEND, env={**os.environ, "PATH": path}, check=True)
    except subprocess.CalledProcessError as error:
        raise BuildError(
            f"{' '.join(command[1:3])} ended with status {error.returncode}; its own words are above"
        ) from error


def _digest(*files: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(FRONTEND)}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _read(file: Path) -> str | None:
    try:
        return file.read_text()
    except FileNotFoundError:
        return None


def main() -> int:
    """Build, and say in one line what happened."""
    try:
        changed = build()
    except BuildError as error:
        sys.stderr.write(f"Page assets: {error}\n")
        return 1
    sys.stderr.write(f"Page assets: {'built' if changed else 'up to date'}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
