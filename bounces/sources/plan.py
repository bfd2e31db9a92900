"""A source in, chunks of work out: whichever process reads them, together they are all of its mail, each message once."""

# a Path would write "./x" as "x", but an origin is the path as given
# ruff: noqa: PTH109, PTH116, PTH117, PTH118

from __future__ import annotations

import logging
import os
import stat
from typing import TYPE_CHECKING

from bounces.errors import SourceError
from bounces.model import Chunk
from bounces.sources import archives, content, files, maildir, mbox, spool
from bounces.sources.content import Content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FILES = 256  # single messages in one chunk
WANTED = "give a mailbox (mbox or Maildir), a message (.eml) or a folder of them"


def chunks(source: str, size: int, skipped: Callable[[str, str], None]) -> Iterator[Chunk]:
    """Yield the chunks of one source, as in bounces.sources.chunks."""
    if source == "-":
        yield from _file(spool.standard_input(), source, size)
        return
    try:
        mode = os.stat(source).st_mode
    except OSError as error:
        raise SourceError(f"{source}: {archives.unreadable(error)}; check the path") from error
    except ValueError as error:
        raise SourceError(f"{source!r}: {error}; check the path") from error
    if stat.S_ISDIR(mode):
        yield from _folder(source, size, skipped)
    elif stat.S_ISREG(mode):
        yield from _file(_absolute(source), source, size)
    elif stat.S_ISFIFO(mode):
        yield from _file(spool.pipe(source), source, size)
    else:
        raise SourceError(f"{source}: neither a file nor a folder; {WANTED}")


def log(origin: str, reason: str) -> None:
    """Log what was skipped."""
    logging.getLogger("bounces").info("%s: skipped: %s", origin, reason)


def _file(path: str, origin: str, size: int) -> Iterator[Chunk]:
    """Yield the chunks of a file that the user named; an archive too damaged to tell what it held is left for reading to report."""
    try:
        seen = archives.peek(path)
    except archives.DamagedError:
        yield Chunk((path,), (origin,))
        return
    except OSError as error:
        raise SourceError(f"{origin}: {archives.unreadable(error)}; check its permissions") from error
    kind = content.recognize(seen.head)
    if kind is Content.OTHER:
        raise SourceError(f"{origin}: {content.describe(seen.head)}; {WANTED}")
    if kind is Content.MBOX:
        yield from _mbox(path, origin, size, seen)
    elif kind is Content.MESSAGE:
        yield Chunk((path,), (origin,))


def _folder(folder: str, size: int, skipped: Callable[[str, str], None]) -> Iterator[Chunk]:
    """Yield the chunks of a folder in the order of its paths; raises SourceError when it holds neither mail nor an empty mailbox."""
    try:
        os.scandir(folder).close()
    except OSError as error:
        raise SourceError(f"{folder}: {archives.unreadable(error)}; check its permissions") from error
    held: list[str] = []
    any_mail = False
    for place in files.walk(folder, skipped):
        kind, seen = _look(place)
        if kind is Content.OTHER:
            skipped(place.path, content.describe(seen.head))
            continue
        any_mail = True
        if kind is Content.MBOX:
            yield from _lists(held)
            held.clear()
            yield from _mbox(_absolute(place.path), place.path, size, seen)
        elif kind is Content.MESSAGE:
            held.append(place.path)
        elif kind is Content.MAILDIR:
            held += maildir.messages(place.path)
        if len(held) >= FILES:
            yield from _lists(held)
            held.clear()
    yield from _lists(held)
    if not any_mail:
        raise SourceError(f"{folder}: holds no mail; {WANTED}")


def _look(place: files.Place) -> tuple[Content, archives.Beginning]:
    """Return what a place in a folder holds, and how it begins; what can't be read passes for a message: reading it will tell."""
    if place.is_maildir:
        return Content.MAILDIR, archives.NOTHING
    try:
        seen = archives.peek(place.path)
    except OSError:
        return Content.MESSAGE, archives.NOTHING
    return content.recognize(seen.head), seen


def _mbox(path: str, origin: str, size: int, seen: archives.Beginning) -> Iterator[Chunk]:
    """Yield an mbox in ranges, or a compressed one, which can be read from its beginning only, in one chunk."""
    if seen.compression:
        yield Chunk((path,), (origin,))
    else:
        start, newline = content.mbox_start(seen.head), mbox.line_end(seen.head)
        yield from mbox.ranges(Chunk((path,), (origin,), start, seen.size), newline, size)


def _lists(origins: list[str]) -> Iterator[Chunk]:
    """Yield chunks of whole files."""
    for at in range(0, len(origins), FILES):
        some = tuple(origins[at : at + FILES])
        yield Chunk(tuple(map(_absolute, some)), some)


def _absolute(path: str) -> str:
    """Return a path that holds in a process with another working directory; os.path.abspath would resolve ".." past links."""
    return path if os.path.isabs(path) else os.path.join(os.getcwd(), path)
