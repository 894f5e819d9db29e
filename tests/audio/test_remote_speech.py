"""A speech service over HTTP, against a real small server."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.errors import AudioError, EngineFailed, EngineRefused
from audio.speech import Gender, Region, RemoteEngine, Service, Studio, named
from audio.speech.espeak import NORTH
from audio.speech.wav import BrokenWav, WavReader
from tests.support.speech import pitch_hz, said
from tests.support.speech_server import RATE_HZ, Handler, SpeechServer, speech_server, tone, wav

NGOC = named("http", "ngoc", "vi", Gender.FEMALE, Region.CENTRAL, title="Ngọc")
TEXT = "Xin chào bà con. Mời bà con đi họp."


def studio_at(url: str, **how: float) -> Studio:
    return Studio([RemoteEngine(Service(url, (NGOC,), "s3cret", **how))])  # type: ignore[arg-type]  # timeouts only


@pytest.fixture
def serving() -> Iterator[Callable[..., SpeechServer]]:
    with_exits = []

    def serve(answer: Callable[[dict, Handler], None]) -> SpeechServer:
        context = speech_server(answer)
        with_exits.append(context)
        return context.__enter__()

    yield serve
    for context in with_exits:
        context.__exit__(None, None, None)


def test_each_sentence_is_read_by_the_service_with_our_pauses_between(serving):
    server = serving(lambda _wish, handler: handler.send(wav(tone(0.5))))
    heard = said(TEXT, NGOC, studio=studio_at(server.url), speed_wpm=120)

    assert [wish["text"] for wish in server.asked] == ["xin chào bà con.", "mời bà con đi họp."]
    assert {(wish["voice"], wish["language"], wish["speed_wpm"]) for wish in server.asked} == {("ngoc", "vi", 120)}
    assert set(server.tokens) == {"Bearer s3cret"}
    assert heard.rate_hz == RATE_HZ
    assert pitch_hz(heard) == pytest.approx(300, rel=0.02)
    assert heard.pauses_s == [pytest.approx(0.43 * 150 / 120, abs=0.02)]


def test_bare_samples_and_endless_headers_are_understood(serving):
    answers = [(tone(0.3), "audio/pcm; rate=24000"), (wav(tone(0.3), length=0xFFFFFFFF), "audio/x-wav")]
    server = serving(lambda _wish, handler: handler.send(*answers[len(server.asked) - 1]))

    assert pitch_hz(said(TEXT, NGOC, studio=studio_at(server.url))) == pytest.approx(300, rel=0.02)


def test_sound_is_handed_on_while_the_service_still_speaks(serving):
    first_heard = []

    def half_by_half(_wish: dict, handler: Handler) -> None:
        whole = wav(tone(1.0))
        handler.send(whole[:24_000], length=len(whole))
        handler.wfile.flush()
        server.leave.wait(20)
        handler.wfile.write(whole[24_000:])

    server = serving(half_by_half)

    def take(samples: bytes, _rate_hz: int) -> None:
        first_heard.append(len(samples))
        server.leave.set()

    studio_at(server.url).speak("Xin chào", NGOC, take)
    assert len(first_heard) >= 2


def _status(status: int) -> Callable[[dict, Handler], None]:
    return lambda _wish, handler: handler.send(b"<html>no</html>", "text/html", status)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, EngineRefused),
        (401, EngineRefused),
        (404, EngineRefused),
        (302, EngineRefused),
        (429, EngineFailed),
        (500, EngineFailed),
        (503, EngineFailed),
    ],
)
def test_a_refusal_says_whether_it_may_pass(serving, status, error):
    server = serving(_status(status))

    with pytest.raises(error, match=f"HTTP {status}") as failure:
        said(TEXT, NGOC, studio=studio_at(server.url))
    assert failure.value.transient is (error is EngineFailed)
    assert "s3cret" not in str(failure.value)
    assert len(server.asked) == 1


SAMPLES = tone(0.2)


@pytest.mark.parametrize(
    ("body", "kind", "length"),
    [
        (b"<html>welcome</html>", "text/html", None),
        (b"<html>welcome</html>", "audio/wav", None),
        (b"", "audio/wav", None),
        (wav(b""), "audio/wav", None),
        (wav(SAMPLES, channels=2), "audio/wav", None),
        (wav(SAMPLES, bits=8), "audio/wav", None),
        (wav(SAMPLES, rate_hz=1), "audio/wav", None),
        (wav(SAMPLES)[:-500], "audio/wav", None),
        (wav(SAMPLES), "audio/wav", len(wav(SAMPLES)) + 9),
        (SAMPLES, "audio/pcm", None),
        (SAMPLES + b"\1", "audio/pcm;rate=8000", None),
        (b"RIFF\0\0\0\0WAVE" + b"junk\xff\xff\xff\x7f" * 40_000, "audio/wav", None),
        (wav(bytes(20_000)), "audio/wav", None),
    ],
    ids=range(13),
)
def test_garbage_is_never_taken_for_speech(serving, body, kind, length):
    server = serving(lambda _wish, handler: handler.send(body, kind, length=length))

    with pytest.raises(EngineFailed, match=r"HTTP|silence"):
        said(TEXT, NGOC, studio=studio_at(server.url))


def test_a_service_that_answers_nothing_is_left_after_its_time(serving):
    server = serving(lambda _wish, _handler: server.leave.wait(20))

    with pytest.raises(EngineFailed, match="Timeout"):
        said(TEXT, NGOC, studio=studio_at(server.url, timeout_s=0.1))


def test_a_service_that_drips_is_left_after_the_sentences_time(serving):
    def drip(_wish: dict, handler: Handler) -> None:
        handler.send(wav(b"", length=1 << 30), length=1 << 30)
        while not server.leave.wait(0.01):
            handler.wfile.write(b"\1\2\3\4")

    server = serving(drip)
    with pytest.raises(EngineFailed, match="timeout"):
        said(TEXT, NGOC, studio=studio_at(server.url, sentence_s=0.1))


def test_a_service_that_never_stops_sending_is_cut_off(serving):
    def flood(_wish: dict, handler: Handler) -> None:
        handler.send(wav(b"", length=0xFFFFFFFF), length=1 << 40)
        while not server.leave.is_set():
            handler.wfile.write(SAMPLES * 100)

    server = serving(flood)
    with pytest.raises(EngineFailed, match="more than"):
        studio_at(server.url).speak(TEXT, NGOC, lambda _samples, _rate_hz: None)


def test_a_service_that_is_not_there_hurts_nobody_else():
    studio = studio_at("http://127.0.0.1:9/speak", timeout_s=2.0)

    with pytest.raises(EngineFailed, match=r"127\.0\.0\.1:9") as failure:
        said(TEXT, NGOC, studio=studio)
    assert failure.value.transient
    assert said(TEXT, NORTH, studio=studio).seconds > 1


def test_an_address_that_is_none_is_an_error_of_that_engine():
    with pytest.raises(AudioError, match="HTTP"):
        said(TEXT, NGOC, studio=studio_at("http://[::1"))


@given(st.data())
def test_a_wav_file_reads_the_same_in_whatever_pieces_it_comes(data):
    whole = wav(SAMPLES)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    reader = WavReader()
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    assert b"".join(map(reader.feed, pieces)) == SAMPLES
    reader.end()


@given(st.binary(max_size=300))
def test_no_bytes_upset_the_reader(body):
    for start in (b"", wav(b"")[:20], wav(SAMPLES)[:60]):
        reader = WavReader()
        try:
            reader.feed(start + body)
            reader.end()
        except BrokenWav:
            continue


def test_a_server_that_closes_every_connection_reads_a_long_text_all_the_same(serving):
    server = serving(lambda _wish, handler: handler.send(wav(tone(0.05))))
    said("Xin chào bà con. " * 100, NGOC, studio=studio_at(server.url))

    assert len(server.asked) == 100
