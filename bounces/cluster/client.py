"""A scheduler's address in, a Cluster out: work is submitted, and what is told of it comes as it is done; trouble becomes a sentence."""

from __future__ import annotations

import logging
from contextlib import suppress
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from itertools import count
from queue import Empty, SimpleQueue
from secrets import token_hex
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

from bounces import __version__
from bounces.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from distributed import Client, Future

    Then = Callable[[Any], None]

GONE = "the scheduler is gone, or cannot be reached any more; run it again"
NOISY = ("distributed", "distributed.client", "distributed.core", "asyncio", "tornado.application")  # loggers
NEEDED = "needs bounces[cluster]: pip install 'bounces[cluster]'"
CONNECTING = 10.0  # seconds
PATIENCE = 60.0  # seconds that a run waits for workers where there are none
LOOK = 1.0  # seconds between two looks at whether the cluster is still there
TRIES = 2  # times that work is done again that raised something


class Cluster:
    """A Dask cluster, for a block: futures of what stays on workers, and callbacks for what comes from there."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.run = token_hex(4)
        self.numbers = count()
        self.done: SimpleQueue[Future] = SimpleQueue()
        self.pending: dict[str, tuple[Then, Then | None]] = {}
        self.futures: WeakSet[Future] = WeakSet()  # what was submitted and is still wanted
        self.threads = 0
        self.looked = self.alive = monotonic()
        self.client: Client
        self.levels: dict[str, int] = {}

    def __enter__(self) -> Self:
        """Connect. Raise ClusterError."""
        try:
            from distributed import Client  # noqa: PLC0415  (a second, and an extra)
        except ImportError as error:
            raise ClusterError(f"--cluster {NEEDED}") from error
        self.levels = {name: logging.getLogger(name).level for name in NOISY}
        for name in NOISY:  # what goes wrong is told by an error
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            self.client = Client(self.address, timeout=CONNECTING, set_as_default=False)
        except (OSError, ValueError) as error:
            self._speak()
            raise ClusterError(
                f"{self.address}: no scheduler answers there: {str(error) or type(error).__name__}; start one with `dask scheduler`, "
                "and give its address as tcp://HOST:8786"
            ) from error
        try:
            self._check()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Disconnect, which cancels what is not done."""
        self._leave()

    def _leave(self) -> None:
        try:
            self.client.close()
        finally:
            self._speak()

    def _speak(self) -> None:
        """Let Dask say what it has to say again."""
        for name, level in self.levels.items():
            logging.getLogger(name).setLevel(level)

    def submit(self, function: Callable[..., Any], *args: Any) -> Future:
        """Have a worker do something; its result stays there."""
        key = f"bounces-{function.__name__.strip('_')}-{self.run}-{next(self.numbers)}"
        future = self.client.submit(function, *args, key=key, pure=False, retries=TRIES)
        self.futures.add(future)
        return future

    def tell(self, future: Future, then: Then, killed: Then | None = None) -> None:
        """Fetch a result when it is there, and hand it over; instead `killed` is told why work that ends its workers isn't tried any more."""
        self.pending[future.key] = (then, killed)
        future.add_done_callback(self.done.put)

    def step(self) -> None:
        """Wait for one result, and hand it over. Raise ClusterError when there is nobody left who could work."""
        while True:
            with suppress(Empty):
                future = self.done.get(timeout=LOOK)
                break
            self._look()
        if monotonic() - self.looked > LOOK:
            self._look()
        if future.key in self.pending:
            then, killed = self.pending.pop(future.key)
            self._hand_over(future, then, killed)

    def settle(self) -> None:
        """Wait for all results that were asked for."""
        while self.pending:
            self.step()

    def stop(self) -> None:
        """Cancel all work, and wait until workers are done with what they have begun, which nobody can stop."""
        with suppress(OSError, TimeoutError):
            self.client.cancel(list(self.futures), force=True)
            end = monotonic() + PATIENCE
            while any(self.client.run(_is_busy, on_error="ignore").values()) and monotonic() < end:
                sleep(LOOK)

    def fetch(self, future: Future) -> Any:
        """Return a result; meanwhile others are handed over."""
        found: list[Any] = []
        self.tell(future, found.append)
        while not found:
            self.step()
        return found[0]

    def _hand_over(self, future: Future, then: Then, killed: Then | None) -> None:
        """Hand a result over, or raise what went wrong as a sentence."""
        from concurrent.futures import CancelledError  # noqa: PLC0415

        from distributed import KilledWorker  # noqa: PLC0415
        from distributed.comm import CommClosedError  # noqa: PLC0415

        while True:
            try:
                result = future.result(timeout=LOOK)
                break
            except TimeoutError:
                if future.status == "error":  # it was the work itself that raised this
                    raise ClusterError(f"{self.address}: {future.key}: a worker waited too long for something; run it again") from None
                self._look()  # the result was lost with its worker, and is made again
            except KilledWorker as error:
                why = f"the workers that did it ended, {error.allowed_failures + 1} times"
                if killed is None:
                    raise ClusterError(f"{self.address}: {future.key}: {why}; give them more memory") from error
                killed(why)
                return
            except (CancelledError, CommClosedError) as error:
                raise ClusterError(f"{self.address}: {GONE}") from error
            except ImportError as error:
                raise ClusterError(f"{self.address}: a worker lacks something: {error}; install the same there as here") from error
            except (OSError, MemoryError) as error:
                raise ClusterError(f"{self.address}: {future.key}: a worker failed: {error or type(error).__name__}") from error
        then(result)

    def _look(self) -> None:
        """Count the workers' threads. Raise ClusterError when there have been none for long, or when the scheduler is gone."""
        try:
            self.threads = sum(self.client.nthreads().values())
        except (OSError, TimeoutError) as error:
            raise ClusterError(f"{self.address}: {GONE}") from error
        self.looked = monotonic()
        if self.threads:
            self.alive = self.looked
        elif self.looked - self.alive > PATIENCE:
            raise ClusterError(f"{self.address}: has no workers; start some with `dask worker {self.address}`")

    def _check(self) -> None:
        """Wait for workers, and see that they have what they need. Raise ClusterError."""
        with suppress(TimeoutError):
            self.client.wait_for_workers(1, timeout=PATIENCE)
        self._look()
        for worker, version in self.client.run(installed, "bounces", on_error="return").items():
            if isinstance(version, PackageNotFoundError):
                raise ClusterError(f"{worker}: this worker lacks bounces: pip install 'bounces[cluster]=={__version__}' there")
            if isinstance(version, str) and version != __version__:
                raise ClusterError(f"{worker}: this worker has bounces {version}, and here it is {__version__}; install the same everywhere")

    def memory(self) -> int:
        """Return the least memory that a thread of a worker has, in bytes; 0 where nobody limits it."""
        told = self.client.scheduler_info(n_workers=-1)["workers"].values()
        return min((int(worker["memory_limit"] / worker["nthreads"]) for worker in told if worker["memory_limit"]), default=0)


def _is_busy(dask_worker: Any) -> bool:
    """Say whether a worker does something."""
    return bool(dask_worker.state.executing)
