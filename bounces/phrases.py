"""Phrases and a text in, which of them it says and where out: all literal words in one Aho-Corasick pass, in time linear in the text.

A phrase is compared without case, accents and marks of direction, on whole words; "*" at a word's end leaves it open, alone it stands
for up to 60 characters; "(one|another)" is either.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections import Counter, defaultdict
from itertools import accumulate, chain, pairwise
from typing import TYPE_CHECKING, Any

import ahocorasick

from bounces.folding import SPACES, fold
from bounces.pattern import late

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Span = tuple[int, int]

GAP = 60  # characters that a "*" between two words of a phrase may stand for
OPEN_END, OPEN_START = late(r"(?<=[^\s*])\* (?!\*)"), late(r"(?<!\*) \*(?=[^\s*])")
GROUP = late(r"\(([^()]*\|[^()]*)\)")

MOST = 20_000  # ways to say a phrase
FEW = 8  # texts whose every place is looked up among the keys, before the automaton is built
SHARED, SHORTEST = 8, 6  # words that a key may stand for, and characters that it has where its words have them
CLOSED_START, CLOSED_END, CLOSED = 1, 2, 3  # where a word must end, or does
REGULAR = late(
    r"\\[A-Za-z.*+?|(){}\[\]^$]|\.[*+?]|[)\]][+?{]|\]\*"  # \\d .* (a)+ [a]*
    r"|\[\^|\[[^\[\]\s]*(?:a-z|A-Z|0-9)|\(\?|\{,?\d+,?\d*\}|(?:^|(?<=[(|]))\^|\$(?=$|[)|])"  # [^a] [a-z] (?:a) {2,} ^a a$
)


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
    """Phrases by number, ready to be found.

    `table` is their compiled form: the words, sorted, in one text; in flat arrays by word where it begins there and its uses, one for each way
    its ends may be open; by use how they are open and the ways to say a phrase of which it is the rarest part; by way its phrase's number and
    its parts; by part the uses that may be it; and by key its words, its length, and the longest of the other keys that it begins with. A key
    is how some words begin, and no others: the automaton looks for these, for whole words would make it ten times as large.
    """

    def __init__(self, phrases: Sequence[str] = (), table: tuple[Any, ...] | None = None) -> None:
        """Make phrases ready, or those whose compiled form is known."""
        self.table = _compiled(phrases) if table is None else table
        self._words, *arrays = self.table
        self._begins, self._uses, self._ends, self._firsts, self._tells, self._numbers, self._parts, self._options, self._words_of = map(
            _array, arrays[:-3]
        )
        self._sharing, self._lengths, self._shorter = map(_array, arrays[-3:])
        self._automaton: ahocorasick.Automaton | None = None
        self._asked = 0

    def found(self, text: str) -> Iterator[tuple[int, tuple[Span, ...]]]:
        """Yield the number of each phrase that a folded text says, in order, with where its parts stand; once for each way in which it does."""
        if not text or not self._words:
            return
        places: dict[int, list[Span]] = {}
        worth: set[int] = set()
        uses, ends = self._uses, self._ends
        for end, start, word in self._hits(text):
            closed = (start == 0 or text[start - 1] == " " or _edge(text, start - 1, start)) and CLOSED_START
            closed |= (end == len(text) or text[end] == " " or _edge(text, end, end - 1)) and CLOSED_END
            for use in range(uses[word], uses[word + 1]):
                if ends[use] | closed == CLOSED:
                    if use in places:
                        places[use].append((start, end))
                    else:
                        places[use] = [(start, end)]
                        worth.update(self._tells[self._firsts[use] : self._firsts[use + 1]])
        for way in sorted(worth):
            first, end = self._parts[way], self._parts[way + 1]
            options = self._options[first : end + 1]
            if end - first == 1 and options[1] - options[0] == 1:  # one word is all of it, and stands there
                yield self._numbers[way], (places[self._words_of[options[0]]][0],)
            elif spans := _in_order([_places(self._words_of[start:stop], places) for start, stop in pairwise(options)]):
                yield self._numbers[way], spans

    def _hits(self, text: str) -> list[tuple[int, int, int]]:
        """Return where each word that stands in a text ends and begins, and its number; in the order of their ends, the longest first."""
        found = []
        words, begins, sharing, lengths = self._words, self._begins, self._sharing, self._lengths
        for last, key in self._begun(text):
            start = last - lengths[key] + 1
            for word in range(sharing[key], sharing[key + 1]):
                spelled = words[begins[word] : begins[word + 1] - 1]
                if text.startswith(spelled, start):
                    found.append((start + len(spelled), start, word))
        return sorted(found)

    def _begun(self, text: str) -> Iterable[tuple[int, int]]:
        """Return each key that stands in a text, by its last place and its number."""
        if self._asked < FEW:
            self._asked += 1  # it takes longer to build the automaton than to look a short text up, many times
            return self._looked_up(text)
        automaton = self._automaton
        if automaton is None:
            automaton = ahocorasick.Automaton(ahocorasick.STORE_INTS)
            for number in range(len(self._lengths)):
                automaton.add_word(self._key(number), number)
            automaton.make_automaton()
            self._automaton = automaton  # not before it is ready: another thread may ask
        return automaton.iter(text)  # type: ignore[no-any-return]

    def _looked_up(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield what the automaton would find: at each place the last key, in their order, that isn't beyond it, and those it begins with."""
        numbers, longest = range(len(self._lengths)), max(self._lengths)
        for start in range(len(text)):
            number = bisect_right(numbers, text[start : start + longest], key=self._key) - 1
            while number >= 0:
                if text.startswith(key := self._key(number), start):
                    yield start + len(key) - 1, number
                number = self._shorter[number]

    def _key(self, number: int) -> str:
        """Return a key."""
        begin = self._begins[self._sharing[number]]
        key: str = self._words[begin : begin + self._lengths[number]]
        return key


def _compiled(phrases: Sequence[str]) -> tuple[Any, ...]:
    """Return the compiled form of phrases."""
    ways_: list[tuple[int, tuple[tuple[int, ...], ...]]] = []  # of each its phrase's number, and by part the uses that may be it
    ids: dict[tuple[str, int], int] = {}
    for number, phrase in enumerate(phrases):
        for way in ways(phrase):
            parts = tuple(tuple({ids.setdefault(word, len(ids)) for word in map(_word, part)}) for part in way)
            ways_.append((number, parts))
    needed = Counter(use for _, parts in ways_ for part in parts for use in part)
    tells: dict[int, list[int]] = defaultdict(list)
    for number, (_, parts) in enumerate(ways_):
        for use in min(parts, key=lambda part: max(needed[use] for use in part)):
            tells[use].append(number)
    ordered = sorted(ids, key=lambda use: use[0])
    renumbered = {ids[use]: number for number, use in enumerate(ordered)}
    words = list(dict.fromkeys(word for word, _ in ordered))
    uses = Counter(word for word, _ in ordered)
    every = [part for _, parts in ways_ for part in parts]
    keys = _keys(words)
    return (
        "\n".join(words),
        _offsets([len(word) + 1 for word in words]),
        _offsets([uses[word] for word in words]),
        array("i", [ends for _, ends in ordered]).tobytes(),
        _offsets([len(tells[ids[use]]) for use in ordered]),
        array("i", [way for use in ordered for way in tells[ids[use]]]).tobytes(),
        array("i", [number for number, _ in ways_]).tobytes(),
        _offsets([len(parts) for _, parts in ways_]),
        _offsets([len(part) for part in every]),
        array("i", [renumbered[use] for part in every for use in part]).tobytes(),
        array("i", [*(first for first, _ in keys), len(words)]).tobytes(),
        array("i", [length for _, length in keys]).tobytes(),
        array("i", _shorter([words[first][:length] for first, length in keys])).tobytes(),
    )


def _keys(words: Sequence[str]) -> list[tuple[int, int]]:
    """Return by key its first word and its length: of each of sorted words the shortest beginning that only SHARED have, or else all of it."""
    common = [_alike(*pair) for pair in zip(words, words[SHARED:], strict=False)]
    keys: list[tuple[int, int]] = []
    last = ""
    for number, word in enumerate(words):
        length = min(len(word), max([SHORTEST, *(alike + 1 for alike in common[max(0, number - SHARED) : number + 1])]))
        if word[:length] != last:
            last = word[:length]
            keys.append((number, length))
    return keys


def _shorter(keys: Sequence[str]) -> Iterator[int]:
    """Yield by key, in their order, the number of the longest other one that it begins with, or -1."""
    within: list[int] = []
    for number, key in enumerate(keys):
        while within and not key.startswith(keys[within[-1]]):
            within.pop()
        yield within[-1] if within else -1
        within.append(number)


def _alike(one: str, other: str) -> int:
    """Return how many characters two words begin with alike."""
    return next((place for place, (char, same) in enumerate(zip(one, other, strict=False)) if char != same), min(len(one), len(other)))


def _offsets(lengths: Sequence[int]) -> bytes:
    """Return where each of several runs begins, and where the last ends."""
    return array("i", accumulate(lengths, initial=0)).tobytes()


def _array(data: bytes) -> array[int]:
    return array("i", data)


def _word(word: str) -> tuple[str, int]:
    """Return a word of a phrase as it stands in a text, and which of its ends are open."""
    return fold(word.strip("*")).strip(), (word.startswith("*") and CLOSED_START) | (word.endswith("*") and CLOSED_END)


def _places(part: Sequence[int], places: dict[int, list[Span]]) -> list[Span]:
    """Return where the words stand that may be a part, in the order of their ends, the longest first."""
    found = [places[use] for use in part if use in places]
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
