"""Sources in, files and a Summary out: the batch run, in bounded batches, with every message counted."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from bounces import advise, analyze, jobs, output, sources, wholefile
from bounces.decode import WORST_FIRST
from bounces.errors import SourceError
from bounces.model import Event, Kind, Raw
from bounces.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    import pandas as pd

    from bounces.model import Chunk
    from bounces.partial import Partial
    from bounces.parts import Parts

    Seen = Callable[[int, str], None]
    Failed = tuple[str | None, str | None, str | None]  # reason, bounce_type, domain

BATCH = 500  # events that are held at once
PART = 2_000  # events that become a partial report: of fewer each costs more
HELD = 4 << 20  # bytes of messages


class Scope(NamedTuple):
    """What mail a run looks at: sources, and messages that arrived from `since` on and before `until` (UTC; None is no bound).

    `jobs` is how many processes read it, "auto" as many as pay.
    """

    sources: tuple[str, ...]
    settings: Settings = Settings()
    since: datetime | None = None
    until: datetime | None = None
    jobs: int | str = 1

    def includes(self, event: Event) -> bool:
        """Say whether an event lies within the dates; one without a date does only when there are no bounds, or nothing could be read."""
        if (self.since is None and self.until is None) or event.kind is Kind.UNREADABLE:
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

    def add(self, other: Tally) -> None:
        """Add what another part of the run has read."""
        self.kinds.update(other.kinds)
        self.outside += other.outside
        self.unreadable += other.unreadable
        self.skipped += other.skipped
        self.bad_sources += other.bad_sources


class Summary(NamedTuple):
    """What a run found.

    `recipients` is the table of `bounces.report`, in slices, as often as it is asked for; `incidents` that of `bounces.incidents`, `repairs`
    that of `bounces.repairs`; `failures` counts failed deliveries by reason, bounce_type and domain.
    """

    tally: Tally
    recipients: Iterable[pd.DataFrame]
    incidents: pd.DataFrame
    repairs: pd.DataFrame
    failures: pd.DataFrame


@dataclass(slots=True)
class Batch:
    """What some messages came to: their counts, and of the rest what a run wants."""

    tally: Tally = field(default_factory=Tally)
    origin: str = ""
    events: list[Event] = field(default_factory=list)
    part: Partial | None = None
    failures: Counter[Failed] = field(default_factory=Counter)
    unrecognized: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reader:
    """What a run makes of messages, batch by batch, here or in other processes: picklable, and so are the batches.

    It wants the events, or a partial report, or the unrecognized messages themselves, or several of these.
    """

    scope: Scope
    events: bool = False
    part: bool = False
    unrecognized: bool = False

    def __call__(self, raws: Iterable[Raw]) -> Iterator[Batch]:
        """Yield batches; each is complete."""
        batch, held, most = Batch(), 0, PART if self.part else BATCH
        for raw in raws:
            held += self._add(batch, raw)
            if len(batch.events) + batch.tally.outside >= most or held >= HELD:
                yield self._finished(batch)
                batch, held = Batch(), 0
        if batch.tally.messages or batch.tally.skipped:
            yield self._finished(batch)

    def _add(self, batch: Batch, raw: Raw) -> int:
        """Add a message; return how many of its bytes are held."""
        if raw.skipped:
            batch.tally.skipped.append((raw.origin, raw.skipped))
            return 0
        events, tally = analyze.analyze(raw, self.scope.settings), batch.tally
        batch.origin = raw.origin
        if not self.scope.includes(events[0]):
            tally.outside += 1
            return 0
        kind = message_kind(events)
        tally.kinds[kind] += 1
        batch.events += events
        if kind is Kind.UNREADABLE:
            tally.unreadable.append((raw.origin, "; ".join(events[0].defects)))
        if self.unrecognized and kind is Kind.UNRECOGNIZED:
            batch.unrecognized.append(raw.data)
            return len(raw.data)
        return 0

    def _finished(self, batch: Batch) -> Batch:
        """Return a batch with what is wanted of its events."""
        if self.part:
            from bounces.frames import frame  # noqa: PLC0415  (pandas is loaded when a table is wanted)
            from bounces.partial import READ, partial  # noqa: PLC0415

            batch.failures.update((event.reason, event.bounce_type, event.domain) for event in batch.events if event.kind is Kind.FAILURE)
            batch.part = partial(frame(batch.events, self.scope.settings.keep_headers, only=READ))
        if not self.events:
            batch.events.clear()
        return batch


def batches(reader: Reader, tally: Tally, seen: Seen | None = None) -> Generator[Batch]:
    """Yield what a reader makes of all sources in order, and count the messages; `seen` is told how many more, and where.

    A bad source among good ones is named in the tally. Raise SourceError when none could be read.
    """
    for batch in jobs.results(_chunks(reader.scope, tally), reader, reader.scope.jobs):
        tally.add(batch.tally)
        if seen is not None:
            seen(batch.tally.messages, batch.origin)
        yield batch
    if len(tally.bad_sources) == len(reader.scope.sources):
        raise SourceError("\n".join(tally.bad_sources))


def _chunks(scope: Scope, tally: Tally) -> Iterator[Chunk]:
    """Plan the work on all sources."""
    for source in scope.sources:
        try:
            yield from sources.chunks(source, size=jobs.cut(scope.jobs), skipped=lambda origin, why: tally.skipped.append((origin, why)))
        except SourceError as error:
            tally.bad_sources.append(str(error))


def scan(scope: Scope, tally: Tally, seen: Seen | None = None) -> Generator[Event]:
    """Yield the events of all sources in order; as `batches`."""
    for batch in batches(Reader(scope, events=True), tally, seen):
        yield from batch.events


def message_kind(events: Sequence[Event]) -> Kind:
    """Return what a message is as a whole: of several recipients' kinds the worst."""
    kinds = [event.kind for event in events]
    return kinds[0] if len(kinds) == 1 else next((kind for kind in WORST_FIRST if kind in kinds), kinds[0])


def report(scope: Scope, aside: Aside | None = None, seen: Seen | None = None) -> Summary:
    """Read mail and summarise it by recipient; on the way write the files `aside`, whole or not at all."""
    import pyarrow as pa  # noqa: PLC0415

    from bounces.frames import frame  # noqa: PLC0415
    from bounces.partial import partial  # noqa: PLC0415
    from bounces.parts import Parts  # noqa: PLC0415

    aside, tally, parts = aside or Aside(), Tally(), Parts()
    failures: Counter[Failed] = Counter()
    parts.add(partial(frame([], scope.settings.keep_headers)))  # so that there is one

    def collected() -> Generator[Batch]:
        with closing(batches(aside.reader(scope), tally, seen)) as made:
            for batch in made:
                failures.update(batch.failures)
                if batch.part is not None:
                    parts.add(batch.part)
                    batch.part = None  # what is merged is not to be held by it, too
                    pa.default_memory_pool().release_unused()  # what making it took
                yield batch

    aside.write(collected(), scope.settings)
    return _summary(parts, tally, failures, scope.settings)


def _summary(parts: Parts, tally: Tally, failures: Counter[Failed], settings: Settings) -> Summary:
    """Return the tables."""
    from bounces.causes import causes  # noqa: PLC0415
    from bounces.spool import Spool  # noqa: PLC0415
    from bounces.summarize import finished  # noqa: PLC0415

    policy, lang = advise.load(settings.policy), settings.lang
    slices: Spool[Partial] = Spool()
    for part in parts.slices():
        slices.put(part)
    waves, mend = causes(slices, policy, lang)
    recipients: Spool[pd.DataFrame] = Spool()
    for part in slices:
        recipients.put(finished(part, waves.of(part.outcomes["event_id"]), policy, names=settings.names, lang=lang))
    return Summary(tally, recipients, waves.table, mend, failure_table(failures))


class Aside(NamedTuple):
    """The files that are written while mail is read: events, the unrecognized messages, bounces as Sisimai writes them."""

    events: str | None = None
    unrecognized: str | None = None
    sisimai: tuple[str, ...] = ()

    def reader(self, scope: Scope) -> Reader:
        """Return what reads all that they and a report need."""
        return Reader(scope, events=bool(self.events or self.sisimai), part=True, unrecognized=bool(self.unrecognized))

    def write(self, made: Generator[Batch], settings: Settings) -> None:
        """Take all batches, and write the files, whole or not at all."""
        from bounces import sisimai  # noqa: PLC0415  (its name is a field here, too)

        with ExitStack() as files:
            mbox = files.enter_context(wholefile.mbox(self.unrecognized)) if self.unrecognized else None
            write = files.enter_context(sisimai.files(self.sisimai, settings.keep_headers, settings.names))
            files.enter_context(closing(made))

            def passing() -> Iterator[Event]:
                for batch in made:
                    if mbox is not None:
                        for message in batch.unrecognized:
                            mbox(message)
                    for event in batch.events:
                        write(event)
                        yield event

            events = output.reading(passing())
            if self.events:
                output.write_events(events, self.events, settings.keep_headers, settings.names)
            for _ in events:
                pass


def failure_table(failures: Mapping[Failed, int]) -> pd.DataFrame:
    """Return numbers of failures as a table, in the order in which the first of each came."""
    import pandas as pd  # noqa: PLC0415

    return pd.DataFrame([(*key, number) for key, number in failures.items()], columns=["reason", "bounce_type", "domain", "failures"])
