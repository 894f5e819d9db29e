"""Becoming a speaker: with a one-time code at once, without one as soon as somebody has let it in.

Killed anywhere and run again it asks the same with the same key, and the controller answers the same.
"""

import random
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from device_agent import reception
from device_agent.backoff import delay_s
from device_agent.errors import ControllerUnreachable, EnrolmentRefused
from device_agent.identity import IdentityStore, Own, request_of
from protocol.enrolment import (
    ENROL_PATH,
    EnrolmentAnswer,
    EnrolmentCode,
    EnrolmentRequest,
    Identity,
    fingerprint,
    prove,
    proves,
)

TRIES_WITH_CODE = 5
"""Somebody stands there and waits."""
FIRST_WAIT_S = 5.0
WAIT_MAX_S = 300.0

Say = Callable[[str], object]
Sleep = Callable[[float], object]


class Enroller:
    """Asks one controller, on behalf of one state directory."""

    def __init__(self, state_dir: Path, controller: str, *, agent_version: str, say: Say, sleep: Sleep) -> None:
        self._store = IdentityStore(state_dir)
        self._url = controller.rstrip("/") + ENROL_PATH
        self._agent_version = agent_version
        self._say = say
        self._sleep = sleep

    def with_code(self, code: EnrolmentCode) -> Own:
        """Enrol by a one-time code, also over a network that nobody can trust. Raises an `AgentError`."""
        own = self._store.load()
        if own is not None and own.code_id == code.id:
            self._say(f"This speaker is {own.identity.device_id} already.")
            return own
        key, secret = self._store.next_key(), code.key()
        request = self._request(key)
        proof = prove(secret, "speaker", request.request)
        request = request.model_copy(update={"code_id": code.id, "proof": proof})
        answer = self._ask_patiently(request)
        said = answer.identity
        if answer.state != "enrolled" or said is None or not proves(secret, "controller", said, answer.proof):
            raise EnrolmentRefused("whoever answered does not know the code: nothing of it is believed")
        return self._store.enrol(_read(said), key, code.id)

    def by_approval(self) -> Own:
        """Wait until somebody lets this board in. Raises `EnrolmentRefused` when it is turned away."""
        if not proves_itself(self._url):
            raise EnrolmentRefused("without a code the controller's address must begin with https://")
        key = self._store.next_key()
        mark = fingerprint(key.public_key())
        self._say(f"Fingerprint of this speaker: {shown(mark)}")
        request, attempt = self._request(key), 0
        while True:
            attempt += 1
            wait_s = delay_s(attempt, base_s=FIRST_WAIT_S, cap_s=WAIT_MAX_S, draw=random.random())  # noqa: S311 jitter
            try:
                answer = reception.ask(self._url, request, EnrolmentAnswer)
            except ControllerUnreachable as error:
                self._say(f"{error}; trying again")
                wait_s = max(wait_s, error.retry_after_s or 0)
            else:
                if answer.state == "rejected":
                    raise EnrolmentRefused(f"this speaker was turned away; its fingerprint is {shown(mark)}")
                if answer.state == "enrolled" and answer.identity is not None:
                    return self._store.enrol(_read(answer.identity), key)
                self._say(f"Waiting to be let in. Fingerprint: {shown(mark)}")
            self._sleep(wait_s)

    def _ask_patiently(self, request: EnrolmentRequest) -> EnrolmentAnswer:
        attempt = 0
        while True:
            attempt += 1
            try:
                return reception.ask(self._url, request, EnrolmentAnswer)
            except ControllerUnreachable as error:
                if attempt == TRIES_WITH_CODE or error.retry_after_s is not None:
                    raise
                self._say(f"{error}; trying again")
            self._sleep(delay_s(attempt, base_s=1, cap_s=10, draw=random.random()))  # noqa: S311 jitter

    def _request(self, key: ec.EllipticCurvePrivateKey) -> EnrolmentRequest:
        return EnrolmentRequest(
            request=request_of(key),
            hardware=reception.hardware(),
            hostname=reception.hostname(),
            agent_version=self._agent_version,
        )


def shown(mark: str) -> str:
    """A fingerprint in groups that the eye can follow."""
    return " ".join(mark[at : at + 4] for at in range(0, len(mark), 4))


def proves_itself(url: str) -> bool:
    """Whether TLS proves who answers there, or nobody can be between."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return True
    try:
        return ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _read(said: str) -> Identity:
    try:
        return Identity.model_validate_json(said)
    except ValidationError as error:
        raise EnrolmentRefused("the identity that came is not understood") from error
