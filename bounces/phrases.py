"""Phrases and a text in, which of them it says and where out: all literal words in one Aho-Corasick pass, in time linear in the text.

A phrase is compared without case, accents and marks of direction, on whole words; "*" at a word's end leaves it open, alone it stands
for up to 60 characters; "(one|another)" is either.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from itertools import chain
from typing import TYPE_CHECKING

import ahocorasick

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Span = tuple[int, int]

GAP = 60  # characters that a "*" between two words of a phrase may stand for
SPACES = re.compile(r"[\s_\u00a0\u2010-\u2015-]+")
QUOTES = str.maketrans("\u2019\u2018\u00b4`\u201c\u201d\u201e\u00ab\u00bb", '\'\'\'\'"""""')
OPEN_END, OPEN_START = re.compile(r"(?<=[^\s*])\* (?!\*)"), re.compile(r"(?<!\*) \*(?=[^\s*])")
GROUP = re.compile(r"\(([^()]*\|[^()]*)\)")

MOST = 20_000  # ways to say a phrase
REGULAR = re.compile(
    r"\\[A-Za-z.*+?|(){}\[\]^$]|\.[*+?]|[)\]][+?{]|\]\*"  # \\d .* (a)+ [a]*
    r"|\[\^|\[[^\[\]\s]*(?:a-z|A-Z|0-9)|\(\?|\{,?\d+,?\d*\}|(?:^|(?<=[(|]))\^|\$(?=$|[)|])"  # [^a] [a-z] (?:a) {2,} ^a a$
)


def fold(text: str) -> str:
    """Return a text as phrases are compared with it: one line, lower case, without accents, hyphens as spaces."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.translate(QUOTES))
        # accents go, and what tells the direction of writing; the vowels of Thai and Hindi, which are marks, too, stay
        text = "".join([char for char in text if char.isascii() or not (unicodedata.combining(char) or unicodedata.category(char) == "Cf")])
    return SPACES.sub(" ", text.translate(QUOTES).casefold())


def ways(phrase: str) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """Return the ways to say a phrase, each the parts that follow one another with gaps between them, each part the words that may be it."""
    found: list[tuple[tuple[str, ...], ...]] = [()]
    for element in _elements(SPACES.sub(" ", phrase).strip()):
        # an open end leaves a gap before the next word
        spelled = [OPEN_START.sub(" * *", OPEN_END.sub("* * ", one)).split(" * ") for one in _alternatives(element)]
        plain = tuple(parts[0] for parts in spelled if len(parts) == 1)
        branches: list[tuple[tuple[str, ...], ...]] = [(plain,)] if plain else []
        branches += [tuple((part,) for part in parts) for parts in spelled if len(parts) > 1]
        found = [(*way, *branch) for way in found for branch in branches]
    return tuple(found)


def _elements(phrase: str) -> list[str]:
    """Split a phrase at its gaps, but for those inside of a group."""
    if "|" not in phrase:
        return phrase.split(" * ")
    elements, depth = [""], 0
    for piece in re.split(r"( \* |[()])", phrase):
        depth += (piece == "(") - (piece == ")")
        if piece == " * " and depth == 0:
            elements.append("")
        else:
            elements[-1] += piece
    return elements


def _alternatives(element: str) -> list[str]:
    """Spell out the groups of an element, the innermost first."""
    group = GROUP.search(element)
    if group is None:
        return [element.strip()]
    before, after = element[: group.start()], element[group.end() :]
    return [one for choice in group.group(1).split("|") for one in _alternatives(f"{before}{choice.strip()}{after}")]


def flaw(phrase: str) -> str | None:
    """Say why a phrase can't be found, or hardly as it is meant, and what to write instead; None when nothing is wrong with it."""
    if regular := REGULAR.search(phrase):
        plain = 'and a phrase is plain words; write " * " for what stands between two, "word*" for an open end, "(one|another)" for either'
        return f"{phrase!r} looks like a regular expression (the {regular.group()!r}), {plain}"
    choices = _choices(phrase)
    if not choices:
        return f'{phrase!r} has a bracket or a "|" out of place; a choice is "(one|another)", and beside one no other brackets may stand'
    if choices > MOST:
        return f"{phrase!r} can be said in more than {MOST:,} ways; make several phrases of it"
    for way in ways(phrase):
        words = [word.strip("*") for part in way for word in part]
        if any("*" in word for word in words):
            return f'{phrase!r} has a * inside a word, or no gap between "word*" and "*word"; write "word", "word*", "*word" or "word* * *word"'
        if not all(fold(word).strip() for word in words) or not any(char.isalnum() for char in "".join(words)):
            return f'{phrase!r} has no word where one should stand; a * goes between two, and what may be left out beside one: "(is|) full"'
    return None


def _choices(phrase: str) -> int:
    """Return how many ways the groups of a phrase give to say it; 0 when they are broken."""
    if "|" not in phrase:
        return 1  # brackets are literal
    total, groups = 1, list[int]()
    for mark in re.findall(r"[()|]", phrase):
        if mark == "(":
            groups.append(1)
        elif not groups:
            return 0
        elif mark == "|":
            groups[-1] += 1
        elif (group := groups.pop()) == 1:
            return 0
        else:
            total *= group
    return 0 if groups else total


class Phrases:
    """Phrases by number, ready to be found."""

    def __init__(self, phrases: Sequence[str]) -> None:
        """Build the automaton: each word of it leads to the ways to say a phrase that are worth a look once it is found."""
        self._ways: list[tuple[int, tuple[tuple[int, ...], ...]]] = []  # of each its phrase's number, and by part the words that may be it
        ids: dict[tuple[str, bool, bool], int] = {}
        for number, phrase in enumerate(phrases):
            for way in ways(phrase):
                parts = tuple(tuple({ids.setdefault(word, len(ids)) for word in map(_word, part)}) for part in way)
                self._ways.append((number, parts))
        needed = Counter(word for _, parts in self._ways for part in parts for word in part)
        telling: dict[int, list[int]] = defaultdict(list)  # by word the ways of which it is the rarest part
        for number, (_, parts) in enumerate(self._ways):
            for word in min(parts, key=lambda part: max(needed[word] for word in part)):
                telling[word].append(number)
        uses: dict[str, list[tuple[bool, bool, int, tuple[int, ...]]]] = defaultdict(list)
        for (word, *edges), use in ids.items():
            uses[word].append((*edges, use, tuple(telling[use])))
        self._automaton = ahocorasick.Automaton()
        for word, told in uses.items():
            self._automaton.add_word(word, (len(word), tuple(told)))
        self._automaton.make_automaton()

    def found(self, text: str) -> Iterator[tuple[int, tuple[Span, ...]]]:
        """Yield the number of each phrase that a folded text says, in order, with where its parts stand."""
        if not text or not self._automaton:
            return
        places: dict[int, list[Span]] = {}
        worth: set[int] = set()
        for last, (length, uses) in self._automaton.iter(text):
            start, end = last - length + 1, last + 1
            begins = start == 0 or text[start - 1] == " " or _edge(text, start - 1, start)
            ends = end == len(text) or text[end] == " " or _edge(text, end, last)
            for open_start, open_end, use, telling in uses:
                if (begins or open_start) and (ends or open_end):
                    if use in places:
                        places[use].append((start, end))
                    else:
                        places[use] = [(start, end)]
                        worth.update(telling)
        for way in sorted(worth):
            phrase, parts = self._ways[way]
            if spans := _in_order([_places(part, places) for part in parts]):
                yield phrase, spans


def _word(word: str) -> tuple[str, bool, bool]:
    """Return a word of a phrase as it stands in a text, and whether its start and its end are open."""
    return fold(word.strip("*")).strip(), word.startswith("*"), word.endswith("*")


def _places(part: tuple[int, ...], places: dict[int, list[Span]]) -> list[Span]:
    """Return where the words stand that may be a part, in the order of their ends, the longest first."""
    found = [places[word] for word in part if word in places]
    return found[0] if len(found) == 1 else sorted(chain.from_iterable(found), key=lambda span: (span[1], span[0]))


def _edge(text: str, outside: int, inside: int) -> bool:
    """Say whether a word may begin or end between two characters; scripts without spaces have no edges to check."""
    return not (text[outside].isalnum() and text[inside].isalnum()) or max(text[outside], text[inside]) >= "\u0e00"


def _in_order(parts: list[list[Span]]) -> tuple[Span, ...]:
    """Choose one place of each part so that they follow one another within the gap; return none if that can't be."""
    if len(parts) == 1 or not all(parts):
        return tuple(parts[0][:1]) if all(parts) else ()
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
