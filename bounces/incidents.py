"""A Partial in, incidents out: waves in which one provider refuses many recipients for one cause on our side, or calls the living unknown.

The victims of either are alive, and nobody is removed for them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from bounces import advise
from bounces.frames import CATEGORIES, TIME
from bounces.language import Said, say, spoken
from bounces.model import Kind, Permanence, Reason
from bounces.partial import CAUSE, instants, partial
from bounces.particulars import particulars

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bounces.advise import Policy
    from bounces.partial import Partial

CAUSE_TOLD, SAID = ["provider", "reason", "cause"], ["diagnostic_code", "domain", "provider"]

WINDOW = pd.Timedelta(hours=24)  # refusals for one cause that are no further apart belong together
RECIPIENTS = 5  # so many make an incident
# an outage: a provider calls dead within so short a time so many, and so large a part of them, that took mail before or after
OUTAGE, ALIVE, SHARE = pd.Timedelta(hours=2), 3, 0.2
CALLED_DEAD = [str(reason) for reason in (Reason.USER_UNKNOWN, Reason.MAILBOX_DISABLED, Reason.MAILBOX_INACTIVE, Reason.DOMAIN_NOT_FOUND)]
TOOK_MAIL = [str(kind) for kind in (Kind.DELIVERY, Kind.AUTO_REPLY, Kind.COMPLAINT)]

UNBELIEVED = (
    "{provider} said in this time that mailboxes do not exist which took mail before or after: most likely an outage of its own. "
    "Take nobody off for it; send again once it is over."
)

COLUMNS: dict[str, Any] = {
    "incident": "str", "provider": "str", "reason": CATEGORIES["reason"], "cause": "str", "ips": "str", "first_seen": TIME, "last_seen": TIME,
    "recipients": "int64", "failures": "int64", "believed": "bool", "advice": "str", "page": "str", "diagnostic_code": "str",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort of waves: what its outcomes have in common, how far apart they may be, and how many (living) recipients make an incident."""

    key: list[str]
    gap: pd.Timedelta
    recipients: int = 0
    living: int = 0
    share: float = 0.0

    def great(self, waves: pd.DataFrame) -> pd.Index[str]:
        """Return the names of the waves, of which the `sizes` are given, that are incidents."""
        living = (waves["living"] >= self.living) & (waves["living"] >= self.share * waves["recipients"])
        return waves.index[living & (waves["recipients"] >= self.recipients)]


LIES = Sort(CAUSE[:2], OUTAGE, living=ALIVE, share=SHARE)
OURS = Sort(CAUSE, WINDOW, RECIPIENTS)


@dataclass(frozen=True, slots=True)
class Incidents:
    """The table of incidents, most mail first; `members` tells of event ids (numbers) in which incident they are, `unbelieved` are outages'."""

    table: pd.DataFrame
    members: pd.Series[str]
    unbelieved: pd.Index[int]

    def of(self, event_ids: pd.Series[int]) -> Incidents:
        """Return the same, but for what it tells of other events than these."""
        wanted = pd.Index(event_ids)
        places = self.members.index.get_indexer(wanted)
        return Incidents(self.table, self.members.iloc[places[places >= 0]], wanted[self.unbelieved.get_indexer(wanted) >= 0])


def incidents(events: pd.DataFrame, *, policy: str = "list", lang: str = "en") -> pd.DataFrame:
    """Return the incidents in a table of events (`bounces.read`): a row for each, most mail lost first.

    An incident is a wave: one provider refused five recipients or more for one cause on our side, with no more than a day between two
    refusals; or it called recipients dead (`believed` is False) of whom at least three, and a fifth, took mail at another time. What has
    no date is in none.

    Columns: `incident` (its name, as in the recipients' table), `provider` (its key, or the domain where it isn't known), `reason`, `cause`
    (the block list or the check that failed), `ips` (ours, as the replies name them), `first_seen` and `last_seen` (UTC), `recipients` and
    `failures` (numbers; delays count, too), `believed`, `advice` (what to do), `page` (where), `diagnostic_code` (one such reply). NA is
    what no reply told. `lang` is the language of `advice`, "en" or "fr". Raise PolicyError for a policy that isn't valid.
    """
    return find(partial(events), advise.load(policy), spoken(lang)).table


def find(found: Partial, policy: Policy, lang: str = "en") -> Incidents:
    """Return the incidents in what is known so far."""
    lies = named(begun(called_dead(found), LIES), [*LIES.key, "began"])
    lies = lies[lies["incident"].isin(LIES.great(sizes(lies, found)))]
    ours = named(begun(on_our_side(found, lies), OURS), [*OURS.key, "began"])
    ours = ours[ours["incident"].isin(OURS.great(sizes(ours, found)))]
    both = members(ours, lies)
    return Incidents(told(both, found, policy, lang)[[*COLUMNS]], deciding(both, found), pd.Index(lies["event_id"]))


def called_dead(found: Partial) -> pd.DataFrame:
    """Return the outcomes, those with a date, that call a recipient dead."""
    outcomes = found.outcomes
    return outcomes[outcomes["received_at"].notna() & (outcomes["kind"] == Kind.FAILURE) & outcomes["reason"].isin(CALLED_DEAD)]


def on_our_side(found: Partial, lies: pd.DataFrame) -> pd.DataFrame:
    """Return the outcomes, those with a date, that were refused for a cause on our side, but for those of outages."""
    outcomes = found.outcomes
    return outcomes[outcomes["received_at"].notna() & outcomes["ours"] & ~outcomes["event_id"].isin(lies["event_id"])]


def sizes(waves: pd.DataFrame, found: Partial) -> pd.DataFrame:
    """Return for each wave how many recipients it has, and how many of them took mail at another time."""
    outcomes = found.outcomes
    took_mail = outcomes.loc[outcomes["received_at"].notna() & outcomes["kind"].isin(TOOK_MAIL), "recipient"]
    living = waves["recipient"].where(waves["recipient"].isin(took_mail))
    return waves.assign(recipients=waves["recipient"], living=living).groupby("incident", observed=True)[["recipients", "living"]].nunique()


def members(ours: pd.DataFrame, lies: pd.DataFrame) -> pd.DataFrame:
    """Return the outcomes of incidents of both sorts."""
    names = union_categoricals([wave["incident"].cat.remove_unused_categories() for wave in (ours, lies)], sort_categories=True)
    return pd.concat([wave.drop(columns="incident").assign(believed=wave is ours) for wave in (ours, lies)]).assign(incident=names)


def deciding(both: pd.DataFrame, found: Partial) -> pd.Series[str]:
    """Return the incident, by event id, of outcomes that decide their recipients' rows."""
    return both[both["event_id"].isin(found.latest["event_id"])].set_index("event_id")["incident"]


def joined(found: Sequence[Incidents]) -> Incidents:
    """Return the incidents that were found in parts of what is known, each of which has whole places and reasons."""
    members = union_categoricals([one.members for one in found])
    events = pd.Index(np.concatenate([one.members.index.to_numpy() for one in found]), name="event_id")
    unbelieved = pd.Index(np.concatenate([one.unbelieved.to_numpy() for one in found]))
    return Incidents(ordered([one.table for one in found]), pd.Series(members, index=events, name="incident"), unbelieved)


def ordered(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put tables of incidents together, the most mail first, then by name."""
    return pd.concat(tables).sort_values("incident").sort_values("failures", ascending=False, kind="stable").reset_index(drop=True)


def begun(outcomes: pd.DataFrame, sort: Sort) -> pd.DataFrame:
    """Give outcomes, in the order of time, a column `began`: of their wave, which is those of one key, each within the gap from the one before."""
    key, gap = sort.key, sort.gap
    order = outcomes.iloc[np.lexsort((outcomes["event_id"], instants(outcomes)))]  # sort_values takes ten times the memory
    number = order.groupby(key, observed=True, dropna=False, sort=False).ngroup()
    since = order["received_at"].groupby(number).diff()
    began = order["received_at"].where(since.isna() | (since > gap)).groupby(number).ffill()
    return order.assign(began=began)


def named(outcomes: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Give outcomes a column `incident`: a name for each combination of what stands in the key's columns."""
    number = outcomes.groupby(key, observed=True, dropna=False, sort=False).ngroup()
    first = outcomes.loc[~number.duplicated(), key]
    places, names = pd.factorize(pd.Series([" ".join(_spelled(row)) for row in first.itertuples(index=False, name=None)], dtype="str"), sort=True)
    return outcomes.assign(incident=pd.Categorical.from_codes(places[number], names))


def _spelled(row: Sequence[Any]) -> Iterator[str]:
    """Yield the words of a name: texts that are there, and times."""
    for value in row:
        if isinstance(value, str):
            yield value
        elif isinstance(value, datetime):
            yield f"{value:%Y-%m-%dT%H:%MZ}"


def told(members: pd.DataFrame, found: Partial, policy: Policy, lang: str) -> pd.DataFrame:
    """Return a row for each `incident` of outcomes, the most mail first: how many, when, what to do, where, and a reply of the kind."""
    return advised(counted(members), found.examples, policy, lang)


def counted(members: pd.DataFrame) -> pd.DataFrame:
    """Return for each `incident` of outcomes, in the order of their names: how many, when, and the addresses of ours that were named."""
    table = members.groupby("incident", observed=True).agg(
        provider=("place", "first"),
        reason=("reason", "first"),
        cause=("cause", "first"),
        first_seen=("received_at", "min"),
        last_seen=("received_at", "max"),
        recipients=("recipient", "nunique"),
        failures=("event_id", "size"),
        believed=("believed", "first"),
    )
    named_ips = (
        members[["incident", "ip"]]
        .dropna()
        .drop_duplicates()
        .astype("str")
        .sort_values("ip", key=lambda ips: ips.map(ip_address).map(lambda ip: (ip.version, ip)))
    )
    return table.assign(ips=named_ips.groupby("incident")["ip"].agg("; ".join))


def advised(table: pd.DataFrame, known: pd.DataFrame, policy: Policy, lang: str) -> pd.DataFrame:
    """Return what was counted, the most mail first, with what to do, where, and one of the examples that are known."""
    table = table.sort_values("failures", ascending=False, kind="stable").reset_index()
    examples = {_words(row[:3]): row[3:] for row in known[[*CAUSE, *SAID]].itertuples(index=False, name=None)}
    advice = [_advice(row, examples, policy, lang) for row in table[[*CAUSE_TOLD, "believed", "ips"]].itertuples(index=False, name=None)]
    return table.join(pd.DataFrame(advice, columns=["advice", "page", "diagnostic_code"], index=table.index)).astype(COLUMNS)


def _words(row: Sequence[Any]) -> tuple[str | None, ...]:
    """Return a row of text with None for what is absent."""
    return tuple(value if isinstance(value, str) else None for value in row)


def _advice(row: Sequence[Any], examples: Mapping[tuple[str | None, ...], Sequence[Any]], policy: Policy, lang: str) -> tuple[str | None, ...]:
    """Return what to do about one incident, where, and a reply of the kind."""
    cause, (believed, ips) = _words(row[:3]), row[3:]
    said, domain, provider = _words(examples.get(cause) or next(example for key, example in examples.items() if key[:2] == cause[:2]))
    reason = Reason(cause[1] or Reason.UNKNOWN)
    known = particulars(said, reason, domain, provider)
    if isinstance(ips, str) and ";" in ips:
        known = replace(known, ip=None)  # the reply names one of several
    if not believed:
        return say(Said(UNBELIEVED, provider=known.provider), lang), None, said
    return policy.sentence(reason, policy.rows[reason].recommended_action[Permanence.UNKNOWN], known, lang), known.page, said
