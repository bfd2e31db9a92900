"""A user's rule files in, the whole set of rules out, or every problem: each rule must decide its examples, and can by each phrase."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

from bounces import codes
from bounces.classify import classify
from bounces.errors import RuleError
from bounces.model import Attempt
from bounces.opinion import opinion
from bounces.phrases import Phrases, ways
from bounces.rules import Rule, languages, shipped, values
from bounces.rules.match import RuleSet, normalise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bounces.rules.check import File, Problem, Table

FITTING = str.maketrans("xyz*", "5501")  # what fits a code pattern: "x.2.2", "5yz", "x.1.*"


@lru_cache(maxsize=8)
def rule_set(paths: tuple[str, ...] = ()) -> RuleSet:
    """Return the shipped rules with a user's files, ready to match. Raise RuleError as `check` does."""
    return _checked(paths)[0]


def check(paths: Sequence[str]) -> tuple[str, ...]:
    """Check rule files as they are used together, and return a line for each. Raise RuleError with a line for each problem of all of them."""
    return tuple(_counted(file.name, [rule for _, rule in file.tables if rule]) for file in _checked(paths)[1])


def _counted(name: str, rules: Sequence[Rule]) -> str:
    """Say how much of a file was checked."""
    counts = (len(rules), "rule"), (sum(len(rule.examples) for rule in rules), "example")
    return f"{name}: {', '.join(f'{count} {word}' + 's' * (count != 1) for count, word in counts)}: all reach their rule"


def _files(paths: Sequence[str]) -> Iterator[File]:
    """Read rule files."""
    from bounces.rules.check import read  # noqa: PLC0415  (a hundredth of a second, and few have rules of their own)

    return map(read, paths)


def _checked(paths: Sequence[str]) -> tuple[RuleSet, tuple[File, ...]]:
    """Read rule files, and return the whole set with them. Raise RuleError."""
    files = tuple(_files(paths)) if paths else ()
    problems = [list(file.problems) for file in files]
    taken = {rule.id: "by a rule of ours" for rule in (*shipped(), *languages())} if files else {}
    own: list[tuple[list[Problem], Table, Rule]] = []
    for found, file in zip(problems, files, strict=True):
        for table, rule in file.tables:
            ident = table.ident or ""
            if ident in taken:
                found.append(table.problem(f"the id is taken, {taken[ident]}; choose another", "id"))
                continue
            if ident:
                taken[ident] = f"at {file.name}:{table.line('id')}"
            if rule:
                own.append((found, table, rule))
    every = RuleSet((*shipped(), *(rule for _, _, rule in own)), languages, opinion, firm=(rule.id for _, _, rule in own))
    for found, table, rule in own:
        found.extend(unreached(rule, table, every))
    if any(problems):
        raise RuleError("\n".join(sentence for found in problems for _, sentence in sorted(found)))
    return every, files


def unreached(rule: Rule, table: Table, every: RuleSet) -> Iterator[Problem]:
    """Yield each example that doesn't reach its rule through the whole set, counter-example that does, and phrase that never can."""
    failed = False
    for number, example in enumerate(rule.examples, 1):
        if why := _lost(rule, every, [Attempt(diagnostic_code=example)]):
            failed = True
            yield table.problem(f"its example {example!r} is decided by {why}", "examples", number)
    for number, example in enumerate(rule.counter_examples, 1):
        if not _lost(rule, every, [Attempt(diagnostic_code=example)]):
            yield table.problem(f"decides its counter-example {example!r}; make its conditions narrower", "counter_examples", number)
    for number, phrase in enumerate(rule.text if not failed else (), 1):
        if why := _lost(rule, every, _spoken(rule, table, phrase)):
            yield table.problem(f"text: {phrase!r} can never decide, it is decided by {why}", "text", number)


def _lost(rule: Rule, every: RuleSet, attempts: Iterable[Attempt]) -> str | None:
    """Say what decides the attempts, and why the rule doesn't, whichever of its servers spoke; None when it decides one of them."""
    hosts = [pattern.replace("*.", "mx.") for pattern in rule.remote_mta] or [""]
    tried = []
    for attempt, host in product(attempts, hosts):
        decided = classify(attempt, every, host).rule
        if decided == rule.id:
            return None
        tried.append((attempt, host, decided))
    alone = RuleSet([rule])
    for attempt, host, decided in tried:
        if classify(attempt, alone, host).rule:
            return f"{decided}, which shadows the rule; make it more exact, with more of the reply's words, or a code or remote_mta beside them"
    return f"{tried[0][2] or 'no rule'}, for the rule's own conditions do not fit it; mend one or the other"


def _spoken(rule: Rule, table: Table, phrase: str) -> Iterator[Attempt]:
    """Yield replies that are a phrase alone, each of its words in one of them, with codes that fit; and the examples that say it."""
    fitting = [[one.partition("-")[0].translate(FITTING) for one in values(table.values.get(key))] for key in ("status", "reply_code")]
    told = [(reply.status, reply.reply_code) for reply in map(codes.find, rule.examples)]
    pairs = dict.fromkeys([*product(*(patterns or [None] for patterns in fitting)), *told])
    for way in ways(phrase):
        for number in range(max(map(len, way))):
            said = " … ".join(part[number % len(part)] for part in way)
            for text, (status, reply_code) in product((said.replace("*", ""), said.replace("*", "x")), pairs):
                yield Attempt(diagnostic_code=text, status=status, reply_code=reply_code)
    found = Phrases([phrase]).found
    yield from (Attempt(diagnostic_code=example) for example in rule.examples if any(found(normalise(example))))
