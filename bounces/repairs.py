"""A Partial in, what to mend on our side out: a table, and a page in Markdown for whoever runs the sending servers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import advise
from bounces.incidents import COLUMNS as INCIDENT
from bounces.incidents import named, ordered, told
from bounces.language import Said, number, say, spoken
from bounces.partial import CAUSE, partial
from bounces.printable import printable
from bounces.providers import name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from bounces.advise import Policy
    from bounces.partial import Partial

COLUMNS = [column for column in INCIDENT if column not in {"incident", "believed"}]
LONGEST = 300  # characters of a reply that are shown


def repairs(events: pd.DataFrame, *, policy: str = "list", lang: str = "en") -> pd.DataFrame:
    """Return what to mend on our side, by cause and provider, the most mail lost first, of a table of events (`bounces.read`).

    A row is a cause that blames the sender or the message, at one provider. The columns are those of `bounces.incidents` but `incident` and
    `believed`. `lang` is the language of `advice`, "en" or "fr". Raise PolicyError for a policy that isn't valid.
    """
    return mended([found(partial(events), advise.load(policy), spoken(lang))])


def found(so_far: Partial, policy: Policy, lang: str = "en") -> pd.DataFrame:
    """Return what to mend by what is known so far, for `mended`."""
    ours = so_far.outcomes[so_far.outcomes["ours"]]
    return told(named(ours, CAUSE).assign(believed=True), so_far, policy, lang)


def mended(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the table of what was found in parts of what is known, each of which has whole places and reasons."""
    return ordered([table.astype(INCIDENT) for table in tables])[COLUMNS]


def markdown(table: pd.DataFrame, lang: str = "en") -> str:
    """Return a table of `repairs` as a page in Markdown: a chapter for each cause, in it a row for each provider and what was said."""
    return "\n".join(_lines(table, lang)) + "\n"


def _lines(table: pd.DataFrame, lang: str) -> Iterator[str]:
    yield f"# {say('What to mend on our side', lang)}"
    yield ""
    if table.empty:
        yield say("No mail was refused for a cause on our side.", lang)
        return
    count = number(int(table["failures"].sum()), lang)
    yield say(Said("Mail refused for a cause on our side: {count}. The causes that cost most mail come first.", count=count), lang)
    yield say("The addresses are fine: none is to be taken off for these.", lang)
    causes = table.assign(cause=table["cause"].astype("object").fillna("")).groupby(["reason", "cause"], observed=True, sort=False)
    for place, ((reason, cause), rows) in enumerate(sorted(causes, key=lambda group: -group[1]["failures"].sum()), 1):
        title = say(Said("{label}: {text}", label=reason, text=cause), lang) if cause else reason
        refusals = say(Said("refusals: {count}", count=number(int(rows["failures"].sum()), lang)), lang)
        yield f"\n## {place}. {title} ({refusals})\n"
        yield from _chapter(rows, lang)


def _chapter(rows: pd.DataFrame, lang: str) -> Iterator[str]:
    """Tell of one cause: what to do where, whom it hits, and a reply of the kind."""
    for advice in rows["advice"].drop_duplicates():
        yield f"- {_plain(advice)}"
    ips = sorted({ip for each in rows["ips"].dropna() for ip in each.split("; ")})
    if ips:
        yield f"- {say(Said('Our addresses that were named: {ips}', ips=', '.join(ips)), lang)}"
    yield f"\n{say('| provider | recipients | refusals | first | last |', lang)}\n|---|---:|---:|---|---|"
    when = [rows[column].dt.strftime("%Y-%m-%d %H:%M").fillna("") for column in ("first_seen", "last_seen")]
    for place, recipients, failures, first, last in zip(rows["provider"], rows["recipients"], rows["failures"], *when, strict=True):
        yield f"| {_plain(name(place) or place)} | {number(recipients, lang)} | {number(failures, lang)} | {first} | {last} |"
    said = rows["diagnostic_code"].dropna()
    if len(said):
        yield f"\n{say('For instance:', lang)}\n\n    {printable(' '.join(said.iloc[0].split())[:LONGEST])}"


def _plain(text: str) -> str:
    """Return a text that Markdown takes for nothing but text; links of ours stay links."""
    return " ".join(word if word.startswith("https://") else re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", word) for word in printable(text).split(" "))
