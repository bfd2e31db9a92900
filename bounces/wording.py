"""A subject or a text in, what it shows of a message out: the words of `wording.toml`, in many languages."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any

from bounces.compiled import kept, loaded
from bounces.folding import fold
from bounces.phrases import Phrases

LONGEST = 3000  # characters of a text that are read: a notice says at once what it is


class Shown(StrEnum):
    """What words show: each is a table of `wording.toml`, and says there where they stand."""

    UNDELIVERED = "undelivered"
    FAILED = "failed"
    DELAYED = "delayed"
    RETRYING = "retrying"
    GIVEN_UP = "given_up"
    DIGEST = "digest"
    AUTOMATIC = "automatic"
    ABSENT = "absent"
    CHALLENGE = "challenge"
    DAEMON = "daemon"
    DELIVERED = "delivered"
    SUCCEEDED = "succeeded"
    CONTACT = "contact"
    MOVED = "moved"
    RECIPIENT = "recipient"
    ADDRESSEE = "addressee"
    SENDER = "sender"
    SENT_BY = "sent_by"
    SIGNATURE = "signature"


LABELS = {Shown.RECIPIENT, Shown.ADDRESSEE, Shown.SENDER, Shown.SENT_BY, Shown.SIGNATURE}  # compared as a whole, by `is_label`


@lru_cache(maxsize=256)
def shown(text: str) -> dict[Shown, str]:
    """Return what a text shows, each with the phrase that does."""
    catalogue, phrases = _catalogue()
    found: dict[Shown, str] = {}
    for number, _ in phrases.found(fold(text[:LONGEST])):
        what, phrase = catalogue[number]
        found.setdefault(what, phrase)
    return found


def telling(text: str) -> str:
    """Return of a text only the words that show something, whole, and nothing of what stands between them; "" where none do."""
    text = " ".join(text[:LONGEST].split())
    folded = fold(text)
    line = text if len(text) == len(folded) else folded  # accents are left out only where they are marks of their own
    words = list(re.finditer(r"\w+", line))
    spans = [span for _, found in _catalogue()[1].found(folded) for span in found]
    return " ".join(word.group() for word in words if any(start < word.end() and word.start() < end for start, end in spans))


def is_label(text: str, what: Shown) -> bool:
    """Say whether a folded text is one of the labels, and nothing more."""
    return text in _labels()[what]


@cache
def _tables() -> tuple[dict[Shown, tuple[str, ...]], tuple[Any, ...]]:
    """Return the words, and the compiled form of those that are looked for in a text."""
    tables, compiled = kept("wording", ("wording.toml",), _read)
    return {Shown(name): tuple(phrases) for name, phrases in tables.items()}, compiled


def _read() -> tuple[dict[str, list[str]], tuple[Any, ...]]:
    """Read the words, and fold those that stand alone."""
    read = loaded("wording.toml")
    tables = {name: [phrase for phrases in languages.values() for phrase in phrases] for name, languages in read.items()}
    looked_for = [phrase for name, phrases in tables.items() if Shown(name) not in LABELS for phrase in phrases]
    return tables | {what.value: list(map(fold, tables[what])) for what in LABELS}, Phrases(looked_for).table


@cache
def _catalogue() -> tuple[tuple[tuple[Shown, str], ...], Phrases]:
    """Return the words that are looked for in a text."""
    tables, compiled = _tables()
    return tuple((what, phrase) for what, phrases in tables.items() if what not in LABELS for phrase in phrases), Phrases(table=compiled)


@cache
def _labels() -> dict[Shown, frozenset[str]]:
    """Return the words that stand alone, folded."""
    return {what: frozenset(phrases) for what, phrases in _tables()[0].items() if what in LABELS}
