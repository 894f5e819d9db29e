"""What levelling an hour of MP3 costs, beside ffmpeg's own two-pass loudnorm: the same file, machine and ffmpeg.

The hour is made here: a voice, something like pop music, and a voice with knocks, in turns of two minutes. `after_*`
is measured on the encoded clip by ffmpeg, `peer_*` on what loudnorm made. `peak_mb` is the proportional memory (PSS) of
this process and all its children together. `--minutes` gives a quick look; `--profile` another profile.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from audio.clips import clip_from_file
from audio.ffmpeg import RATE_HZ, executable, recording
from audio.listen import measure
from audio.profiles import Profile
from audio.speech import Studio
from tests.support.watched import watched

TURN_S = 120
WORDS = (
    "Kính thưa toàn thể bà con nhân dân. Ủy ban nhân dân xã thông báo lịch tiêm chủng cho trẻ em trong tháng này. "
    "Đề nghị các gia đình đưa trẻ đến trạm y tế đúng giờ, mang theo sổ tiêm. Xin cảm ơn bà con đã chú ý lắng nghe. "
)
LOUDNORM = "loudnorm=I=-16:TP=-2:LRA=11"
OPUS = ("-ac", "1", "-ar", str(RATE_HZ), "-c:a", "libopus", "-b:a", "32k", "-compression_level", "3")
MEASURED = {"measured_I": "input_i", "measured_TP": "input_tp", "measured_LRA": "input_lra",
            "measured_thresh": "input_thresh", "offset": "target_offset"}  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--minutes", type=float, default=60)
    options.add_argument("--profile", type=Profile, default=Profile.HORN)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name:
        folder = Path(name)
        hour = make_hour(folder, chosen.minutes * 60)
        sys.stderr.write(f"{chosen.minutes} min of MP3 made\n")
        stages: list[str] = []
        with watched() as ours:
            clip = clip_from_file(
                hour, folder / "clips", profile=chosen.profile, on_progress=lambda stage, _: note(stages, stage)
            )
        sys.stderr.write("now loudnorm\n")
        with watched() as peer:
            two_passes(hour, folder / "peer.opus")
        theirs = measure(recording(folder / "peer.opus")).loudness
    result = {
        "bench": "encode_vs_ffmpeg",
        "ratio": round(ours["s"] / peer["s"], 3),
        "cpu_ratio": round(ours["cpu_s"] / peer["cpu_s"], 3),
        "peak_mb": ours["peak_mb"],
        "minutes": chosen.minutes,
        "profile": chosen.profile,
        "ours_s": ours["s"],
        "ours_cpu_s": ours["cpu_s"],
        "loudnorm_two_pass_s": peer["s"],
        "loudnorm_cpu_s": peer["cpu_s"],
        "loudnorm_peak_mb": peer["peak_mb"],
        "before_lufs": clip.before.loudness.integrated_lufs,
        "after_lufs": clip.after.loudness.integrated_lufs,
        "after_dbtp": clip.after.loudness.true_peak_dbtp,
        "peer_lufs": theirs.integrated_lufs,
        "peer_dbtp": theirs.true_peak_dbtp,
        "fit": clip.after.loudness.fit_for_air,
        "load_before": ours["load"],
    }
    print(json.dumps(result))


def note(stages: list[str], stage: str) -> None:
    if not stages or stages[-1] != stage:
        stages.append(stage)
        sys.stderr.write(f"{stage}\n")


def make_hour(folder: Path, seconds: float) -> Path:
    """A voice; a beat with a bass and a melody; a softer voice with knocks at the microphone."""
    spoken = Studio().speak_to(folder / "voice.pcm", WORDS * 6, Studio().cast().voice)
    voice = ("-f", "s16le", "-ar", str(spoken.rate_hz), "-ac", "1", "-stream_loop", "-1", "-i", str(spoken.path))
    music = (
        "0.5*sin(2*PI*58*t)*exp(-18*mod(t,0.5))"
        "+0.2*sin(2*PI*110*t*(1+mod(floor(t/2),3)/4))*exp(-2*mod(t,0.25))"
        "+0.15*sin(2*PI*440*t*(1+mod(floor(t*2),5)/8))*exp(-3*mod(t,0.5))"
        "+0.2*(random(0)-0.5)*exp(-40*mod(t+0.25,0.5))"
    )
    knocks = "0.9*(random(1)-0.5)*2*exp(-150*mod(t,1.7))*lt(mod(t,1.7),0.1)"
    turn = folder / "turn.mp3"
    graph = (
        f"[0:a]aresample=44100,asplit[v][w];[v]volume=-6dB,atrim=0:{TURN_S}[a];"
        f"aevalsrc='{music}':s=44100:d={TURN_S}[b];"
        f"aevalsrc='{knocks}':s=44100:d={TURN_S}[k];[w]volume=-16dB,atrim=0:{TURN_S}[q];"
        "[q][k]amix=inputs=2:duration=shortest,volume=2[c];[a][b][c]concat=n=3:v=0:a=1"
    )
    ffmpeg(*voice, "-filter_complex", graph, "-ac", "2", "-b:a", "128k", str(turn))
    hour = folder / "hour.mp3"
    ffmpeg("-stream_loop", "-1", "-i", str(turn), "-t", str(seconds), "-c", "copy", str(hour))
    return hour


def two_passes(source: Path, to: Path) -> None:
    """Level as ffmpeg's documentation says: measure, then normalise with what was measured."""
    said = ffmpeg("-i", str(source), "-af", f"{LOUDNORM}:print_format=json", "-f", "null", "-", level="info")
    found = json.loads(re.findall(r"\{[^{}]*\}", said)[-1])
    second = ":".join([LOUDNORM, *(f"{name}={found[key]}" for name, key in MEASURED.items())])
    ffmpeg("-i", str(source), "-af", second, *OPUS, str(to))


def ffmpeg(*arguments: str, level: str = "error") -> str:
    command = [str(executable()), "-nostdin", "-hide_banner", "-nostats", "-loglevel", level, "-y", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stderr


if __name__ == "__main__":
    main()
