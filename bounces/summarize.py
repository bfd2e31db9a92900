"""Events in, DataFrames out: the table of events, and one row for each recipient.

A recipient's row rests on a Partial, whose merge is associative, commutative and idempotent: the report of two mailboxes is the merge of
their partial reports, in any order, and a notice that was read twice counts once.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from bounces import address, advise, analyze
from bounces.crosswalk import crosswalk, known, reason_column, words
from bounces.fields import kept_column
from bounces.model import (
    Action,
    Blame,
    BounceType,
    Confidence,
    Event,
    Kind,
    Permanence,
    Reason,
    RecipientSource,
    RecommendedAction,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

TIME = "datetime64[us, UTC]"
WORDS = {
    "kind": Kind,
    "action": Action,
    "recipient_source": RecipientSource,
    "reason": Reason,
    "permanence": Permanence,
    "bounce_type": BounceType,
    "blame": Blame,
    "recommended_action": RecommendedAction,
    "confidence": Confidence,
}
CATEGORIES = {name: pd.CategoricalDtype([str(word) for word in words]) for name, words in WORDS.items()}
LISTS = pd.ArrowDtype(pa.list_(pa.string()))
EVENT_COLUMNS: dict[str, Any] = {
    each.name: CATEGORIES.get(each.name) or (TIME if each.name.endswith(("_at", "_after")) else LISTS if each.name == "defects" else "str")
    for each in fields(Event)
    if each.name != "kept"
}
COUNTS = ("events", "hard", "soft", "delays", "complaints", "days")
DECIDING = (
    "recipient domain provider bounce_type reason reply_code status permanence blame recommended_action retry_after diagnostic_code origin"
).split()
RECIPIENT_COLUMNS: dict[str, Any] = {
    name: "int64" if name in COUNTS else TIME if name.endswith("_seen") else EVENT_COLUMNS.get(name, "str")
    for name in (
        "recipient domain provider bounce_type reason reply_code status permanence blame recommended_action advice retry_after suggestion "
        "events hard soft delays complaints days first_seen last_seen diagnostic_code origin"
    ).split()
}
KEPT = kept_column("")  # how the names of columns with a header field begin
GOOD = [str(Kind.DELIVERY), str(Kind.AUTO_REPLY)]  # the mailbox took mail
DOMAIN_GONE = {Reason.DOMAIN_NOT_FOUND, Reason.DOMAIN_NO_MAIL, Reason.DNS_FAILURE}


@dataclass(frozen=True, slots=True)
class Partial:
    """What is known of recipients so far.

    `outcomes` has a row for each event (event_id, recipient, kind, reason, bounce_type, suggestion, counts, received_at), `latest` one for
    each recipient: the event that decides.
    """

    outcomes: pd.DataFrame
    latest: pd.DataFrame


def frame(events: Iterable[Event], keep_headers: Sequence[str] = (), names: Sequence[str] = ()) -> pd.DataFrame:
    """Return events as a DataFrame: one row each, the columns of `Event`, one for each header field that was kept, one for each of `names`.

    Closed vocabularies are categories, times datetime64[us, UTC], `defects` lists of strings, all else strings; the same columns and
    dtypes for an empty mailbox. Absent is NA.
    """
    rows = list(events)
    columns = {name: _column([getattr(row, name) for row in rows], dtype) for name, dtype in EVENT_COLUMNS.items()}
    kept = {kept_column(name): _column([row.kept[number] for row in rows], "str") for number, name in enumerate(keep_headers)}
    called = {reason_column(name): _column([crosswalk(row, name) for row in rows], "str") for name in names}
    return pd.DataFrame(columns | kept | called)


def _column(values: list[Any], dtype: Any) -> Any:
    """Make a column; lone surrogates, which Arrow can't hold, are replaced."""
    if dtype == TIME:
        return pd.Series(pd.DatetimeIndex([value and value.replace(tzinfo=None) for value in values], dtype="datetime64[us]").tz_localize("UTC"))
    if dtype == "str":
        values = [value if value is None or value.isascii() else value.encode("utf-8", "replace").decode() for value in values]
    if dtype is LISTS:
        values = [[one.encode("utf-8", "replace").decode() for one in value] for value in values]
    return pd.Series(values, dtype=dtype)


def read(
    *sources: str | Path,
    policy: str = "list",
    rules: Iterable[str] = (),
    verp: Iterable[str] = (),
    keep_headers: Iterable[str] = (),
    names: Iterable[str] = (),
) -> pd.DataFrame:
    """Read mail and return its events: a DataFrame with a row for each recipient of each message, as `frame` makes it.

    A source is an mbox, a Maildir, a message, a folder of these, or any of them compressed. `policy` and `rules` decide; `verp` are
    templates of our own return paths ("bounces+{local}={domain}@example.org"), `keep_headers` names of header fields of the returned
    message: each is a column, "X-Campaign-Id" `returned_x_campaign_id`; `names` are systems whose words for the reason are columns, too,
    "sisimai" `reason_sisimai` (see `bounces.crosswalk`). Raise SourceError for a source that isn't there, PolicyError, RuleError or
    SettingsError for an option that isn't valid.
    """
    settings = analyze.checked(policy, rules, verp, keep_headers, names)
    found = (event for source in sources for _, events in analyze.messages(source, settings) for event in events)
    return frame(found, settings.keep_headers, settings.names)


def report(events: pd.DataFrame, *, policy: str = "list", names: Iterable[str] = ()) -> pd.DataFrame:
    """Return one row for each recipient of events, sorted by recipient.

    The latest final outcome decides the row; a complaint stays. `hard`, `soft` and `days` count only failures blamed on the recipient, or
    on a domain that is gone. `advice` is a sentence for a person, `suggestion` the new address that was told last, or the address with
    its domain's typo mended. An event that stands in the table twice counts once. `names` adds columns as in `read`.
    """
    return finished(partial(events), policy=policy, names=known(names))


def partial(events: pd.DataFrame) -> Partial:
    """Return what events alone tell of their recipients."""
    known = events[events["recipient"].notna()].astype(
        {name: dtype for name, dtype in EVENT_COLUMNS.items() if name in events and dtype is not LISTS}
    )
    failed = known["kind"] == Kind.FAILURE
    gone = (known["blame"] == Blame.RECIPIENT_DOMAIN) & (known["bounce_type"] == BounceType.HARD)
    outcomes = known[["event_id", "recipient", "kind", "reason", "bounce_type", "suggestion", "received_at"]].assign(
        counts=failed & ((known["blame"] == Blame.RECIPIENT) | gone)
    )
    latest = known[[*DECIDING, "event_id", "kind", "received_at", *(name for name in map(str, events) if name.startswith(KEPT))]]
    return _reduced(outcomes, latest)


def merge(*partials: Partial) -> Partial:
    """Join partial reports; the order makes no difference."""
    return _reduced(pd.concat([one.outcomes for one in partials]), pd.concat([one.latest for one in partials]))


def _reduced(outcomes: pd.DataFrame, latest: pd.DataFrame) -> Partial:
    """Keep each event once, and of each recipient the event that decides."""
    weight = (1 - (latest["kind"] == Kind.DELAY).astype("int") + (latest["reason"] == Reason.COMPLAINT).astype("int")).astype("float")
    order = latest.assign(weight=weight).sort_values(["weight", "received_at", "event_id"], na_position="first", kind="stable")
    deciding = order.drop(columns="weight").drop_duplicates("recipient", keep="last")
    return Partial(
        outcomes.drop_duplicates("event_id").sort_values("event_id").reset_index(drop=True), deciding.sort_values("recipient").reset_index(drop=True)
    )


def finished(so_far: Partial, *, policy: str = "list", names: Sequence[str] = ()) -> pd.DataFrame:
    """Return the recipients' table of a partial report."""
    table = so_far.latest.set_index("recipient", drop=False).drop(columns=["event_id", "kind", "received_at"])
    outcomes = so_far.outcomes
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
    told = outcomes[outcomes["suggestion"].notna()].sort_values(["received_at", "event_id"], na_position="first", kind="stable")
    table = table.assign(suggestion=told.drop_duplicates("recipient", keep="last").set_index("recipient")["suggestion"].reindex(table.index))
    table = table.assign(first_seen=seen.min().reindex(table.index), last_seen=seen.max().reindex(table.index))
    rules = advise.load(policy)
    table = _escalated(table, outcomes, rules)
    table = table.assign(advice=_advice(table, rules), suggestion=pd.Series(_suggestions(table), index=table.index, dtype="str"))
    kept = [name for name in map(str, table) if name.startswith(KEPT)]
    table = table.assign(**{reason_column(name): pd.Series(_called(table, name), index=table.index, dtype="str") for name in names})
    return table[[*RECIPIENT_COLUMNS, *kept, *map(reason_column, names)]].astype(RECIPIENT_COLUMNS).reset_index(drop=True)


def _escalated(table: pd.DataFrame, outcomes: pd.DataFrame, policy: advise.Policy) -> pd.DataFrame:
    """Give the harder answer to recipients whose failures for the reason that decides have repeated since mail last arrived.

    Repetition never softens an answer: who is to be taken off already is left as it is.
    """
    failed = outcomes[outcomes["kind"] == Kind.FAILURE]
    arrived = outcomes[outcomes["kind"].isin(GOOD)].groupby("recipient")["received_at"].max()
    since = arrived.reindex(failed["recipient"]).set_axis(failed.index)
    deciding = table["reason"].astype("str").reindex(failed["recipient"]).set_axis(failed.index)
    again = failed[(since.isna() | (failed["received_at"] > since)) & (failed["reason"].astype("str") == deciding)]
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


def _advice(table: pd.DataFrame, policy: advise.Policy) -> list[str]:
    """Return a sentence for each recipient."""
    sentences = []
    columns = (table[name].astype(object) for name in ("recipient", "reason", "recommended_action", "domain", "provider"))
    for recipient, reason, action, domain, provider in zip(*columns, strict=True):
        reason = Reason(reason) if isinstance(reason, str) else None  # noqa: PLW2901
        action = RecommendedAction(action) if isinstance(action, str) else RecommendedAction.NONE  # noqa: PLW2901
        domain, provider = (value if isinstance(value, str) else None for value in (domain, provider))  # noqa: PLW2901
        text = policy.sentence(reason, action, domain=domain, provider=provider)
        if reason is Reason.USER_UNKNOWN and domain and address.impossible(recipient):
            text += f" {domain} could never have issued it, so it was mistyped."
        sentences.append(text)
    return sentences


def _called(table: pd.DataFrame, system: str) -> list[str | None]:
    """Return a system's word for the reason of each recipient."""
    told = zip(table["reason"].astype("str"), table["permanence"].astype("str").fillna(str(Permanence.UNKNOWN)), strict=True)
    return [words(system)[Reason(reason)][Permanence(permanence)] if isinstance(reason, str) else None for reason, permanence in told]


def _suggestions(table: pd.DataFrame) -> list[str | None]:
    """Return the new address that a notice or a reply gave, or for recipients whose domain is dead the address with its typo mended, or None."""
    told = zip(table["recipient"], table["reason"], table["suggestion"], strict=True)
    return [new if isinstance(new, str) else address.suggest(old) if reason in DOMAIN_GONE else None for old, reason, new in told]
