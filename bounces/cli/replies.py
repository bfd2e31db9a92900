"""The commands about replies and rules, without mail."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from bounces.cli.group import main
from bounces.cli.options import LANG, NAMES, POLICY, RULES, settings
from bounces.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.settings import Settings


@main.command()
@click.argument("texts", nargs=-1, metavar="[TEXT]…")
@click.option("--remote-mta", metavar="HOST", help="The server that gave the reply.")
@click.option("--format", "style", type=click.Choice(["text", "jsonl"]), default="text", show_default=True, help="For people or for programs.")
@settings(POLICY, RULES, NAMES, LANG)
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
            click.echo(printable(summary.reply(found, settings, remote_mta)))


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
