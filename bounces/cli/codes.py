"""The command that looks codes up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from bounces.cli.group import main
from bounces.cli.options import LOCAL
from bounces.errors import OutputError, SettingsError
from bounces.printable import printable

if TYPE_CHECKING:
    from typing import Any

    from bounces.reference.page import Page

SUFFIXES = (".md", ".html", ".json")


@main.command()
@click.argument("words", nargs=-1, metavar="[CODE [CODE]|REPLY]")
@click.option("--list", "listed", is_flag=True, help="List the codes.")
@click.option("--class", "digit", type=click.IntRange(2, 5), metavar="2|3|4|5", help="With --list: only this class.")
@click.option("--search", "wanted", default="", metavar="WORDS", help="With --list: only codes whose page says these words.")
@click.option("-o", "--output", "path", metavar="FILE", help="Write it here: .md .html .json; a list also as .csv .jsonl .parquet .xlsx.")
@click.option("--site", "folder", metavar="DIR", help="Write the whole reference as pages into a folder; in both languages, or in that of --lang.")
@LOCAL
def code(words: tuple[str, ...], listed: bool, digit: int | None, wanted: str, path: str | None, folder: str | None, lang: str | None) -> None:
    """Say what an SMTP code means, how two differ, or what a whole reply comes to.

    \b
    Example:
      bounces code 552
      bounces code 452 552
      bounces code "552 5.2.2 mailbox full"
      bounces code --list --search quota
      bounces code --site reference
    """
    from bounces import language  # noqa: PLC0415

    if bool(words) + bool(listed or digit or wanted) + bool(folder) != 1:
        raise click.UsageError('give a code ("552"), two, a reply ("552 5.2.2 mailbox full"), --list, or --site DIR')
    if folder:
        from bounces.reference.site import write  # noqa: PLC0415

        count = write(folder, [lang] if lang else language.LANGUAGES)
        click.echo(f"{folder}: {count} pages")
    elif words:
        _show(words, lang or language.default(), path)
    else:
        _list(wanted, digit, lang or language.default(), path)


def _show(words: tuple[str, ...], lang: str, path: str | None) -> None:
    """Print or write one page."""
    from bounces.reference import page  # noqa: PLC0415
    from bounces.wholefile import write_text  # noqa: PLC0415

    if path is not None and not path.endswith(SUFFIXES):
        raise OutputError(f"{path}: unknown file type; known are {', '.join(SUFFIXES)}")
    found, record = _page(tuple(word.strip() for word in words), lang)
    if path is None:
        click.echo(printable(page.text(found)))
    elif path.endswith(".json"):
        write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n", path)
    elif path.endswith(".md"):
        write_text(page.markdown(found), path)
    else:
        from bounces.reference.site import html  # noqa: PLC0415

        write_text(html(found), path)


def _page(words: tuple[str, ...], lang: str) -> tuple[Page, Any]:
    """Return the page of what was asked, and the same as plain values."""
    from bounces.analyze import classify  # noqa: PLC0415
    from bounces.reference import CODE, page, record  # noqa: PLC0415
    from bounces.reference import code as meaning  # noqa: PLC0415
    from bounces.reference.compare import compare  # noqa: PLC0415
    from bounces.summary import json_line  # noqa: PLC0415

    if len(words) == 1 and CODE.fullmatch(words[0]):
        one = meaning(words[0], lang=lang)
        return page.of_code(one), record(one)
    if len(words) == 2 and all(map(CODE.fullmatch, words)):
        two = compare(*words, lang=lang)
        return page.of_comparison(two), {"first": record(two.first), "second": record(two.second), "differences": list(two.differences)}
    reply = classify(" ".join(words))
    if reply.reply_code is None and reply.status is None:
        raise SettingsError(
            f'{" ".join(words)!r}: there is no SMTP code in it; write one like "552" or "5.2.2", or a reply like "552 5.2.2 mailbox full"'
        )
    codes = [record(meaning(one, lang=lang)) for one in (reply.reply_code, reply.status) if one]
    return page.of_reply(reply, lang), {"codes": codes, "reply": json.loads(json_line(reply))}


def _list(wanted: str, digit: int | None, lang: str, path: str | None) -> None:
    """Print or write the codes."""
    from bounces.reference import code_table, search  # noqa: PLC0415

    found = search(wanted, lang, digit=digit)
    if path is None:
        for one in found:
            click.echo(f"{one.code:<8}{printable(one.name)}")
        return
    from bounces import output  # noqa: PLC0415

    table = code_table(lang=lang)
    output.write(table[table["code"].isin([one.code for one in found])], path)
