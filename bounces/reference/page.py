"""A code, or two compared, in, a page of sections out, ready to be laid out as text, Markdown or HTML."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING

from bounces import advise, providers
from bounces.language import say
from bounces.model import Advice, Confidence, Permanence, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.reference import Code
    from bounces.reference.compare import Comparison

WIDTH = 100
CLASS = {
    2: "success: what was asked for is done",
    3: "so far, so good: the server waits for more",
    4: "failure for now: the same may succeed later, so the mail server tries again",
    5: "failure for good: the same will fail again, so the mail comes back",
}
PROVIDERS = 12  # rules of providers that a page shows


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page: sentences, items of a list, rows of a table (each of its cells), or replies as servers send them."""

    title: str
    text: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    replies: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A page in one language."""

    lang: str
    title: str
    lead: str
    sections: tuple[Section, ...]


def of_code(code: Code) -> Page:
    """Return the page of one code."""
    return Page(code.lang, f"{code.code} {code.name}", code.meaning, tuple(part for part in _sections(code) if _says(part)))


def of_comparison(found: Comparison) -> Page:
    """Return the page of two codes compared."""
    first, second = found.first, found.second
    lang = first.lang
    title = say("{first} and {second} compared", lang).format(first=first.code, second=second.code)
    lead = f"{first.code}: {first.meaning} {second.code}: {second.meaning}"
    sections = (
        Section("", rows=(("", first.code, second.code), *_rows(first, second))),
        Section(say("Key differences", lang), items=found.differences),
        *(Section(say("When you see {code}", lang).format(code=one.code), items=one.when) for one in (first, second)),
        *(Section(say("What to do about {code}", lang).format(code=one.code), items=tuple(_to_do(one))) for one in (first, second)),
        Section(say("For a list", lang), items=tuple(f"{one.code}: {hygiene(one)}" for one in (first, second))),
    )
    return Page(lang, title, lead, tuple(part for part in sections if _says(part)))


def _says(section: Section) -> bool:
    return bool(section.text or section.items or section.rows or section.replies or section.links)


def _sections(code: Code) -> Iterator[Section]:
    """Yield the sections of one code's page."""
    lang = code.lang
    yield Section("", rows=tuple((label, value) for label, value in _facts(code) if value))
    yield Section(say("When you see it", lang), items=code.when)
    yield Section(say("What to do", lang), items=tuple(_to_do(code)))
    yield Section(say("In practice", lang), text=(code.practice,) if code.practice else ())
    yield Section(say("What it means for a list", lang), text=(hygiene(code),))
    if code.digits in {4, 5}:
        others = [f"{reason}: {_treated(reason, code.permanence)}" for reason in code.reasons if reason is not code.reason]
        yield Section(say("What it can mean besides", lang), items=tuple(others))
    yield Section(say("What providers make of it", lang), items=tuple(dict.fromkeys(_provider(code)))[:PROVIDERS])
    yield Section(say("Replies that say it", lang), replies=code.examples)
    yield Section(say("See also", lang), links=code.related)


def _facts(code: Code) -> Iterator[tuple[str, str]]:
    """Yield what is fixed about a code."""
    lang = code.lang
    yield say("Class", lang), say(CLASS[code.digits], lang)
    yield say("Answers", lang), ", ".join(code.stages) if len(code.stages) < 10 else say("any command", lang)
    yield say("Defined in", lang), code.rfc or (say("no standard; servers send it all the same", lang) if code.nonstandard else "")


def _rows(first: Code, second: Code) -> Iterator[tuple[str, str, str]]:
    """Yield the rows that two codes share."""
    lang = first.lang
    yield say("Name", lang), first.name, second.name
    facts, others = dict(_facts(first)), dict(_facts(second))
    for label in dict.fromkeys([*facts, *others]):
        yield label, facts.get(label, ""), others.get(label, "")


def _to_do(code: Code) -> Iterator[str]:
    """Yield what to do, each with who does it where they differ."""
    who = {"sender": "Sender", "recipient": "Recipient", "postmaster": "Postmaster"}
    for name, label in who.items():
        for item in getattr(code, name):
            yield f"{say(label, code.lang)}: {item}" if code.recipient or code.postmaster else item


def hygiene(code: Code) -> str:
    """Return how list hygiene treats a code that stands alone, by the default policy."""
    if code.digits in {2, 3}:
        return say("Nothing has failed: it counts for nothing.", code.lang)
    if code.reason is None:
        return say("The code alone does not tell whose fault it is: nobody is removed for it, the text behind it decides.", code.lang)
    return f"{code.reason}: {_treated(code.reason, code.permanence)}"


def _treated(reason: Reason, permanence: Permanence) -> str:
    """Return what the default policy makes of a reason: hard or soft, and what to do."""
    advice: Advice = advise.advise(Verdict(reason, permanence, None, Confidence.HIGH), advise.load())
    return f"{advice.bounce_type}, {advice.recommended_action}"


def _provider(code: Code) -> Iterator[str]:
    """Yield what each provider's servers mean by it."""
    for rule in code.providers:
        key = next((key for pattern in rule.remote_mta if (key := providers.provider(None, pattern.replace("*.", "mx.")))), None)
        example = next((example for example in rule.examples if code.code in example), rule.examples[0])
        yield f"{providers.name(key) or rule.remote_mta[0]}: {rule.reason} — {example}"


def text(page: Page) -> str:
    """Lay a page out for a terminal."""
    lines = [page.title, "", *_wrapped(page.lead)]
    for section in page.sections:
        lines += ["", section.title] if section.title else [""]
        width = max((len(row[0]) for row in section.rows), default=0)
        for row in section.rows:
            lines += _table_row(row, width)
        lines += [line for one in section.text for line in _wrapped(one, "  ")]
        lines += [line for item in section.items for line in _wrapped(item, "  - ", "    ")]
        lines += [f"    {reply}" for reply in section.replies]
        lines += [f"  {', '.join(section.links)}"] if section.links else []
    return "\n".join(lines)


def _wrapped(said: str, first: str = "", rest: str | None = None) -> list[str]:
    return fill(said, WIDTH, initial_indent=first, subsequent_indent=first if rest is None else rest, break_on_hyphens=False).splitlines()


def _table_row(row: tuple[str, ...], width: int) -> list[str]:
    """Lay a row out; of several cells each in a column of its own."""
    each = (WIDTH - width - 4) // (len(row) - 1) - 2
    cells = [fill(cell, each, break_on_hyphens=False).splitlines() or [""] for cell in row[1:]]
    height = max(map(len, cells))
    padded = [cell + [""] * (height - len(cell)) for cell in cells]
    labels = [row[0], *[""] * (height - 1)]
    return [f"  {label:<{width}}  " + "  ".join(f"{line:<{each}}" for line in lines).rstrip() for label, *lines in zip(labels, *padded, strict=True)]


def markdown(page: Page) -> str:
    """Lay a page out as Markdown."""
    lines = [f"# {page.title}", "", page.lead]
    for section in page.sections:
        lines += ["", f"## {section.title}"] if section.title else []
        if section.rows:
            head, *rows = section.rows if len(section.rows[0]) > 2 else (("", ""), *section.rows)
            lines += ["", *(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))]
        lines += [""] if section.text or section.items or section.replies or section.links else []
        lines += section.text
        lines += [f"- {item}" for item in section.items]
        lines += [f"    {reply}" for reply in section.replies]
        lines += [", ".join(section.links)] if section.links else []
    return "\n".join(lines) + "\n"
