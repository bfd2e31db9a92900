"""Partial reports of different recipients in, the incidents of all of them out: one wave's victims may lie in each.

The waves of a part are pieces of those of the whole, and two pieces that are near enough are one wave; how many recipients a wave has is
the sum over the parts, for nobody is in two. So the parts tell where their pieces lie, then learn what waves they belong to, then count.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pandas as pd

from bounces.cluster import work
from bounces.incidents import COLUMNS, LIES, OURS, Incidents, Sort, advised, begun, called_dead, counted, deciding, members, named, on_our_side
from bounces.incidents import sizes as sizes_of
from bounces.partial import CAUSE
from bounces.repairs import COLUMNS as REPAIRS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from distributed import Future

    from bounces.advise import Policy
    from bounces.cluster.client import Cluster
    from bounces.cluster.work import Made

TEXTS = ["place", "cause"]
COUNTED = {
    "provider": "first", "reason": "first", "cause": "first", "first_seen": "min", "last_seen": "max", "recipients": "sum", "failures": "sum",
    "believed": "first",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Waves:
    """The incidents of all parts, and what to mend on our side; of each part, on the workers, which of its outcomes are in which incident."""

    incidents: pd.DataFrame
    repairs: pd.DataFrame
    members: list[Future]


def found(cluster: Cluster, leaves: Sequence[Future], policy: Policy, lang: str) -> Waves:
    """Find the incidents of all parts together, as `incidents.find` does of a whole."""
    lies = _great(cluster, LIES, leaves, [cluster.submit(_called_dead, leaf) for leaf in leaves])
    ours = [cluster.submit(_on_our_side, leaf, lie) for leaf, lie in zip(leaves, lies, strict=True)]
    ours = _great(cluster, OURS, leaves, ours)
    both = [cluster.submit(members, own, lie) for own, lie in zip(ours, lies, strict=True)]
    waves = cluster.submit(together, *(cluster.submit(counted, each) for each in both))
    mend = cluster.submit(together, *(cluster.submit(_to_mend, leaf) for leaf in leaves))
    causes = cluster.submit(_causes, waves, mend)
    examples = cluster.fetch(cluster.submit(_together, *(cluster.submit(_examples, leaf, causes) for leaf in leaves)))
    tables = [advised(cluster.fetch(each), examples, policy, lang) for each in (waves, mend)]
    return Waves(tables[0][[*COLUMNS]], tables[1][REPAIRS], both)


def of_part(part: Made, both: pd.DataFrame, table: pd.DataFrame) -> Incidents:
    """Return what a part has to know of the incidents of all."""
    return Incidents(table, deciding(both, part.part), pd.Index(both.loc[~both["believed"], "event_id"]))


def _great(cluster: Cluster, sort: Sort, leaves: Sequence[Future], outcomes: Sequence[Future]) -> list[Future]:
    """Return of outcomes, for each part, those in waves that are incidents."""
    dated = [cluster.submit(begun, some, sort) for some in outcomes]
    joined = cluster.submit(joint, sort, *(cluster.submit(pieces, some, sort) for some in dated))
    waves = [cluster.submit(renamed, some, sort, cluster.submit(work.item, joined, number)) for number, some in enumerate(dated)]
    sizes = [cluster.submit(_sizes, some, leaf) for some, leaf in zip(waves, leaves, strict=True)]
    great = cluster.submit(_of_all, sort, *sizes)
    return [cluster.submit(_only, some, great) for some in waves]


def _called_dead(part: Made) -> pd.DataFrame:
    return called_dead(part.part)


def _on_our_side(part: Made, lies: pd.DataFrame) -> pd.DataFrame:
    return on_our_side(part.part, lies)


def pieces(dated: pd.DataFrame, sort: Sort) -> pd.DataFrame:
    """Return where the waves of one part begin and end: a row for each, in the order in which they are met."""
    spans = dated.groupby([*sort.key, "began"], observed=True, dropna=False, sort=False)["received_at"].max().rename("ended").reset_index()
    return spans.astype({name: "str" for name in TEXTS if name in sort.key})


def joint(sort: Sort, *parts: pd.DataFrame) -> list[pd.Series[Any]]:
    """Return for each part when the waves of the whole began that its pieces belong to."""
    spans = pd.concat(parts, keys=range(len(parts)), names=["part", "piece"]).sort_values("began", kind="stable")
    number = spans.groupby(sort.key, observed=True, dropna=False, sort=False).ngroup()
    reached = spans["ended"].astype("int64").groupby(number).cummax().groupby(number).shift()
    apart = spans["began"].astype("int64") - reached > sort.gap // pd.Timedelta(microseconds=1)
    began = spans["began"].where(reached.isna() | apart).groupby(number).ffill()
    return [began.xs(part, level="part").sort_index() if len(spans) else began for part, spans in enumerate(parts)]


def renamed(dated: pd.DataFrame, sort: Sort, began: pd.Series[Any]) -> pd.DataFrame:
    """Name the wave of the whole that each outcome is in, once it is known when it began."""
    piece = dated.groupby([*sort.key, "began"], observed=True, dropna=False, sort=False).ngroup()
    whole = dated.assign(began=began.array.take(piece.to_numpy()))
    return named(whole, [*sort.key, "began"])


def _sizes(waves: pd.DataFrame, part: Made) -> pd.DataFrame:
    return sizes_of(waves, part.part)


def _of_all(sort: Sort, *sizes: pd.DataFrame) -> list[str]:
    """Return the names of the waves that are incidents."""
    every = pd.concat([some.set_index(some.index.astype("str")) for some in sizes])
    return list(sort.great(every.groupby(level=0).sum()))


def _only(waves: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return the outcomes of some waves."""
    return waves[waves["incident"].isin(names)]


def _to_mend(part: Made) -> pd.DataFrame:
    """Count what was refused for a cause on our side, as `repairs.found` does."""
    outcomes = part.part.outcomes
    return counted(named(outcomes[outcomes["ours"]], CAUSE).assign(believed=True))


def together(*tables: pd.DataFrame) -> pd.DataFrame:
    """Return what `incidents.counted` told of several parts as what it would of the whole."""
    spelled = {"incident": "str", "provider": "str", "cause": "str", "ips": "str"}
    stacked = pd.concat([table.reset_index().astype(spelled) for table in tables], ignore_index=True)
    ips = stacked[["incident", "ips"]].dropna()
    return stacked.groupby("incident").agg(COUNTED).assign(ips=ips.groupby("incident")["ips"].agg(_united))


def _united(lists: pd.Series[str]) -> str:
    """Return the addresses in lists of them, each once, in their order."""
    every = {ip_address(ip) for each in lists for ip in each.split("; ")}
    return "; ".join(str(ip) for ip in sorted(every, key=lambda ip: (ip.version, int(ip))))


def _causes(*tables: pd.DataFrame) -> pd.DataFrame:
    """Return the places and reasons of which an example is wanted."""
    wanted = pd.concat([table[["provider", "reason"]] for table in tables]).drop_duplicates()
    return wanted.rename(columns={"provider": "place"}).astype({"place": "str", "reason": "str"})


def _examples(part: Made, wanted: pd.DataFrame) -> pd.DataFrame:
    """Return the examples of a part that are wanted."""
    known = part.part.examples
    pairs = pd.MultiIndex.from_frame(wanted)
    return known[pd.MultiIndex.from_frame(known[["place", "reason"]].astype("str")).isin(pairs)]


def _together(*examples: pd.DataFrame) -> pd.DataFrame:
    """Return the first example of each cause."""
    return pd.concat(examples).sort_values("event_id").drop_duplicates(CAUSE)
