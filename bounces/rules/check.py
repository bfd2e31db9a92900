"""A rule file's text in, its rules out, and the line of each problem with what is wrong there and what to do."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bounces.codes import compile_pattern
from bounces.model import Reason
from bounces.phrases import flaw
from bounces.rules import CONDITIONS, KEYS, LISTS, Rule, rule, values
from bounces.rules.match import ADDRESS, IDENTIFIER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Problem = tuple[int, str]  # a line, and the sentence that names it

ID = re.compile(r"[a-z0-9_-]+\.[a-z0-9]+(?:-[a-z0-9]+)*")
HOST = re.compile(r"(?:\*\.)?[^\s*./@]+(?:\.[^\s*./@]+)*")
AT = re.compile(r"at line (\d+)")  # Invalid value (at line 3, column 5)
# of a valid TOML file: strings and comments, so that nothing inside of them is taken for a key or a header; brackets
TOKEN = re.compile(
    r"""^[ \t]*(?P<key>[\w-]+|"[^"\\\n]*"|'[^'\n]*')[ \t]*[=.]
    |(?P<string>\"{3}(?:[^\\]|\\.)*?\"{3,5}|'{3}.*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')
    |\#[^\n]*|^[ \t]*(?P<header>\[)|(?P<open>[\[{])|(?P<close>[\]}])""",
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
HEADER = re.compile(r"""[ \t]*\[(?:\[[ \t]*(["']?)rule\1[ \t]*\]|\[?[ \t]*["']?rule["']?[ \t]*\.[ \t]*["']?(?P<key>[\w-]+))""")


@dataclass(frozen=True, slots=True)
class Table:
    """One [[rule]] as it stands in a file: `lines` has of each key its line, and then those of its strings; of "" the header's."""

    file: str
    number: int
    values: dict[str, Any]
    lines: dict[str, list[int]]

    @property
    def ident(self) -> str | None:
        """Return the id, if it is a text."""
        return ident if isinstance(ident := self.values.get("id"), str) else None

    def line(self, key: str = "", number: int = 0) -> int:
        """Return the line of a key, or of one of its strings, counted from 1."""
        lines = self.lines.get(key, self.lines[""])
        return lines[number] if number < len(lines) else lines[0]

    def problem(self, sentence: str, key: str = "", number: int = 0) -> Problem:
        """Return a problem with the line of what has it."""
        line = self.line(key, number)
        return line, f"{self.file}:{line}: rule {f'number {self.number}' if self.ident is None else repr(self.ident)}: {sentence}"


@dataclass(frozen=True, slots=True)
class File:
    """A rule file: its tables, each with the rule that it is if it is valid in itself, and the problems of the others."""

    name: str
    tables: tuple[tuple[Table, Rule | None], ...] = ()
    problems: tuple[Problem, ...] = ()


def read(path: str | Path) -> File:
    """Read a rule file of the user's; what can't be read has that as its problem."""
    try:
        return parse(Path(path).read_text(encoding="utf-8-sig"), str(path))
    except OSError as error:
        return File(str(path), problems=((0, f"{path}: cannot be read as a rule file: {error.strerror}"),))
    except UnicodeDecodeError:
        return File(str(path), problems=((0, f"{path}: is no text in UTF-8, which a rule file must be"),))


def parse(text: str, name: str) -> File:
    """Check a rule file's text; `name` is for the sentences."""
    try:
        found = tomllib.loads(text).get("rule")
    except (ValueError, RecursionError) as error:
        line = int(place.group(1)) if (place := AT.search(str(error))) else text.rstrip().count("\n") + 1
        return File(name, problems=((line, f"{name}:{line}: not valid TOML: {error}"),))
    places, strays = _lines(text)
    others = strays if places or strays else [1]
    problems = [(line, f"{name}:{line}: a rule file holds [[rule]] tables and nothing else") for line in others]
    tables: list[tuple[Table, Rule | None]] = []
    for number, (given, lines) in enumerate(zip(found if isinstance(found, list) else (), places, strict=False), 1):
        table = Table(name, number, given, lines)
        wrong = [*_problems(table), *_flaws(table)]
        problems += wrong
        tables.append((table, None if wrong else rule(given)))
    return File(name, tuple(tables), tuple(problems))


def _lines(text: str) -> tuple[list[dict[str, list[int]]], list[int]]:
    """Return of each [[rule]] of a valid TOML file the lines of its keys and their strings, and the lines of what belongs to none."""
    rules: list[dict[str, list[int]]] = []
    strays: list[int] = []
    strings: list[int] = []
    table: dict[str, list[int]] | None = None
    line, last, depth = 1, 0, 0
    for token in TOKEN.finditer(text):
        line, last = line + text.count("\n", last, token.start()), token.start()
        if token["string"]:
            strings.append(line)
        elif token["close"]:
            depth -= 1
        elif token["open"] or (depth and token["header"]):
            depth += 1
        elif token["header"]:
            depth, strings, table = 1, [], {"": [line]}
            header = HEADER.match(text, last)
            if header and not header["key"]:
                rules.append(table)
            elif header and rules:
                rules[-1].setdefault(header["key"], [line])
            else:
                strays.append(line)
        elif token["key"] and not depth:
            if table is None:
                strays.append(line)
            else:
                strings = table.setdefault(token["key"].strip("\"'"), [line])
    return rules, strays


def _problems(table: Table) -> Iterator[Problem]:
    """Yield what is wrong with a rule's keys."""
    given = table.values
    for key in (key for key in given if key not in KEYS):
        yield table.problem(f"unknown key {key!r}; {_nearest(key, KEYS)}", key)
    if not ID.fullmatch(table.ident or ""):
        yield table.problem('its id is missing, or is not a word, a dot, and words joined by hyphens: "mine.over-quota"', "id")
    if (reason := given.get("reason")) not in list(Reason):
        what = f"unknown reason {reason!r}" if "reason" in given else "reason is missing"
        yield table.problem(f"{what}; {_nearest(reason, Reason)}", "reason")
    if not isinstance(source := given.get("source", ""), str) or not source.strip():
        yield table.problem('source is missing; give a URL, an RFC section, or a few words, in quotation marks: "our own notices"', "source")
    for key in (key for key in ("generic", "token") if not isinstance(given.get(key, False), bool)):
        yield table.problem(f"{key} is true or false, without quotation marks", key)
    if not any(values(given.get(key)) for key in CONDITIONS):
        yield table.problem(f"has no condition; give at least one of {', '.join(CONDITIONS)}")
    if not values(given.get("examples")):
        yield table.problem("has no examples; give at least one reply that it decides", "examples")


def _nearest(word: Any, known: Iterable[str]) -> str:
    """Say what may have been meant."""
    from difflib import get_close_matches  # noqa: PLC0415  (milliseconds, for few)

    near = get_close_matches(str(word).lower(), tuple(known), 1)
    return f"do you mean {str(near[0])!r}?" if near else f"known are {', '.join(sorted(known))}"


def _flaws(table: Table) -> Iterator[Problem]:
    """Yield what is wrong with the values of a rule's lists."""
    for key in LISTS:
        for number, value in enumerate(values(table.values.get(key)), 1):
            if not isinstance(value, str) or not value.strip():
                yield table.problem(f"{key}: {value!r} must be a string or a list of strings, in quotation marks, not empty", key, number)
            elif sentence := FLAWS[key](value) if key in FLAWS else None:
                yield table.problem(f"{key}: {sentence}", key, number)


def _phrase(phrase: str) -> str | None:
    """Return what is wrong with a phrase."""
    if address := ADDRESS.search(phrase):
        return f'{phrase!r} can never be found, for an address in a reply is read as a lone "@"; write that for {address.group()!r}'
    if identifier := IDENTIFIER.search(phrase):
        return f"{phrase!r} can never be found, for {identifier.group()!r} is an identifier, and those are read as zeros; leave it out"
    return flaw(phrase)


def _host(pattern: str) -> str | None:
    """Return what is wrong with a pattern of a server's name."""
    if HOST.fullmatch(pattern):
        return None
    return f'{pattern!r} fits no server\'s name; write "mx.example.com", or "*.example.com" for example.com and all below it'


def _code(pattern: str, known: str) -> str | None:
    """Return what is wrong with a pattern of a code."""
    try:
        compile_pattern(pattern if ("." in pattern) is ("." in known) else "")
    except ValueError:
        return f"{pattern!r} is no code pattern; write {known}"
    return None


FLAWS: dict[str, Callable[[str], str | None]] = {
    "text": _phrase,
    "remote_mta": _host,
    "status": partial(_code, known='"5.2.2", "x.2.2", "x.7.606-649" or "x.1.*"'),
    "reply_code": partial(_code, known='"550" or "5yz"'),
}
