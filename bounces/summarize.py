"""Events in, a DataFrame out: one row for each recipient."""

from __future__ import annotations

from functools import partial as partial_of
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from bounces import address, advise
from bounces.crosswalk import known, reason_column, words
from bounces.frames import EVENT_COLUMNS, TIME
from bounces.incidents import find
from bounces.language import Said, say, spoken
from bounces.model import BounceType, Kind, Permanence, Reason, RecommendedAction
from bounces.partial import KEPT, Partial, partial
from bounces.particulars import particulars, suggested

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bounces.incidents import Incidents

COUNTS = ("events", "hard", "soft", "delays", "complaints", "days")
RECIPIENT_COLUMNS: dict[str, Any] = {
    name: "int64" if name in COUNTS else TIME if name.endswith("_seen") else EVENT_COLUMNS.get(name, "str")
    for name in (
        "recipient domain provider bounce_type reason reply_code status permanence blame recommended_action advice retry_after suggestion "
        "incident events hard soft delays complaints days first_seen last_seen diagnostic_code origin"
    ).split()
}
ROWS = 1_000  # recipients whose texts are made at once
GOOD = [str(Kind.DELIVERY), str(Kind.AUTO_REPLY)]  # the mailbox took mail


def report(events: pd.DataFrame, *, policy: str = "list", names: Iterable[str] = (), lang: str = "en") -> pd.DataFrame:
    """Return one row for each recipient of events, sorted by recipient.

    The latest final outcome decides the row; a complaint stays. `hard`, `soft` and `days` count only failures blamed on the recipient, or
    on a domain that is gone. `incident` names the wave that the row is part of (`bounces.incidents`). `advice` is a sentence for a person,
    `suggestion` the new address that was told last, or the address with its domain's typo mended. An event that stands
    in the table twice counts once. `names` adds columns as in `read`; `lang` is the language of `advice`, "en" or "fr".
    """
    so_far, rules = partial(events), advise.load(policy)
    return finished(so_far, find(so_far, rules), rules, names=known(names), lang=spoken(lang))


def finished(so_far: Partial, waves: Incidents, policy: advise.Policy, *, names: Sequence[str] = (), lang: str = "en") -> pd.DataFrame:
    """Return the recipients' table of a partial report with its incidents: what an outage made a provider say takes nobody off."""
    table = so_far.latest.assign(incident=so_far.latest["event_id"].map(waves.members).astype("str"))
    called = table["event_id"].isin(waves.unbelieved)
    table.loc[called, "recommended_action"] = str(RecommendedAction.REVIEW)
    table.loc[called, "bounce_type"] = str(BounceType.SOFT)
    outcomes = so_far.outcomes
    outcomes = outcomes.assign(counts=outcomes["counts"] & ~outcomes["event_id"].isin(waves.unbelieved))
    counted = outcomes[outcomes["counts"]]
    columns = {
        "events": outcomes.groupby("recipient").size(),
        "hard": counted[counted["bounce_type"] == BounceType.HARD].groupby("recipient").size(),
        "soft": counted[counted["bounce_type"] == BounceType.SOFT].groupby("recipient").size(),
        "delays": outcomes[outcomes["kind"] == Kind.DELAY].groupby("recipient").size(),
        "complaints": outcomes[outcomes["reason"] == Reason.COMPLAINT].groupby("recipient").size(),
        "days": counted["received_at"].dt.floor("D").groupby(counted["recipient"]).nunique(),
    }
    table = table.assign(**{name: values.reindex(table.index).fillna(0).astype("int64") for name, values in columns.items()})
    seen = outcomes.groupby("recipient")["received_at"]
    table = table.assign(
        suggestion=so_far.suggestions.set_index("recipient")["suggestion"].reindex(table.index),
        first_seen=seen.min().reindex(table.index),
        last_seen=seen.max().reindex(table.index),
    )
    table = _escalated(table, outcomes[~outcomes["event_id"].isin(waves.unbelieved)], policy)
    table = table.assign(suggestion=_by_row(table, ("recipient", "reason", "suggestion"), _suggestion))
    told = ("recipient", "reason", "recommended_action", "domain", "provider", "diagnostic_code", "suggestion")
    advice = _by_row(table, told, lambda *row: _advice(row, policy, lang))
    table = table.assign(advice=advice.where(~called, advice_of(waves.table, table["incident"])))
    kept = [name for name in map(str, table) if name.startswith(KEPT)]
    table = table.assign(**{reason_column(name): _by_row(table, ("reason", "permanence"), partial_of(_called, name)) for name in names})
    return table[[*RECIPIENT_COLUMNS, *kept, *map(reason_column, names)]].astype(RECIPIENT_COLUMNS)


def advice_of(incidents: pd.DataFrame, names: pd.Series[str]) -> pd.Series[str]:
    """Return the advice on the incidents that are named."""
    return names.map(incidents.set_index("incident")["advice"]).astype("str")


def _by_row(table: pd.DataFrame, columns: Sequence[str], text: Callable[..., str | None]) -> pd.Series[str]:
    """Return a text for each row, of what stands in columns; absent is None."""
    slices = []
    for start in range(0, len(table), ROWS):
        some = (table[name].iloc[start : start + ROWS].astype(object) for name in columns)
        rows = zip(*([value if isinstance(value, str) else None for value in values] for values in some), strict=True)
        slices.append(pa.array([text(*row) for row in rows], pa.large_string()))
    return pd.Series(pa.chunked_array(slices, pa.large_string()).combine_chunks(), index=table.index, dtype="str")


def _escalated(table: pd.DataFrame, outcomes: pd.DataFrame, policy: advise.Policy) -> pd.DataFrame:
    """Give the harder answer to recipients whose failures for the reason that decides have repeated since mail last arrived.

    Repetition never softens an answer: who is to be taken off already is left as it is.
    """
    failed = outcomes[outcomes["kind"] == Kind.FAILURE]
    arrived = outcomes[outcomes["kind"].isin(GOOD)].groupby("recipient")["received_at"].max()
    since = arrived.reindex(failed["recipient"]).set_axis(failed.index)
    deciding = table["reason"].take(failed["recipient"].to_numpy()).set_axis(failed.index)
    again = failed[(since.isna() | (failed["received_at"] > since)) & (failed["reason"] == deciding)]
    times = again.groupby("recipient")["received_at"].agg(["size", "min", "max"])
    days = (times["max"] - times["min"]).dt.days
    for reason in again["reason"].unique():
        escalation = policy.rows[Reason(reason)].escalation
        if escalation is None:
            continue
        enough = times.index[(times["size"] >= escalation.failures) & (days >= escalation.days)]
        softer = ~table["recommended_action"].isin([str(action) for action in advise.TAKES_OFF])
        reached = table.index.isin(enough) & (table["reason"] == reason) & table["bounce_type"].notna() & softer
        table.loc[reached, "recommended_action"] = str(escalation.recommended_action)
        table.loc[reached, "retry_after"] = table["retry_after"] if escalation.recommended_action in advise.AGAIN else pd.NaT
        if escalation.bounce_type:
            table.loc[reached, "bounce_type"] = str(escalation.bounce_type)
    return table


def _advice(row: Sequence[str | None], policy: advise.Policy, lang: str) -> str:
    """Return a sentence for a recipient."""
    recipient, word, action, domain, provider, said, suggestion = row
    reason = Reason(word) if word else None
    told = particulars(said, reason, domain, provider, suggestion)
    text = policy.sentence(reason, RecommendedAction(action or RecommendedAction.NONE), told, lang)
    if reason is Reason.USER_UNKNOWN and recipient and address.impossible(recipient):
        text += " " + say(Said("{domain} could never have issued it, so it was mistyped.", domain=domain), lang)
    return text


def _called(system: str, reason: str | None, permanence: str | None) -> str | None:
    """Return a system's word for a reason."""
    return words(system)[Reason(reason)][Permanence(permanence or Permanence.UNKNOWN)] if reason else None


def _suggestion(recipient: str, reason: str | None, told: str | None) -> str | None:
    """Return the new address that a notice or a reply gave, or for a recipient whose domain is dead the address with its typo mended, or None."""
    return suggested(told, recipient, Reason(reason) if reason else None)
