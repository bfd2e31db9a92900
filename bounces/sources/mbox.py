"""An mbox in blocks of bytes in, its messages out; the separators are judged by what stands around them."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

from bounces.model import Raw
from bounces.pattern import late
from bounces.sources import archives

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bounces.model import Chunk

LARGEST = 64 << 20  # bytes of one message; what goes beyond is cut
TOO_LARGE = f"message larger than {LARGEST >> 20} MiB, cut"
WINDOW = 1 << 16  # bytes that are read of a far mailbox at once to find where it can be cut
FROM = b"From "
CUT_OFF = "message cut off: the rest of the file cannot be read"
EMPTY = "empty message"
LONGEST_LINE = 998  # bytes; RFC 5322, section 2.1.1
LOOKAHEAD = LONGEST_LINE + 128  # bytes in which a separator and the name of the field below it must fit
# "Received: from ...", "Return-Path:<>", but not "http://example.com"
FIELD = re.compile(rb"[A-Za-z][!-9;-~]{0,99}:(?!//)")
QUOTED = {newline: late(rb">(?<![^" + newline + rb"]>)(>*+From )") for newline in (b"\n", b"\r")}

# "Thu Apr 29 23:34:45 2010": nearly all of them
ASCTIME = late(
    rb"[\t ](?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    rb" [ \d]?\d \d\d:\d\d:\d\d \d{4}\b"
)
# "Mon 1 Jan 2015 00:00:00 +0900", "Fri Nov 21 23:34 PST 1993", "2012-04-29T23:34:45Z"
WEEKDAY = late(rb"[\t ](?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b")
MONTH = late(rb"[\t -](?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b")
TIME = late(rb"[\tT ]\d{1,2}:\d{1,2}\b")
YEAR = late(rb"[\t -](?:19|20)\d\d\b")
ISO_DATE = late(rb"[\t ](?:19|20)\d\d-\d\d-\d\d(?!\d)")


class Piece(NamedTuple):
    """A message with its separator line, where it began in the stream, and whether its end was cut off for size."""

    offset: int
    content: bytes
    cut: bool


def line_end(head: bytes) -> bytes:
    r"""Return the byte that ends a line, by a file's first bytes: b"\r" for an old Mac's, else b"\n" (which ends CRLF too)."""
    feeds = head.count(b"\n")
    # more than twice, for a text file converted twice has CR CR LF
    return b"\r" if head.count(b"\r") - head.count(b"\r\n") > 2 * feeds else b"\n"


def opens(head: bytes, newline: bytes) -> bool:
    """Say whether a file with these first bytes is an mbox: a 'From ' line with a date, or with a header field below it."""
    if not head.startswith(b"From "):
        return False
    line, _, below = head[: LONGEST_LINE + LOOKAHEAD].partition(newline)
    return len(line) <= LONGEST_LINE and (_dated(line) or FIELD.match(below) is not None)


def ranges(whole: Chunk, newline: bytes, size: int) -> Iterator[Chunk]:
    """Yield the chunk of a whole uncompressed mbox in ranges of about `size` bytes, each cut at a separator; one of less is not read through."""
    assert whole.end is not None, "whole files are read by files.read"
    begin, first, number = whole.start, 1, 0
    blocks = archives.until_unreadable(_range(whole), [])  # what can't be read now stays in the last range: reading it will tell
    pieces = split(blocks, newline, whole.start)
    for number, piece in enumerate(islice(pieces, 2) if whole.end - begin <= size else pieces, 1):
        if piece.offset - begin >= max(size, 1):
            yield replace(whole, start=begin, end=piece.offset, first=first, numbered=True)
            begin, first = piece.offset, number
    yield replace(whole, start=begin, first=first, numbered=number > 1)


def far_ranges(whole: Chunk, newline: bytes, size: int) -> Iterator[Chunk]:
    """Yield the chunk of a whole mbox in ranges like `ranges`, but look only where one may be cut, so nobody counts the messages."""
    assert whole.end is not None, "whole files are read by files.read"
    begin, at = whole.start, whole.start + size
    while at < whole.end and (cut := _first_separator(whole, at, newline)) is not None:
        yield replace(whole, start=begin, end=cut, first=0, numbered=True)
        begin, at = cut, cut + size
    yield replace(whole, start=begin, first=0, numbered=True)


def _first_separator(whole: Chunk, at: int, newline: bytes) -> int | None:
    """Return where the first message after a place in a mailbox begins, or None; what can't be read now is left for reading to report."""
    assert whole.end is not None
    windows = (archives.between(whole.paths[0], start, min(start + WINDOW, whole.end)) for start in range(at, whole.end, WINDOW))
    troubles: list[str] = []
    pieces = split(archives.until_unreadable(chain.from_iterable(windows), troubles), newline, at)
    begun = next(pieces)  # what belongs to a message that began before
    if not begun.cut:
        end = at + len(begun.content)
        return None if troubles or end == whole.end else end
    found = next(pieces, None)
    return found.offset if found else None


def read_range(chunk: Chunk) -> Iterator[Raw]:
    """Yield the messages in a range of one mbox."""
    newline = b"\n"
    with suppress(OSError):  # reading the range will tell
        newline = line_end(archives.first(chunk.paths[0]))
    if chunk.first:
        yield from read(_range(chunk), chunk.origins[0], newline, first=chunk.first, numbered=chunk.numbered)
        return
    for offset, message, defects in _messages(_range(chunk), newline, chunk.start):
        yield Raw(f"{chunk.origins[0]}#byte={offset}", message, defects)


def _range(chunk: Chunk) -> Iterator[bytes]:
    assert chunk.end is not None, "whole files are read by files.read"
    return archives.between(chunk.paths[0], chunk.start, chunk.end)


def read(blocks: Iterator[bytes], origin: str, newline: bytes, *, first: int = 1, numbered: bool = False) -> Iterator[Raw]:
    """Yield the messages of a stream that begins with a separator, numbered from `first`; without `numbered` only if there are several."""
    found = _messages(blocks, newline)
    ahead = list(islice(found, 2))
    numbered = numbered or len(ahead) > 1
    for number, (_, message, defects) in enumerate(chain(ahead, found), first):
        yield Raw(f"{origin}#{number}" if numbered else origin, message, defects)


def split(blocks: Iterable[bytes], newline: bytes, start: int = 0) -> Iterator[Piece]:
    """Yield the messages of a stream that begins with a separator at the offset `start`, in memory bounded by LARGEST."""
    buffer, offset, seek, kept = bytearray(), start, 0, b""
    for block in chain(blocks, (b"",)):
        buffer += block
        begin, reach = 0, max(len(buffer) - LOOKAHEAD, 0) if block else len(buffer)
        for at in _separators(buffer, newline, seek, reach):
            yield _piece(start, kept, buffer, begin, at)
            start, begin, kept = offset + at, at, b""
        seek = max(seek, reach - len(newline + FROM) + 1)
        if seek - begin > LARGEST and not kept:
            kept = bytes(buffer[begin : begin + LARGEST])
        if kept:
            begin = max(begin, seek - 2)  # two bytes tell whether a blank line stands before a separator
        del buffer[:begin]
        offset, seek = offset + begin, seek - begin
    if buffer:
        yield _piece(start, kept, buffer, 0, len(buffer))


def _piece(start: int, kept: bytes, buffer: bytearray, begin: int, end: int) -> Piece:
    """Return a message, or the part that was kept of a large one."""
    with memoryview(buffer) as view:  # no slice of the buffer, which would be one copy more
        return Piece(start, kept or bytes(view[begin : min(end, begin + LARGEST)]), cut=bool(kept) or end - begin > LARGEST)


def _separators(buffer: bytearray, newline: bytes, begin: int, end: int) -> list[int]:
    """Return where messages begin in a stretch of a buffer, in order.

    Looked for from behind: `rfind` looks for the line end, which is rare, where `find` looks for the space, and takes twice as long.
    """
    found, at = [], end
    while (at := buffer.rfind(newline + FROM, begin, at)) != -1:
        if _separates(buffer, at, newline):
            found.append(at + 1)
    return found[::-1]


def _separates(buffer: bytearray, at: int, newline: bytes) -> bool:
    """Say whether the line after the newline at `at` begins a message: it has a date, a field below, and a blank line above.

    A truncated message has no blank line at its end: then the date must be complete.
    """
    end = buffer.find(newline, at + 1, at + 2 + LONGEST_LINE)
    if end == -1 or not (FIELD.match(buffer, end + 1) or buffer.startswith(b">From ", end + 1)):
        return False
    if ASCTIME.search(buffer, at, end):
        return True
    line, above = bytes(buffer[at:end]), buffer[max(at - 2, 0) : at]
    return all(part.search(line) for part in (WEEKDAY, MONTH, TIME, YEAR)) or ((above.endswith(newline) or above == b"\n\r") and _dated(line))


def _dated(line: bytes) -> bool:
    if ISO_DATE.search(line):
        return True
    return bool(YEAR.search(line) and TIME.search(line) and (WEEKDAY.search(line) or MONTH.search(line)))


def _messages(blocks: Iterator[bytes], newline: bytes, start: int = 0) -> Iterator[tuple[int, bytes, tuple[str, ...]]]:
    """Yield each message's offset, bytes and defects; after trouble the last is marked, and one that can't be read stands for the rest."""
    troubles: list[str] = []
    held: Piece | None = None
    for piece in split(archives.until_unreadable(blocks, troubles), newline, start):
        if held:
            yield held.offset, *_message(held, newline)
        held = piece
    if held:
        content, defects = _message(held, newline)
        yield held.offset, content, (*defects, CUT_OFF) if troubles else defects
        start = held.offset + len(held.content)
    for trouble in troubles:
        yield start, b"", (trouble,)


def _message(piece: Piece, newline: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return a message without its separator, its quoting and the empty line at its end, and its defects."""
    if not piece.content.startswith(b"From "):
        return b"", ("cannot be read: the mailbox changed while it was read",)
    begin, end = piece.content.find(newline) + 1 or len(piece.content), len(piece.content)
    if piece.content.endswith((newline * 2, b"\n\r\n"), begin - 1):
        end -= 2 if piece.content.endswith(b"\r\n") else 1
    content = piece.content[begin:end]
    if content.rfind(b">From ") != -1:  # by `rfind`, see `_separators`
        content = QUOTED[newline].sub(rb"\1", content)
    if piece.cut:
        return content, (TOO_LARGE,)
    return content, () if content else (EMPTY,)
