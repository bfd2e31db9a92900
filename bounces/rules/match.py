"""A reply in, the rules that hold for it out, the most exact first."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import ahocorasick

from bounces import codes
from bounces.model import Evidence, Reason
from bounces.rules import GENERIC_CODE, REPLY, TEXT, WORD, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Span = tuple[int, int]

GAP = 60  # characters that a "*" between two words of a phrase may stand for
LONGEST = 20_000  # characters of a reply that are read; a longer one repeats itself
BARE = frozenset({GENERIC_CODE, REPLY})  # codes that tell next to nothing

# the reasons that take an address off the list: a wrong one is the costly error
DEAD = frozenset(
    {
        Reason.USER_UNKNOWN,
        Reason.BAD_ADDRESS_SYNTAX,
        Reason.MOVED,
        Reason.DOMAIN_NOT_FOUND,
        Reason.DOMAIN_NO_MAIL,
        Reason.MAILBOX_INACTIVE,
        Reason.MAILBOX_DISABLED,
        Reason.SUPPRESSED,
    }
)

ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:=]{1,128}@[^\s<>()\[\]\"',;:]{1,255}")
SPACES = re.compile(r"[\s_\u00a0\u2010-\u2015-]+")
QUOTES = str.maketrans("\u2019\u2018\u00b4`\u201c\u201d\u201e\u00ab\u00bb", '\'\'\'\'"""""')


def normalise(text: str) -> str:
    """Return a text as rules see it: one line, lower case, without accents, hyphens as spaces, addresses as a lone "@"."""
    text = ADDRESS.sub("@", codes.plain(text[:LONGEST])).translate(QUOTES)
    if not text.isascii():
        text = "".join(char for char in unicodedata.normalize("NFKD", text) if unicodedata.category(char) != "Mn")
    return SPACES.sub(" ", text.casefold())


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that holds: the phrase that did it, and where its parts stand; a rule without text has neither."""

    rule: Rule
    tier: int
    phrase: str = ""
    spans: tuple[Span, ...] = ()

    def within(self, other: Match) -> bool:
        """Say whether every part stands inside a part of a longer match: "full" inside "disk full" tells nothing of its own."""
        return self.spans != other.spans and all(any(low <= start and end <= high for low, high in other.spans) for start, end in self.spans)


class RuleSet:
    """Rules, ready to match: all literal phrases in one Aho-Corasick pass over the text, the rest by comparison."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        """Build the automaton: each word of it leads to the phrases that need it."""
        self.rules = tuple(rules)
        self._codes = tuple(rule for rule in rules if not rule.text)
        self._phrases: list[tuple[Rule, str, int]] = []
        words: dict[str, list[tuple[int, int, bool, bool]]] = defaultdict(list)
        for rule in rules:
            for phrase in rule.text:
                parts = SPACES.sub(" ", phrase).strip().split(" * ")
                for number, part in enumerate(parts):
                    word = normalise(part.strip("*")).strip()
                    words[word].append((len(self._phrases), number, part.startswith("*"), part.endswith("*")))
                self._phrases.append((rule, phrase, len(parts)))
        self._automaton = ahocorasick.Automaton()
        for word, uses in words.items():
            self._automaton.add_word(word, (len(word), tuple(uses)))
        self._automaton.make_automaton()
        self.evidence = lru_cache(maxsize=1 << 15)(self._evidence)
        self._coded = lru_cache(maxsize=1 << 12)(self._code_matches)

    def _evidence(self, text: str, status: str | None, reply_code: str | None, host: str | None) -> tuple[Evidence, ...]:
        """Return every rule that holds for a reply, the strongest first. `text` is normalised, `host` the server that spoke."""
        domains = _domains(host)
        worded = [match for match in self._matches(text) if match.rule.holds(status, reply_code, domains)]
        coded = self._coded(status, reply_code, domains)
        found = [one for one in worded if not any(one.tier <= other.tier and one.within(other) for other in worded)]
        told = next((match.rule.reason for match in coded if match.tier not in BARE), None)
        weight = _weights(found)

        def rank(match: Match) -> tuple[int, bool, int, bool, int, str]:
            reason = match.rule.reason
            return (-match.tier, reason != told, -weight[match.tier, reason], reason in DEAD, -len(match.phrase), match.rule.id)

        return tuple(Evidence(match.rule.id, match.rule.reason, match.tier, match.phrase) for match in sorted([*found, *coded], key=rank))

    def _code_matches(self, status: str | None, reply_code: str | None, domains: frozenset[str]) -> tuple[Match, ...]:
        """Return the rules without text that hold."""
        return tuple(Match(rule, rule.tier) for rule in self._codes if rule.holds(status, reply_code, domains))

    def _matches(self, text: str) -> Iterator[Match]:
        """Yield each phrase that stands in a text."""
        if not text or not self._automaton:
            return
        places: dict[int, dict[int, list[Span]]] = {}
        for last, (length, uses) in self._automaton.iter(text):
            start, end = last - length + 1, last + 1
            begins, ends = _edge(text, start - 1, start), _edge(text, end, last)
            for phrase, number, open_start, open_end in uses:
                if (begins or open_start) and (ends or open_end):
                    places.setdefault(phrase, {}).setdefault(number, []).append((start, end))
        for number, parts in sorted(places.items()):
            rule, phrase, count = self._phrases[number]
            if len(parts) == count and (spans := _in_order([parts[part] for part in range(count)])):
                yield Match(rule, WORD if rule.tier == TEXT and phrase.strip("*").isalpha() and phrase.isascii() else rule.tier, phrase, spans)


def _weights(found: Sequence[Match]) -> dict[tuple[int, Reason], int]:
    """Weigh the reasons of each tier by how much of the text speaks for them."""
    spoken: dict[tuple[int, Reason], set[int]] = defaultdict(set)
    for match in found:
        for start, end in match.spans:
            spoken[match.tier, match.rule.reason].update(range(start, end))
    return defaultdict(int, {key: len(places) for key, places in spoken.items()})


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


def _domains(host: str | None) -> frozenset[str]:
    """Return the patterns a host fits: itself and "*." before each of its parents, as rules write them."""
    if not host:
        return frozenset()
    labels = host.lower().strip(".").split(".")
    return frozenset([".".join(labels), *("*." + ".".join(labels[number:]) for number in range(len(labels)))])
