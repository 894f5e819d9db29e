"""Damaged recordings for the decoder, spoilt texts for the reader: whatever comes, it ends soon and in our own words.

A line for each. A recording is made a clip twice, with the walls of the kernel round ffmpeg and without: `refusals`
counts what was refused, by code, `crashes` anything else than a clip or a refusal (a worn-out limit too), `disagree`
what became something else behind walls. A text is read, once in five with an officer's dictionary, and cut into
sentences: a crash is an error, something left that no voice can say, or a lost word. `worst_s` is the wall for a
recording, with a limit of `limit_s`, and processor time for a text of `worst_chars`. `children_peak_mb` is never less
than the most that one ffmpeg took.

The seed decides everything. `--recordings 5000 --texts 100000` is the long form. What breaks a promise is kept in a
folder that standard error names, and the end is 1.
"""

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from audio.sandbox import Powers, powers
from audio.text import for_reading, sentences
from tests.audio.ink import PAUSES, VOICED
from tests.support.damaged import LIMITS, damaged, outcome, recordings
from tests.support.mutations import mutations

PAIRS = Path(__file__).parents[1] / "tests" / "audio" / "reading.tsv"
DICTIONARY_EVERY = 5
NEVER = set("<>[]{}&|\\/\0\x1b")
"""What no dictionary brings in: an officer's words pass as they are."""


class Promise(Exception):
    """What was read is not fit for a voice."""


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--recordings", type=int, default=200)
    options.add_argument("--texts", type=int, default=5000)
    options.add_argument("--seed", type=int, default=7)
    chosen = options.parse_args()
    kept = Path(tempfile.mkdtemp(prefix="loa-fuzz-"))
    results = [read(chosen.texts, chosen.seed, kept), decoded(chosen.recordings, chosen.seed, kept)]
    for result in results:
        print(json.dumps({"bench": "fuzz", "seed": chosen.seed, **result}))
    if not any(kept.iterdir()):
        kept.rmdir()
    else:
        sys.stderr.write(f"kept in {kept}\n")
        sys.exit(1)


def decoded(count: int, seed: int, kept: Path) -> dict[str, Any]:
    dice = random.Random(seed)
    became: Counter[str] = Counter()
    crashes = disagree = 0
    worst_s = 0.0
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as folder:
        whole = recordings(Path(folder))
        for number in range(count):
            name, data = damaged(whole, dice)
            path = Path(folder, f"damaged-{name}")
            path.write_bytes(data)
            found = []
            for can in (powers(), Powers(files=False, network=False)):
                began = time.monotonic()
                with patch("audio.sandbox.powers", return_value=can):
                    found.append(tried(path, Path(folder, "clips")))
                worst_s = max(worst_s, time.monotonic() - began)
            became[found[0]] += 1
            crashed = any(each.startswith("!") for each in found)
            crashes += crashed
            disagree += found[0] != found[1]
            if crashed or found[0] != found[1]:
                sys.stderr.write(f"recording {number}: {found}\n")
                path.rename(kept / f"{number}-{name}")
    clips = became.pop("clip", 0)
    return {
        "of": "decoder",
        "walls": {"files": powers().files, "network": powers().network},
        "cases": count,
        "clips": clips,
        "refusals": dict(became.most_common()),
        "crashes": crashes,
        "disagree": disagree,
        "worst_s": round(worst_s, 2),
        "limit_s": LIMITS.child.wall_s,
        "peak_mb": peak_mb(resource.RUSAGE_SELF),
        "children_peak_mb": peak_mb(resource.RUSAGE_CHILDREN),
        "limit_children_mb": LIMITS.child.memory_mb,
    }


def tried(path: Path, workdir: Path) -> str:
    try:
        return outcome(path, workdir)
    except Exception as broken:  # noqa: BLE001 - whatever it is, it is what we look for
        return f"!{type(broken).__name__}: {broken}"


def read(count: int, seed: int, kept: Path) -> dict[str, Any]:
    for_reading(PAIRS.read_text(encoding="utf-8"))  # its tables are read once, and not in our time
    crashes, worst_s, worst_chars, chars = 0, 0.0, 0, 0
    for number, (text, dictionary) in enumerate(spoilt(count, seed)):
        began = time.process_time()
        try:
            prove(text, dictionary)
        except Exception as broken:  # noqa: BLE001 - whatever it is, it is what we look for
            crashes += 1
            sys.stderr.write(f"text {number}: {type(broken).__name__}: {broken}\n")
            (kept / f"{number}.json").write_text(json.dumps([text, dictionary]))
        took_s = time.process_time() - began
        chars += len(text)
        if took_s > worst_s:
            worst_s, worst_chars = took_s, len(text)
    return {
        "of": "reader",
        "cases": count,
        "chars": chars,
        "refusals": {},
        "crashes": crashes,
        "worst_s": round(worst_s, 3),
        "worst_chars": worst_chars,
        "peak_mb": peak_mb(resource.RUSAGE_SELF),
    }


def spoilt(count: int, seed: int) -> Iterator[tuple[str, dict[str, str]]]:
    """What officers write, spoilt; the words of a dictionary are pieces of it."""
    dice = random.Random(seed)
    written = [line.split("\t")[1].encode() for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    for number, data in enumerate(mutations(written, count, seed)):
        text = data.decode("utf-8", "replace")
        pieces = [text[at : at + dice.randrange(12)] for at in dice.choices(range(len(text) + 1), k=6)]
        yield text, dict(zip(pieces[::2], pieces[1::2], strict=True)) if number % DICTIONARY_EVERY == 0 else {}


def prove(text: str, dictionary: dict[str, str]) -> None:
    said = for_reading(text, dictionary)
    if left := set(said) & NEVER if dictionary else set(said) - VOICED - PAUSES:
        raise Promise(f"no voice can say {left}")
    cut = sentences(said)
    if "".join("".join(cut).split()) != "".join(said.split()):
        raise Promise("a word was lost between sentences")


def peak_mb(whose: int) -> int:
    return round(resource.getrusage(whose).ru_maxrss / 1024)


if __name__ == "__main__":
    main()
