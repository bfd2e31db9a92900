"""A subject or a text in, what it shows of a message out: the words of `wording.toml`, in thirty languages."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files

from bounces.phrases import Phrases, fold

LONGEST = 3000  # characters of a text that are read: a notice says at once what it is


class Shown(StrEnum):
    """What words show: each is a table of `wording.toml`, and says there where it stands."""

    UNDELIVERED = "undelivered"
    FAILED = "failed"
    DELAYED = "delayed"
    RETRYING = "retrying"
    GIVEN_UP = "given_up"
    AUTOMATIC = "automatic"
    ABSENT = "absent"
    DAEMON = "daemon"
    CONTACT = "contact"


@lru_cache(maxsize=256)
def shown(text: str) -> dict[Shown, str]:
    """Return what a text shows, each with the phrase that does."""
    catalogue, phrases = _catalogue()
    found: dict[Shown, str] = {}
    for number, _ in phrases.found(fold(text[:LONGEST])):
        what, phrase = catalogue[number]
        found.setdefault(what, phrase)
    return found


@cache
def _catalogue() -> tuple[tuple[tuple[Shown, str], ...], Phrases]:
    """Read the words."""
    tables = tomllib.loads((files("bounces") / "wording.toml").read_text(encoding="utf-8"))
    catalogue = tuple((Shown(name), phrase) for name, languages in tables.items() for phrases in languages.values() for phrase in phrases)
    return catalogue, Phrases([phrase for _, phrase in catalogue])
