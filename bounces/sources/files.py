"""A folder in, the files and Maildirs below it out; a file in, or the blocks of one, its messages out."""

# a Path would write "./x" as "x", but an origin is the path as given
# ruff: noqa: PTH110, PTH116

from __future__ import annotations

import errno
import os
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from bounces.model import Raw
from bounces.sources import archives, content, maildir, mbox
from bounces.sources.content import Content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TRIES = 5  # how often a message of a Maildir is looked for under its next name


class Place(NamedTuple):
    """A file, or the folder of a Maildir."""

    path: str
    is_maildir: bool = False


def walk(folder: str, skipped: Callable[[str, str], None]) -> Iterator[Place]:
    """Yield what lies below a folder, sorted by path, each folder once; what can't be mail goes to `skipped` with the reason.

    A folder that can't be listed is yielded like a file, so that reading it says why.
    """
    seen: set[tuple[int, int]] = set()
    stack = [(folder, True)]
    while stack:
        path, is_folder = stack.pop()
        if not is_folder:
            yield Place(path)
            continue
        try:
            status = os.stat(path)
            inside = _entries(path, skipped) if (status.st_dev, status.st_ino) not in seen else None
        except OSError:
            yield Place(path)
            continue
        if inside is None:
            skipped(path, "a link to a folder that is read already")
            continue
        seen.add((status.st_dev, status.st_ino))
        if maildir.is_maildir(path):
            yield Place(path, is_maildir=True)
        stack += sorted(inside, key=lambda entry: entry[0] + os.sep * entry[1], reverse=True)


def _entries(folder: str, skipped: Callable[[str, str], None]) -> list[tuple[str, bool]]:
    """Return (path, whether it is a folder) of what may hold mail in a folder; of a Maildir only its subfolders."""
    found = []
    in_maildir = maildir.is_maildir(folder)
    with os.scandir(folder) as entries:
        for entry in entries:
            is_folder, is_file = _kind(entry)
            if in_maildir and (not is_folder or entry.name in maildir.FOLDERS):
                continue  # messages come from maildir.messages; beside them lie an IMAP server's index and control files
            if entry.name.startswith(".") and not (is_folder and maildir.is_maildir(entry.path)):
                skipped(entry.path, "hidden")
            elif not (is_folder or is_file):
                skipped(entry.path, "not a regular file" if os.path.exists(entry.path) else "a link that leads nowhere")
            else:
                found.append((entry.path, is_folder))
    return found


def _kind(entry: os.DirEntry[str]) -> tuple[bool, bool]:
    """Return whether an entry is a folder and whether it is a file; what can't be told passes for a file: reading it will tell why."""
    try:
        return entry.is_dir(), entry.is_file()
    except OSError as error:
        return False, error.errno != errno.ELOOP


def read(path: str, origin: str, listings: dict[str, dict[str, str]]) -> Iterator[Raw]:
    """Yield the messages of a whole file; one in a Maildir is looked for where it has moved, with `listings` as in maildir.find."""
    try:
        first, rest = _open(path, listings)
    except FileNotFoundError as error:
        yield Raw(origin, b"", ("vanished while reading" if maildir.holds(path) else archives.unreadable(error),))
        return
    except OSError as error:
        yield Raw(origin, b"", (archives.unreadable(error),))
        return
    yield from messages(first, rest, origin, alone=maildir.holds(path))


def messages(first: bytes, rest: Iterator[bytes], origin: str, *, alone: bool) -> Iterator[Raw]:
    """Yield the messages of a file's blocks: those of an mbox, or one; `alone` is a message whatever it looks like."""
    head = first[: archives.HEAD]
    if content.is_mbox(head) and not alone:
        yield from mbox.read(chain((first[content.mbox_start(head) :],), rest), origin, mbox.line_end(head))
    else:
        yield _message(chain((first[content.message_start(head) :],), rest), origin)


def judged(blocks: Iterator[bytes], origin: str, skipped: Callable[[str, str], None], *, alone: bool = False) -> Iterator[Raw]:
    """Yield the messages of a file's decompressed blocks that nobody has looked at; what is no mail goes to `skipped`."""
    try:
        first = next(blocks, b"")
    except OSError as error:
        yield Raw(origin, b"", (archives.unreadable(error),))
        return
    head = first[: archives.HEAD]
    kind = content.recognize(head)
    if alone or kind in (Content.MBOX, Content.MESSAGE):
        yield from messages(first, blocks, origin, alone=alone)
    elif kind is not Content.EMPTY:
        skipped(origin, content.describe(head))


def _open(path: str, listings: dict[str, dict[str, str]]) -> tuple[bytes, Iterator[bytes]]:
    """Return a file's first block and the blocks after it."""
    where: str | None = path
    for _ in range(TRIES):
        if where is None:
            break
        blocks = archives.blocks(where)
        try:
            return next(blocks, b""), blocks
        except FileNotFoundError:
            where = maildir.find(where, listings) if maildir.holds(where) else None
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _message(blocks: Iterator[bytes], origin: str) -> Raw:
    """Return the one message that a stream holds; what is too large or can't be read is cut."""
    troubles: list[str] = []
    message = bytearray()
    for block in archives.until_unreadable(blocks, troubles):
        message += block
        if len(message) > mbox.LARGEST:
            return Raw(origin, bytes(message[: mbox.LARGEST]), (mbox.TOO_LARGE,))
    if troubles:
        return Raw(origin, bytes(message), (mbox.CUT_OFF, *troubles) if message else tuple(troubles))
    return Raw(origin, bytes(message), () if message else (mbox.EMPTY,))
