"""Measure `bounces events` and `report` beside others on the same generated mailboxes, and print one table: `python -m tests.benchmarks`."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.generate import LARGE, SMALL, maildir, mbox

ROOT = Path(__file__).parent.parent.parent
SEED = 1
SIZES = {"1k": 1_000, "10k": 10_000, "100k": 100_000, "1M": 1_000_000}
OURS = ("events", "report")
OTHERS = {"fast-mail-parser": "fast_mail_parser", "email": "email", "flufl.bounce": "flufl.bounce", "flanker": "flanker"}
OTHERS_UP_TO = 20_000  # messages that the slow ones are given: what they take for each doesn't change
SAMPLING = 0.02  # seconds between two looks at a process's memory


class Measured(NamedTuple):
    """What an engine took for a mailbox: messages, CPU seconds of the work and of the start, seconds on the clock, peak of private memory (MB)."""

    messages: int
    seconds: float
    start: float
    clock: float
    memory: float


def measured(engine: str, path: Path) -> Measured:
    """Run an engine in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.measure", engine, str(path)]
    begin, peak = time.perf_counter(), 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}) as process:
        while process.poll() is None:
            peak = max(peak, _private(process.pid))
            time.sleep(SAMPLING)
        clock = time.perf_counter() - begin
        assert process.stdout is not None
        told = json.loads(process.stdout.read())
    return Measured(told["messages"], told["seconds"], told["start"], clock, peak / 1e6)


def _private(pid: int) -> int:
    """Return the bytes of memory that are a process's own; 0 where the system doesn't tell."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))


def best(engine: str, path: Path, times: int) -> Measured:
    """Return the quickest of several runs."""
    return min((measured(engine, path) for _ in range(times)), key=lambda one: one.seconds)


def mailboxes(folder: Path, sizes: list[str]) -> list[tuple[str, Path, int]]:
    """Generate the mailboxes: of each size an mbox, of the smallest a Maildir, and one of 5,000 large originals."""
    found = []
    for size in sizes:
        found.append((f"{size} mbox", folder / f"{size}.mbox", SIZES[size]))
        mbox(found[-1][1], SEED, SIZES[size], SMALL)
    found += [("1k Maildir", folder / "1k", 1_000), ("5k mbox, 130 KB", folder / "5k-large.mbox", 5_000)]
    maildir(folder / "1k", SEED, 1_000)
    mbox(folder / "5k-large.mbox", SEED, 5_000, LARGE)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("sizes", nargs="*", choices=[*SIZES, []], help="1k, 10k, 100k (these are the default), 1M")
    parser.add_argument("--times", type=int, default=3, metavar="N", help="how often to run each; the quickest counts (default: 3)")
    parser.add_argument("--million", action="store_true", help="a million notices, too")
    told = parser.parse_args()
    sizes = (told.sizes or ["1k", "10k", "100k"]) + (["1M"] if told.million else [])
    others = [name for name, module in OTHERS.items() if importlib.util.find_spec(module.partition(".")[0])]
    heads = ["messages/s", "MB/s", "CPU s", "start s", "private MB", *(f"× {name}" for name in others)]
    print(f"{'':24}", *(f"{head:>{max(len(head), 10)}}" for head in heads))
    with tempfile.TemporaryDirectory(prefix="bounces-benchmark-") as folder:
        for name, path, count in mailboxes(Path(folder), sizes):
            size = sum(file.stat().st_size for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file())
            asked = {other: count <= OTHERS_UP_TO or other == "fast-mail-parser" for other in others}
            theirs = {other: best(other, path, told.times) if asked[other] else None for other in others}
            for command in OURS:
                ours = best(command, path, told.times)
                cells = [
                    f"{ours.messages / ours.seconds:,.0f}",
                    f"{size / ours.seconds / 1e6:.1f}",
                    f"{ours.seconds:.2f}",
                    f"{ours.start:.2f}",
                    f"{ours.memory:.0f}",
                    *(f"{ours.seconds / ours.messages / (one.seconds / one.messages):.2f}" if one else "-" for one in theirs.values()),
                ]
                print(f"{f'{name}, {command}':24}", *(f"{cell:>{max(len(head), 10)}}" for cell, head in zip(cells, heads, strict=True)), flush=True)


if __name__ == "__main__":
    main()
