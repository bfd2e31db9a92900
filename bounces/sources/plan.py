"""A source, a path or a URL, in, chunks of work out: whichever process reads them, together they are all of its mail, each message once."""

# a Path would write "./x" as "x", but an origin is the path as given
# ruff: noqa: PTH109, PTH116, PTH117, PTH118

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from bounces import remote
from bounces.errors import SourceError
from bounces.model import Chunk
from bounces.remote.trouble import RemoteError
from bounces.sources import archives, content, files, maildir, mbox, spool
from bounces.sources.content import Content

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

FILES = 256  # single messages in one chunk
WANTED = "give a mailbox (mbox or Maildir), a message (.eml) or a folder of them"


def chunks(source: str, size: int, skipped: Callable[[str, str], None]) -> Iterator[Chunk]:
    """Yield the chunks of one source, as in bounces.sources.chunks."""
    if source == "-":
        yield from _file(spool.standard_input(), source, size)
        return
    if source.startswith("file://"):
        source = _local(source)
    if remote.is_url(source):
        yield from _far(source, size, skipped)
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
    import logging  # noqa: PLC0415  (milliseconds, for few)

    logging.getLogger("bounces").info("%s: skipped: %s", origin, reason)


def _local(url: str) -> str:
    """Return the path in a file URL (RFC 8089)."""
    from urllib.parse import unquote, urlsplit  # noqa: PLC0415  (milliseconds, for few)

    return unquote(urlsplit(url).path)


def _far(source: str, size: int, skipped: Callable[[str, str], None]) -> Iterator[Chunk]:
    """Yield the chunks of what lies at a URL."""
    from bounces.sources import objects  # noqa: PLC0415  (it loads what reads archives: a hundredth of a second, for few)

    def large(url: str) -> Generator[Chunk, None, bool]:
        kind, seen = _look(files.Place(url))
        return (yield from _inside(url, url, size, kind, seen, skipped))

    try:
        if not remote.look(source).is_folder:
            yield from _file(source, source, size)
        elif not (yield from objects.lists(source, size, skipped, large)):
            raise SourceError(f"{source}: holds no mail; {WANTED}")
    except RemoteError as error:
        raise SourceError(error.sentence(source)) from error


def _file(path: str, origin: str, size: int) -> Iterator[Chunk]:
    """Yield the chunks of a file that the user named; an archive too damaged to tell what it held is left for reading to report."""
    try:
        seen = archives.peek(path)
    except archives.DamagedError:
        yield Chunk((path,), (origin,))
        return
    except RemoteError:
        raise
    except OSError as error:
        raise SourceError(f"{origin}: {archives.unreadable(error)}; check its permissions") from error

    def refuse(origin: str, why: str) -> None:
        raise SourceError(f"{origin}: {why}; {WANTED}")

    yield from _inside(path, origin, size, content.recognize(seen.head), seen, refuse)


def _inside(  # noqa: PLR0913, PLR0917  (what is known of a file)
    path: str, origin: str, size: int, kind: Content, seen: archives.Beginning, skipped: Callable[[str, str], None]
) -> Generator[Chunk, None, bool]:
    """Yield the chunks of one file, and return whether it holds mail, or is an empty mailbox."""
    if kind is Content.MBOX:
        yield from _mbox(path, origin, size, seen)
    elif kind is Content.MESSAGE:
        yield Chunk((path,), (origin,))
    elif kind is Content.ARCHIVE and not (seen.compression and content.is_zip(seen.head)):
        from bounces.sources import members  # noqa: PLC0415  (as above)

        any_mail = False
        for chunk in members.chunks(path, origin, size):
            yield chunk
            any_mail = True
        if not any_mail:
            skipped(origin, "an archive without mail")
        return any_mail
    elif kind is not Content.EMPTY:
        skipped(origin, content.describe(seen.head))
        return False
    return True


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
        if kind in (Content.MESSAGE, Content.MAILDIR):
            held += maildir.messages(place.path) if kind is Content.MAILDIR else [place.path]
            any_mail = True
        else:
            if kind in (Content.MBOX, Content.ARCHIVE):
                yield from _lists(held)
                held.clear()
            any_mail = (yield from _inside(_absolute(place.path), place.path, size, kind, seen, skipped)) or any_mail
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
    far = remote.is_url(path)
    if seen.compression or (far and (seen.size <= remote.WHOLE or not seen.ranged)):
        yield Chunk((path,), (origin,))
    else:
        start, newline = content.mbox_start(seen.head), mbox.line_end(seen.head)
        cut = mbox.far_ranges if far else mbox.ranges
        yield from cut(Chunk((path,), (origin,), start, seen.size), newline, size)


def _lists(origins: list[str]) -> Iterator[Chunk]:
    """Yield chunks of whole files."""
    for at in range(0, len(origins), FILES):
        some = tuple(origins[at : at + FILES])
        yield Chunk(tuple(map(_absolute, some)), some)


def _absolute(path: str) -> str:
    """Return a path that holds in a process with another working directory; os.path.abspath would resolve ".." past links."""
    return path if os.path.isabs(path) else os.path.join(os.getcwd(), path)
