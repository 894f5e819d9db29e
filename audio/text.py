"""From written Vietnamese to what a voice should say."""


def for_reading(text: str) -> str:
    """The words to read aloud."""
    return text
