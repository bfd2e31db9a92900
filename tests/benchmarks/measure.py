"""An engine and a mailbox in, a line of JSON out: messages, CPU seconds of the work and of the start: `python -m tests.benchmarks.measure`."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH = 500  # messages that are read before they are parsed, so that reading isn't counted


def main(engine: str, path: str) -> None:
    """Run an engine over a mailbox."""
    begin = time.process_time()
    work = ENGINES[engine]()
    start = time.process_time() - begin
    messages, seconds = work(path)
    print(json.dumps({"messages": messages, "seconds": seconds, "start": start}))


def _events() -> Callable[[str], tuple[int, float]]:
    from bounces import output, run
    from bounces.settings import checked

    settings = checked()

    def work(path: str) -> tuple[int, float]:
        begin, tally = time.process_time(), run.Tally()
        target = Path(f"{path}.events.jsonl")
        output.write_events(run.scan(run.Scope((path,), settings), tally), target)
        seconds = time.process_time() - begin
        target.unlink()
        return tally.messages, seconds

    return work


def _report() -> Callable[[str], tuple[int, float]]:
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # as the command does
    import pandas as pd  # noqa: F401  (its start is counted apart)

    from bounces import output, run
    from bounces.settings import checked

    settings = checked()

    def work(path: str) -> tuple[int, float]:
        begin, target = time.process_time(), Path(f"{path}.recipients.csv")
        found = run.report(run.Scope((path,), settings))
        output.write(found.recipients, target)
        seconds = time.process_time() - begin
        target.unlink()
        return found.tally.messages, seconds

    return work


def _parsing(parse: Callable[[bytes], object]) -> Callable[[str], tuple[int, float]]:
    """Return what counts the CPU time of parsing alone; an engine that gives up on a message has had its time, too."""
    from bounces import sources

    def work(path: str) -> tuple[int, float]:
        messages, seconds = 0, 0.0
        found = (raw.data for chunk in sources.chunks(path) for raw in sources.read(chunk))
        while batch := list(islice(found, BATCH)):
            begin = time.process_time()
            for data in batch:
                with suppress(Exception):
                    parse(data)
            seconds += time.process_time() - begin
            messages += len(batch)
        return messages, seconds

    return work


def _fast_mail_parser() -> Callable[[str], tuple[int, float]]:
    import fast_mail_parser

    return _parsing(lambda data: fast_mail_parser.parse_email_tree(data, mode="lazy"))


def _email() -> Callable[[str], tuple[int, float]]:
    import email

    return _parsing(email.message_from_bytes)


def _flufl() -> Callable[[str], tuple[int, float]]:
    import email

    from flufl.bounce import scan_message

    return _parsing(lambda data: scan_message(email.message_from_bytes(data)))


def _flanker() -> Callable[[str], tuple[int, float]]:
    import contextlib

    with contextlib.redirect_stderr(io.StringIO()):
        from flanker import mime

    return _parsing(mime.from_string)


ENGINES = {"events": _events, "report": _report, "fast-mail-parser": _fast_mail_parser, "email": _email, "flufl.bounce": _flufl, "flanker": _flanker}

if __name__ == "__main__":
    main(*sys.argv[1:])
