"""Futures of partial reports in, few out: merged on the workers, several at a time; what outgrows a node is split by its recipients."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from bounces.cluster import work

if TYPE_CHECKING:
    from distributed import Future

    from bounces.cluster.client import Cluster

    Path = tuple[int, ...]  # of a part: the values of the bits of the hash, three by three

FAN = 8  # partial reports that are merged at once
PORTION = 32  # of the memory that a thread has a partial report takes no more than this part: a merge holds FAN, and more for a moment
LIMIT = 128 << 20  # bytes, where nobody limits memory
DEPTH = 21  # times that a hash of 64 bits can be used


class Tree:
    """What waits to be merged, by its part and how many it has come from."""

    def __init__(self, cluster: Cluster, limit: int | None = None) -> None:
        self.cluster = cluster
        self.limit = limit or cluster.memory() // PORTION or LIMIT
        self.waiting: defaultdict[Path, defaultdict[int, list[Future]]] = defaultdict(lambda: defaultdict(list))
        self.divided: set[Path] = set()

    def add(self, made: Future, size: int, path: Path = (), tier: int = 0) -> None:
        """Add a partial report of so many bytes."""
        if size > self.limit and len(path) < DEPTH:
            self._split(made, path)
            return
        waiting = self.waiting[path][tier]
        waiting.append(made)
        if len(waiting) == FAN:
            self.waiting[path][tier] = []
            self._merge(waiting, path, tier + 1)

    def leaves(self) -> list[Future]:
        """Merge and split what is left, and return a partial report for each part: at least one, each recipient in one of them."""
        while not self._settled():
            for path, tiers in list(self.waiting.items()):
                left = list(chain.from_iterable(tiers.values()))
                if path in self.divided:
                    del self.waiting[path]
                    for made in left:
                        self._split(made, path)
                elif len(left) > 1:
                    del self.waiting[path]
                    for at in range(0, len(left), FAN):
                        self._merge(left[at : at + FAN], path, 0)
        return [made for path in sorted(self.waiting) for made in chain.from_iterable(self.waiting[path].values())]

    def _settled(self) -> bool:
        """Wait for what is in work, and say whether all is as it should be."""
        self.cluster.settle()
        return all(sum(map(len, tiers.values())) == (path not in self.divided) for path, tiers in self.waiting.items())

    def _merge(self, several: list[Future], path: Path, tier: int) -> None:
        """Merge partial reports of one part."""
        made = self.cluster.submit(work.merge, *several)
        self.cluster.tell(self.cluster.submit(work.size, made), partial(self._sized, made, path, tier))

    def _sized(self, made: Future, path: Path, tier: int, size: int) -> None:
        self.add(made, size, path, tier)

    def _split(self, made: Future, path: Path) -> None:
        """Split a partial report."""
        self.divided.add(path)
        parts = self.cluster.submit(work.split, made, len(path))
        futures = [self.cluster.submit(work.item, parts, number) for number in range(work.WAYS)]
        self.cluster.tell(self.cluster.submit(work.sizes, parts), partial(self._divided, futures, path))

    def _divided(self, futures: list[Future], path: Path, sizes: list[int]) -> None:
        for number, (made, size) in enumerate(zip(futures, sizes, strict=True)):
            self.add(made, size, (*path, number))
