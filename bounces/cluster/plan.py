"""Sources in, chunks out, a bounded number of them at work; what is told of each comes back in the order of the sources."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, cast

from bounces import jobs, remote, sources
from bounces.cluster import work
from bounces.errors import SourceError
from bounces.model import Chunk
from bounces.run import Batch, Tally

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from distributed import Future

    from bounces.cluster.client import Cluster
    from bounces.cluster.tree import Tree
    from bounces.run import Failed, Scope, Seen

BUSY = 3  # chunks for each thread: one in work, and so many that it need not wait for the next
AHEAD = 64  # chunks for each thread that may be done before one that takes long; a few where their events come here, too
AHEAD_WITH_EVENTS = 6
TRIES = 2  # times that a chunk may end as many workers as the scheduler allows
LOST = "cannot be read: {why}; it stands for all of its part of the mail, up to {last}"


def check(paths: Iterable[str]) -> None:
    """Raise SourceError for a source that another machine can't read."""
    for path in paths:
        if path == "-" or (not remote.is_url(path) and Path(path).is_fifo()):
            raise SourceError(f"{path}: the workers of a cluster cannot read it; give a URL, or a path that they see, too")


def planned(paths: Iterable[str]) -> Iterator[Chunk | Tally]:
    """Yield chunks, small ones that follow one another joined, and where it was noted what was no mail or a bad source."""
    for is_chunk, some in groupby(_noted(paths), key=lambda one: isinstance(one, Chunk)):
        yield from jobs.gathered(cast("Iterator[Chunk]", some)) if is_chunk else some  # noqa: B031  (either is taken once)


def whole(paths: Iterable[str]) -> list[Chunk | None]:
    """Return all chunks of sources, or None where there is no mail. Raise SourceError."""
    return [*jobs.gathered(chunk for path in paths for chunk in sources.chunks(path))] or [None]


def _noted(paths: Iterable[str]) -> Iterator[Chunk | Tally]:
    """Yield chunks, and before each, or at the end of a source, what was noted while it was planned."""
    for path in paths:
        noted = Tally()
        chunks = sources.chunks(path, skipped=lambda origin, why: noted.skipped.append((origin, why)))  # noqa: B023  (called below)
        while True:
            chunk = None
            try:
                chunk = next(chunks, None)
            except SourceError as error:
                noted.bad_sources.append(str(error))
            if noted.skipped or noted.bad_sources:
                yield noted
                noted = Tally()
            if chunk is None:
                break
            yield chunk


class Reading:
    """The chunks of a run on a cluster."""

    def __init__(self, cluster: Cluster, order: work.Order, seen: Seen | None) -> None:
        self.cluster, self.order, self.seen = cluster, order, seen
        self.ahead = AHEAD_WITH_EVENTS if order.reader.events or order.reader.unrecognized else AHEAD
        self.ready: dict[int, Batch] = {}  # by the number of its chunk
        self.failures: Counter[Failed] = Counter()
        self.busy = 0

    def batches(self, scope: Scope, tally: Tally, tree: Tree) -> Generator[Batch]:
        """Yield what was told of each chunk, in order, and count it; the partial reports go to the tree.

        A bad source among good ones is named in the tally. Raise SourceError when none could be read.
        """
        plan = planned(scope.sources)
        more, given, taken = True, 0, 0
        while more or taken < given:
            while more and self.busy < BUSY * max(self.cluster.threads, 1) and given - taken < self.ahead * max(self.cluster.threads, 1):
                one = next(plan, None)
                more = one is not None
                if one is not None:
                    self._give(given, one, tree)
                    given += 1
            if taken not in self.ready and taken < given:
                self.cluster.step()
            while taken in self.ready:
                batch = self.ready.pop(taken)
                taken += 1
                tally.add(batch.tally)
                self.failures.update(batch.failures)
                yield batch
        if len(tally.bad_sources) == len(scope.sources):
            raise SourceError("\n".join(tally.bad_sources))

    def _give(self, number: int, one: Chunk | Tally, tree: Tree) -> None:
        """Have a chunk read; what was noted is ready."""
        if isinstance(one, Tally):
            self.ready[number] = Batch(one)
            return
        self.busy += 1
        self._read(number, one, tree, self.cluster.submit(work.read, self.order, one))

    def _read(self, number: int, chunk: Chunk, tree: Tree, made: Future, *, tries: int = TRIES) -> None:
        """Take what is told of a chunk; should it end the workers themselves, it is tried anew, then given up."""
        lost = partial(self._lost, number, chunk, tree, tries - 1) if tries else None
        self.cluster.tell(self.cluster.submit(work.told, made), partial(self._told, number, made, tree), lost)

    def _told(self, number: int, made: Future, tree: Tree, told: tuple[Batch, int]) -> None:
        self.ready[number], size = told
        self.busy -= 1
        tree.add(made, size)
        if self.seen is not None:
            self.seen(told[0].tally.messages, told[0].origin)

    def _lost(self, number: int, chunk: Chunk, tree: Tree, tries: int, why: str) -> None:
        """Read a chunk anew, for it may have been another's fault; in the end one message that can't be read stands for it."""
        sentence = "" if tries else LOST.format(why=why, last=chunk.origins[-1])
        self._read(number, chunk, tree, self.cluster.submit(work.read, self.order, chunk, sentence), tries=tries)
