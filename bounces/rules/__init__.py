"""TOML files in, Rules out: what words and codes mean, checked on the way in."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bounces.codes import compile_pattern
from bounces.errors import RuleError
from bounces.model import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

# how exact a rule is; a higher tier wins. OPINION is no rule's: it is what statistics say where the rules below it have nothing better
PROVIDER_TEXT, CODE_TEXT, TEXT, PROVIDER_CODE, CODE, WORD, OPINION, GENERIC_TEXT, GENERIC_CODE, REPLY = 10, 9, 8, 7, 6, 5, 4, 3, 2, 1

LISTS = ("remote_mta", "text", "status", "reply_code", "examples", "counter_examples")
KEYS = {"id", "reason", "source", "generic", *LISTS}
ID = re.compile(r"[a-z0-9_-]+\.[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Rule:
    """One [[rule]]: conditions that must all hold, any one alternative of a condition being enough, and the reason they tell."""

    id: str
    reason: Reason
    source: str
    examples: tuple[str, ...]
    counter_examples: tuple[str, ...] = ()
    remote_mta: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    status: tuple[re.Pattern[str], ...] = ()
    reply_code: tuple[re.Pattern[str], ...] = ()
    generic: bool = False

    @property
    def tier(self) -> int:
        """Say how exact the conditions are."""
        if self.text:
            if self.generic:
                return GENERIC_TEXT
            return PROVIDER_TEXT if self.remote_mta else CODE_TEXT if self.status or self.reply_code else TEXT
        if self.remote_mta:
            return PROVIDER_CODE
        return (GENERIC_CODE if self.generic else CODE) if self.status else REPLY

    def holds(self, status: str | None, reply_code: str | None, domains: frozenset[str]) -> bool:
        """Say whether the conditions other than the text hold; `domains` are the patterns that the server's name fits."""
        return (
            (not self.remote_mta or any(pattern in domains for pattern in self.remote_mta))
            and (not self.status or any(pattern.fullmatch(status or "") for pattern in self.status))
            and (not self.reply_code or any(pattern.fullmatch(reply_code or "") for pattern in self.reply_code))
        )


@cache
def shipped() -> tuple[Rule, ...]:
    """Return the rules that come with the program, but for those in other languages than English."""
    return _folder(files("bounces") / "rules")


@cache
def languages() -> tuple[Rule, ...]:
    """Return the rules in other languages than English: they are many, and needed for the few texts that English does not tell."""
    return _folder(files("bounces") / "rules" / "languages")


def _folder(folder: Traversable) -> tuple[Rule, ...]:
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return tuple(rule for name in names for rule in parse((folder / name).read_text(encoding="utf-8"), name))


def load(path: str | Path) -> tuple[Rule, ...]:
    """Read a rule file of the user's. Raise RuleError when it can't be read or isn't valid."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise RuleError(f"{path}: cannot be read as a rule file: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RuleError(f"{path}: is no text in UTF-8, which a rule file must be") from error
    return tuple(parse(text, str(path)))


def parse(text: str, name: str) -> Iterator[Rule]:
    """Yield the rules of a file's text; `name` is for the error's sentence."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RuleError(f"{name}: not valid TOML: {error}") from error
    if not isinstance(tables.get("rule"), list) or set(tables) != {"rule"}:
        raise RuleError(f"{name}: a rule file holds [[rule]] tables and nothing else")
    seen: set[str] = set()
    for table in tables["rule"]:
        rule = _rule(table, name)
        if rule.id in seen:
            raise RuleError(f"{name}: rule id {rule.id!r} is used twice")
        seen.add(rule.id)
        yield rule


def _rule(table: Any, name: str) -> Rule:
    """Check one table and make a Rule of it."""
    if not isinstance(table, dict):
        raise RuleError(f"{name}: a rule is a table: [[rule]]")
    ident = table.get("id")
    where = f"{name}: rule {ident!r}"
    if not isinstance(ident, str) or not ID.fullmatch(ident):
        raise RuleError(f'{where}: an id is a file\'s name, a dot, and words joined by hyphens: "text.over-quota"')
    if unknown := sorted(set(table) - KEYS):
        raise RuleError(f"{where}: unknown key {unknown[0]!r}; known are {', '.join(sorted(KEYS))}")
    if table.get("reason") not in list(Reason):
        raise RuleError(f"{where}: unknown reason {table.get('reason')!r}; the reasons are {', '.join(Reason)}")
    if not isinstance(table.get("source"), str) or not table["source"]:
        raise RuleError(f"{where}: source is missing: a URL, an RFC section or a samples/ path")
    lists = {key: _strings(table.get(key), f"{where}: {key}") for key in LISTS}
    if broken := [phrase for phrase in lists["text"] if any("*" in part.strip("*") for part in re.split(r"[\s()|]+", phrase))]:
        raise RuleError(f"{where}: text: {broken[0]!r} has a * inside a word; it stands alone, or at a word's end")
    if not any(lists[key] for key in LISTS[:4]):
        raise RuleError(f"{where}: has no condition; give text, status, reply_code or remote_mta")
    if not lists["examples"]:
        raise RuleError(f"{where}: has no examples; give at least one reply that it decides")
    return Rule(
        id=ident,
        reason=Reason(table["reason"]),
        source=table["source"],
        examples=lists["examples"],
        counter_examples=lists["counter_examples"],
        remote_mta=tuple(pattern.lower() for pattern in lists["remote_mta"]),
        text=lists["text"],
        status=_patterns(lists["status"], f"{where}: status"),
        reply_code=_patterns(lists["reply_code"], f"{where}: reply_code"),
        generic=bool(table.get("generic")) or any(pattern.endswith(".0") for pattern in lists["status"] if not lists["text"]),
    )


def _strings(value: Any, where: str) -> tuple[str, ...]:
    """Return one string, or a list of them, as a tuple."""
    values = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else () if value is None else (value,)
    if not all(isinstance(one, str) and one.strip() for one in values):
        raise RuleError(f"{where}: must be a string or a list of strings, in quotation marks")
    return values


def _patterns(values: tuple[str, ...], where: str) -> tuple[re.Pattern[str], ...]:
    """Compile code patterns: "5.2.2", "x.2.2", "x.7.606-649", "x.1.*", "550", "5yz"."""
    try:
        return tuple(compile_pattern(value) for value in values)
    except ValueError as error:
        raise RuleError(f'{where}: {error}; write "5.2.2", "x.2.2", "x.7.606-649", "x.1.*", "550" or "5yz"') from error
