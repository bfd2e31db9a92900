"""A code in, what it means out, in English or French: the data beside this file, one entry for each code.

`codes.toml` holds the facts, which the classifier's rules for codes are made of, too; `en.toml` and `fr.toml` the words. An enhanced code
stands there once for its classes, as "x.2.2".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

from bounces import rules
from bounces.codes import permanence
from bounces.compiled import tables
from bounces.errors import SettingsError
from bounces.folding import fold
from bounces.language import Said, say, spoken
from bounces.model import Permanence, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

CODE = re.compile(r"[2-5]\d\d|[245]\.\d{1,3}\.\d{1,3}", re.ASCII)
LISTS = ("when", "sender", "recipient", "postmaster")


@dataclass(frozen=True, slots=True)
class Code:
    """What a code means, in one language; `known` is False for one that no RFC, registry or practice knows: it says what its digits mean.

    `reason` is what the classifier takes it for where it stands alone; `reasons` are all that replies with it come to by our rules, the most
    rules first; `providers` the rules by which a provider's servers are read.
    """

    code: str
    lang: str
    known: bool
    name: str
    meaning: str
    permanence: Permanence
    when: tuple[str, ...] = ()
    sender: tuple[str, ...] = ()
    recipient: tuple[str, ...] = ()
    postmaster: tuple[str, ...] = ()
    practice: str | None = None
    stages: tuple[str, ...] = ()
    rfc: str | None = None
    nonstandard: bool = False
    related: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    reason: Reason | None = None
    reasons: tuple[Reason, ...] = ()
    providers: tuple[rules.Rule, ...] = ()

    @property
    def enhanced(self) -> bool:
        """Say whether it is an enhanced status code (RFC 3463)."""
        return "." in self.code

    @property
    def code_class(self) -> int:
        """Return the class (RFC 3463, section 2), the first digit: 2, 3, 4 or 5."""
        return int(self.code[0])


def code(value: str, *, lang: str = "en") -> Code:
    """Return what a code means: `code("552")`, `code("5.2.2", lang="fr")`.

    A code that nobody defined says what its digits mean (RFC 5321, section 4.2.1; RFC 3463, section 3), with the nearest known ones as
    `related`. Raise SettingsError for what is no code, and for a language that we don't speak.
    """
    value = str(value).strip()
    if not CODE.fullmatch(value):
        raise SettingsError(f'{value!r} is no SMTP code; write a reply code like "552" or an enhanced one like "5.2.2"')
    spoken(lang)
    key = f"x{value[1:]}" if "." in value else value
    facts, words = table("codes").get(key), table(lang).get(key)
    if facts is None or words is None:
        return _undefined(value, lang)
    meaning = [words["meaning"], words.get({"4": "transient", "5": "permanent"}.get(value[0], ""))] if "." in value else [words["meaning"]]
    found = saying(value)
    return Code(
        code=value,
        lang=lang,
        known=True,
        name=words["name"],
        meaning=" ".join(filter(None, meaning)),
        permanence=_permanence(value),
        **{name: tuple(words.get(name, ())) for name in LISTS},
        practice=words.get("practice"),
        stages=tuple(facts.get("stages", ())),
        rfc=facts.get("rfc"),
        nonstandard=bool(facts.get("nonstandard")),
        related=tuple(_like(one, value) for one in facts.get("related", ())),
        examples=tuple(facts.get("examples", ())),
        reason=Reason(facts["reason"]) if "reason" in facts and value[0] in "45" else None,
        reasons=tuple(dict.fromkeys(rule.reason for rule in found)),
        providers=tuple(rule for rule in found if rule.remote_mta),
    )


@cache
def table(name: str) -> dict[str, Any]:
    """Return a file of the reference: "codes", or a language."""
    return tables(f"reference/{name}.toml")


def every() -> tuple[str, ...]:
    """Return all codes that are defined, the basic ones first; an enhanced one for each class that it has (IANA)."""
    basic = [key for key in table("codes") if "." not in key]
    detailed = [f"{digit}{key[1:]}" for key in table("codes") if "." in key for digit in _classes(key)]
    return (*sorted(basic), *sorted(detailed, key=lambda one: tuple(map(int, one.split(".")))))


def _classes(key: str) -> str:
    """Return the classes that an enhanced code has: "245" of "x.0.0"."""
    return str(table("codes")[key].get("classes", "45"))


def code_table(*, lang: str = "en") -> pd.DataFrame:
    """Return all codes as a DataFrame, a row for each: `code`, `known` …, the fields of `Code`, lists as lists of strings, absent as NA.

    `reason` and `permanence` are words of our vocabularies; `providers` the ids of rules. Raise SettingsError for a language we don't speak.
    """
    import pandas as pd  # noqa: PLC0415  (pandas is loaded when a table is wanted)

    rows = [record(code(one, lang=lang)) for one in every()]
    return pd.DataFrame({name: [row[name] for row in rows] for name in rows[0]})


def record(found: Code) -> dict[str, Any]:
    """Return a code as plain values, for JSON and tables."""
    values = {name: getattr(found, name) for name in Code.__slots__}
    lists = {name: [str(one) for one in value] for name, value in values.items() if isinstance(value, tuple)}
    return values | lists | {"providers": [rule.id for rule in found.providers]}


def search(words: str, lang: str, *, digit: int | None = None) -> tuple[Code, ...]:
    """Return the codes of a class, or of all, whose number, name or page says every word."""
    wanted = fold(words).split()
    found = (code(one, lang=lang) for one in every() if digit is None or one[0] == str(digit))
    return tuple(one for one in found if all(word in fold(" ".join(_text(one))) for word in wanted))


def _text(found: Code) -> Iterator[str]:
    """Yield all that a page says."""
    yield from filter(None, (found.code, found.name, found.meaning, found.practice))
    for name in (*LISTS, "examples"):
        yield from getattr(found, name)


def _permanence(value: str) -> Permanence:
    """Return what the first digit says."""
    return permanence(None, value) if "." in value else permanence(value, None)


def _like(related: str, value: str) -> str:
    """Return a related code in the class of this one, if it has that: "x.2.2" beside 552 is 5.2.2."""
    classes = _classes(related)
    return related.replace("x", value[0] if value[0] in classes else classes[-1])


@cache
def saying(value: str) -> tuple[rules.Rule, ...]:
    """Return the rules whose codes or examples say a code, those for the reason that most of them tell first."""
    said = re.compile(rf"(?<![\d.]){re.escape(value)}(?![\d.])")
    told = [rule for rule in rules.shipped() if _asks(rule, value) or any(said.search(example) for example in rule.examples)]
    count = {reason: sum(rule.reason is reason for rule in told) for reason in {rule.reason for rule in told}}
    return tuple(sorted(told, key=lambda rule: (-count[rule.reason], rule.reason)))


def _asks(rule: rules.Rule, value: str) -> bool:
    """Say whether a rule names this code, and no whole class or subject of codes."""
    patterns, others = (rule.status, f"{value.rpartition('.')[0]}.99") if "." in value else (rule.reply_code, f"{value[0]}99")
    return any(pattern.fullmatch(value) and not pattern.fullmatch(others) for pattern in patterns)


def _undefined(value: str, lang: str) -> Code:
    """Say of a code that nobody defined what its digits mean, and which are near."""
    digits = value.split(".") if "." in value else list(value)
    kind = "enhanced" if "." in value else "basic"
    said = [SAID[kind][place].get(digit) for place, digit in enumerate(digits[:2])]
    meaning = say(Said("No RFC and no registry defines {code}.", code=value), lang)
    near = get_close_matches(value, every(), n=5, cutoff=0.5)
    return Code(
        code=value,
        lang=lang,
        known=False,
        name=say("Not defined", lang),
        meaning=" ".join([meaning, *(say(one, lang) for one in said if one)]),
        permanence=_permanence(value),
        related=tuple(sorted(near, key=lambda one: (one[:-1] != value[:-1], one))),
    )


CLASSES = {
    "2": "Its first digit, 2, means success.",
    "3": "Its first digit, 3, means that the server waits for more.",
    "4": "Its first digit, 4, means a failure for now: the same may succeed later.",
    "5": "Its first digit, 5, means a failure for good: the same will fail again.",
}
SAID = {
    "basic": (
        CLASSES,
        {
            "0": "Its second digit, 0, is about the syntax of commands.",
            "1": "Its second digit, 1, is about information that was asked for.",
            "2": "Its second digit, 2, is about the connection.",
            "3": "Its second digit, 3, is in use for authentication and encryption.",
            "5": "Its second digit, 5, is about the mail system: mailboxes and messages.",
        },
    ),
    "enhanced": (
        CLASSES,
        {
            "0": "Its second number, 0, tells no subject.",
            "1": "Its second number, 1, is about an address.",
            "2": "Its second number, 2, is about the mailbox.",
            "3": "Its second number, 3, is about the mail system.",
            "4": "Its second number, 4, is about the network and routing.",
            "5": "Its second number, 5, is about the protocol between the servers.",
            "6": "Its second number, 6, is about the message’s content or form.",
            "7": "Its second number, 7, is about security or policy.",
        },
    ),
}
