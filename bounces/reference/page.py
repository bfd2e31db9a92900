"""A code, or two compared, in, a page of sections out, ready to be laid out as text, Markdown or HTML."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING

from bounces import advise, providers
from bounces.language import Said, say
from bounces.model import Advice, Confidence, Permanence, Reason, Verdict
from bounces.particulars import Particulars, particulars
from bounces.reference import code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Classification
    from bounces.reference import Code
    from bounces.reference.compare import Comparison

WIDTH = 100
CLASS = {
    2: "success: what was asked for is done",
    3: "so far, so good: the server waits for more",
    4: "failure for now: the same may succeed later, so the mail server tries again",
    5: "failure for good: the same will fail again, so the mail comes back",
}
TO_DO = {"sender": "What the sender does", "recipient": "What the recipient does", "postmaster": "What the postmaster does"}
ALONE = "What to do"
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


def of_code(found: Code) -> Page:
    """Return the page of one code."""
    return Page(found.lang, f"{found.code} {found.name}", found.meaning, tuple(part for part in _sections(found) if _says(part)))


def of_comparison(found: Comparison) -> Page:
    """Return the page of two codes compared."""
    first, second = found.first, found.second
    lang = first.lang
    title = say(Said("{first} and {second} compared", first=first.code, second=second.code), lang)
    lead = " ".join(labelled(one.code, one.meaning, lang) for one in (first, second))
    sections = (
        Section("", rows=(("", first.code, second.code), *_rows(first, second))),
        Section(say("Key differences", lang), items=found.differences),
        *(Section(say(Said("When you see {code}", code=one.code), lang), items=one.when) for one in (first, second)),
        *(part for one in (first, second) for part in _to_do(one, of_several=True)),
        Section(say("For a list", lang), items=tuple(labelled(one.code, hygiene(one), lang) for one in (first, second))),
    )
    return Page(lang, title, lead, tuple(part for part in sections if _says(part)))


def of_reply(found: Classification, lang: str) -> Page:
    """Return the page of a whole reply: what its codes say, and what the classifier makes of all of it."""
    codes = [code(one, lang=lang) for one in (found.reply_code, found.status) if one]
    advice = advise.load().sentence(found.reason, found.recommended_action, particulars(found.text, found.reason), lang)
    sections = [Section(f"{one.code} {one.name}", text=tuple(filter(None, (one.meaning, one.practice)))) for one in codes]
    told = Section(say("What this reply means", lang), text=(advise.judgement(found), advice, *advise.against(found, lang)))
    return Page(lang, found.text, "", (*sections, told))


def _says(section: Section) -> bool:
    return bool(section.text or section.items or section.rows or section.replies or section.links)


def _sections(found: Code) -> Iterator[Section]:
    """Yield the sections of one code's page."""
    lang = found.lang
    yield Section("", rows=tuple((label, value) for label, value in _facts(found) if value))
    yield Section(say("When you see it", lang), items=found.when)
    yield from _to_do(found)
    yield Section(say("In practice", lang), text=(found.practice,) if found.practice else ())
    yield Section(say("What it means for a list", lang), text=(hygiene(found),))
    if found.code_class in {4, 5}:
        others = [(reason, _treated(reason, found.permanence)) for reason in found.reasons if reason is not found.reason]
        items = tuple(labelled(reason, f"{advice.bounce_type}, {advice.recommended_action}", lang) for reason, advice in others)
        yield Section(say("What it can mean besides", lang), items=items)
    yield Section(say("What providers make of it", lang), items=tuple(dict.fromkeys(_provider(found)))[:PROVIDERS])
    yield Section(say("Replies that say it", lang), replies=found.examples)
    yield Section(say("See also", lang), links=found.related)


def _facts(found: Code) -> Iterator[tuple[str, str]]:
    """Yield what is fixed about a code."""
    lang = found.lang
    yield say("Class", lang), say(CLASS[found.code_class], lang)
    yield say("Answers", lang), ", ".join(found.stages) if len(found.stages) < 10 else say("any command", lang)
    yield say("Defined in", lang), found.rfc or (say("no standard; servers send it all the same", lang) if found.nonstandard else "")


def _rows(first: Code, second: Code) -> Iterator[tuple[str, str, str]]:
    """Yield the rows that two codes share."""
    lang = first.lang
    yield say("Name", lang), first.name, second.name
    facts, others = dict(_facts(first)), dict(_facts(second))
    for label in dict.fromkeys([*facts, *others]):
        yield label, facts.get(label, ""), others.get(label, "")


def _to_do(found: Code, *, of_several: bool = False) -> Iterator[Section]:
    """Yield what to do, a section for each who does it."""
    several = found.recipient or found.postmaster
    for who, title in TO_DO.items():
        told = say(title if several else ALONE, found.lang)
        yield Section(labelled(found.code, told, found.lang) if of_several else told, items=getattr(found, who))


def labelled(label: str, text: str, lang: str) -> str:
    """Return a text behind a label, with the language's colon."""
    return say(Said("{label}: {text}", label=label, text=text), lang)


def hygiene(found: Code) -> str:
    """Return how list hygiene treats a code that stands alone, by the default policy."""
    if found.code_class in {2, 3}:
        return say("Nothing has failed: it counts for nothing.", found.lang)
    if found.reason is None:
        return say("The code alone does not tell whose fault it is: nobody is removed for it, the text behind it decides.", found.lang)
    advice = _treated(found.reason, found.permanence)
    sentence = advise.load().sentence(found.reason, advice.recommended_action, Particulars(), found.lang)
    return labelled(found.reason, f"{advice.bounce_type}, {advice.recommended_action}. {sentence}", found.lang)


def _treated(reason: Reason, permanence: Permanence) -> Advice:
    """Return what the default policy makes of a reason."""
    return advise.advise(Verdict(reason, permanence, None, Confidence.HIGH), advise.load())


def _provider(found: Code) -> Iterator[str]:
    """Yield what each provider's servers mean by it."""
    for rule in found.providers:
        key = next((key for pattern in rule.remote_mta if (key := providers.provider(None, pattern.replace("*.", "mx.")))), None)
        example = next((f" — {example}" for example in rule.examples if found.code in example), "")
        yield labelled(providers.name(key) or rule.remote_mta[0], f"{rule.reason}{example}", found.lang)


def text(page: Page) -> str:
    """Lay a page out for a terminal."""
    lines = [page.title, *(["", *_wrapped(page.lead)] if page.lead else [])]
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
    lines = [f"# {page.title}", *(["", page.lead] if page.lead else [])]
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
