"""A stranger's text in, text that a terminal only shows out."""

import unicodedata


def printable(text: str) -> str:
    """Return a text without what a terminal would obey: odd spaces become spaces, controls a visible sign."""
    return "".join(_shown(char) for char in text) if not text.isprintable() else text


def _shown(char: str) -> str:
    """Return a character that can be shown for any."""
    if char.isprintable() or char in "\n\t":
        return char
    return " " if unicodedata.category(char) == "Zs" else "\N{REPLACEMENT CHARACTER}"
