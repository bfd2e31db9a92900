"""Events in, a Partial out: what they tell of recipients and of refusals, made so that the Partials of two mailboxes merge into one.

The merge is associative, commutative and idempotent: in any order, and a notice that was read twice counts once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from bounces.fields import kept_column
from bounces.frames import EVENT_COLUMNS, LISTS
from bounces.model import Blame, BounceType, Kind, Reason
from bounces.particulars import particulars

if TYPE_CHECKING:
    from bounces.particulars import Particulars

KEPT = kept_column("")  # how the names of columns with a header field begin
DECIDING = (
    "recipient domain provider bounce_type reason reply_code status permanence blame recommended_action retry_after diagnostic_code origin"
).split()
REFUSED = [str(Kind.FAILURE), str(Kind.DELAY)]
OURS = [str(Blame.SENDER), str(Blame.MESSAGE)]  # what we can mend


@dataclass(frozen=True, slots=True)
class Partial:
    """What is known so far.

    `outcomes` has a row for each event (event_id, recipient, kind, reason, bounce_type, suggestion, counts, received_at, and of refusals
    place: the provider, else the domain; of those for a cause on our side, `ours`, also cause and ip, where told). `latest` has one for
    each recipient, the event that decides; `examples` one for each place, reason and cause: a reply.
    """

    outcomes: pd.DataFrame
    latest: pd.DataFrame
    examples: pd.DataFrame


def partial(events: pd.DataFrame) -> Partial:
    """Return what events alone tell."""
    known = events[events["recipient"].notna()].astype(
        {name: dtype for name, dtype in EVENT_COLUMNS.items() if name in events and dtype is not LISTS}
    )
    failed, refused = known["kind"] == Kind.FAILURE, known["kind"].isin(REFUSED)
    gone = (known["blame"] == Blame.RECIPIENT_DOMAIN) & (known["bounce_type"] == BounceType.HARD)
    ours = refused & known["blame"].isin(OURS)
    told = [_told(*row) if own else None for own, *row in zip(ours, *(known[name].astype(object) for name in ABOUT), strict=True)]
    outcomes = known[["event_id", "recipient", "kind", "reason", "bounce_type", "suggestion", "received_at"]].assign(
        counts=failed & ((known["blame"] == Blame.RECIPIENT) | gone),
        place=known["provider"].fillna(known["domain"]).where(refused),
        ours=ours,
        cause=pd.Series([one and (one.blocklist or one.mechanism) for one in told], index=known.index, dtype="str"),
        ip=pd.Series([one and one.ip for one in told], index=known.index, dtype="str"),
    )
    latest = known[[*DECIDING, "event_id", "kind", "received_at", *(name for name in map(str, events) if name.startswith(KEPT))]]
    examples = outcomes[["place", "reason", "cause", "event_id"]].join(known[["diagnostic_code", "domain", "provider"]])[refused]
    return _reduced(outcomes, latest, examples)


ABOUT = ("diagnostic_code", "reason", "domain", "provider")


def _told(*about: str | None) -> Particulars:
    text, reason, domain, provider = (value if isinstance(value, str) else None for value in about)
    return particulars(text, Reason(reason) if reason else None, domain, provider)


def merge(*partials: Partial) -> Partial:
    """Join partial reports; the order makes no difference."""
    return _reduced(*(pd.concat([getattr(one, name) for one in partials]) for name in Partial.__slots__))


def _reduced(outcomes: pd.DataFrame, latest: pd.DataFrame, examples: pd.DataFrame) -> Partial:
    """Keep each event once, of each recipient the event that decides, and of each cause the first example."""
    weight = (1 - (latest["kind"] == Kind.DELAY).astype("int") + (latest["reason"] == Reason.COMPLAINT).astype("int")).astype("float")
    order = latest.assign(weight=weight).sort_values(["weight", "received_at", "event_id"], na_position="first", kind="stable")
    deciding = order.drop(columns="weight").drop_duplicates("recipient", keep="last")
    return Partial(
        outcomes.drop_duplicates("event_id").sort_values("event_id").reset_index(drop=True),
        deciding.sort_values("recipient").reset_index(drop=True),
        examples.sort_values("event_id").drop_duplicates(["place", "reason", "cause"]).reset_index(drop=True),
    )
