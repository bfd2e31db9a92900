"""A partial report, in slices of its recipients, in; incidents and repairs out, found some places and reasons at a time.

An incident is one place's for one reason, and so is what is to be mended: those that are found here and there are all that there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
import pandas as pd
import pyarrow as pa

from bounces.incidents import CALLED_DEAD, TOOK_MAIL, Incidents, find, joined
from bounces.model import Kind
from bounces.partial import CAUSE, Partial, stacked, trimmed
from bounces.repairs import found, mended
from bounces.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from bounces.advise import Policy

ASKED = [*CAUSE, "event_id", "recipient", "kind", "received_at", "ours", "ip"]
EVENTS = 25_000  # that are looked at together, about
MOST = 64  # shares; of more events each has more


def causes(slices: Spool[Partial], policy: Policy, lang: str = "en") -> tuple[Incidents, pd.DataFrame]:
    """Return the incidents, and the table of `bounces.repairs`. Raise OutputError when there is no room for temporary files."""
    told = [(find(share, policy, lang), found(share, policy, lang)) for share in shares(slices)]
    return joined([waves for waves, _ in told]), mended([table for _, table in told])


def shares(slices: Spool[Partial]) -> Iterator[Partial]:
    """Yield partial reports that know nothing of a recipient but who took mail: together they have all outcomes for causes that matter."""
    count = min(1 + sum(len(part.outcomes) for part in _briefly(slices)) // EVENTS, MOST)
    spool, living = Spool[Partial](), list[pd.DataFrame]()
    numbers: list[list[int]] = [[] for _ in range(count)]
    for part in _briefly(slices):
        took_mail = part.outcomes["kind"].isin(TOOK_MAIL)
        living.append(part.outcomes[took_mail].drop_duplicates("recipient"))
        asked = Partial(part.outcomes[~took_mail], part.latest, part.suggestions, part.examples)
        for number, piece in enumerate(_split(asked, count)):
            numbers[number].append(len(spool))
            spool.put(piece)
    for pieces in numbers:
        yield _joined([spool.get(number) for number in pieces], living)
        pa.default_memory_pool().release_unused()  # as a spool does


def _briefly(slices: Spool[Partial]) -> Iterator[Partial]:
    """Yield slices, several as one, with the outcomes that are asked about, the recipients numbered as in the whole."""
    held, rows, count = list[Partial](), 0, 0
    for part in slices:
        outcomes = part.outcomes
        dead = (outcomes["kind"] == Kind.FAILURE) & outcomes["reason"].isin(CALLED_DEAD)
        took_mail = outcomes["kind"].isin(TOOK_MAIL) & outcomes["received_at"].notna()
        outcomes = outcomes.loc[outcomes["ours"] | dead | took_mail, ASKED]
        decides = part.latest.loc[part.latest["event_id"].isin(outcomes["event_id"]), ["event_id"]]
        outcomes = outcomes.assign(recipient=outcomes["recipient"] + count)
        held.append(Partial(outcomes, decides, part.suggestions.iloc[:0], part.examples))
        rows, count = rows + len(outcomes), count + len(part.latest)
        if rows >= EVENTS:
            yield _joined(held, [])
            held, rows = [], 0
    if held:
        yield _joined(held, [])


def _joined(parts: list[Partial], outcomes: list[pd.DataFrame]) -> Partial:
    """Put together what was told of different events, and more outcomes."""
    return Partial(
        stacked([*(part.outcomes for part in parts), *outcomes]),
        pd.concat([part.latest for part in parts], ignore_index=True),
        parts[0].suggestions,
        pd.concat([part.examples for part in parts]).sort_values("event_id").drop_duplicates(CAUSE).reset_index(drop=True),
    )


def _split(part: Partial, count: int) -> Iterator[Partial]:
    """Split a partial report by place and reason."""
    events, examples = _share(part.outcomes, count), _share(part.examples, count)
    for number in range(count):
        outcomes = part.outcomes[events == number]
        decides = part.latest[part.latest["event_id"].isin(outcomes["event_id"])]
        yield trimmed(Partial(outcomes, decides, part.suggestions, part.examples[examples == number]))


def _share(table: pd.DataFrame, count: int) -> NDArray[Any]:
    """Return for each row in which of so many shares it is."""
    place = table["place"].astype("category")
    hashed = np.array([*(crc32(str(name).encode()) for name in place.cat.categories), 0], "int64")  # the last is that of no place
    return (hashed[place.cat.codes] + table["reason"].cat.codes.to_numpy("int64")) % count
