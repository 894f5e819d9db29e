"""How fast each engine reads, and how soon one hears it: a sentence, and ten pages with dates, codes and numbers.

One JSON line an engine. `first_sound_ms` is from the typed text to the first samples that are not silent, in a new
process each time; `pages_first_mp3_ms` to the first bytes that a browser gets of the ten pages. `children_peak_mb` is
what the engine's processes took at most while it read them: nothing where a service reads. The limit is real time, a
factor of 1; the peer is Debian's `espeak-ng` program, reading the same normalised words into a pipe
(`apt install espeak-ng`).

`--voices` names a folder with Piper voices to measure. Without it Piper reads with a tiny model made for the tests:
that measures what Piper, ONNX and our pipe cost, not a network worth hearing.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from audio.speech import PiperEngine, RemoteEngine, Service, Studio, Voice, named, script
from audio.speech.aloud import Aloud
from tests.support.piper_voice import make_voice
from tests.support.speech_server import Handler, speech_server, tone, wav
from tests.support.watched import watched

SENTENCE = "Kính thưa bà con, đúng 7h30 ngày 18/8/2021 mời bà con đến nhà văn hoá thôn 3 họp."
PAGES = (
    "Thực hiện Kế hoạch số 54-KH/UBND ngày 18/8/2021 của UBND xã, trạm y tế tổ chức tiêm phòng lúc 7h30 ngày 5/10 tại "
    "nhà văn hoá thôn 3. Mọi chi tiết xin liên hệ ông Nguyễn Văn An, ĐT 0912 345 678. Xin cảm ơn bà con.\n"
) * 90
TURNS = 5


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--voices", type=Path)
    chosen = options.parse_args()
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="loa-bench-")))
        voices = chosen.voices or folder
        if chosen.voices is None:
            # Its sounds are long: two and a half times as fast, it takes as long as a person.
            make_voice(voices, "made-for-the-tests", inference={"length_scale": 0.4})
        server = opened.enter_context(speech_server(_answers))
        remote = RemoteEngine(Service(server.url, (named("http", "loopback", "vi", None, None),)))
        studio = Studio([PiperEngine(voices), remote])
        for voice in _one_of_each(studio):
            print(json.dumps({"bench": "speech", **_measured(studio, voice, folder)}, ensure_ascii=False), flush=True)


def _one_of_each(studio: Studio) -> Iterator[Voice]:
    seen = set()
    for voice in studio.voices("vi"):
        if voice.engine == "piper" or voice.engine not in seen:
            seen.add(voice.engine)
            yield voice


def _measured(studio: Studio, voice: Voice, folder: Path) -> dict[str, Any]:
    sentence = [_read(studio, voice, SENTENCE) for _ in range(TURNS)]
    with watched() as taken:
        pages = _read(studio, voice, PAGES)
    found = {
        "engine": voice.engine,
        "voice": voice.name,
        "real_time_factor": round(pages["took_s"] / pages["speech_s"], 5),
        "first_sound_ms": round(1000 * statistics.median(each["first_s"] for each in sentence)),
        "sentence_real_time_factor": round(
            statistics.median(each["took_s"] / each["speech_s"] for each in sentence), 4
        ),
        "pages_chars": len(PAGES),
        "pages_speech_s": round(pages["speech_s"]),
        "pages_first_sound_ms": round(1000 * pages["first_s"]),
        "pages_first_mp3_ms": round(1000 * _first_mp3_s(studio, voice, folder)),
        "children_peak_mb": taken["children_peak_mb"],
        "limit_real_time_factor": 1,
    }
    return found | _peer() if voice.engine == "espeak" else found


def _read(studio: Studio, voice: Voice, text: str) -> dict[str, float]:
    began = time.perf_counter()
    first_s, sample_count, rate = 0.0, 0, 1

    def take(samples: bytes, rate_hz: int) -> None:
        nonlocal first_s, sample_count, rate
        if not first_s and any(samples):
            first_s = time.perf_counter() - began
        sample_count += len(samples) // 2
        rate = rate_hz

    studio.speak(text, voice, take)
    return {"first_s": first_s, "took_s": time.perf_counter() - began, "speech_s": sample_count / rate}


def _first_mp3_s(studio: Studio, voice: Voice, folder: Path) -> float:
    with (folder / "preview.mp3").open("w+b") as file:
        began = time.perf_counter()
        aloud = Aloud(studio, PAGES, voice, os.fdopen(os.dup(file.fileno()), "wb"))
        while not os.fstat(file.fileno()).st_size and not aloud.over:
            time.sleep(0.001)
        found = time.perf_counter() - began
        aloud.abandon()
        while not aloud.over:
            time.sleep(0.01)
    return found


def _peer() -> dict[str, float | None]:
    program = shutil.which("espeak-ng")
    if program is None:
        return {"peer_real_time_factor": None, "peer_first_sound_ms": None}
    words = "\n\n".join(each.text for each in script(PAGES))
    began = time.perf_counter()
    with subprocess.Popen(
        [program, "-v", "vi", "--stdin", "--stdout"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as peer:
        assert peer.stdin is not None
        assert peer.stdout is not None
        peer.stdin.write(words.encode())
        peer.stdin.close()
        heard_bytes = len(peer.stdout.read(2048))
        first_s = time.perf_counter() - began
        while data := peer.stdout.read(1 << 16):
            heard_bytes += len(data)
    took_s = time.perf_counter() - began
    return {
        "peer_real_time_factor": round(took_s / (heard_bytes / 2 / 22_050), 5),
        "peer_first_sound_ms": round(1000 * first_s),
    }


def _answers(wish: dict[str, Any], handler: Handler) -> None:
    handler.send(wav(tone(0.06 * len(wish["text"]))))


if __name__ == "__main__":
    main()
