"""A far folder in, chunks of its files out; a chunk of far files in, their messages out, several files read at once."""

from __future__ import annotations

import io
from itertools import chain
from typing import TYPE_CHECKING

from bounces import remote
from bounces.model import Chunk, Raw
from bounces.remote.trouble import RemoteError
from bounces.sources import archives, content, files, members, names
from bounces.sources.content import Content

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from typing import BinaryIO

FILES = 256  # objects in one chunk
LOOKS = 16  # objects that are looked at together until the first mail is found
GONE = "vanished while reading"


def lists(
    folder: str, size: int, skipped: Callable[[str, str], None], large: Callable[[str], Generator[Chunk, None, bool]]
) -> Generator[Chunk, None, bool]:
    """Yield the chunks of a far folder in the order of its names, and return whether it holds mail, or an empty mailbox.

    Small files are listed before anybody knows what they are: only as many are looked at as it takes to find the first mail. `large` yields
    the chunks of any other file, and returns whether it holds mail. Raises RemoteError.
    """
    base = folder.rstrip("/") + "/"
    judge = names.Names(base, skipped)
    held: list[str] = []
    weight, any_mail = 0, False
    for found in remote.listing(folder):
        name = found.url[len(base) :]
        if not judge.passes(name):
            continue
        if found.size == 0 and not names.is_message(name):
            any_mail = True
            continue
        small = found.size is not None and found.size <= remote.WHOLE
        if small:
            held.append(found.url)
            weight += found.size or 0
        if held and (not small or len(held) >= FILES or weight >= size):
            any_mail = any_mail or _holds_mail(held)
            yield Chunk(tuple(held), tuple(held))
            held, weight = [], 0
        if not small:
            any_mail = (yield from large(found.url)) or any_mail
    if held:
        any_mail = any_mail or _holds_mail(held)
        yield Chunk(tuple(held), tuple(held))
    return any_mail


def read(chunk: Chunk, skipped: Callable[[str, str], None]) -> Iterator[Raw]:
    """Yield the messages of a chunk of whole far files; several are small and come together, one is read block by block."""
    if len(chunk.paths) == 1:
        url, origin = chunk.paths[0], chunk.origins[0]
        try:
            with archives.opened(url) as file:
                yield from _messages(file, origin, skipped)
        except OSError as error:
            yield _unreadable(origin, error)
        return
    for origin, data in zip(chunk.origins, remote.fetched(chunk.paths), strict=True):
        if isinstance(data, RemoteError):
            yield _unreadable(origin, data)
        else:
            yield from _messages(io.BytesIO(data), origin, skipped)


def _messages(file: BinaryIO, origin: str, skipped: Callable[[str, str], None]) -> Iterator[Raw]:
    """Yield the messages of a file that nobody has looked at."""
    blocks = archives.stream(file)
    try:
        first = next(blocks, b"")
    except OSError as error:
        yield _unreadable(origin, error)
        return
    if members.is_archive(file, first):
        yield from members.read_file(file, origin, skipped)
    else:
        yield from files.judged(chain((first,), blocks), origin, skipped, alone=names.is_message(origin))


def _unreadable(origin: str, error: OSError) -> Raw:
    return Raw(origin, b"", (GONE if getattr(error, "gone", False) else archives.unreadable(error),))


def _holds_mail(urls: list[str]) -> bool:
    """Say whether one of some small files is mail, or may be: what is packed or can't be read."""
    for at in range(0, len(urls), LOOKS):
        some = urls[at : at + LOOKS]
        for url, head in zip(some, remote.fetched(some, archives.HEAD), strict=True):
            if isinstance(head, RemoteError) or names.is_message(url) or archives.compression(head):
                return True
            if content.recognize(head) is not Content.OTHER:
                return True
    return False
