"""The long fuzz of the text reader: python -m tests.audio.fuzz_text [EXAMPLES]; ends with the first text that fails."""

import sys
from importlib import import_module

from hypothesis import settings


def main(examples: int) -> None:
    settings.register_profile("long", max_examples=examples)
    settings.load_profile("long")
    properties = import_module("tests.audio.test_text_fuzz")
    for name, prove in vars(properties).items():
        if name.startswith("test_") and hasattr(prove, "hypothesis"):
            prove()
            print(f"{name}: {examples} texts")  # noqa: T201 - a command tells what it did


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
