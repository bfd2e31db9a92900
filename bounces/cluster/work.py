"""What workers do: a chunk in, a partial report and what is told of it out; partial reports in, one or several out. It knows no Dask.

Every function is a function of what it is given alone, so that work that was lost with a worker can be done again. Mail is read in a process
beside the worker (`bounces.workers`): a message that ends or stops it costs itself only.
"""

from __future__ import annotations

import atexit
import json
import re
import sys
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from multiprocessing.process import current_process
from pathlib import Path
from socket import gethostname
from tempfile import TemporaryDirectory
from threading import Lock, Timer
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bounces import __version__, advise, sources, workers
from bounces.errors import ClusterError, WorkerError
from bounces.frames import frame
from bounces.model import Raw
from bounces.partial import Partial, partial, trimmed
from bounces.partial import merge as merged
from bounces.run import Batch, Reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from bounces.model import Chunk
    from bounces.settings import Settings

# extends = "ours.toml"
EXTENDS = re.compile(r"""^extends[ \t]*=[ \t]*(?:"[^"\n]*"|'[^'\n]*')""", re.MULTILINE)
WAYS = 8  # parts into which a partial report that is too large is split by a hash of its recipients
IDLE = 30.0  # seconds that a process beside a worker waits for the next chunk
_resting: list[tuple[Reader, workers.Pool]] = []  # these wait
_bells: list[Timer] = []  # the one that ends those
_lock = Lock()


@dataclass(frozen=True, slots=True)
class Order:
    """What workers are told of a run: what reads mail, and the texts of the files that its settings name, which they may not have."""

    reader: Reader
    files: tuple[tuple[str, str], ...] = ()
    version: str = __version__

    def local(self) -> Reader:
        """Return the reader, its settings naming copies of the files here. Raise ClusterError where another version would read."""
        if self.version != __version__:
            raise ClusterError(
                f"{gethostname()}: this worker has bounces {__version__}, and {self.version} is asked for; install the same everywhere"
            )
        scope = self.reader.scope
        return replace(self.reader, scope=scope._replace(settings=_local(scope.settings, self.files)))

    def settings(self) -> Settings:
        """Return the settings, naming copies of the files here."""
        return self.local().scope.settings


@dataclass(frozen=True, slots=True)
class Made:
    """What stays on a worker: a partial report, how many bytes it takes, and of a chunk what is told."""

    part: Partial
    size: int
    batch: Batch = field(default_factory=Batch)

    def __sizeof__(self) -> int:
        """Return the bytes, by which Dask judges a worker's memory."""
        return self.size

    def weight(self) -> int:
        """Return the bytes that splitting could lessen: none where there are not two recipients."""
        return self.size if len(self.part.latest) > 1 else 0


def order(reader: Reader) -> Order:
    """Return what workers are told; the paths of sources, and how many processes read here, are none of their business."""
    scope = reader.scope._replace(sources=(), jobs=1)
    paths = (*advise.files(scope.settings.policy), *scope.settings.rules)
    return Order(replace(reader, scope=scope), tuple((path, Path(path).read_text(encoding="utf-8")) for path in paths))


def _local(settings: Settings, files: tuple[tuple[str, str], ...]) -> Settings:
    """Return settings that name copies of files here."""
    paths = _copies(files)
    if not all(Path(path).exists() for path in paths.values()):  # somebody has tidied up
        _copies.cache_clear()
        paths = _copies(files)
    return settings._replace(policy=paths.get(settings.policy, settings.policy), rules=tuple(paths[path] for path in settings.rules))


@lru_cache(maxsize=64)
def _copies(files: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Write the texts of files into a folder of this process's own, and return their paths there by those that they have elsewhere."""
    if not files:
        return {}
    folder = TemporaryDirectory(prefix="bounces-")
    atexit.register(folder.cleanup)
    paths = {path: str(Path(folder.name, f"{number}-{Path(path).name}")) for number, (path, _) in enumerate(files)}
    for path, text in files:
        Path(paths[path]).write_text(EXTENDS.sub(lambda line: _extending(line, paths), text), encoding="utf-8")
    return paths


def _extending(line: re.Match[str], paths: dict[str, str]) -> str:
    """Return the line by which a policy extends another one, with that one's path here."""
    extended = tomllib.loads(line[0])["extends"]
    return f"extends = {json.dumps(paths[extended])}" if extended in paths else line[0]


def read(told: Order, chunk: Chunk, lost: str = "") -> Made:
    """Read a chunk; of one that is lost there is but one message that can't be read, and says why."""
    reader, whole = told.local(), Batch()
    parts = [partial(frame([], reader.scope.settings.keep_headers))]
    for batch in reader([Raw(chunk.origins[0], b"", (lost,))]) if lost else batches(reader, chunk):
        parts += [batch.part] if batch.part else []
        whole.failures.update(batch.failures)
        whole.tally.add(batch.tally)
        whole.origin = batch.origin or whole.origin
        whole.events += batch.events
        whole.unrecognized += batch.unrecognized
    return made(merged(*parts), whole)


def batches(reader: Reader, chunk: Chunk) -> Iterator[Batch]:
    """Yield what a reader makes of a chunk: in a process beside a worker of Dask's, else here."""
    if not _in_a_worker():
        yield from reader(sources.everything(chunk))
        return
    with _beside(reader) as pool:
        yield from pool.results(iter([chunk]))


def _in_a_worker() -> bool:
    """Say whether this is a worker of a Dask cluster."""
    distributed = sys.modules.get("distributed")
    try:
        return distributed is not None and distributed.get_worker() is not None
    except ValueError:
        return False


@contextmanager
def _beside(reader: Reader) -> Iterator[workers.Pool]:
    """Lend a process that reads mail for a block; it rests for a while afterwards, unless something went wrong."""
    current_process().daemon = False  # what a nanny starts is one, and would be refused children; those of ours end with it all the same
    pool = _taken(reader) or workers.Pool(reader, 1, workers.LIMIT)
    try:
        yield pool
    except WorkerError as error:
        pool.__exit__(None, None, None)
        raise WorkerError(f"a process that reads mail beside a worker: {str(error).rpartition(';')[0] or error}") from error
    except BaseException:
        pool.__exit__(None, None, None)
        raise
    bell = Timer(IDLE, rest)
    bell.daemon = True
    with _lock:
        _resting.append((reader, pool))
        for other in _bells:
            other.cancel()
        _bells[:] = [bell]
    bell.start()


def _taken(reader: Reader) -> workers.Pool | None:
    """Return a process that rests and reads as is wanted, and end one that rests and doesn't."""
    with _lock:
        fitting = next((one for one in _resting if one[0] == reader), None)
        taken = fitting or (_resting[0] if _resting else None)
        if taken:
            _resting.remove(taken)
    if taken and not fitting:
        taken[1].__exit__(None, None, None)
    return fitting[1] if fitting else None


def rest() -> None:
    """End the processes that rest: nobody has had work for them."""
    while True:
        with _lock:
            pool = _resting.pop()[1] if _resting else None
        if pool is None:
            return
        pool.__exit__(None, None, None)


def made(part: Partial, batch: Batch | None = None) -> Made:
    """Return a partial report with its size."""
    tables = (getattr(part, each.name) for each in fields(part))
    return Made(part, sum(int(table.memory_usage(deep=True).sum()) for table in tables), batch or Batch())


def told(one: Made) -> tuple[Batch, int]:
    """Return what is told of a chunk, and the bytes of its partial report."""
    return one.batch, one.weight()


def size(one: Made) -> int:
    """Return the bytes of a partial report."""
    return one.weight()


def merge(*several: Made) -> Made:
    """Return several partial reports as one."""
    return made(merged(*(one.part for one in several)))


def split(one: Made, depth: int) -> list[Made]:
    """Return a partial report in parts, each of the recipients with one value of three bits of their hash: the first three, the next …"""
    latest, outcomes, examples, suggestions = one.part.latest, one.part.outcomes, one.part.examples, one.part.suggestions
    digits, places = _digits(latest["recipient"], depth), _digits(examples["place"], depth)
    parts = []
    for digit in range(WAYS):
        mine = digits == digit
        rows = np.cumsum(mine, dtype="int32") - np.int32(1)
        numbered = (table[mine[table["recipient"]]] for table in (outcomes, suggestions))
        ours, new = (table.assign(recipient=rows[table["recipient"]]).reset_index(drop=True) for table in numbered)
        part = Partial(ours, latest[mine].reset_index(drop=True), new, examples[places == digit].reset_index(drop=True))
        parts.append(made(trimmed(part)))
    return parts


def sizes(several: Sequence[Made]) -> list[int]:
    """Return the bytes of partial reports."""
    return [one.weight() for one in several]


def item(several: Sequence[Any], number: int) -> Any:
    """Return one of several."""
    return several[number]


def _digits(texts: pd.Series[str], depth: int) -> NDArray[np.uint64]:
    """Return three bits of the hash of each text, which is the same on every machine."""
    return (pd.util.hash_array(texts.to_numpy(object)) >> np.uint64(3 * depth)) % np.uint64(WAYS)


def table(chunk: Chunk | None, order: Order) -> pd.DataFrame:
    """Return the events of a chunk as a table, as `bounces.read` does."""
    reader = order.local()
    settings = reader.scope.settings
    rows = [event for batch in (batches(reader, chunk) if chunk else ()) for event in batch.events]
    return frame(rows, settings.keep_headers, settings.names)
