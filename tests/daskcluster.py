"""A real Dask scheduler and real workers, processes on loopback, ended by their own ids."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DASK = Path(sys.executable).with_name("dask")
TESTS = Path(__file__).parent


class Cluster:
    """The scheduler's address, and the workers: one thread each."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.environment = {**os.environ, **environment, "PYTHONPATH": str(TESTS)}  # what is deadly lies there
        self.processes: list[subprocess.Popen] = []
        file = folder / "scheduler.json"
        self._start("scheduler", "--port", "0", "--no-show", "--scheduler-file", str(file))
        deadline = time.monotonic() + 60
        while not (file.exists() and file.read_text(encoding="utf-8").strip().endswith("}")):
            assert time.monotonic() < deadline
            assert self.processes[0].poll() is None
            time.sleep(0.05)
        self.address = json.loads(file.read_text(encoding="utf-8"))["address"]

    def worker(self, *, nanny: bool = False) -> subprocess.Popen:
        """Start a worker, which a nanny starts again when it dies, or not."""
        return self._start("worker", self.address, "--nthreads", "1", "--local-directory", str(self.folder), "--nanny" if nanny else "--no-nanny")

    def _start(self, *words: str) -> subprocess.Popen:
        with (self.folder / "log").open("ab") as log:
            self.processes.append(
                subprocess.Popen([DASK, *words, "--host", "127.0.0.1", "--no-dashboard"], env=self.environment, stdout=log, stderr=log)
            )
        return self.processes[-1]

    def end(self) -> None:
        """End all processes."""
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def started(folder: Path, *, workers: int = 0, nanny: bool = False, **environment: str) -> Iterator[Cluster]:
    """Run a cluster for a block."""
    cluster = Cluster(folder, **environment)
    try:
        for _ in range(workers):
            cluster.worker(nanny=nanny)
        yield cluster
    finally:
        cluster.end()
