"""How many notices in, the peak of private memory (MB) that a report on them takes out; each is made up and tells of a recipient of its own."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bounces import advise, analyze, jobs, output, run
from bounces.model import BounceType, Event, Kind, Permanence, Raw, Reason
from tests.benchmarks.__main__ import _private

REASONS = (Reason.USER_UNKNOWN, Reason.MAILBOX_FULL, Reason.IP_BLOCKED, Reason.NETWORK_ERROR)
START = datetime(2026, 1, 1, tzinfo=UTC)


def made_up(raw, _settings):
    """Make the event of a notice by its number."""
    number, reason = int(raw.origin), REASONS[int(raw.origin) % len(REASONS)]
    name, domain = f"recipient.{number * 7919 % 1_000_003:07}", f"firm{number % 50}.example"
    row = advise.load().rows[reason]
    hard = BounceType.HARD if reason is Reason.USER_UNKNOWN else BounceType.SOFT
    event = Event(
        event_id=f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}", origin=f"inbox.mbox#{number}", kind=Kind.FAILURE, recipient=f"{name}@{domain}",
        domain=domain, reply_code="550", status="5.0.0", reason=reason, permanence=Permanence.PERMANENT, bounce_type=hard,
        blame=row.blame, recommended_action=row.recommended_action[Permanence.PERMANENT],
        diagnostic_code=f"550 5.0.0 <{name}@{domain}>: recipient address rejected, ticket {number}", received_at=START + timedelta(minutes=number),
    )  # fmt: skip
    return (event,)


def main(count):
    """Report on so many, write the files, and print the peak."""
    peak, done = 0, threading.Event()

    def look():
        nonlocal peak
        while not done.wait(0.02):
            peak = max(peak, _private(os.getpid()))

    analyze.analyze = made_up
    jobs.results = lambda _chunks, work, _jobs: work(Raw(str(number), b"") for number in range(count))
    threading.Thread(target=look, daemon=True).start()
    found = run.report(run.Scope(("made up",)))
    with tempfile.TemporaryDirectory() as folder:
        for name in ("recipients.csv", "recipients.parquet"):
            output.write(found.recipients, Path(folder, name))
    done.set()
    assert sum(map(len, found.recipients)) == count
    sys.stdout.write(f"{peak / 1e6:.1f}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
