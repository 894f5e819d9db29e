"""What the agent says to the controller's reception over HTTP: short requests, short answers, no redirects."""

import socket
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from device_agent.errors import ControllerUnreachable, EnrolmentRefused

ANSWER_MAX_BYTES = 64 * 1024
TIMEOUT = httpx.Timeout(30, connect=10)
_MODEL = Path("/proc/device-tree/model")

A = TypeVar("A", bound=BaseModel)


def ask(url: str, body: BaseModel, answer: type[A]) -> A:
    """Post, and return the answer. Raises `ControllerUnreachable`, or `EnrolmentRefused` for a plain no."""
    received = bytearray()
    try:
        with (
            httpx.Client(follow_redirects=False, timeout=TIMEOUT, trust_env=False) as client,
            client.stream("POST", url, json=body.model_dump(exclude_none=True)) as response,
        ):
            for block in response.iter_bytes():
                received += block
                if len(received) > ANSWER_MAX_BYTES:
                    raise ControllerUnreachable(f"{_host(url)} says more than an answer")
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise ControllerUnreachable(f"{_host(url)} cannot be reached: {type(error).__name__}: {error}") from error
    return _read(response, bytes(received), answer)


def _read(response: httpx.Response, received: bytes, answer: type[A]) -> A:
    status = response.status_code
    if status == HTTPStatus.OK:
        try:
            return answer.model_validate_json(received)
        except ValidationError as error:
            raise ControllerUnreachable(f"what {response.url.host} answers is not understood") from error
    if status in {HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.CONFLICT}:
        raise EnrolmentRefused(_detail(received) or f"refused ({status})")
    retry_after = response.headers.get("Retry-After", "")
    raise ControllerUnreachable(
        f"{response.url.host} answers {status}{_moved(response.headers)}",
        retry_after_s=min(3600, int(retry_after)) if retry_after.isdecimal() else None,
    )


def _moved(headers: Mapping[str, str]) -> str:
    return f" and points to {headers['location']}: give that address" if "location" in headers else ""


def _detail(received: bytes) -> str:
    class Problem(BaseModel):
        detail: str

    try:
        said = Problem.model_validate_json(received).detail
    except ValidationError:
        return ""
    return "".join(letter for letter in said if letter.isprintable())[:200]


def _host(url: str) -> str:
    return httpx.URL(url).host or "the controller"


def hardware() -> str:
    """What this board calls itself."""
    try:
        return _MODEL.read_text(errors="replace").strip("\0 \n")[:200]
    except OSError:
        return ""


def hostname() -> str:
    """Its name in the network."""
    return socket.gethostname()[:255]
