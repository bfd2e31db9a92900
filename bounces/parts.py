"""Partials in, as they come, out one for each slice of the recipients, in order; in between they wait in a file, so that memory doesn't grow.

It is a merge sort: Partials of about one size are merged, those of RUN events and more are cut into pieces by recipient and go to the file,
and of all pieces those that tell of the next recipients are merged.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import chain, count, pairwise
from typing import TYPE_CHECKING

from bounces.partial import Partial, cut, merge, trimmed
from bounces.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator

WAITING = 3  # partial reports of one size that wait before they are merged into one: each holds its recipients
RUN = 15_000  # events of a partial report that goes to the file
PIECE = 500  # recipients that a piece of it tells of
PIECES = 20  # pieces that are merged at once
SLICE = 3_000  # recipients in a slice


class Parts:
    """Partial reports, of which all that is held is bounded. Raise OutputError when there is no room for temporary files."""

    def __init__(self) -> None:
        """Begin with none."""
        self._tiers: list[list[Partial]] = []
        self._spool = Spool[Partial]()
        self._reach: list[tuple[str, str]] = []  # of each piece its first and its last recipient

    def add(self, part: Partial) -> None:
        """Add a partial report; of what was read twice one counts, as when they are merged."""
        for tier in count():
            if len(part.outcomes) >= RUN:
                self._put(part)
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
            self._put(merge(*waiting))
            del waiting
        starts = dict.fromkeys(sorted(first for first, _ in self._reach)[::PIECES])
        for low, high in pairwise([*starts, None]):
            told = [number for number, (first, last) in enumerate(self._reach) if last >= (low or "") and (high is None or first < high)]
            yield from _cut(merge(*(_between(self._spool.get(number), low or "", high) for number in told)), SLICE)

    def _put(self, part: Partial) -> None:
        """Put the pieces of a partial report into the file."""
        for piece in _cut(part, PIECE):
            names = piece.latest["recipient"]
            self._reach.append((names.iloc[0], names.iloc[-1]) if len(names) else ("", ""))
            self._spool.put(piece)


def _cut(part: Partial, size: int) -> Iterator[Partial]:
    """Yield a partial report in pieces that tell of so many recipients each, at least one."""
    count = len(part.latest)
    return map(trimmed, cut(part, [*range(0, max(count, 1), size), count]))


def _between(part: Partial, low: str, high: str | None) -> Partial:
    """Return what a partial report tells of the recipients from one on and before another."""
    names = part.latest["recipient"].array
    start, end = bisect_left(names, low), len(names) if high is None else bisect_left(names, high)
    return part if (start, end) == (0, len(names)) else next(cut(part, [start, end]))
