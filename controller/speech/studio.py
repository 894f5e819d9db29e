"""The service's one studio: espeak-ng, and what its operator added."""

from audio.speech import PiperEngine, RemoteEngine, Service, Studio, named
from controller.runtime import Runtime
from controller.settings import Settings


def studio_of(runtime: Runtime) -> Studio:
    """Return the service's one studio."""
    if Studio not in runtime.parts:
        runtime.parts[Studio] = _studio(runtime.settings)
    studio: Studio = runtime.parts[Studio]
    return studio


def _studio(settings: Settings) -> Studio:
    folder = settings.voices_dir or settings.data_dir / "voices"
    if not settings.speech_url:
        return Studio([PiperEngine(folder)])
    voices = tuple(
        named(RemoteEngine.key, each.id, each.language, each.gender, each.region, title=each.title)
        for each in settings.speech_voices
    )
    token = settings.speech_token.get_secret_value() if settings.speech_token else ""
    service = Service(settings.speech_url, voices, token, settings.speech_timeout_s)
    return Studio([PiperEngine(folder), RemoteEngine(service)])
