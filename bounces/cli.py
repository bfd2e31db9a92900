"""The command line: each command parses its words, calls one public function, and prints."""

from __future__ import annotations

import signal
import sys
from functools import reduce, wraps
from typing import TYPE_CHECKING, Any, Self

import click

from bounces import __version__
from bounces.errors import BouncesError, OutputError, RuleError
from bounces.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from bounces.analyze import Settings
    from bounces.model import Kind, Raw
    from bounces.run import Scope, Tally

UNREADABLE = 1  # exit code: done, but something could not be read
USAGE = 2  # exit code: wrong usage or input

SOURCES = click.argument("sources", nargs=-1, required=True, metavar="SOURCE…", type=click.Path(allow_dash=True))
POLICY = click.option(
    "--policy", default="list", show_default=True, metavar="NAME|FILE", help='What is hard and what to do: "list", "rfc", or a TOML file.'
)
RULES = click.option("--rules", multiple=True, metavar="FILE", help="A rule file of your own beside ours; may be repeated.")
VERP = click.option(
    "--verp",
    multiple=True,
    metavar="TEMPLATE",
    help="How your own return paths name the recipient: bounces+{local}={domain}@example.org, * for what changes; may be repeated.",
)
KEEP_HEADER = click.option(
    "--keep-header", "keep_headers", multiple=True, metavar="NAME", help="A header field of the returned message to add as a column; may be repeated."
)
NAMES = click.option(
    "--names",
    multiple=True,
    metavar="SYSTEM",
    help="Add a column with the word for the reason of sisimai, sparkpost, kumomta, sendgrid or postmark; may be repeated.",
)
STYLE = click.option(
    "--format",
    "style",
    type=click.Choice(["table", "sisimai"]),
    default="table",
    show_default=True,
    help="What -o holds: our table, or the failures, delays and complaints as the JSON that Sisimai 5 writes (.json .jsonl).",
)
DATE = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"])
SINCE = click.option("--since", type=DATE, metavar="DATE", help="Only messages that arrived at this time (UTC) or later.")
UNTIL = click.option("--until", type=DATE, metavar="DATE", help="Only messages that arrived before this time (UTC).")


def settings(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Give a command these options, and hand them over as the settings of its run."""

    def decorate(command: Callable[..., None]) -> Any:
        @wraps(command)
        def run(
            policy: str,
            rules: tuple[str, ...],
            verp: tuple[str, ...] = (),
            keep_headers: tuple[str, ...] = (),
            names: tuple[str, ...] = (),
            **words: Any,
        ) -> None:
            from bounces import analyze  # noqa: PLC0415

            command(settings=analyze.checked(policy, rules, verp, keep_headers, names), **words)

        return reduce(lambda decorated, option: option(decorated), reversed(options), run)

    return decorate


class Commands(click.Group):
    """The one place that turns an error a person can fix into one red line and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; show a BouncesError without a traceback. A TERM leaves no half-written file, as Ctrl-C does."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        try:
            return super().invoke(ctx)
        except BouncesError as error:
            for line in str(error).splitlines():
                # a rule file's FILE:LINE: stands first, where editors look for it
                click.secho(printable(line if isinstance(error, RuleError) else f"bounces: {line}"), fg="red", err=True)
            ctx.exit(USAGE)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="bounces")
def main() -> None:
    """Read bounce messages and say, per recipient, what failed, why, and what to do.

    A SOURCE is an mbox, a Maildir, a message (.eml), a folder of these, any of them compressed (.gz .bz2 .xz .zst), or "-" for
    standard input. What it is is recognised by its content. Reading changes nothing.

    Exit codes: 0 done; 1 done, but something could not be read; 2 wrong usage or input.
    """


@main.command()
@SOURCES
@click.option(
    "-o", "--output", "outputs", multiple=True, metavar="FILE", help="Write the recipients here: .csv .jsonl .json .parquet .xlsx; may be repeated."
)
@click.option("--events", "events_file", metavar="FILE", help="Write every event here, too.")
@STYLE
@settings(POLICY, RULES, VERP, KEEP_HEADER, NAMES)
@SINCE
@UNTIL
@click.option("--unrecognized", metavar="FILE.mbox", help="Write the messages that are no notices to an mbox.")
@click.option("--repairs", metavar="FILE.md", help="Write what to mend on our side, by cause and provider, the most mail lost first.")
def report(
    sources: tuple[str, ...],
    outputs: tuple[str, ...],
    events_file: str | None,
    style: str,
    settings: Settings,
    since: datetime | None,
    until: datetime | None,
    unrecognized: str | None,
    repairs: str | None,
) -> None:
    """Report per recipient what failed, why, and what to do.

    \b
    Example:
      bounces report inbox.mbox -o recipients.csv
    """
    from bounces import output, run, summary  # noqa: PLC0415
    from bounces.wholefile import check_text, write_text  # noqa: PLC0415

    if "-" in {unrecognized, repairs}:
        raise OutputError(f"--{'unrecognized' if unrecognized == '-' else 'repairs'}: needs a file; standard output is for tables")
    run.check_apart([*outputs, *filter(None, [events_file, unrecognized, repairs])], sources)
    _check(outputs, style)
    if events_file:
        output.check(events_file)
    if repairs:
        check_text(repairs)
    bounced, tables = (outputs, ()) if style == "sisimai" else ((), outputs)
    scope = _scope(sources, settings, since, until)
    with Progress() as progress:
        found = run.report(scope, events_file=events_file, unrecognized=unrecognized, sisimai_files=bounced, seen=progress.seen)
    for path in tables:
        output.write(found.recipients, path)
    if repairs:
        from bounces.repairs import markdown  # noqa: PLC0415

        write_text(markdown(found.repairs), repairs)
    click.echo(printable(summary.text(found)), err="-" in outputs or events_file == "-")
    _leave(found.tally)


@main.command()
@SOURCES
@click.option(
    "-o", "--output", "path", required=True, metavar="FILE", help='Write the events here: .csv .jsonl .json .parquet .xlsx, or "-" for CSV.'
)
@STYLE
@settings(POLICY, RULES, VERP, KEEP_HEADER, NAMES)
@SINCE
@UNTIL
def events(sources: tuple[str, ...], path: str, style: str, settings: Settings, since: datetime | None, until: datetime | None) -> None:
    """Write one row for each recipient of each message.

    \b
    Example:
      bounces events Maildir/ -o events.jsonl
    """
    from bounces import output, run, sisimai  # noqa: PLC0415

    run.check_apart([path], sources)
    _check([path], style)
    tally = run.Tally()
    with Progress() as progress:
        found = run.scan(_scope(sources, settings, since, until), tally, progress.seen)
        write = sisimai.write_events if style == "sisimai" else output.write_events
        write(found, path, settings.keep_headers, settings.names)
    _leave(tally)


@main.command()
@click.argument("source", type=click.Path(allow_dash=True), metavar="FILE|-")
@click.option("--message", "number", type=click.IntRange(min=1), default=1, metavar="N", help="Which message of the file, from 1.")
@settings(POLICY, RULES, VERP)
def explain(source: str, number: int, settings: Settings) -> None:
    """Show what every stage makes of one message.

    \b
    Example:
      bounces explain inbox.mbox --message 3
    """
    from bounces import sources  # noqa: PLC0415
    from bounces.explain import explain as explained  # noqa: PLC0415

    raw = sources.nth(source, number)
    click.echo(printable(f"{raw.origin}\n\n{explained(raw.data, policy=settings.policy, rules=settings.rules, verp=settings.verp)}"))


@main.command()
@click.argument("texts", nargs=-1, metavar="[TEXT]…")
@click.option("--remote-mta", metavar="HOST", help="The server that gave the reply.")
@click.option("--format", "style", type=click.Choice(["text", "jsonl"]), default="text", show_default=True, help="For people or for programs.")
@settings(POLICY, RULES, NAMES)
def classify(texts: tuple[str, ...], remote_mta: str | None, style: str, settings: Settings) -> None:
    """Say what SMTP replies mean: those given, or one a line from standard input.

    \b
    Example:
      bounces classify "552 5.2.2 mailbox full"
    """
    from bounces import summary  # noqa: PLC0415
    from bounces.analyze import classify as classified  # noqa: PLC0415

    for text in texts or _lines():
        found = classified(text, remote_mta, policy=settings.policy, rules=settings.rules)
        if style == "jsonl":
            click.echo(summary.json_line(found, settings.names))
        else:
            click.echo(printable(summary.reply(found, settings.policy, remote_mta=remote_mta, names=settings.names)))


@main.group()
def rules() -> None:
    """Work on rule files of your own."""


@rules.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
def check(files: tuple[str, ...]) -> None:
    """Check rule files of your own: say of each problem where it is and what to do.

    Files given together are checked as they are used together. Whatever is given as --rules is checked in the same way.

    \b
    Example:
      bounces rules check rules.toml
    """
    from bounces import rulecheck  # noqa: PLC0415

    for line in rulecheck.check(files):
        click.echo(printable(line))


def _lines() -> Iterator[str]:
    """Yield the lines of standard input that aren't empty."""
    return (line.decode("utf-8", "replace").rstrip("\r\n") for line in sys.stdin.buffer if line.strip())


def _check(paths: Iterable[str], style: str) -> None:
    """Raise OutputError if a path can't be written, or holds no JSON where the format is Sisimai's."""
    from bounces import output  # noqa: PLC0415

    for path in paths:
        output.check(path, output.JSON if style == "sisimai" else output.TYPES)


def _scope(sources: tuple[str, ...], settings: Settings, since: datetime | None, until: datetime | None) -> Scope:
    """Put together what mail to look at; the dates given are UTC."""
    from datetime import UTC  # noqa: PLC0415

    from bounces import run  # noqa: PLC0415

    if since and until and since >= until:
        raise click.UsageError(f"--since {since:%Y-%m-%d} is not before --until {until:%Y-%m-%d}")
    return run.Scope(sources, settings, since and since.replace(tzinfo=UTC), until and until.replace(tzinfo=UTC))


def _leave(tally: Tally) -> None:
    """Name what could not be read, and exit with the code that says so."""
    for sentence in tally.bad_sources:
        click.secho(f"bounces: {printable(sentence)}", fg="red", err=True)
    for origin, why in tally.unreadable[:20]:
        click.echo(f"bounces: {printable(origin)}: {printable(why)}", err=True)
    if len(tally.unreadable) > 20:
        click.echo(f"bounces: and {len(tally.unreadable) - 20} more that could not be read", err=True)
    if tally.skipped:
        names = ", ".join(printable(origin) for origin, _ in tally.skipped[:3])
        click.echo(f"bounces: {len(tally.skipped)} files are no mail and were passed over: {names}{' …' if len(tally.skipped) > 3 else ''}", err=True)
    if tally.bad_sources or tally.unreadable:
        sys.exit(UNREADABLE)


class Progress:
    """A line on a terminal that counts messages; nothing where nobody looks."""

    EVERY = 0.2  # seconds between two looks

    def __init__(self) -> None:
        self.shown = sys.stderr.isatty()
        self.messages = 0
        self.next = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.shown and self.messages:
            click.echo("\r\x1b[K", nl=False, err=True)

    def seen(self, raw: Raw, kind: Kind) -> None:  # noqa: ARG002
        """Count a message, and say so now and then."""
        from time import monotonic  # noqa: PLC0415

        self.messages += 1
        if self.shown and (now := monotonic()) >= self.next:
            self.next = now + self.EVERY
            click.echo(f"\r\x1b[K{self.messages:,} messages  {printable(raw.origin)[-60:]}", nl=False, err=True)
