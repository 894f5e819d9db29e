"""A speech service over HTTP, such as a province's own: a sentence goes there, sound comes back.

    POST {url}   {"text": …, "voice": …, "language": …, "speed_wpm": …}   Authorization: Bearer {token}
    200  audio/wav (16-bit mono), or audio/pcm;rate=N (signed 16-bit little-endian mono), as it is made

429, 5xx, silence and broken sound may pass (`engine_failed`); any other refusal will not (`engine_refused`).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audio.errors import EngineFailed, EngineRefused
from audio.speech.engine import OnSamples
from audio.speech.script import Sentence
from audio.speech.voices import Voice
from audio.speech.wav import BrokenWav, WavReader

if TYPE_CHECKING:
    import httpx

KEY = "http"
_SENTENCE_MAX_BYTES = 32 << 20
_RATES_HZ = range(8_000, 48_001)
_TOO_MANY, _SERVER_ERRORS, _OK = 429, 500, 200


@dataclass(frozen=True, slots=True)
class Service:
    """Where the service is, who can read there, and how long a sentence may take."""

    url: str
    voices: tuple[Voice, ...]
    token: str = ""
    timeout_s: float = 10.0
    sentence_s: float = 60.0


class RemoteEngine:
    """Asks a service sentence by sentence. It follows no redirection and heeds no proxy of the environment."""

    key = KEY

    def __init__(self, service: Service, clock: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._clock = clock

    def voices(self) -> Sequence[Voice]:
        """Those that the operator named."""
        return self._service.voices

    def speak(self, sentences: Sequence[Sentence], voice: Voice, speed_wpm: int, on_samples: OnSamples) -> None:
        """Have each sentence read, and put the silences between."""
        import httpx  # noqa: PLC0415 - only where there is such a service

        headers = {"Authorization": f"Bearer {self._service.token}"} if self._service.token else {}
        # A connection for each sentence: one that is kept may be closed by the server just when it is used again.
        alone = httpx.Limits(max_keepalive_connections=0)
        timeout_s = self._service.timeout_s
        with httpx.Client(timeout=timeout_s, trust_env=False, headers=headers, limits=alone) as client:
            rate_hz = 0
            for each in sentences:
                wish = {"text": each.text, "voice": voice.name, "language": voice.language, "speed_wpm": speed_wpm}
                try:
                    rate_hz = self._sentence(client, wish, rate_hz, on_samples)
                except (httpx.HTTPError, httpx.InvalidURL) as error:
                    raise self._failed(f"{type(error).__name__}: {error}") from error
                on_samples(bytes(2 * (rate_hz * each.pause_ms // 1000)), rate_hz)

    def _sentence(self, client: "httpx.Client", wish: dict[str, object], rate_hz: int, on_samples: OnSamples) -> int:
        deadline = self._clock() + self._service.sentence_s
        with client.stream("POST", self._service.url, json=wish, headers={"Accept": "audio/wav, audio/pcm"}) as answer:
            self._check(answer)
            reader = self._reader(answer.headers.get("content-type", ""))
            try:
                for samples in self._bounded(answer.iter_bytes(), reader, deadline):
                    if rate_hz and reader.rate_hz != rate_hz:
                        raise self._failed(f"{rate_hz} Hz became {reader.rate_hz} Hz")
                    rate_hz = reader.rate_hz
                    on_samples(samples, rate_hz)
                reader.end()
            except BrokenWav as error:
                raise self._failed(str(error)) from error
        return rate_hz

    def _bounded(self, chunks: Iterator[bytes], reader: WavReader, deadline: float) -> Iterator[bytes]:
        size_bytes = 0
        for chunk in chunks:
            size_bytes += len(chunk)
            if size_bytes > _SENTENCE_MAX_BYTES:
                raise self._failed(f"more than {_SENTENCE_MAX_BYTES >> 20} MiB for a sentence")
            if self._clock() > deadline:
                raise self._failed("timeout")
            if samples := reader.feed(chunk):
                yield samples

    def _check(self, answer: "httpx.Response") -> None:
        if answer.status_code == _OK:
            return
        detail = f"HTTP {answer.status_code}"
        if answer.status_code == _TOO_MANY or answer.status_code >= _SERVER_ERRORS:
            raise self._failed(detail)
        raise EngineRefused(engine=self._name, detail=detail)

    def _reader(self, content_type: str) -> WavReader:
        kind, _, options = content_type.lower().partition(";")
        if kind.strip() in {"audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"}:
            return WavReader()
        rate = options.replace(" ", "").partition("rate=")[2].partition(";")[0]
        if kind.strip() == "audio/pcm" and rate.isdecimal() and int(rate) in _RATES_HZ:
            return WavReader(rate_hz=int(rate))
        raise self._failed(f"answered {content_type or 'without a content type'}")

    def _failed(self, detail: str) -> EngineFailed:
        return EngineFailed(engine=self._name, detail=detail)

    @property
    def _name(self) -> str:
        return f"HTTP {self._service.url.partition('://')[2].partition('/')[0].rpartition('@')[2]}"
