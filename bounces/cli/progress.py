"""What a command over mail says on the way, and as it leaves."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

import click

from bounces.printable import printable

if TYPE_CHECKING:
    from bounces.run import Tally

UNREADABLE = 1  # exit code: done, but something could not be read


def leave(tally: Tally) -> None:
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

    def seen(self, messages: int, origin: str) -> None:
        """Count messages, the last of which is `origin`, and say so now and then."""
        from time import monotonic  # noqa: PLC0415

        self.messages += messages
        if self.shown and (now := monotonic()) >= self.next:
            self.next = now + self.EVERY
            click.echo(f"\r\x1b[K{self.messages:,} messages  {printable(origin)[-60:]}", nl=False, err=True)
