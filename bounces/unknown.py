"""Events in, what no specific rule knew out: a queue of texts by their template, the most frequent first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bounces import analyze, run
from bounces.anonymize import template
from bounces.classify import classify
from bounces.model import Attempt, Confidence, Event, Kind, Reason
from bounces.rulecheck import rule_set
from bounces.rules import PROVIDER_CODE
from bounces.settings import Settings, checked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import pandas as pd

MOST = 50_000  # templates that are held: hostile mail may make each text another one
MOST_VALUES = 50  # codes, domains and providers of a template that are told apart
FAILED = {Kind.FAILURE, Kind.DELAY}


@dataclass(slots=True)
class Group:
    """The texts of one template: `template` is written as the first one was, `origin` is the message that had it."""

    template: str
    origin: str
    count: int = 0
    codes: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)
    domains: Counter[str] = field(default_factory=Counter)
    providers: Counter[str] = field(default_factory=Counter)

    def add(self, event: Event) -> None:
        """Count a text."""
        self.count += 1
        _count(self.codes, (event.reply_code, event.status))
        _count(self.domains, event.domain)
        _count(self.providers, event.provider)

    @property
    def code(self) -> tuple[str | None, str | None]:
        """Return the reply code and the enhanced code that came most."""
        return self.codes.most_common(1)[0][0]

    @property
    def reason(self) -> Reason:
        """Return what the codes say without the text."""
        return by_codes(*self.code)


def _count(counter: Counter[Any], value: object) -> None:
    """Count a value, as long as there are not too many."""
    if value is not None and (value in counter or len(counter) < MOST_VALUES):
        counter[value] += 1


@dataclass(slots=True)
class Queue:
    """What has been counted: failures and delays in all, those that no specific rule knew by template, and those that said nothing in words.

    `others` counts the texts of templates that were given up because there were too many: the rarest.
    """

    failures: int = 0
    wordless: int = 0
    others: int = 0
    held: dict[str, Group] = field(default_factory=dict)

    def add(self, event: Event, settings: Settings) -> None:
        """Count an event."""
        if event.kind not in FAILED:
            return
        self.failures += 1
        if is_known(event, settings):
            return
        text = template.of_event(event)
        if not template.says_something(text):
            self.wordless += 1
            return
        key = template.key(text)
        if key not in self.held:
            self._make_room()
            self.held[key] = Group(text, event.origin)
        self.held[key].add(event)

    @property
    def unknown(self) -> int:
        """Return how many failures and delays said in words what no specific rule knew."""
        return self.others + sum(group.count for group in self.held.values())

    def groups(self) -> list[Group]:
        """Return the groups, the most frequent first; among equals in the order of their templates."""
        return [self.held[key] for key in sorted(self.held, key=lambda key: (-self.held[key].count, key))]

    def _make_room(self) -> None:
        """Give up the rarer half when there are too many, so that what is held stays bounded, and one by one costs little."""
        if len(self.held) < MOST:
            return
        ordered = sorted(self.held, key=lambda key: -self.held[key].count)
        self.others += sum(self.held.pop(key).count for key in ordered[MOST // 2 :])


def is_known(event: Event, settings: Settings) -> bool:
    """Say whether a text, or a provider's rule, decided; a generic text, a lone word or a code alone is no knowledge of what was said."""
    if event.confidence is Confidence.HIGH:  # nothing less exact has it
        return True
    fields = {name: getattr(event, name) for name in ("final_recipient", "status", "reply_code", "diagnostic_code", "remote_mta", "command")}
    evidence = analyze.verdict_on(Attempt(**fields), event.reporting_mta, settings).evidence
    return bool(evidence) and evidence[0].tier >= PROVIDER_CODE


@lru_cache(maxsize=1 << 12)
def by_codes(reply_code: str | None, status: str | None) -> Reason:
    """Return what codes say alone."""
    return classify(Attempt(reply_code=reply_code, status=status), rule_set()).reason


def collect(scope: run.Scope, tally: run.Tally, seen: Callable[[int, str], None] | None = None) -> Queue:
    """Read mail and return what no specific rule knew of it. Raise SourceError when none could be read."""
    queue = Queue()
    for event in run.scan(scope, tally, seen):
        queue.add(event, scope.settings)
    return queue


def frame(groups: Iterable[Group]) -> pd.DataFrame:
    """Return groups as a DataFrame; see `unknown`."""
    import pandas as pd  # noqa: PLC0415  (pandas is loaded when a table is wanted)

    from bounces.frames import CATEGORIES  # noqa: PLC0415

    kinds: dict[str, Any] = {"count": "int64", "reason": CATEGORIES["reason"], "domains": "int64"}
    rows = list(_rows(groups))
    names = ("template", "count", "reply_code", "status", "reason", "domain", "domains", "provider", "origin")
    return pd.DataFrame({name: pd.Series([row[place] for row in rows], dtype=kinds.get(name, "str")) for place, name in enumerate(names)})


def _rows(groups: Iterable[Group]) -> Iterator[tuple[object, ...]]:
    """Yield a row for each group."""
    for group in groups:
        domain, provider = (next((value for value, _ in counter.most_common(1)), None) for counter in (group.domains, group.providers))
        yield (group.template, group.count, *group.code, str(group.reason), domain, len(group.domains), provider, group.origin)


def unknown(*sources: str | Path, rules: Iterable[str] = (), verp: Iterable[str] = ()) -> pd.DataFrame:
    """Return the texts that no specific rule knew: a DataFrame with a row for each template, the most frequent first.

    `template` is what the server said without the codes it opens with, what is particular masked: <address>, <user>, <host>, <ip>, <url>,
    <id>, <subject>, # for numbers, at most 200 characters; `count` how many failed or delayed recipients had it. `reply_code`, `status`,
    `domain` and `provider` are those that came most, `domains` how many there were (told apart up to 50), `reason` is what the codes say
    alone (a category), `origin` the first message. Counts are int64, all else strings; absent is NA. Of more than 50,000 templates the
    rarest are left out. `rules` and `verp` are as in `bounces.events`. Raise SourceError for a source that isn't there.
    """
    settings = checked(rules=rules, verp=verp)
    queue = Queue()
    for source in sources:
        for _, events in analyze.messages(source, settings):
            for event in events:
                queue.add(event, settings)
    return frame(queue.groups())
