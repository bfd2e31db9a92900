"""Sources and a Dask cluster in, the same report as of one machine out, or a dask.dataframe of events: the same chunks, read by many machines.

import bounces

events = bounces.cluster.events(["s3://my-bucket/2026-03-01/"])     # lazily: a dask.dataframe with the columns of bounces.read
events.groupby("reason", observed=True).size().compute()

It needs bounces[cluster], on all machines alike. Workers read mail at its URL, and local paths where they see the same files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bounces import advise
from bounces.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import dask.dataframe as dd

    from bounces.run import Aside, Scope, Seen, Summary

__all__ = ["events", "report"]


def report(  # noqa: PLR0913  (what is wanted of a run, each by its name)
    scope: Scope,
    address: str,
    aside: Aside | None = None,
    *,
    folders: Sequence[str] = (),
    table: bool = True,
    seen: Seen | None = None,
    limit: int | None = None,
) -> Summary:
    """Read mail on the workers of the scheduler at an address, and summarise it by recipient as `run.report` does, byte for byte.

    `aside` are files that are written here on the way; into `folders` workers write the recipients' table in Parquet parts. Without `table`
    that of the summary has but the column `recommended_action`. `limit` are the bytes of a partial report above which it is split by its
    recipients; by default a part of a worker's memory. Raise SourceError, OutputError, or ClusterError when the cluster isn't there.
    """
    from bounces.cluster import folder, plan, result, work  # noqa: PLC0415  (they load pandas)
    from bounces.cluster.client import Cluster  # noqa: PLC0415
    from bounces.cluster.tree import Tree  # noqa: PLC0415
    from bounces.run import Aside, Summary, Tally, failure_table  # noqa: PLC0415

    plan.check(scope.sources)
    folders = [folder.absolute(each) for each in folders]
    for each in folders:
        folder.check(each)
    aside, tally, settings = aside or Aside(), Tally(), scope.settings
    order = work.order(aside.reader(scope))
    with Cluster(address) as cluster:
        tree, reading = Tree(cluster, limit), plan.Reading(cluster, order, seen)
        aside.write(reading.batches(scope, tally, tree), settings)
        recipients, waves = result.recipients(cluster, tree.leaves(), order, advise.load(settings.policy), folders=folders, table=table)
    return Summary(tally, [recipients], waves.incidents, waves.repairs, failure_table(reading.failures))


def events(  # noqa: PLR0913  (as bounces.read)
    sources: str | Path | Iterable[str | Path],
    *,
    policy: str = "list",
    rules: Iterable[str] = (),
    verp: Iterable[str] = (),
    keep_headers: Iterable[str] = (),
    names: Iterable[str] = (),
) -> dd.DataFrame:
    """Return the events of mail as a dask.dataframe, lazily: the columns and dtypes of `bounces.read`, a row for each recipient of each message.

    A source is a URL, or a path that the workers see, too; the options are those of `bounces.read`. A partition is a chunk: a range of about 8
    MB of a mailbox, some hundred messages of a folder, in the order of the sources; the index counts the rows of each. Planning lists the
    sources at once, mail is read when a result is wanted, by the current `distributed.Client` if there is one, and again for each result:
    `persist()` keeps it. Raise SourceError for a source that isn't there, PolicyError, RuleError or SettingsError for an option that isn't
    valid, ClusterError where dask is missing.
    """
    try:
        import dask.dataframe as dd  # noqa: PLC0415  (slow, and an extra)
        from dask import config  # noqa: PLC0415
    except ImportError as error:
        raise ClusterError("bounces.cluster needs bounces[cluster]: pip install 'bounces[cluster]'") from error
    from bounces.cluster import plan, work  # noqa: PLC0415
    from bounces.frames import frame  # noqa: PLC0415
    from bounces.run import Reader, Scope  # noqa: PLC0415
    from bounces.settings import checked  # noqa: PLC0415

    settings = checked(policy, rules, verp, keep_headers, names)
    paths = tuple(map(str, [sources] if isinstance(sources, str) or not hasattr(sources, "__iter__") else sources))
    plan.check(paths)
    chunks = plan.whole(paths)
    order = work.order(Reader(Scope((), settings), events=True))
    with config.set({"dataframe.convert-string": False}):  # to a type of text that is not the one of pandas itself
        return dd.from_map(work.table, chunks, order=order, meta=frame([], settings.keep_headers, settings.names), label="bounces-events")
