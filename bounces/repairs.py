"""A Partial in, what to mend on our side out: a table, and a page in Markdown for whoever runs the sending servers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import advise
from bounces.incidents import CAUSE, told
from bounces.incidents import COLUMNS as INCIDENT
from bounces.partial import partial
from bounces.providers import name

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from bounces.advise import Policy
    from bounces.partial import Partial

COLUMNS = [column for column in INCIDENT if column not in {"incident", "believed"}]
LONGEST = 300  # characters of a reply that are shown


def repairs(events: pd.DataFrame, *, policy: str = "list") -> pd.DataFrame:
    """Return what to mend on our side, by cause and provider, the most mail lost first, of a table of events (`bounces.read`).

    A row is a cause that blames the sender or the message, at one provider. The columns are those of `bounces.incidents` but `incident` and
    `believed`. Raise PolicyError for a policy that isn't valid.
    """
    return found(partial(events), advise.load(policy))


def found(so_far: Partial, policy: Policy) -> pd.DataFrame:
    """Return what to mend by what is known so far."""
    ours = so_far.outcomes[so_far.outcomes["ours"]]
    words = [ours[column].astype("object").fillna("") for column in CAUSE]
    rows = ours.assign(incident=[" ".join(row) for row in zip(*words, strict=True)], believed=True)
    return told(rows, so_far, policy)[COLUMNS]


def markdown(table: pd.DataFrame) -> str:
    """Return a table of `repairs` as a page in Markdown: a chapter for each cause, in it a row for each provider and what was said."""
    return "\n".join(_lines(table)) + "\n"


def _lines(table: pd.DataFrame) -> Iterator[str]:
    yield "# What to mend on our side"
    yield ""
    if table.empty:
        yield "No mail was refused for a cause on our side."
        return
    yield f"{table['failures'].sum():,} times mail was refused for a cause on our side; the causes that cost most mail come first."
    yield "The addresses are fine: none is to be taken off for these."
    causes = table.assign(cause=table["cause"].astype("object").fillna("")).groupby(["reason", "cause"], observed=True, sort=False)
    ordered = sorted(causes, key=lambda group: -group[1]["failures"].sum())
    for number, ((reason, cause), rows) in enumerate(ordered, 1):
        yield f"\n## {number}. {reason}{f': {cause}' if cause else ''} ({rows['failures'].sum():,} refusals)\n"
        yield from _chapter(rows)


def _chapter(rows: pd.DataFrame) -> Iterator[str]:
    """Tell of one cause: what to do where, whom it hits, and a reply of the kind."""
    for advice in rows["advice"].drop_duplicates():
        yield f"- {_plain(advice)}"
    ips = sorted({ip for each in rows["ips"].dropna() for ip in each.split("; ")})
    if ips:
        yield f"- Our addresses that were named: {', '.join(ips)}"
    yield "\n| provider | recipients | refusals | first | last |\n|---|---:|---:|---|---|"
    when = [rows[column].dt.strftime("%Y-%m-%d %H:%M").fillna("") for column in ("first_seen", "last_seen")]
    for provider, recipients, failures, first, last in zip(rows["provider"], rows["recipients"], rows["failures"], *when, strict=True):
        yield f"| {_plain(name(provider) or provider)} | {recipients:,} | {failures:,} | {first} | {last} |"
    said = rows["diagnostic_code"].dropna()
    if len(said):
        yield f"\nFor instance:\n\n    {' '.join(said.iloc[0].split())[:LONGEST]}"


def _plain(text: str) -> str:
    """Return a text that Markdown takes for nothing but text; links of ours stay links."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", text) if "://" not in text else text
