"""The commands that read mail."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from bounces.cli.group import main
from bounces.cli.options import CLUSTER, JOBS, KEEP_HEADER, LANG, NAMES, POLICY, RULES, SINCE, SOURCES, STYLE, UNTIL, VERP, settings
from bounces.cli.progress import Progress, leave
from bounces.errors import OutputError
from bounces.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from bounces.run import Scope
    from bounces.settings import Settings


@main.command()
@SOURCES
@click.option(
    "-o", "--output", "outputs", multiple=True, metavar="FILE", help="Write the recipients here: .csv .jsonl .json .parquet .xlsx; may be repeated."
)
@click.option("--events", "events_file", metavar="FILE", help="Write every event here, too.")
@STYLE
@settings(POLICY, RULES, VERP, KEEP_HEADER, NAMES, LANG)
@SINCE
@UNTIL
@JOBS
@CLUSTER
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
    jobs: int | str,
    cluster: str | None,
    unrecognized: str | None,
    repairs: str | None,
) -> None:
    """Report per recipient what failed, why, and what to do.

    \b
    Example:
      bounces report inbox.mbox -o recipients.csv
    """
    from bounces import output, run, summary  # noqa: PLC0415
    from bounces.apart import check_apart  # noqa: PLC0415
    from bounces.wholefile import check_text, write_text  # noqa: PLC0415

    if "-" in {unrecognized, repairs}:
        raise OutputError(f"--{'unrecognized' if unrecognized == '-' else 'repairs'}: needs a file; standard output is for tables")
    if style == "sisimai" and not outputs:
        raise click.UsageError("--format sisimai says what -o holds: give -o FILE.json")
    check_apart([*outputs, *filter(None, [events_file, unrecognized, repairs])], sources)
    if cluster and jobs != "auto":
        raise click.UsageError("--jobs says how many processes read here, and with --cluster none does: leave it out")
    folders = [path for path in outputs if cluster and path.endswith("/") and style == "table"]
    outputs = tuple(path for path in outputs if path not in folders)
    _check(outputs, style)
    if events_file:
        output.check(events_file)
    if repairs is not None:
        if not repairs.endswith(".md"):
            raise OutputError(f"{repairs!r}: --repairs writes Markdown; give a file that ends in .md")
        check_text(repairs)
    bounced, tables = (outputs, ()) if style == "sisimai" else ((), outputs)
    scope = _scope(sources, settings, since, until, jobs)
    aside = run.Aside(events_file, unrecognized, tuple(bounced))
    with Progress() as progress:
        if cluster:
            from bounces.cluster import report as clustered  # noqa: PLC0415

            found = clustered(scope, cluster, aside, folders=folders, table=bool(tables), seen=progress.seen)
        else:
            found = run.report(scope, aside, progress.seen)
    for path in tables:
        output.write(found.recipients, path)
    if repairs:
        from bounces.repairs import markdown  # noqa: PLC0415

        write_text(markdown(found.repairs, settings.lang), repairs)
    click.echo(printable(summary.text(found, settings.lang)), err="-" in outputs or events_file == "-")
    leave(found.tally)


@main.command()
@SOURCES
@click.option(
    "-o", "--output", "path", required=True, metavar="FILE", help='Write the events here: .csv .jsonl .json .parquet .xlsx, or "-" for CSV.'
)
@STYLE
@settings(POLICY, RULES, VERP, KEEP_HEADER, NAMES)
@SINCE
@UNTIL
@JOBS
def events(
    sources: tuple[str, ...], path: str, style: str, settings: Settings, since: datetime | None, until: datetime | None, jobs: int | str
) -> None:
    """Write one row for each recipient of each message.

    \b
    Example:
      bounces events Maildir/ -o events.jsonl
    """
    from bounces import output, run  # noqa: PLC0415
    from bounces.apart import check_apart  # noqa: PLC0415

    check_apart([path], sources)
    _check([path], style)
    tally = run.Tally()
    with Progress() as progress, closing(run.scan(_scope(sources, settings, since, until, jobs), tally, progress.seen)) as found:
        if style == "sisimai":
            from bounces import sisimai  # noqa: PLC0415

            sisimai.write_events(found, path, settings.keep_headers, settings.names)
        else:
            output.write_events(found, path, settings.keep_headers, settings.names)
    leave(tally)


@main.command()
@click.argument("source", type=click.Path(allow_dash=True), metavar="FILE|-")
@click.option("--message", "number", type=click.IntRange(min=1), default=1, metavar="N", help="Which message of the file, from 1.")
@settings(POLICY, RULES, VERP, LANG)
def explain(source: str, number: int, settings: Settings) -> None:
    """Show what every stage makes of one message.

    \b
    Example:
      bounces explain inbox.mbox --message 3
    """
    from bounces import sources  # noqa: PLC0415
    from bounces.explain import explain as explained  # noqa: PLC0415

    raw = sources.nth(source, number)
    click.echo(
        printable(f"{raw.origin}\n\n{explained(raw.data, policy=settings.policy, rules=settings.rules, verp=settings.verp, lang=settings.lang)}")
    )


@main.command()
@SOURCES
@click.option("-n", "--top", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="How many texts to show.")
@click.option("-o", "--output", "path", metavar="FILE", help="Write all of them here: .csv .jsonl .json .parquet .xlsx.")
@click.option("--stub", "number", type=click.IntRange(min=1), metavar="N", help="Write an anonymised sample of the Nth text and a rule to fill in.")
@click.option("--into", "folder", metavar="FOLDER", help="Where the sample and the rule go.")
@settings(RULES, VERP)
@SINCE
@UNTIL
@JOBS
def unknown(
    sources: tuple[str, ...],
    top: int,
    path: str | None,
    number: int | None,
    folder: str | None,
    settings: Settings,
    since: datetime | None,
    until: datetime | None,
    jobs: int | str,
) -> None:
    """List the texts that no specific rule knows, the most frequent first.

    \b
    Example:
      bounces unknown inbox.mbox
      bounces unknown inbox.mbox --stub 3 --into mine
    """
    from bounces import output, run, stub, summary  # noqa: PLC0415
    from bounces.apart import check_apart  # noqa: PLC0415
    from bounces.unknown import collect, frame  # noqa: PLC0415

    if (number is None) != (folder is None):
        raise click.UsageError("--stub N and --into FOLDER need each other: which text, and where its sample and its rule go")
    if path:
        check_apart([path], sources)
        output.check(path)
    tally = run.Tally()
    with Progress() as progress:
        queue = collect(_scope(sources, settings, since, until, jobs), tally, progress.seen)
    if path:
        output.write(frame(queue.groups()), path)
    if number is not None and folder is not None:
        click.echo(printable(summary.stub(stub.write(queue, number, folder, sources, settings))), err=path == "-")
    else:
        click.echo(printable(summary.unknown(queue, top)), err=path == "-")
    leave(tally)


def _check(paths: Iterable[str], style: str) -> None:
    """Raise OutputError if a path can't be written, or holds no JSON where the format is Sisimai's."""
    from bounces import output  # noqa: PLC0415

    for path in paths:
        output.check(path, output.JSON if style == "sisimai" else output.TYPES)


def _scope(sources: tuple[str, ...], settings: Settings, since: datetime | None, until: datetime | None, jobs: int | str) -> Scope:
    """Put together what mail to look at; the dates given are UTC."""
    from datetime import UTC  # noqa: PLC0415

    from bounces import run  # noqa: PLC0415

    if since and until and since >= until:
        raise click.UsageError(f"--since {since:%Y-%m-%d} is not before --until {until:%Y-%m-%d}")
    return run.Scope(sources, settings, since and since.replace(tzinfo=UTC), until and until.replace(tzinfo=UTC), jobs)
