"""Attempt in, Verdict out: why a delivery failed, by the rules in `rules/*.toml`.

Precedence is computed from how exact a rule's conditions are, never from the order of files: a provider's text, text with a code,
text, a provider's code, a registered enhanced code, generic text, a bare code. What the winner contradicts is recorded, not hidden.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING

import ahocorasick

from bounces import codes
from bounces.model import Attempt, Confidence, Evidence, Permanence, Reason, Verdict
from bounces.rules import CODE, GENERIC_CODE, PROVIDER_CODE, REPLY, TEXT, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

GAP = 60  # characters that a "*" between two words of a phrase may stand for
LONGEST = 20_000  # characters of a reply that are read; a longer one repeats itself

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

    def _evidence(self, text: str, status: str | None, reply_code: str | None, host: str | None) -> tuple[Evidence, ...]:
        """Return every rule that holds for a reply, the strongest first. `text` is normalised, `host` the server that spoke."""
        domains = _domains(host)
        found = [(rule, phrase) for rule, phrase in self._matches(text) if rule.holds(status, reply_code, domains)]
        found += [(rule, "") for rule in self._codes if rule.holds(status, reply_code, domains)]
        told = next((rule.reason for rule, phrase in found if not phrase and rule.tier not in {GENERIC_CODE, REPLY}), None)
        weight = _weights(found)
        found.sort(
            key=lambda one: (-one[0].tier, one[0].reason != told, -weight[one[0].tier, one[0].reason], one[0].reason in DEAD, -len(one[1]), one[0].id)
        )
        return tuple(Evidence(rule.id, rule.reason, rule.tier, phrase) for rule, phrase in found)

    def _matches(self, text: str) -> Iterator[tuple[Rule, str]]:
        """Yield each rule whose text stands here, with the phrase that did."""
        if not text or not self._automaton:
            return
        places: dict[int, dict[int, list[tuple[int, int]]]] = {}
        for last, (length, uses) in self._automaton.iter(text):
            start, end = last - length + 1, last + 1
            begins, ends = _edge(text, start - 1, start), _edge(text, end, last)
            for phrase, number, open_start, open_end in uses:
                if (begins or open_start) and (ends or open_end):
                    places.setdefault(phrase, {}).setdefault(number, []).append((start, end))
        for phrase, parts in sorted(places.items()):
            rule, wording, count = self._phrases[phrase]
            if len(parts) == count and _in_order([parts[number] for number in range(count)]):
                yield rule, wording


def _weights(found: Iterable[tuple[Rule, str]]) -> dict[tuple[int, Reason], int]:
    """Weigh the reasons of each tier: the letters of the longest phrase of each rule that tells one."""
    longest: dict[tuple[str, int, Reason], int] = {}
    for rule, phrase in found:
        key = (rule.id, rule.tier, rule.reason)
        longest[key] = max(longest.get(key, 0), sum(char.isalnum() for char in phrase))
    weights: dict[tuple[int, Reason], int] = defaultdict(int)
    for (_, tier, reason), letters in longest.items():
        weights[tier, reason] += letters
    return weights


def _edge(text: str, outside: int, inside: int) -> bool:
    """Say whether a word may begin or end between two characters; scripts without spaces have no edges to check."""
    if not 0 <= outside < len(text):
        return True
    return not (text[outside].isalnum() and text[inside].isalnum()) or text[inside] >= "\u0e00"


def _in_order(parts: list[list[tuple[int, int]]]) -> bool:
    """Say whether one place of each part can be chosen so that they follow one another within the gap."""
    ends = [end for _, end in parts[0]]
    for places in parts[1:]:
        following, reached = [], 0
        for start, end in places:
            while reached < len(ends) and ends[reached] < start - GAP:
                reached += 1
            if reached < len(ends) and ends[reached] <= start:
                following.append(end)
        ends = following
    return bool(ends)


def _domains(host: str | None) -> frozenset[str]:
    """Return the patterns a host fits: itself and "*." before each of its parents, as rules write them."""
    if not host:
        return frozenset()
    labels = host.lower().strip(".").split(".")
    return frozenset([".".join(labels), *("*." + ".".join(labels[number:]) for number in range(len(labels)))])


def classify(attempt: Attempt, rules: RuleSet, host: str | None = None) -> Verdict:
    """Say why an attempt failed. `host` is the server that spoke or the domain it serves, where that is not the attempt's remote MTA."""
    said = attempt.diagnostic_code or ""
    own = codes.find(said)
    status = own.status if own.status and not (codes.is_bare(own.status) and attempt.status) else attempt.status
    reply_code = attempt.reply_code or own.reply_code
    evidence = rules.evidence(normalise(said[own.start :] if own.reply_code else said), status, reply_code, host or attempt.remote_mta)
    if own.start and own.reply_code and (not evidence or evidence[0].tier < CODE):
        # the server's own words tell nothing; those of the system that quotes it may
        wider = rules.evidence(normalise(said), status, reply_code, host or attempt.remote_mta)
        evidence = max(evidence, wider, key=lambda found: found[0].tier if found else 0)
    reason = evidence[0].reason if evidence else Reason.UNKNOWN
    contradictions = tuple(_contradictions(evidence, attempt.status or status, reply_code))
    doubt = _accepted_before(reason, attempt.command, status)
    return Verdict(
        reason=reason,
        permanence=_permanence(reason, reply_code, attempt.status or status),
        rule=evidence[0].rule if evidence else None,
        confidence=Confidence.LOW if doubt else _confidence(evidence, contradictions),
        evidence=evidence,
        contradictions=(doubt, *contradictions) if doubt else contradictions,
    )


def _accepted_before(reason: Reason, command: str | None, status: str | None) -> str | None:
    """Return what speaks against an unknown user whom the server had taken at RCPT: filters say so, too, once they have seen the content."""
    if reason is not Reason.USER_UNKNOWN or command != "DATA" or (status or "").startswith(("5.1.", "4.1.")):
        return None
    return "the server had accepted the recipient, and refused only after DATA"


def _permanence(reason: Reason, reply_code: str | None, status: str | None) -> Permanence:
    """Return what the server said, by the codes alone."""
    # QUIRK: RFC 5321 4.5.3.1.10 says that RFC 821 listed 552 for too many recipients by mistake, and to treat it as temporary.
    if reason is Reason.TOO_MANY_RECIPIENTS and reply_code == "552":
        return Permanence.TRANSIENT
    return codes.permanence(reply_code, status)


def _contradictions(evidence: Sequence[Evidence], status: str | None, reply_code: str | None) -> Iterator[str]:
    """Yield a sentence for each thing that speaks against the verdict."""
    if status and reply_code and status[0] != reply_code[0]:
        yield f"reply {reply_code} and status {status} disagree on the class"
    if not evidence:
        return
    winner = evidence[0]
    for other in _others(evidence):
        yield f"{other.rule} says {other.reason}, {winner.rule} says {winner.reason}"


def _others(evidence: Sequence[Evidence]) -> Iterable[Evidence]:
    """Return the specific evidence for other reasons than the winner's, one for each reason."""
    winner = evidence[0]
    bare = {GENERIC_CODE, REPLY}
    specific = (one for one in evidence if one.reason is not winner.reason and (one.tier >= TEXT or (one.tier not in bare and not one.matched)))
    return {one.reason: one for one in reversed(list(specific))}.values()


def _confidence(evidence: Sequence[Evidence], contradictions: Sequence[str]) -> Confidence:
    """Weigh a verdict: see `Confidence` for what the levels mean."""
    if not evidence:
        return Confidence.LOW
    winner = evidence[0]
    agreed = any(one.reason is winner.reason and not one.matched and one.tier >= CODE for one in evidence)
    if winner.reason in DEAD and not agreed and any(one.tier >= winner.tier and one.reason not in DEAD for one in _others(evidence)):
        return Confidence.LOW  # two texts, one of them of a live address, and no code to tell: nobody is removed on that
    if winner.tier >= PROVIDER_CODE:
        return Confidence.MEDIUM if contradictions else Confidence.HIGH
    return Confidence.LOW if winner.tier in {GENERIC_CODE, REPLY} or winner.matched else Confidence.MEDIUM
