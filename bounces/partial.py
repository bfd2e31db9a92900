"""Events in, a Partial out: what they tell of recipients and of refusals, made so that the Partials of two mailboxes merge into one.

The merge is associative, commutative and idempotent: in any order, and a notice that was read twice counts once. For that an event must
be known again, so a Partial grows with events, too, but by 29 bytes each, all of them numbers; text grows with recipients only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api.types import is_float_dtype, union_categoricals

from bounces.errors import SettingsError
from bounces.fields import kept_column
from bounces.frames import EVENT_COLUMNS, TIME
from bounces.model import Blame, BounceType, Kind, Reason
from bounces.particulars import particulars

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from bounces.particulars import Particulars

KEPT = kept_column("")  # how the names of columns with a header field begin
DECIDING = (
    "recipient domain provider bounce_type reason reply_code status permanence blame recommended_action retry_after diagnostic_code origin"
).split()
READ = [*DECIDING, "event_id", "kind", "received_at", "suggestion", "rule"]
PACKED = ["place", "cause", "ip", "domain", "provider", "reply_code", "status"]  # text of which there are few: a number for each
REFUSED = [str(Kind.FAILURE), str(Kind.DELAY)]
OURS = [str(Blame.SENDER), str(Blame.MESSAGE)]  # what we can mend
ABOUT = ("diagnostic_code", "reason", "domain", "provider")
GUESS = "opinion."  # how the rules begin that are no more than a guess
CAUSE = ["place", "reason", "cause"]
HEX = re.compile("[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Partial:
    """What is known so far.

    `outcomes` has a row for each event: event_id, recipient (its row in `latest`), kind, reason, bounce_type, received_at, counts, and of
    refusals place: the provider, else the domain; of those for a cause on our side, `ours`, also cause and ip, where told. `latest` has a
    row for each recipient, sorted: the event that decides; `suggestions` one for each recipient (a number, as above) whose new address was
    told: the last; `examples` one for each place, reason and cause: a reply. An event_id is a number here.
    """

    outcomes: pd.DataFrame
    latest: pd.DataFrame
    suggestions: pd.DataFrame
    examples: pd.DataFrame


def partial(events: pd.DataFrame) -> Partial:
    """Return what events alone tell. Raise SettingsError for a table that lacks a column of theirs."""
    if missing := [name for name in READ if name not in events]:
        raise SettingsError(f"the table of events has no column {missing[0]!r}; bounces.read makes whole ones, and so does --events")
    kept = [name for name in map(str, events) if name.startswith(KEPT)]
    known = events.loc[events["recipient"].notna(), [*READ, *kept]].reset_index(drop=True)
    known = known.assign(**{name: _as(known[name], EVENT_COLUMNS[name]) for name in READ})
    known = known.assign(event_id=_numbers(known["event_id"]))
    names, (rows,) = _numbered([known["recipient"]])
    failed, refused = known["kind"] == Kind.FAILURE, known["kind"].isin(REFUSED)
    gone = (known["blame"] == Blame.RECIPIENT_DOMAIN) & (known["bounce_type"] == BounceType.HARD)
    ours = refused & known["blame"].isin(OURS) & ~known["rule"].fillna("").str.startswith(GUESS)
    told = [_told(*row) if own else None for own, *row in zip(ours, *(known[name].astype(object) for name in ABOUT), strict=True)]
    outcomes = known[["event_id", "kind", "reason", "bounce_type", "received_at"]].assign(
        recipient=rows,
        counts=failed & ((known["blame"] == Blame.RECIPIENT) | gone),
        ours=ours,
        place=known["provider"].fillna(known["domain"]).where(refused),
        cause=pd.Series([one and (one.blocklist or one.mechanism) for one in told], dtype="str"),
        ip=pd.Series([one and one.ip for one in told], dtype="str"),
    )
    examples = outcomes[[*CAUSE, "event_id"]].join(known[["diagnostic_code", "domain", "provider"]])[refused]
    suggestions = known[["suggestion", "received_at", "event_id"]].assign(recipient=rows)[known["suggestion"].notna()]
    return _reduced(len(names), _packed(outcomes), _packed(known.drop(columns=["suggestion", "rule"])), rows, suggestions, examples)


def _as(column: pd.Series[Any], kind: Any) -> pd.Series[Any]:
    """Return a column as events have it, also where a file was read back: times without a zone are UTC, a code may have become 550.0."""
    if kind == TIME:
        return pd.Series(pd.to_datetime(column, utc=True), dtype=TIME)
    whole: pd.Series[Any] = column.astype("Int64") if is_float_dtype(column) and column.notna().any() else column
    return whole.astype(kind)


def _told(*about: str | None) -> Particulars:
    text, reason, domain, provider = (value if isinstance(value, str) else None for value in about)
    return particulars(text, Reason(reason) if reason else None, domain, provider)


def merge(*partials: Partial) -> Partial:
    """Join partial reports; the order makes no difference."""
    names, rows = _numbered([one.latest["recipient"] for one in partials])
    merged = _reduced(
        len(names),
        stacked([one.outcomes.assign(recipient=row[one.outcomes["recipient"]]) for one, row in zip(partials, rows, strict=True)]),
        stacked([one.latest for one in partials]),
        np.concatenate(rows),
        pd.concat([one.suggestions.assign(recipient=row[one.suggestions["recipient"]]) for one, row in zip(partials, rows, strict=True)]),
        pd.concat([one.examples for one in partials]),
    )
    pa.default_memory_pool().release_unused()  # what the merge took for a moment
    return merged


def cut(part: Partial, bounds: Sequence[int]) -> Iterator[Partial]:
    """Yield what a partial report tells of the recipients from each bound, a row of `latest`, to before the next; merged, that is all of it."""
    rows = part.outcomes["recipient"].to_numpy()
    order = np.argsort(rows, kind="stable")
    for (low, high), (start, end) in zip(pairwise(bounds), pairwise(np.searchsorted(rows[order], bounds)), strict=True):
        outcomes = part.outcomes.iloc[np.sort(order[start:end])].reset_index(drop=True)
        suggestions = part.suggestions[part.suggestions["recipient"].between(low, high, inclusive="left")].reset_index(drop=True)
        yield Partial(
            outcomes.assign(recipient=outcomes["recipient"] - low),
            part.latest.iloc[low:high].reset_index(drop=True),
            suggestions.assign(recipient=suggestions["recipient"] - low),
            part.examples[part.examples["event_id"].isin(outcomes["event_id"])].reset_index(drop=True),
        )


def trimmed(part: Partial) -> Partial:
    """Return the same without what it holds of a larger one that it was cut from: texts that no row has."""
    return Partial(_trimmed(part.outcomes), _trimmed(part.latest), part.suggestions, part.examples)


def _trimmed(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**{name: table[name].cat.remove_unused_categories() for name in PACKED if name in table})


def _reduced(  # noqa: PLR0913, PLR0917  (the parts of a Partial)
    count: int, outcomes: pd.DataFrame, latest: pd.DataFrame, rows: NDArray[np.int32], suggestions: pd.DataFrame, examples: pd.DataFrame
) -> Partial:
    """Keep each event once, of each of `count` recipients (`rows` in `latest`) the event that decides, and of each cause the first example."""
    weight = 1 - (latest["kind"] == Kind.DELAY).to_numpy("int8") + (latest["reason"] == Reason.COMPLAINT).to_numpy("int8")
    order = _settled(np.lexsort((latest["event_id"], instants(latest), weight, rows)), latest, rows)
    deciding = order[np.diff(rows[order], append=count) > 0]
    ordered = suggestions.iloc[np.lexsort((suggestions["event_id"], instants(suggestions)))]
    ids = outcomes["event_id"].to_numpy()
    order = np.argsort(ids, kind="stable")
    if len(ids) and not np.diff(ids[order]).all():
        texts = [pd.factorize(outcomes[name].astype("str"), sort=True)[0] for name in ("cause", "place")]
        order = np.lexsort((*texts, instants(outcomes), ids))  # a notice that came twice: its first arrival, whichever was read first
    first = order[np.flatnonzero(np.concatenate(([True], np.diff(ids[order]) != 0)))] if len(ids) else order
    return Partial(
        outcomes.iloc[first].reset_index(drop=True),
        latest.iloc[deciding].reset_index(drop=True),
        ordered.drop_duplicates("recipient", keep="last").reset_index(drop=True),
        examples.sort_values("event_id").drop_duplicates(CAUSE).reset_index(drop=True),
    )


def _settled(order: NDArray[np.int64], latest: pd.DataFrame, rows: NDArray[np.int32]) -> NDArray[np.int64]:
    """Put, among copies of one event, that with the least origin last, whichever was read first: it decides."""
    same = np.ones(max(len(order) - 1, 0), dtype=bool)
    for values in (rows, latest["event_id"].to_numpy(), instants(latest)):
        same &= values[order[1:]] == values[order[:-1]]
    if not same.any():
        return order
    copies = np.flatnonzero(np.concatenate(([False], same)) | np.concatenate((same, [False])))
    group = np.concatenate(([0], np.cumsum(~same)))[copies]
    origins = latest["origin"].take(order[copies]).fillna("")
    least = np.lexsort((-np.argsort(np.lexsort((pd.factorize(origins, sort=True)[0], origins.str.len()))), group))
    order[copies] = order[copies[least]]
    return order


def instants(table: pd.DataFrame) -> NDArray[np.int64]:
    """Return when events arrived as numbers; those without a time come first."""
    return table["received_at"].to_numpy("datetime64[us]").view("int64")


def _numbered(columns: Sequence[pd.Series[str]]) -> tuple[pa.Array, list[NDArray[np.int32]]]:
    """Return all names in columns, sorted, each once, and for each column the places of its names in them."""
    arrays = [pa.array(column, pa.large_string(), from_pandas=True) for column in columns]
    names = pc.unique(pa.chunked_array(arrays, pa.large_string()))
    names = names.take(pc.sort_indices(names))
    return names, [pc.index_in(array, value_set=names).to_numpy(zero_copy_only=False).astype("int32") for array in arrays]


def _packed(table: pd.DataFrame) -> pd.DataFrame:
    """Make categories of the columns with few texts."""
    return table.astype({name: "category" for name in PACKED if name in table})


def stacked(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put tables below one another, with the categories of all of them."""
    packed = [name for name in PACKED if name in tables[0]]
    rest = pd.concat([table.drop(columns=packed) for table in tables], ignore_index=True)
    return rest.assign(**{name: union_categoricals([table[name] for table in tables]) for name in packed})


def _numbers(ids: pd.Series[str]) -> NDArray[np.uint64]:
    """Return event ids, 16 hexadecimal digits, as the numbers that they are; of another text its hash."""
    return np.fromiter(map(_number, ids.tolist()), "uint64", len(ids))


def _number(text: str) -> int:
    return int(text if HEX.fullmatch(text) else blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest(), 16)
