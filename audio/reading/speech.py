"""The words said so far, with the pauses between them."""

_STRENGTH = {",": 1, ";": 2, ":": 3, ".": 4, "?": 5, "!": 6}


class Speech:
    """Collects words and pauses; of pauses that meet, the strongest stays."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._pause = ""

    def say(self, said: str) -> None:
        """Add words, or a pause when `said` is only its mark."""
        if said in _STRENGTH:
            self._pause = max(self._pause, said, key=lambda mark: _STRENGTH.get(mark, 0)) if self._words else ""
        elif said.strip():
            if self._words:
                self._words[-1] += self._pause
            self._words.append(" ".join(said.split()))
            self._pause = ""

    def paragraph(self) -> str:
        """Everything said, ended as a sentence; empty when nothing was."""
        if not self._words:
            return ""
        end = self._pause if _STRENGTH.get(self._pause, 0) >= _STRENGTH[":"] else "."
        return " ".join(self._words) + end
