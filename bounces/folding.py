"""A text in, the same as texts and phrases are compared out: how its characters are written makes no difference."""

from __future__ import annotations

import re
import unicodedata

SPACES = re.compile(r"[\s_\u00a0\u2010-\u2015-]+")
QUOTES = str.maketrans("\u2019\u2018\u00b4`\u201c\u201d\u201e\u00ab\u00bb", '\'\'\'\'"""""')


class _Letters(dict[int, int | None]):
    """What becomes of a character: accents go, and what tells the direction of writing; the vowels of Thai and Hindi, marks, too, stay."""

    def __missing__(self, code: int) -> int | None:
        char = chr(code)
        self[code] = None if not char.isascii() and (unicodedata.combining(char) or unicodedata.category(char) == "Cf") else QUOTES.get(code, code)
        return self[code]


LETTERS = _Letters()
PLAIN = {code: " " for code in range(128) if SPACES.fullmatch(chr(code))} | {ord("`"): "'"}  # what it comes to in ASCII


def fold(text: str) -> str:
    """Return a text as phrases are compared with it: one line, lower case, without accents, hyphens as spaces."""
    if text.isascii():
        text = text.lower().translate(PLAIN)
        while "  " in text:
            text = text.replace("  ", " ")
        return text
    return SPACES.sub(" ", unicodedata.normalize("NFKD", text.replace("\u00b4", "'")).translate(LETTERS).casefold())
