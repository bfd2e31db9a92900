"""Chunks in, what some work makes of their mail out, in order, made by other processes; a message that ends or stops one costs itself only.

A worker is sent chunks, never mail, and answers with pickled results. It writes into shared memory which message it is at: when it dies,
or stays there for too long, that message becomes one that can't be read, and another worker does the rest of the chunk. What is held is
bounded: a worker has at most AHEAD chunks whose results have not all been fetched. The processes are spawned, for a fork copies
threads' locks in a state that nobody will end; so a script must have its `if __name__ == "__main__":`.
"""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import traceback
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import count, islice
from multiprocessing import connection
from os import _exit
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Self, TypeVar

from bounces import sources
from bounces.errors import WorkerError
from bounces.model import Raw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.connection import Connection
    from types import TracebackType

    from bounces.model import Chunk

    Result = TypeVar("Result")
    Work = Callable[[Iterator[Raw]], Iterator[Result]]

LIMIT = 60.0  # seconds that one message may take
AHEAD = 2  # chunks of a worker: one in work, and one so that it need not wait for the next
LOOK = 0.5  # seconds between two looks at where the workers are
START = 60.0  # seconds that a worker may take to start, beside the limit
TRIES = 3  # workers in a row that end before they have read anything
DIED = "cannot be read: the process that read it ended"
HUNG = "cannot be read: it took longer than {limit:g} seconds"
REST = "the rest, up to {last}: {why}"


@dataclass(frozen=True, slots=True)
class _Order:
    """What a worker is told: a chunk, how many messages of it are done, which are not to be read and why, and where to end and why."""

    serial: int
    chunk: Chunk
    done: int = 0
    lost: dict[int, str] = field(default_factory=dict)
    end: int | None = None


@dataclass(slots=True)
class _Task:
    """A chunk in the making: what has arrived of its results, as (kind, pickled)."""

    order: _Order
    arrived: deque[tuple[bytes, bytes]] = field(default_factory=deque)
    finished: bool = False


def results(chunks: Iterable[Chunk], work: Work[Result], jobs: int, limit: float = LIMIT) -> Iterator[Result]:
    """Yield what `work` yields of the messages in chunks, in their order, done by `jobs` processes.

    `work` is called with the messages of each chunk; it must be picklable, and yield nothing of a message that it hasn't taken yet. What it
    raises is raised here. `limit` are the seconds that one message may take. Raise WorkerError when no process can work.
    """
    with Pool(work, jobs, limit) as pool:
        yield from pool.results(iter(chunks))


class Pool:
    """The workers, and the tasks in the order of their chunks. Inside its block `results` may be called again and again: they stay."""

    def __init__(self, work: Work[Any], jobs: int, limit: float) -> None:
        self.work, self.jobs, self.limit = work, jobs, limit
        self.workers: list[_Worker] = []
        self.tasks: deque[_Task] = deque()
        self.serials = count(1)
        self.failed = 0  # workers in a row

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for worker in self.workers:
            worker.process.kill()  # all of them, before any is waited for
        for worker in self.workers:
            worker.end()

    def results(self, chunks: Iterator[Chunk]) -> Iterator[Any]:
        """Yield the results."""
        while self._hand_out(chunks):
            head = self.tasks[0]
            self._fetch(wait=not (head.arrived or head.finished))
            if head.arrived:
                kind, data = head.arrived.popleft()
                result = pickle.loads(data)  # noqa: S301  (our own worker wrote it)
                if kind == b"x":
                    raise result
                yield result
            elif head.finished:
                self.tasks.popleft()

    def _hand_out(self, chunks: Iterator[Chunk]) -> bool:
        """Give chunks to workers, starting those that are missing; say whether there is a task left."""
        while len(self.tasks) < AHEAD * self.jobs:
            chunk = next(chunks, None)
            if chunk is None:
                break
            if len(self.workers) < self.jobs and all(worker.tasks for worker in self.workers):
                self.workers.append(_Worker(self.work, deque()))
            task = _Task(_Order(next(self.serials), chunk))
            self.tasks.append(task)
            min(self.workers, key=lambda worker: len(worker.tasks)).give(task)
        return bool(self.tasks)

    def _fetch(self, *, wait: bool) -> None:
        """Take what workers have sent, and replace those that ended or hang."""
        places = {worker.connection: place for place, worker in enumerate(self.workers)}
        for ready in connection.wait(list(places), min(LOOK, self.limit / 4) if wait else 0):
            place = places[ready]  # type: ignore[index]
            if self.workers[place].take():
                self.failed = 0
            else:
                self._replace(place, DIED)
        if wait:
            for place, worker in enumerate(self.workers):
                if worker.waited() > (self.limit if worker.at() is not None else self.limit + START):
                    self._replace(place, HUNG.format(limit=self.limit))

    def _replace(self, place: int, why: str) -> None:
        """Start another worker in the place of one that is of no use any more; it goes on after the message that this one was at."""
        worker = self.workers[place]
        worker.end()
        at = worker.at()
        if worker.tasks and at is not None:
            worker.tasks[0].order = _without(worker.tasks[0].order, at, why)
        elif worker.tasks:
            self.failed += 1
            if self.failed >= TRIES:
                raise WorkerError(f"the processes that read mail end as they start (exit code {worker.exit_code}); one process needs none: --jobs 1")
        self.workers[place] = _Worker(self.work, worker.tasks)


def _without(order: _Order, at: int, why: str) -> _Order:
    """Return an order that spares the message which a worker was at; if that was spared already, it is reading that fails: the rest is given up."""
    if at not in order.lost:
        return replace(order, lost=order.lost | {at: why})
    if order.end == order.done:
        raise WorkerError(f"{order.chunk.origins[0]}: {why}, without having read anything")
    return replace(order, end=at if order.end is None else order.done)


class _Worker:
    """A process with its tasks: sent already, the first one in work."""

    def __init__(self, work: Work[Any], tasks: deque[_Task]) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.place = context.RawArray("q", 2)  # the serial of an order, and the message of its chunk that is read
        self.process = context.Process(target=_serve, args=(theirs, self.place, work), daemon=True)
        with _undisturbed():
            self.process.start()
        theirs.close()
        self.seen, self.since = (0, 0), monotonic()
        self.exit_code: int | None = None
        self.tasks: deque[_Task] = deque()
        for task in tasks:
            self.give(task)

    def give(self, task: _Task) -> None:
        """Send a task."""
        if not self.tasks:
            self.since = monotonic()
        self.tasks.append(task)
        with suppress(OSError):  # it has ended: fetching will tell
            self.connection.send(task.order)

    def take(self) -> bool:
        """Take what the worker has sent; return False when it has ended."""
        try:
            message = self.connection.recv_bytes()
        except (EOFError, OSError):
            return False
        task = self.tasks[0]
        kind, done, data = message[:1], int.from_bytes(message[1:9]), message[9:]
        task.order = replace(task.order, done=done)
        if kind == b"e":
            task.finished = True
            self.tasks.popleft()
        else:
            task.arrived.append((kind, data))
        self.since = monotonic()
        return True

    def at(self) -> int | None:
        """Return the message of the first task that the worker is at; None when it isn't at one whose results are still to come."""
        serial, place = self.place
        order = self.tasks[0].order if self.tasks else None
        return place if order and serial == order.serial and place >= order.done else None

    def waited(self) -> float:
        """Return for how many seconds a worker that has tasks has been at one message."""
        where = (self.place[0], self.place[1])
        if where != self.seen or not self.tasks:
            self.seen, self.since = where, monotonic()
        return monotonic() - self.since

    def end(self) -> None:
        """End the process, whatever it does."""
        self.process.kill()
        self.process.join()
        self.exit_code = self.process.exitcode
        self.connection.close()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep Ctrl-C from what is started in a block: a terminal sends it to all processes, and ours ends the others."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(theirs: Connection, place: Any, work: Work[Any]) -> None:
    """Do what a worker does: read chunks until nobody sends any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_follow, daemon=True).start()
    with suppress(EOFError, OSError):  # who started us is gone
        while True:
            _do(theirs.recv(), theirs, place, work)


def _follow() -> None:
    """End when whoever started this process does: nobody else would end it while it hangs in a message."""
    if parent := multiprocessing.parent_process():
        parent.join()
        _exit(1)


def _do(order: _Order, theirs: Connection, place: Any, work: Work[Any]) -> None:
    """Carry out an order: send each result behind the number of messages that are done with it."""
    done = order.done

    def taken() -> Iterator[Raw]:
        nonlocal done
        for raw in _messages(order, place):
            done += 1
            yield raw

    try:
        for result in work(taken()):
            theirs.send_bytes(b"r" + done.to_bytes(8) + pickle.dumps(result, pickle.HIGHEST_PROTOCOL))
    except MemoryError:
        _exit(1)  # another one has all its memory before it
    except (EOFError, BrokenPipeError):
        raise
    except Exception as error:  # noqa: BLE001  (it is raised where the results are fetched)
        error.add_note("".join(traceback.format_exception(error)))
        theirs.send_bytes(b"x" + done.to_bytes(8) + pickle.dumps(error))
    theirs.send_bytes(b"e" + done.to_bytes(8))


def _messages(order: _Order, place: Any) -> Iterator[Raw]:
    """Yield the messages that are left to do, and tell on the way which one it is; a lost one is a Raw that says why."""
    place[1], place[0] = order.done, order.serial
    for number, raw in enumerate(islice(sources.everything(order.chunk), order.end) if order.end != order.done else ()):
        if number >= order.done:
            why = order.lost.get(number)
            yield Raw(raw.origin, b"", (why,)) if why else raw
            place[1] = number + 1
    if order.end is not None:
        last, why = order.chunk.origins[-1], next(reversed(order.lost.values()))
        yield Raw(f"{last}#{order.chunk.first + order.end}" if order.chunk.numbered else last, b"", (REST.format(last=last, why=why),))
