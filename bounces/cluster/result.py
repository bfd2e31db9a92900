"""Partial reports of all recipients in, one for each part, the recipients' table out: here, or in Parquet parts that the workers write."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from bounces import advise, output
from bounces.cluster import folder, waves
from bounces.frames import CATEGORIES
from bounces.remote.trouble import RemoteError
from bounces.summarize import finished

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from distributed import Future

    from bounces.advise import Policy
    from bounces.cluster.client import Cluster
    from bounces.cluster.work import Made, Order

ACTION = "recommended_action"
AT_ONCE = 2  # tables for each thread that wait on the workers to be fetched


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be made of a part: a table for the client, files."""

    table: bool
    folders: tuple[str, ...] = ()


def recipients(  # noqa: PLR0913  (what is wanted of a run, each by its name)
    cluster: Cluster, leaves: Sequence[Future], order: Order, policy: Policy, *, folders: Sequence[str], table: bool
) -> tuple[pd.DataFrame, waves.Waves]:
    """Return the recipients' table of all parts, sorted by recipient, with the incidents; workers write it into `folders`, whole or not at all.

    Where no table is wanted it has only `recommended_action`.
    """
    found = waves.found(cluster, leaves, policy, order.reader.scope.settings.lang)
    told = cluster.submit(_same, found.incidents)
    wanted = Wanted(table, tuple(folders))
    for each in folders:
        folder.begin(each)
    try:
        parts = list(_parts(cluster, leaves, (order, found.members, told, wanted)))
        for each in folders:
            folder.finish(each, len(leaves))
    except BaseException:
        cluster.stop()  # so that no worker writes any more
        for each in folders:
            with suppress(OSError, RemoteError):
                folder.clear(each, len(leaves))
        raise
    if table:
        return _sorted(pd.concat(parts, ignore_index=True)) if len(parts) > 1 else parts[0], found
    codes = [np.repeat(np.arange(len(part), dtype="int8"), part["recipients"]) for part in parts]
    return pd.DataFrame({ACTION: pd.Categorical.from_codes(np.concatenate(codes), dtype=CATEGORIES[ACTION])}), found


def _parts(cluster: Cluster, leaves: Sequence[Future], told: tuple[Order, list[Future], Future, Wanted]) -> Iterator[pd.DataFrame]:
    """Yield what workers make of each part, in order; few wait there."""
    order, members, table, wanted = told
    waiting: deque[Future] = deque()
    for number, leaf in enumerate(leaves):
        waiting.append(cluster.submit(finish, order, leaf, members[number], table, wanted, number))
        if len(waiting) >= AT_ONCE * max(cluster.threads, 1):
            yield cluster.fetch(waiting.popleft())
    yield from map(cluster.fetch, iter(lambda: waiting.popleft() if waiting else None, None))


def finish(order: Order, made: Made, members: pd.DataFrame, table: pd.DataFrame, wanted: Wanted, number: int) -> pd.DataFrame:  # noqa: PLR0913, PLR0917
    """Make the recipients' table of a part, and write it; return it, or how many recipients there are for each recommended action."""
    settings = order.settings()
    policy, found = advise.load(settings.policy), waves.of_part(made, members, table)
    rows = finished(made.part, found, policy, names=settings.names, lang=settings.lang)
    for each in wanted.folders:
        output.write(rows, folder.part(each, number))
    return rows if wanted.table else rows[ACTION].value_counts(sort=False).rename("recipients").to_frame()


def _same(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table: a worker has it, and can be given it again."""
    return table


def _sorted(table: pd.DataFrame) -> pd.DataFrame:
    """Sort a table by recipient, as partial reports are."""
    order = pc.sort_indices(pa.array(table["recipient"], pa.large_string(), from_pandas=True))
    return table.take(order.to_numpy()).reset_index(drop=True)
