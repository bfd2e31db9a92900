"""TOML files in, Rules out: what words and codes mean."""

from __future__ import annotations

from functools import cache
from itertools import starmap
from typing import TYPE_CHECKING, Any, NamedTuple

from bounces.codes import CodePattern, compile_pattern
from bounces.compiled import PACKAGE, kept, loaded
from bounces.model import Reason
from bounces.phrases import Phrases

if TYPE_CHECKING:
    from collections.abc import Iterator

# how exact a rule is; a higher tier wins. OPINION is no rule's: it is what statistics say where the rules below it have nothing better
PROVIDER_TEXT, CODE_TEXT, TEXT, PROVIDER_CODE, CODE, WORD, OPINION, GENERIC_TEXT, GENERIC_CODE, REPLY = 10, 9, 8, 7, 6, 5, 4, 3, 2, 1
TOKEN = PROVIDER_CODE  # a lone word that means nothing else: it beats a registered code, and a text beats it

CONDITIONS = ("remote_mta", "text", "status", "reply_code")
LISTS = (*CONDITIONS, "examples", "counter_examples")
KEYS = ("id", "reason", "source", "generic", "token", *LISTS)


class Rule(NamedTuple):
    """One [[rule]]: conditions that must all hold, any one alternative of a condition being enough, and the reason they tell."""

    id: str
    reason: Reason
    source: str
    examples: tuple[str, ...]
    counter_examples: tuple[str, ...] = ()
    remote_mta: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    status: tuple[CodePattern, ...] = ()
    reply_code: tuple[CodePattern, ...] = ()
    generic: bool = False
    token: bool = False  # a word of it that stands alone means nothing else: "greylisted"

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


class Shipped(NamedTuple):
    """Rules that come with the program, and the compiled form of their phrases."""

    rules: tuple[Rule, ...]
    table: tuple[Any, ...]


def shipped() -> tuple[Rule, ...]:
    """Return the rules that come with the program, but for those in other languages than English."""
    return compiled().rules


def languages() -> tuple[Rule, ...]:
    """Return the rules in other languages than English: they are many, and needed for the few texts that English does not tell."""
    return compiled_languages().rules


@cache
def compiled() -> Shipped:
    """Return the rules, but for those in other languages than English."""
    return _ready(*kept("rules", ("rules", "reference/codes.toml"), lambda: _compiled([*_folder("rules"), *_of_codes()])))


@cache
def compiled_languages() -> Shipped:
    """Return the rules in other languages than English."""
    return _ready(*kept("languages", ("rules/languages",), lambda: _compiled(_folder("rules/languages"))))


def _compiled(tables: list[dict[str, Any]]) -> tuple[list[tuple[Any, ...]], tuple[Any, ...]]:
    """Return the fields of rules, and the compiled form of their phrases."""
    return list(map(_fields, tables)), Phrases([phrase for table in tables for phrase in values(table.get("text"))]).table


def _ready(fields: list[tuple[Any, ...]], table: tuple[Any, ...]) -> Shipped:
    """Make the rules of their fields."""
    return Shipped(tuple(map(_rule, fields)), table)


def _of_codes() -> Iterator[dict[str, Any]]:
    """Yield the rules for codes that stand alone, by the data of the code reference: "enhanced.x-2-2", "reply.552-mailbox-full"."""
    for code, facts in loaded("reference/codes.toml").items():
        if "reason" not in facts:
            continue
        if "." in code:
            told = {"id": f"enhanced.{code.replace('.', '-')}", "status": code, "examples": [f"5{code[1:]}", f"4{code[1:]}"]}
        else:
            told = {"id": f"reply.{code}-{facts['reason'].replace('_', '-')}", "reply_code": code, "examples": [code]}
        source = facts.get("rfc", "what servers send, by bounces/reference/codes.toml")
        yield {"reason": facts["reason"], "generic": facts.get("generic", False), "source": source, **told}


def _folder(folder: str) -> list[dict[str, Any]]:
    names = sorted(path.name for path in (PACKAGE / folder).glob("*.toml"))
    return [table for name in names for table in loaded(f"{folder}/{name}")["rule"]]


def parse(text: str) -> tuple[Rule, ...]:
    """Return the rules of a file that is known to be valid; of one that may not be, `check` names the problems."""
    import tomllib  # noqa: PLC0415  (not needed for what was compiled)

    return tuple(map(rule, tomllib.loads(text)["rule"]))


def rule(table: dict[str, Any]) -> Rule:
    """Make a Rule of a valid table."""
    return _rule(_fields(table))


def _fields(table: dict[str, Any]) -> tuple[Any, ...]:
    """Return the fields of the Rule that a valid table describes, in their order: plain data, which can be kept."""
    lists = {key: values(table.get(key)) for key in LISTS}
    return (
        table["id"],
        table["reason"],
        table["source"],
        lists["examples"],
        lists["counter_examples"],
        tuple(pattern.lower() for pattern in lists["remote_mta"]),
        lists["text"],
        tuple(tuple(compile_pattern(pattern)) for pattern in lists["status"]),
        tuple(tuple(compile_pattern(pattern)) for pattern in lists["reply_code"]),
        table.get("generic", False) or any(pattern.endswith(".0") for pattern in lists["status"] if not lists["text"]),
        table.get("token", False),
    )


def _rule(fields: tuple[Any, ...]) -> Rule:
    """Make a Rule of its fields."""
    ident, reason, *told, status, reply_code, generic, token = fields
    codes = (tuple(starmap(CodePattern, each)) for each in (status, reply_code))
    return Rule._make((ident, Reason(reason), *told, *codes, generic, token))


def values(value: Any) -> tuple[Any, ...]:
    """Return one value, or a list of them, as a tuple."""
    return tuple(value) if isinstance(value, list) else () if value is None else (value,)
