"""Text to speech: several engines behind one port, so that a better voice may take espeak-ng's place."""

from audio.speech.engine import OnSamples, SpeechEngine
from audio.speech.espeak import EspeakEngine
from audio.speech.piper import PiperEngine
from audio.speech.remote import RemoteEngine, Service
from audio.speech.script import DEFAULT_SPEED_WPM, Sentence, script
from audio.speech.studio import FASTEST_WPM, MAX_CHARS, SLOWEST_WPM, Casting, Spoken, Studio
from audio.speech.voices import VIETNAMESE, Gender, Region, Voice, id_of, named

__all__ = [
    "DEFAULT_SPEED_WPM",
    "FASTEST_WPM",
    "MAX_CHARS",
    "SLOWEST_WPM",
    "VIETNAMESE",
    "Casting",
    "EspeakEngine",
    "Gender",
    "OnSamples",
    "PiperEngine",
    "Region",
    "RemoteEngine",
    "Sentence",
    "Service",
    "SpeechEngine",
    "Spoken",
    "Studio",
    "Voice",
    "id_of",
    "named",
    "script",
]
