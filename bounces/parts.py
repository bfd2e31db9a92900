"""Partials in, as they come, out one for each slice of the recipients, in order; in between they wait in a file, so that memory doesn't grow.

It is a merge sort: Partials of about one size are merged; one of RUN events or more is cut into pieces by recipient, which go to the file: a
run. RUNS runs are merged into a longer one, and in the end all that are left: of their pieces always those that tell of the next recipients.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import chain, count, pairwise
from typing import TYPE_CHECKING

from bounces.partial import Partial, cut, merge, trimmed
from bounces.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WAITING = 3  # partial reports of one size that wait before they are merged into one: each holds its recipients
RUN = 15_000  # events of a partial report that goes to the file
RUNS = 16  # runs of one length that are merged into a longer one
PIECE = 500  # recipients that a piece of a run tells of
PIECES = 20  # pieces that are merged at once
SLICE = 3_000  # recipients in a slice


class Parts:
    """Partial reports, of which few recipients are held. Raise OutputError when there is no room for temporary files."""

    def __init__(self) -> None:
        """Begin with none."""
        self._tiers: list[list[Partial]] = []
        self._spool = Spool[Partial]()
        self._reach: list[tuple[str, str]] = []  # of each piece its first and its last recipient
        self._levels: list[list[list[int]]] = []  # by how often they were merged the runs: the numbers of their pieces

    def add(self, part: Partial) -> None:
        """Add a partial report; of what was read twice one counts, as when they are merged."""
        for tier in count():
            if len(part.outcomes) >= RUN:
                self._put([part])
                return
            if tier == len(self._tiers):
                self._tiers.append([])
            waiting = self._tiers[tier]
            waiting.append(part)
            if len(waiting) < WAITING:
                return
            part = merge(*waiting)
            waiting.clear()

    def slices(self) -> Iterator[Partial]:
        """Yield what is known of the first recipients, of those that follow, and so on: at least one, however few there are."""
        if waiting := list(chain.from_iterable(reversed(self._tiers))):  # the earlier first
            self._tiers.clear()
            self._put([merge(*waiting)])
            del waiting
        yield from self._merged([run for runs in self._levels for run in runs])

    def _merged(self, runs: list[list[int]]) -> Iterator[Partial]:
        """Merge runs into slices."""
        pieces = [(number, *self._reach[number]) for run in runs for number in run]
        starts = dict.fromkeys(sorted(first for _, first, _ in pieces)[::PIECES])
        for low, high in pairwise([*starts, None]):
            told = [number for number, first, last in pieces if last >= (low or "") and (high is None or first < high)]
            yield from _cut(merge(*(_between(self._spool.get(number), low or "", high) for number in told)), SLICE)

    def _put(self, parts: Iterable[Partial], level: int = 0) -> None:
        """Put the pieces of partial reports that follow one another into the file, as a run."""
        run: list[int] = []
        for piece in (piece for part in parts for piece in _cut(part, PIECE)):
            names = piece.latest["recipient"]
            run.append(len(self._spool))
            self._reach.append((names.iloc[0], names.iloc[-1]) if len(names) else ("", ""))
            self._spool.put(piece)
        if level == len(self._levels):
            self._levels.append([])
        self._levels[level].append(run)
        if len(self._levels[level]) == RUNS:
            runs, self._levels[level] = self._levels[level], []
            self._put(self._merged(runs), level + 1)


def _cut(part: Partial, size: int) -> Iterator[Partial]:
    """Yield a partial report in pieces that tell of so many recipients each, at least one."""
    count = len(part.latest)
    return map(trimmed, cut(part, [*range(0, max(count, 1), size), count]))


def _between(part: Partial, low: str, high: str | None) -> Partial:
    """Return what a partial report tells of the recipients from one on and before another."""
    names = part.latest["recipient"].array
    start, end = bisect_left(names, low), len(names) if high is None else bisect_left(names, high)
    return part if (start, end) == (0, len(names)) else next(cut(part, [start, end]))
