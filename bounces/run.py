"""Sources in, files and a Summary out: the batch run, in bounded batches, with every message counted."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from bounces import advise, analyze, output, remote, sisimai, sources, wholefile
from bounces.decode import WORST_FIRST
from bounces.errors import OutputError, SourceError
from bounces.model import Event, Kind, Raw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    import pandas as pd

    from bounces.partial import Partial

BATCH = 10_000  # events that are held before they become part of a partial report
WAITING = 16  # partial reports that wait before they are merged into one


@dataclass(frozen=True, slots=True)
class Scope:
    """What mail a run looks at: sources, and messages that arrived from `since` on and before `until` (UTC; None is no bound)."""

    sources: tuple[str, ...]
    settings: analyze.Settings = field(default_factory=analyze.Settings)
    since: datetime | None = None
    until: datetime | None = None

    def includes(self, event: Event) -> bool:
        """Say whether an event lies within the dates; one without a date does only when there are no bounds."""
        if self.since is None and self.until is None:
            return True
        when = event.received_at
        return when is not None and (self.since is None or when >= self.since) and (self.until is None or when < self.until)


@dataclass(slots=True)
class Tally:
    """What a run has read: each message once, by its kind or as outside the dates; and by name, what was no mail or could not be read."""

    kinds: Counter[Kind] = field(default_factory=Counter)
    outside: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    bad_sources: list[str] = field(default_factory=list)

    @property
    def messages(self) -> int:
        """Return the number of messages read."""
        return self.kinds.total() + self.outside


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run found.

    `recipients` is the table of `bounces.report`, `incidents` that of `bounces.incidents`, `repairs` that of `bounces.repairs`; `failures`
    counts failed deliveries by reason, bounce_type and domain.
    """

    tally: Tally
    recipients: pd.DataFrame
    incidents: pd.DataFrame
    repairs: pd.DataFrame
    failures: pd.DataFrame


def check_apart(paths: Sequence[str], mail: Sequence[str]) -> None:
    """Raise OutputError if two outputs are one file, or if one would replace mail that is read."""
    for number, path in enumerate(paths):
        if any(_same(path, other) for other in paths[:number]):
            raise OutputError(f"{path}: is given for two outputs; choose another path for one of them")
        for source in mail:
            if "-" not in {path, source} and (_same(path, source) or _is_mail_inside(path, source)):
                raise OutputError(f"{path}: holds mail that is read from {source}; choose another path")


def _same(one: str, other: str) -> bool:
    """Say whether two paths are one file."""
    return one == other or Path(one).resolve() == Path(other).resolve()


def _is_mail_inside(path: str, folder: str) -> bool:
    """Say whether a path is a message or a mailbox in a folder; a URL is in that which it begins with."""
    if remote.is_url(path):
        if not path.startswith(folder.rstrip("/") + "/"):
            return False
    elif not (Path(path).is_file() and Path(folder).is_dir() and Path(path).resolve().is_relative_to(Path(folder).resolve())):
        return False
    try:
        return any(True for _ in sources.chunks(path))
    except SourceError:
        return False


def scan(scope: Scope, tally: Tally, seen: Callable[[Raw, Kind], None] | None = None) -> Iterator[Event]:
    """Yield the events of all sources in order, and count the messages; `seen` is told of each message and its kind.

    A bad source among good ones is named in the tally. Raise SourceError when none could be read.
    """
    for source in scope.sources:
        try:
            for raw, events in analyze.messages(source, scope.settings, skipped=lambda origin, why: tally.skipped.append((origin, why))):
                if not scope.includes(events[0]):
                    tally.outside += 1
                    continue
                kind = message_kind(events)
                tally.kinds[kind] += 1
                if kind is Kind.UNREADABLE:
                    tally.unreadable.append((raw.origin, "; ".join(events[0].defects)))
                if seen is not None:
                    seen(raw, kind)
                yield from events
        except SourceError as error:
            tally.bad_sources.append(str(error))
    if len(tally.bad_sources) == len(scope.sources):
        raise SourceError("\n".join(tally.bad_sources))


def message_kind(events: Sequence[Event]) -> Kind:
    """Return what a message is as a whole: of several recipients' kinds the worst."""
    kinds = {event.kind for event in events}
    return next((kind for kind in WORST_FIRST if kind in kinds), events[0].kind)


def report(
    scope: Scope,
    *,
    events_file: str | None = None,
    unrecognized: str | None = None,
    sisimai_files: Sequence[str] = (),
    seen: Callable[[Raw, Kind], None] | None = None,
) -> Summary:
    """Read mail and summarise it by recipient; on the way write the events to a file, the bounces to files as Sisimai writes them.

    The unrecognized messages go to an mbox. All these files appear whole or not at all.
    """
    tally, collector = Tally(), _Collector(scope.settings)
    with ExitStack() as files:
        mbox = files.enter_context(wholefile.mbox(unrecognized)) if unrecognized else None
        write = files.enter_context(sisimai.files(sisimai_files, scope.settings.keep_headers, scope.settings.names))

        def watch(raw: Raw, kind: Kind) -> None:
            if mbox is not None and kind is Kind.UNRECOGNIZED:
                mbox(raw.data)
            if seen is not None:
                seen(raw, kind)

        events = collector.passing(output.reading(scan(scope, tally, watch)), write)
        if events_file:
            output.write_events(events, events_file, scope.settings.keep_headers, scope.settings.names)
        for _ in events:
            pass
    return collector.summary(tally)


class _Collector:
    """Makes a partial report of the events that pass, batch by batch, so that what is held grows with recipients and not with mail."""

    def __init__(self, settings: analyze.Settings) -> None:
        self.settings = settings
        self.partials: list[Partial] = []
        self.failures: Counter[tuple[str | None, str | None, str | None]] = Counter()

    def passing(self, events: Iterable[Event], write: Callable[[Event], None]) -> Iterator[Event]:
        """Yield each event after it has been collected and written."""
        stream = iter(events)
        while batch := list(islice(stream, BATCH)):
            self._add(batch)
            for event in batch:
                write(event)
                yield event

    def _add(self, batch: list[Event]) -> None:
        from bounces.frames import frame  # noqa: PLC0415  (pandas is loaded when a table is wanted)
        from bounces.partial import merge, partial  # noqa: PLC0415

        self.failures.update((event.reason, event.bounce_type, event.domain) for event in batch if event.kind is Kind.FAILURE)
        self.partials.append(partial(frame(batch, self.settings.keep_headers)))
        if len(self.partials) >= WAITING:
            self.partials = [merge(*self.partials)]

    def summary(self, tally: Tally) -> Summary:
        """Return the tables."""
        import pandas as pd  # noqa: PLC0415

        from bounces.frames import frame  # noqa: PLC0415
        from bounces.incidents import find  # noqa: PLC0415
        from bounces.partial import merge, partial  # noqa: PLC0415
        from bounces.repairs import found  # noqa: PLC0415
        from bounces.summarize import finished  # noqa: PLC0415

        merged = merge(*(self.partials or [partial(frame([], self.settings.keep_headers))]))
        policy = advise.load(self.settings.policy)
        lang = self.settings.lang
        waves = find(merged, policy, lang)
        failures = pd.DataFrame([(*key, count) for key, count in self.failures.items()], columns=["reason", "bounce_type", "domain", "failures"])
        return Summary(
            tally, finished(merged, waves, policy, names=self.settings.names, lang=lang), waves.table, found(merged, policy, lang), failures
        )
