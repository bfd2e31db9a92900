"""Phrases and a text in, which of them it says and where out: all literal words in one Aho-Corasick pass, in time linear in the text.

A phrase is compared without case, accents and marks of direction, on whole words; "*" at a word's end leaves it open, alone it stands
for up to 60 characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from typing import TYPE_CHECKING

import ahocorasick

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Span = tuple[int, int]

GAP = 60  # characters that a "*" between two words of a phrase may stand for
SPACES = re.compile(r"[\s_\u00a0\u2010-\u2015-]+")
QUOTES = str.maketrans("\u2019\u2018\u00b4`\u201c\u201d\u201e\u00ab\u00bb", '\'\'\'\'"""""')
OPEN_END, OPEN_START = re.compile(r"(?<=[^\s*])\* (?!\*)"), re.compile(r"(?<!\*) \*(?=[^\s*])")
LETTERLESS = {"Mn", "Cf"}  # accents that stand by themselves, and what tells the direction of writing


def fold(text: str) -> str:
    """Return a text as phrases are compared with it: one line, lower case, without accents, hyphens as spaces."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.translate(QUOTES))
        text = "".join([char for char in text if char.isascii() or unicodedata.category(char) not in LETTERLESS])
    return SPACES.sub(" ", text.translate(QUOTES).casefold())


class Phrases:
    """Phrases by number, ready to be found."""

    def __init__(self, phrases: Sequence[str]) -> None:
        """Build the automaton: each word of it leads to the phrases that need it."""
        self._counts: list[int] = []
        words: dict[str, list[tuple[int, int, bool, bool]]] = defaultdict(list)
        for phrase in phrases:
            # an open end leaves a gap before the next word
            parts = OPEN_START.sub(" * *", OPEN_END.sub("* * ", SPACES.sub(" ", phrase).strip())).split(" * ")
            for number, part in enumerate(parts):
                words[fold(part.strip("*")).strip()].append((len(self._counts), number, part.startswith("*"), part.endswith("*")))
            self._counts.append(len(parts))
        self._automaton = ahocorasick.Automaton()
        for word, uses in words.items():
            self._automaton.add_word(word, (len(word), tuple(uses)))
        self._automaton.make_automaton()

    def found(self, text: str) -> Iterator[tuple[int, tuple[Span, ...]]]:
        """Yield the number of each phrase that a folded text says, in order, with where its parts stand."""
        if not text or not self._automaton:
            return
        places: dict[int, dict[int, list[Span]]] = {}
        for last, (length, uses) in self._automaton.iter(text):
            start, end = last - length + 1, last + 1
            begins, ends = _edge(text, start - 1, start), _edge(text, end, last)
            for phrase, number, open_start, open_end in uses:
                if (begins or open_start) and (ends or open_end):
                    places.setdefault(phrase, {}).setdefault(number, []).append((start, end))
        for phrase, parts in sorted(places.items()):
            count = self._counts[phrase]
            if len(parts) == count and (spans := _in_order([parts[part] for part in range(count)])):
                yield phrase, spans


def _edge(text: str, outside: int, inside: int) -> bool:
    """Say whether a word may begin or end between two characters; scripts without spaces have no edges to check."""
    if not 0 <= outside < len(text):
        return True
    return not (text[outside].isalnum() and text[inside].isalnum()) or text[inside] >= "\u0e00"


def _in_order(parts: list[list[Span]]) -> tuple[Span, ...]:
    """Choose one place of each part so that they follow one another within the gap; return none if that can't be."""
    chains: list[tuple[Span, ...]] = [(place,) for place in parts[0]]
    for places in parts[1:]:
        following, reached = [], 0
        for start, end in places:
            while reached < len(chains) and chains[reached][-1][1] < start - GAP:
                reached += 1
            if reached < len(chains) and chains[reached][-1][1] <= start:
                following.append((*chains[reached], (start, end)))
        chains = following
    return chains[0] if chains else ()
