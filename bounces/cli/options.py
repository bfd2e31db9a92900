"""The options that several commands share."""

from __future__ import annotations

from functools import reduce, wraps
from typing import TYPE_CHECKING, Any

import click

from bounces.language import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Callable

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
LANG = click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="The language of sentences.")
LOCAL = click.option("--lang", type=click.Choice(LANGUAGES), help="The language; by default that of your locale, if we speak it.")
DATE = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"])
SINCE = click.option("--since", type=DATE, metavar="DATE", help="Only messages that arrived at this time (UTC) or later.")
UNTIL = click.option("--until", type=DATE, metavar="DATE", help="Only messages that arrived before this time (UTC).")


def _jobs(_: click.Context, __: click.Parameter, value: str) -> int | str:
    from bounces.jobs import settled  # noqa: PLC0415

    return settled(value)


JOBS = click.option(
    "--jobs",
    default="auto",
    show_default=True,
    metavar="N|auto",
    callback=_jobs,
    help='How many processes read mail: a number, or "auto": one for little mail, else one for each core.',
)
CLUSTER = click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Have the workers of a Dask scheduler read the mail, tcp://HOST:8786 (bounces[cluster]); -o FOLDER/ then has them write Parquet parts.",
)


def settings(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Give a command these options, and hand them over as the settings of its run."""

    def decorate(command: Callable[..., None]) -> Any:
        @wraps(command)
        def run(
            rules: tuple[str, ...],
            policy: str = "list",
            verp: tuple[str, ...] = (),
            keep_headers: tuple[str, ...] = (),
            names: tuple[str, ...] = (),
            lang: str = "en",
            **words: Any,
        ) -> None:

            from bounces.settings import checked  # noqa: PLC0415

            command(settings=checked(policy, rules, verp, keep_headers, names, lang), **words)

        return reduce(lambda decorated, option: option(decorated), reversed(options), run)

    return decorate
