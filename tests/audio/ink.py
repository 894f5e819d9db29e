"""What officers type, and worse: text for property tests."""

import string

from hypothesis import strategies as st

from audio.reading.tables import ABBREVIATIONS, DOCUMENTS, UNITS, WORDS

VOICED = set("abcdeghiklmnopqrstuvxyàáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵfjwz")
PAUSES = set(" .,:;!?\n")

_SCRAPS = st.sampled_from(
    [
        *[*ABBREVIATIONS, *DOCUMENTS, *UNITS, *WORDS],
        *[*string.punctuation, *"–—−°²½…“”’⁄≥×", " ", "\n", "\n\n", "\t", "\u0301", "\u200b"],
        *[
            "ngày ",
            "Tháng ",
            "Quý ",
            "số ",
            "thứ ",
            "lần thứ ",
            "IV",
            "XXI",
            "98A-",
            "/2026",
            "7h",
            "T2",
            "Ủy ban ",
            "XÃ ",
        ],
    ]
)
SCRAWL = st.lists(_SCRAPS | st.text(max_size=8) | st.integers(0, 10**15).map(str), max_size=40).map("".join)
PAGES = st.text(max_size=200) | SCRAWL
