"""A voice as it comes in."""

from typing import Annotated

from pydantic import AfterValidator, Field

from audio.speech import FASTEST_WPM, SLOWEST_WPM, PiperEngine, RemoteEngine, id_of
from audio.speech.espeak import VOICES
from controller.text import Text

_ALWAYS = frozenset(voice.id for voice in VOICES)
_MAY_COME_AND_GO = (PiperEngine.key, RemoteEngine.key)


def _voice_id(given: str) -> str:
    """Today's id. A voice that an operator added may be away just now; it is then replaced, and that is said."""
    wanted = id_of(given)
    engine, _, name = wanted.partition(":")
    if wanted in _ALWAYS or (engine in _MAY_COME_AND_GO and name):
        return wanted
    raise ValueError(Text("There is no voice %(given)s", given=given))


VoiceField = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_voice_id)]
"""The id of a voice (`GET /api/v1/speech/voices`)."""
SpeedField = Annotated[int, Field(ge=SLOWEST_WPM, le=FASTEST_WPM)]
"""Words a minute."""
