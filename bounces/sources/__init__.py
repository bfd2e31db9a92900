"""A path, a URL or "-" in, chunks of work and the messages in them out: mbox, Maildir, single messages, folders and archives of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bounces import remote
from bounces.errors import SourceError
from bounces.model import Raw
from bounces.sources import files, mbox, plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bounces.model import Chunk

SIZE = 8 << 20  # bytes of an mbox in one chunk


def chunks(source: str, *, size: int = SIZE, skipped: Callable[[str, str], None] | None = None) -> Iterator[Chunk]:
    """Plan the work on one source: an mbox in ranges of about `size` bytes, single messages by the hundreds; "-" is standard input.

    What a folder holds beside mail goes to `skipped` as (origin, reason), or else into the log; so it does in `read`, for what lies far
    away or in an archive is looked at when it is read. An empty file and an empty Maildir are empty mailboxes. Raises SourceError, while
    iterating, for a path or URL that isn't there, can't be read or holds no mail.
    """
    return plan.chunks(source, size, skipped or plan.log)


def read(chunk: Chunk, *, skipped: Callable[[str, str], None] | None = None) -> Iterator[Raw]:
    """Read the messages of a chunk, in order; never raises for what it finds: what can't be read is a Raw whose defects say why."""
    if chunk.members is not None:
        from bounces.sources import members  # noqa: PLC0415  (a hundredth of a second, for few)

        yield from members.read(chunk, skipped or plan.log)
    elif chunk.end is not None:
        yield from mbox.read_range(chunk)
    elif remote.is_url(chunk.paths[0]):
        from bounces.sources import objects  # noqa: PLC0415  (as above)

        yield from objects.read(chunk, skipped or plan.log)
    else:
        listings: dict[str, dict[str, str]] = {}
        for path, origin in zip(chunk.paths, chunk.origins, strict=True):
            yield from files.read(path, origin, listings)


def everything(chunk: Chunk) -> Iterator[Raw]:
    """Read a chunk as `read` does; what is no mail in it comes, too, as a Raw that says so: other processes have nobody else to tell."""
    found: list[Raw] = []
    for raw in read(chunk, skipped=lambda origin, why: found.append(Raw(origin, b"", skipped=why))):
        yield from found
        found.clear()
        yield raw
    yield from found


def nth(source: str, number: int) -> Raw:
    """Return the Nth message of a source, counted from 1. Raises SourceError when there are fewer."""
    count = 0
    for chunk in chunks(source):
        for raw in read(chunk):
            count += 1
            if count == number:
                return raw
    raise SourceError(f"{source}: has no message {number}, only {count}")
