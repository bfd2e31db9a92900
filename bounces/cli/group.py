"""The command `bounces` itself, and how its errors leave."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
from typing import Any

import click

from bounces import __version__
from bounces.errors import BouncesError, RuleError
from bounces.printable import printable

USAGE = 2  # exit code: wrong usage or input

atexit.register(gc.freeze)  # else the collector looks, thrice, through all that goes with the process anyway: a twentieth of a short run


class Commands(click.Group):
    """The one place that turns an error a person can fix into one red line and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; show a BouncesError without a traceback. A TERM leaves no half-written file, as Ctrl-C does."""
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # Arrow's own allocators keep what they had
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

    A SOURCE is an mbox, a Maildir, a message (.eml), a folder or an archive (.zip .tar) of these, any of them compressed (.gz .bz2
    .xz .zst), a URL of one (s3:// gs:// az:// https:// sftp://), or "-" for standard input. What it is is recognised by its content.
    Reading changes nothing.

    Exit codes: 0 done; 1 done, but something could not be read; 2 wrong usage or input.
    """
