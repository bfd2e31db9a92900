"""What was found in, short readable text out."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from typing import TYPE_CHECKING

from bounces import advise
from bounces.crosswalk import crosswalk, reason_column
from bounces.language import Said, number, say
from bounces.model import Kind, RecommendedAction
from bounces.particulars import particulars
from bounces.providers import name, provider

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from bounces.model import Classification
    from bounces.run import Summary, Tally
    from bounces.settings import Settings
    from bounces.stub import Stub
    from bounces.unknown import Queue

    Row = tuple[str, list[object]]  # a name, and numbers or words in columns

NOUNS = {
    Kind.FAILURE: "failures",
    Kind.DELAY: "delays",
    Kind.DELIVERY: "deliveries",
    Kind.COMPLAINT: "complaints",
    Kind.AUTO_REPLY: "auto-replies",
    Kind.UNRECOGNIZED: "unrecognized",
    Kind.UNREADABLE: "unreadable",
}
OUTSIDE = "outside the dates"
TOP = 10  # domains and incidents that are listed
WIDTH = 100  # characters of a line of a text
REPLY_FIELDS = "text reply_code status reason permanence bounce_type blame recommended_action rule confidence".split()


def text(found: Summary, lang: str = "en") -> str:
    """Return a run's summary: messages by kind, failures by reason and bounce type, what to do, the worst domains, incidents."""
    failures = found.failures
    counted = (messages(found.tally, lang), reasons(failures, lang), actions(found.recipients, lang), domains(failures, lang))
    return "\n\n".join(part for part in (*counted, incidents(found.incidents, lang)) if part)


def messages(tally: Tally, lang: str) -> str:
    """Return the messages by kind; the numbers add up to the messages read."""
    counts = [(noun, tally.kinds[kind]) for kind, noun in NOUNS.items()] + [(OUTSIDE, tally.outside)]
    return _table(lang, (say("Messages read", lang), [tally.messages]), [(say(noun, lang), [count]) for noun, count in counts if count])


def reasons(failures: pd.DataFrame, lang: str) -> str:
    """Return the failures by reason, hard and soft."""
    if failures.empty:
        return ""
    by_reason = failures.pivot_table(index="reason", columns="bounce_type", values="failures", aggfunc="sum", fill_value=0)
    by_reason = by_reason.reindex(columns=["hard", "soft"], fill_value=0)
    ordered = by_reason.loc[by_reason.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    rows: list[Row] = [(str(reason), [int(row["hard"]), int(row["soft"])]) for reason, row in ordered.iterrows()]
    return _table(lang, (say("Failures by reason", lang), ["hard", "soft"]), rows)


def actions(recipients: Iterable[pd.DataFrame], lang: str) -> str:
    """Return what to do, and for how many recipients, of their table in slices."""
    counts = Counter[str]()
    for table in recipients:
        counts.update(table["recommended_action"].tolist())
    if not counts.total():
        return ""
    return _table(
        lang,
        (say("What to do", lang), [say("recipients", lang)]),
        [(action, [counts[action]]) for action in RecommendedAction if counts[action]],
    )


def domains(failures: pd.DataFrame, lang: str) -> str:
    """Return the domains with the most failures."""
    if failures.empty:
        return ""
    worst = failures.dropna(subset=["domain"]).groupby("domain")["failures"].sum().sort_values(ascending=False, kind="stable").head(TOP)
    if worst.empty:
        return ""
    return _table(lang, (say("Worst domains", lang), [say("failures", lang)]), [(str(domain), [int(count)]) for domain, count in worst.items()])


def incidents(waves: pd.DataFrame, lang: str) -> str:
    """Return the waves of refusals: who refused whom for what, when, and what to do about it."""
    shown = waves.head(TOP)
    lines = [say("Incidents", lang)] if len(shown) else []
    columns = (shown[column].astype(object) for column in "provider reason cause first_seen last_seen recipients believed advice".split())
    for place, reason, cause, first, last, recipients, believed, advice in zip(*columns, strict=True):
        why = reason if believed else f"{reason}, {say('not believed', lang)}"
        told = f" ({cause})" if isinstance(cause, str) else ""
        whom = say(Said("{count} recipients", count=number(recipients, lang)), lang)
        lines += [f"  {name(place) or place}: {why}{told}, {whom}, {say(_between(first, last), lang)}"]
        lines += [f"    {line}" for line in textwrap.wrap(advice, WIDTH)]
    if len(waves) > TOP:
        lines.append("  " + say(Said("and {count} more", count=len(waves) - TOP), lang))
    return "\n".join(lines)


def _between(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """Return a span of time (UTC), the day said once where it is one."""
    if first == last:
        return f"{first:%Y-%m-%d %H:%M}"
    return Said(
        "{first} to {last}", first=f"{first:%Y-%m-%d %H:%M}", last=f"{last:%H:%M}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M}"
    )


def unknown(queue: Queue, top: int) -> str:
    """Return the texts that no specific rule knew, the most frequent first, and how many there were."""
    groups = queue.groups()
    lines = ["   #   count  codes       by the codes          domain", ""] if groups else []
    for place, group in enumerate(groups[:top], 1):
        (domain, _), *others = group.domains.most_common() or [("no domain", 0)]
        served = "".join(f" ({key})" for key, _ in group.providers.most_common(1))
        where = f"{domain}{served}" + (f" and {len(others)} more" if others else "")
        codes = " ".join(filter(None, group.code)) or "no code"
        lines += [
            f"{place:>4}{group.count:>8,}  {codes:<12}{group.reason:<22}{where}",
            textwrap.indent(textwrap.fill(group.template, WIDTH), " " * 14),
            "",
        ]
    lines += [f"  … and {_counted(len(groups) - top, 'more text')}", ""] if len(groups) > top else []
    return "\n".join([*lines, _how_many(queue, len(groups))])


def _how_many(queue: Queue, texts: int) -> str:
    """Say how much no specific rule knew."""
    if not queue.failures:
        return "There were no failures."
    silent = f"{queue.wordless:,} said nothing in words"
    if not queue.unknown:
        return "Every failure was known by a specific rule" + (
            f", but for those that said nothing in words: {queue.wordless:,}." if queue.wordless else "."
        )
    told = f"{queue.unknown:,} of {queue.failures:,} failures and delays said what no specific rule knows, in {_counted(texts, 'text')}"
    rare = f" and {queue.others:,} times in texts too rare to be held" if queue.others else ""
    return f"{told}{rare}{f'; {silent}' if queue.wordless else ''}."


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' if count != 1 else ''}"


def stub(written: Stub) -> str:
    """Say what was written for a text, and what is left to do."""
    lines = [
        f"{written.sample}: look at it before you show it to anybody: a name that only a sentence tells stays",
        f"{written.rule}: put the reason in, then give it with --rules",
    ]
    lines += [] if written.same else ["the sample does not read as the message did: it needs what was left out"]
    lines += [] if written.loads else ["the rule does not decide its example: its first line says which does"]
    return "\n".join(lines)


def _table(lang: str, head: Row, rows: Sequence[Row]) -> str:
    """Lay out names and numbers in columns, the heading flush left and its rows indented."""
    lines = [head, *((f"  {name[:48]}", values) for name, values in rows)]
    width = max(28, *(len(name) for name, _ in lines))
    cells = [[number(value, lang) if isinstance(value, int) else str(value) for value in values] for _, values in lines]
    return "\n".join(f"{name:<{width}}" + "".join(f"{cell:>12}" for cell in row) for (name, _), row in zip(lines, cells, strict=True))


def reply(found: Classification, settings: Settings, remote_mta: str | None = None) -> str:
    """Return what one SMTP reply means, for a person."""
    lang = settings.lang
    known = particulars(found.text, found.reason, None, provider(None, remote_mta))
    codes = " ".join(filter(None, (found.reply_code, found.status))) or say("no code", lang)
    judged = Said(
        "{codes}; blame: {blame}; rule: {rule}; confidence: {confidence}",
        codes=codes, blame=found.blame, rule=found.rule or say("none", lang), confidence=found.confidence,
    )  # fmt: skip
    called = ", ".join(f"{crosswalk(found, name)} ({name})" for name in settings.names)
    lines = [
        found.text,
        f"  {advise.judgement(found)}",
        f"  {advise.load(settings.policy).sentence(found.reason, found.recommended_action, known, lang)}",
        f"  {say(judged, lang)}",
        *([f"  {say(Said('called: {names}', names=called), lang)}"] if called else []),
        *(f"  {line}" for line in advise.against(found, lang)),
    ]
    return "\n".join(lines)


def json_line(found: Classification, names: Sequence[str] = ()) -> str:
    """Return what one SMTP reply means as a line of JSON."""
    words = {reason_column(name): crosswalk(found, name) for name in names}
    return json.dumps({name: getattr(found, name) for name in REPLY_FIELDS} | words, ensure_ascii=False)
