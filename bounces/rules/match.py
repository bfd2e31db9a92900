"""A reply in, the rules that hold for it out, the most exact first."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from bounces import codes
from bounces.folding import fold
from bounces.model import Evidence, Reason
from bounces.phrases import Phrases, Span
from bounces.providers import servers
from bounces.rules import GENERIC_CODE, OPINION, REPLY, TEXT, TOKEN, WORD, Rule, Shipped, compiled, compiled_languages, languages, shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Opinion = Callable[[str, str | None, str | None], Reason | None]  # of a normalised text, a status and a reply code

LONGEST = 20_000  # characters of a reply that are read; a longer one repeats itself
VAGUE = frozenset({Reason.MAILBOX_UNAVAILABLE, Reason.POLICY_REJECTED})  # no causes: what generic words and bare codes say as well
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
# 42cdf585bb770e31, 4xyz1a2b3c4d, 484537694, 192.0.2.47: what differs from one reply to the next that says the same
IDENTIFIER = re.compile(
    r"\b(?=[\dA-Za-z.]{9})(?:(?=[A-Za-z]*\d[A-Za-z]*\d)(?:[\dA-Fa-f]{9,}|[\dA-Za-z]{12,})|(?!127\.)(?=[\d.]{9})\d{1,3}(?:\.\d{1,3}){3})\b", re.ASCII
)


@lru_cache(maxsize=1 << 10)
def normalise(text: str) -> str:
    """Return a text as rules see it: folded, the code that opens each line said once, addresses as a lone "@", identifiers as zeros."""
    line = codes.plain(text[:LONGEST])
    line = ADDRESS.sub("@", line) if "@" in line else line
    return fold(IDENTIFIER.sub(lambda found: "0" * len(found[0]), line))


class Match(NamedTuple):
    """A rule that holds: the phrase that did it, and where its parts stand; a rule without text has neither."""

    rule: Rule
    tier: int
    phrase: str = ""
    spans: tuple[Span, ...] = ()

    def said(self, text: str) -> str:
        """Return the words that a text says, "…" for what stands between them."""
        return " … ".join(text[start:end] for start, end in self.spans)

    def within(self, other: Match) -> bool:
        """Say whether every part stands inside a part of a longer match: "full" inside "disk full" tells nothing of its own."""
        return self.spans != other.spans and all(any(low <= start and end <= high for low, high in other.spans) for start, end in self.spans)


class Wording:
    """The phrases of rules, ready to be found: all in one Aho-Corasick pass over a text."""

    def __init__(self, rules: Sequence[Rule], table: tuple[Any, ...] | None = None) -> None:
        """Make the phrases ready; `table` is their compiled form, if it is known."""
        self._worded = [(rule, tier, phrase) for rule in rules for tier in (rule.tier,) for phrase in rule.text]
        self._phrases = Phrases([phrase for *_, phrase in self._worded] if table is None else (), table)

    def matches(self, text: str) -> Iterator[Match]:
        """Yield each phrase that stands in a text."""
        for number, spans in self._phrases.found(text):
            rule, tier, phrase = self._worded[number]
            if tier == TEXT and len(spans) == 1 and (said := text[spans[0][0] : spans[0][1]]).isascii() and said.isalpha():
                tier = TOKEN if rule.token else WORD
            yield Match(rule, tier, phrase, spans)


class RuleSet:
    """Rules, ready to match: literal phrases in a pass over the text, the rest by comparison.

    `languages` returns more rules, for texts that nothing else tells more of than a word. `opinion` is asked for the reason of a text
    that only generic words and bare codes tell of; None is none. The rules that `firm` names by id are not asked about.
    """

    def __init__(
        self, rules: Sequence[Rule], languages: Callable[[], Sequence[Rule]] = tuple, opinion: Opinion | None = None, firm: Iterable[str] = ()
    ) -> None:
        """Make the rules' phrases ready; those of `languages` once they are needed."""
        self.rules = tuple(rules)
        self._opinion, self._firm = opinion, frozenset(firm)
        self._codes = tuple(rule for rule in rules if not rule.text)
        ours = compiled() if rules[: len(shipped())] == shipped() else Shipped((), ())
        self._wordings = [Wording(ours.rules, ours.table)] if ours.rules else []
        if own := rules[len(ours.rules) :]:
            self._wordings.append(Wording(own))
        self._languages = languages
        self._hosts = frozenset(pattern for rule in rules for pattern in rule.remote_mta)
        self._coded = lru_cache(maxsize=1 << 12)(self._code_matches)

    def fitting(self, host: str | None) -> frozenset[str]:
        """Return the patterns of rules that a server's name fits."""
        return _domains(host) & self._hosts

    def evidence(self, text: str, status: str | None, reply_code: str | None, domains: frozenset[str]) -> tuple[Evidence, ...]:
        """Return every rule that holds for a reply, the strongest first. `text` is normalised, `domains` what fits the server that spoke."""
        worded = [match for wording in self._wordings for match in wording.matches(text) if match.rule.holds(status, reply_code, domains)]
        if not any(match.tier >= TEXT for match in worded):
            worded += [match for match in self._foreign.matches(text) if match.rule.holds(status, reply_code, domains)]
        coded = self._coded(status, reply_code, domains)
        found = [one for one in worded if not any(one.tier <= other.tier and one.within(other) for other in worded)]
        registered = next((match.rule.reason for match in coded if match.tier not in BARE), None)
        weight = _weights(found)

        def rank(match: Match) -> tuple[int, bool, int, bool, bool, int, str]:
            reason = match.rule.reason
            length = sum(end - start + len(" * ") for start, end in match.spans)
            return (-match.tier, reason != registered, -weight[match.tier, reason], reason in DEAD, "|" in match.phrase, -length, match.rule.id)

        told = tuple(Evidence(match.rule.id, match.rule.reason, match.tier, match.said(text)) for match in sorted([*found, *coded], key=rank))
        return (*self._second(told, text, status, reply_code), *told)

    def _second(self, told: Sequence[Evidence], text: str, status: str | None, reply_code: str | None) -> Iterator[Evidence]:
        """Yield what the opinion says, where it is asked and says another cause than the rules; it calls nobody dead on a 4yz."""
        if self._opinion is None or (told and (told[0].tier > OPINION or told[0].rule in self._firm)):
            return
        reason = self._opinion(text, status, reply_code)
        if reason in VAGUE or (reason in DEAD and (reply_code or status or "").startswith("4")):
            return
        if reason is not None and (not told or reason is not told[0].reason):
            yield Evidence(f"opinion.{reason.replace('_', '-')}", reason, OPINION, "")

    @cached_property
    def _foreign(self) -> Wording:
        """The phrases in other languages."""
        rules = self._languages()
        return Wording(rules, compiled_languages().table if rules is languages() else None)

    def _code_matches(self, status: str | None, reply_code: str | None, domains: frozenset[str]) -> tuple[Match, ...]:
        """Return the rules without text that hold."""
        return tuple(Match(rule, rule.tier) for rule in self._codes if rule.holds(status, reply_code, domains))


def _weights(found: Sequence[Match]) -> dict[tuple[int, Reason], int]:
    """Weigh the reasons of each tier by how much of the text speaks for them."""
    spoken: dict[tuple[int, Reason], set[int]] = defaultdict(set)
    for match in found:
        for start, end in match.spans:
            spoken[match.tier, match.rule.reason].update(range(start, end))
    return defaultdict(int, {key: len(places) for key, places in spoken.items()})


@lru_cache(maxsize=1 << 12)
def _domains(host: str | None) -> frozenset[str]:
    """Return the patterns a host fits: itself and "*." before each of its parents, as rules write them; of a public domain its servers'."""
    if not host:
        return frozenset()
    name = host.lower().strip(".")
    labels = name.split(".")
    return servers(name).union([name], ("*." + ".".join(labels[number:]) for number in range(len(labels))))
