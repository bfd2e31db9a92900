"""Chunks in, what some work makes of their mail out, in order: in this process, or in several where that pays."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeVar

from bounces import remote, sources
from bounces.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bounces.model import Chunk, Raw

    Result = TypeVar("Result")
    Work = Callable[[Iterator[Raw]], Iterator[Result]]

AUTO = "auto"
FILES, SIZE = 1024, 8 << 20  # files, and bytes, up to which lists of files are one
FAR = 256  # far files in a list that was cut for their number, not for their size
WHOLE = 1 << 62  # bytes, more than any mailbox has
PAYS = 64 << 20  # bytes of mail that take longer to read than other processes take to start
CGROUPS = Path("/sys/fs/cgroup")


def results(chunks: Iterable[Chunk], work: Work[Result], jobs: int | str = 1) -> Iterator[Result]:
    """Yield what `work` yields of the messages in chunks, in their order.

    With several jobs, or "auto" where there is enough mail, processes of their own do the work, a chunk at a time; see `bounces.workers`.
    `work` must be picklable, and yield nothing of a message that it has not taken yet. In one process it is called once for all chunks.
    """
    if jobs == AUTO:
        jobs, chunks = _worthwhile(iter(chunks))
    if jobs == 1:
        yield from work(raw for chunk in chunks for raw in sources.everything(chunk))
    else:
        from bounces import workers  # noqa: PLC0415  (one process needs none of it)

        yield from workers.results(gathered(chunks), work, int(jobs))


def cut(jobs: int | str) -> int:
    """Return into how many bytes a mailbox is cut for so many processes; for one it isn't, so that nobody looks first where it can be."""
    return WHOLE if jobs == 1 else sources.SIZE


def settled(jobs: int | str) -> int | str:
    """Return a number of jobs, or "auto". Raise SettingsError for what is neither."""
    with suppress(ValueError):
        if jobs == AUTO or int(jobs) >= 1:
            return AUTO if jobs == AUTO else int(jobs)
    raise SettingsError(f'jobs: {jobs!r} is neither a number of processes from 1 on nor "auto"')


def cores() -> int:
    """Return how many cores this process may use: by its affinity and by the quota of its control group, at least 1."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([count, *_quotas()]))


def _quotas() -> Iterator[int]:
    """Yield the cores that the control group of this process and those around it may use (cgroup v2), where they are limited."""
    with suppress(OSError, ValueError):
        group = PurePosixPath(Path("/proc/self/cgroup").read_text(encoding="utf-8").rpartition("::")[2].strip() or "/")
        for place in (group, *group.parents):
            with suppress(OSError, ValueError):
                quota, period = (CGROUPS / place.relative_to("/") / "cpu.max").read_text(encoding="utf-8").split()
                yield math.ceil(int(quota) / int(period))  # "max" is no number, and no limit


def _worthwhile(chunks: Iterator[Chunk]) -> tuple[int, Iterator[Chunk]]:
    """Return how many processes pay, and all the chunks: one process for little mail, for one chunk, and inside a worker of somebody's."""
    count, size = cores(), 0
    ahead: list[Chunk] = []
    for chunk in chunks if count > 1 else ():
        ahead.append(chunk)
        size += _size(chunk)
        if size >= PAYS and len(ahead) > 1:
            from multiprocessing.process import current_process  # noqa: PLC0415  (little mail needs none of it)

            return 1 if current_process().daemon else count, chain(ahead, chunks)
    return 1, chain(ahead, chunks)


def gathered(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Yield chunks, with lists of small files that follow one another joined: work on many messages at once costs less."""
    held: Chunk | None = None
    size = 0
    for chunk in chunks:
        if held and _lists(held, chunk) and len(held.paths) + len(chunk.paths) <= FILES and size + _size(chunk) <= SIZE:
            held = replace(held, paths=held.paths + chunk.paths, origins=held.origins + chunk.origins)
            size += _size(chunk)
            continue
        if held:
            yield held
        held, size = chunk, _size(chunk)
    if held:
        yield held


def _lists(*chunks: Chunk) -> bool:
    """Say whether chunks are lists of whole files: neither ranges of one nor members of an archive."""
    return all(chunk.end is None and chunk.members is None for chunk in chunks)


def _size(chunk: Chunk) -> int:
    """Return the bytes of a chunk on the disk; how far files are cut into lists tells only whether they are small or many."""
    if chunk.end is not None:
        return chunk.end - chunk.start
    if remote.is_url(chunk.paths[0]):
        return SIZE * FAR // FILES if len(chunk.paths) >= FAR else SIZE + 1
    size = 0
    for path in chunk.paths:
        with suppress(OSError):
            size += Path(path).stat().st_size
    return size
