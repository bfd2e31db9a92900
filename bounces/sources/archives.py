"""A path or URL in, the file's bytes out in blocks, decompressed where they are compressed; told by the first bytes, never by the name."""

# a Path would write "./x" as "x", but an origin is the path as given
# ruff: noqa: PTH123

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import zlib
from itertools import chain, islice
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from bounces import remote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyarrow import NativeFile

HEAD = 8192  # bytes; enough to tell what a file holds
BLOCK = 1 << 18  # bytes; few enough to stay in a core's cache while messages are cut out of them
MEMORY = 1 << 28  # bytes; the strongest preset of xz needs a quarter of it, a hostile header may ask for gigabytes
STEP = 1 << 14  # bytes decompressed at once: what a damaged file can cost of the bytes before the damage
MAGIC = re.compile(
    rb"(?P<gzip>\x1f\x8b\x08)|(?P<bzip2>BZh[1-9](?:1AY&SY|\x17rE8P\x90))|(?P<xz>\xfd7zXZ\0)"
    rb"|(?P<zstd>\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18)"  # pzstd begins with a skippable frame (RFC 8878, 3.1.2)
)


class DamagedError(OSError):
    """Compressed bytes that can't be decompressed any further; stays inside the package."""


class Reader(io.RawIOBase):
    """Blocks of bytes, as a file that can be read once; `take` and `skip` are what an archive's walk needs."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self.blocks = blocks
        self.held = memoryview(b"")

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def read(self, size: int | None = -1) -> bytes:
        """Return up to `size` bytes of one block; b"" at the end."""
        while not self.held and (block := next(self.blocks, None)) is not None:
            self.held = memoryview(block)
        size = len(self.held) if size is None or size < 0 else size
        some, self.held = self.held[:size], self.held[size:]
        return bytes(some)

    def take(self, size: int) -> bytes:
        """Return `size` bytes, or what there is before the end."""
        found = bytearray()
        while len(found) < size and (some := self.read(size - len(found))):
            found += some
        return bytes(found)

    def skip(self, size: int) -> None:
        """Pass over `size` bytes; raises EOFError when there are fewer."""
        while size > 0:
            some = len(self.read(min(size, BLOCK)))
            if not some:
                raise EOFError("it ends too early")
            size -= some


class Beginning(NamedTuple):
    """A file's first bytes, decompressed; the name of its compression; its size in bytes as it is kept; whether it can be read in ranges."""

    head: bytes
    compression: str | None
    size: int
    ranged: bool = True


NOTHING = Beginning(b"", None, 0)


def compression(head: bytes) -> str | None:
    """Return the compression's name (gzip, bzip2, xz, zstd) by a file's first bytes, or None."""
    found = MAGIC.match(head)
    return found.lastgroup if found else None


def blocks(path: str, *, size: int = BLOCK) -> Iterator[bytes]:
    """Yield the bytes of a whole file, decompressed; the first block has `size` or more of them if the file has.

    Raises OSError, whose text is a sentence, when the file can't be opened or is damaged; all bytes before the damage come first.
    """
    with opened(path) as file:
        yield from stream(file, size=size)


def opened(path: str) -> BinaryIO:
    """Open a file, near or far, that can be sought in; raises OSError."""
    return remote.opened(path) if remote.is_url(path) else open(path, "rb", buffering=0)


def stream(file: BinaryIO, *, size: int = BLOCK) -> Iterator[bytes]:
    """Yield the bytes of an open file, from its beginning, as `blocks` does."""
    file.seek(0)
    name = compression(file.read(10))
    file.seek(0)
    yield from _gathered(_unpacked(file, name), size) if name else iter(lambda: file.read(size), b"")


def unpacked(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Return the bytes of a stream in blocks as `blocks` does; raises OSError like it, for the first block at once."""
    blocks = _gathered(blocks, BLOCK)
    first = next(blocks, b"")
    name = compression(first)
    everything = chain((first,), blocks)
    return _gathered(_unpacked(cast("BinaryIO", Reader(everything)), name), BLOCK) if name else everything


def between(path: str, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes from `start` to `end` of an uncompressed file; raises OSError like `blocks`, and when the file ends before `end`.

    No mmap: a mailbox that is emptied while it is mapped kills the process (SIGBUS).
    """
    if remote.is_url(path):
        yield from remote.between(path, start, end)
        return
    with open(path, "rb", buffering=0) as file:
        file.seek(start)
        while start < end:
            block = file.read(min(BLOCK, end - start))
            if not block:
                raise OSError("the file became shorter while it was read")
            start += len(block)
            yield block


def peek(path: str) -> Beginning:
    """Return how a file begins; raises OSError when that can't be read, DamagedError when it is compressed and damaged there."""
    ranged = True
    if remote.is_url(path):
        found = remote.look(path, HEAD)
        head, size, ranged = found.head, found.size or 0, found.ranged
    else:
        with open(path, "rb", buffering=0) as file:
            head, size = file.read(HEAD), os.fstat(file.fileno()).st_size
    name = compression(head)
    if name:
        head = b"".join(islice(blocks(path, size=HEAD), 2))[:HEAD]  # a second block, or the damage that stopped the first
    return Beginning(head, name, size, ranged)


def first(path: str) -> bytes:
    """Return the first bytes of an uncompressed file; raises OSError."""
    if remote.is_url(path):
        return b"".join(remote.between(path, 0, HEAD))
    with open(path, "rb", buffering=0) as file:
        return file.read(HEAD)


def unreadable(error: OSError) -> str:
    """Return the defect of a file, or the rest of a file, that can't be read."""
    return f"cannot be read: {error.strerror or error}"


def until_unreadable(blocks: Iterator[bytes], troubles: list[str]) -> Iterator[bytes]:
    """Yield blocks until one can't be read; the defect that says why is then in `troubles`."""
    try:
        yield from blocks
    except OSError as error:
        troubles.append(unreadable(error))


def _unpacked(file: BinaryIO, name: str) -> Iterator[bytes]:
    """Yield the decompressed bytes of all members or frames; raises OSError with a sentence where they are damaged."""
    decompress = {"gzip": _gzip, "bzip2": _bzip2, "xz": _xz, "zstd": _zstd}[name]
    done = 0
    try:
        for block in decompress(file):
            done += len(block)
            yield block
    except (EOFError, zlib.error, lzma.LZMAError, ValueError, OSError) as error:
        raise DamagedError(f"the {name} data is damaged or cut off after {done} unpacked bytes: {error}") from error


def _gzip(file: BinaryIO) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=file) as unpacked:
        while block := unpacked.read1(STEP):
            yield block


def _bzip2(file: BinaryIO) -> Iterator[bytes]:
    return _members(file, bz2.BZ2Decompressor)


def _xz(file: BinaryIO) -> Iterator[bytes]:
    return _members(file, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY))


def _members(file: BinaryIO, decompressor: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor]) -> Iterator[bytes]:
    """Yield the bytes of every member; bz2.open and lzma.open would drop a damaged second member as if it were padding."""
    packed = file.read(HEAD)
    while packed:
        member = decompressor()
        while not member.eof:
            if block := member.decompress(packed, STEP):
                yield block
            packed = file.read(HEAD) if member.needs_input else b""
            if member.needs_input and not packed:
                raise EOFError("it ends too early")
        packed = member.unused_data.lstrip(b"\0")  # zeros may stand between the members of xz
        while not packed and (more := file.read(HEAD)):
            packed = more.lstrip(b"\0")


def _zstd(file: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of every frame; pyarrow drops what it has of a block that ends in damage: that block is read again byte by byte."""
    stream, whole = _zstd_stream(file), 0
    try:
        while block := stream.read(STEP):
            yield block
            whole += 1
    except (OSError, ValueError):
        if not file.seekable():
            raise
        again = _zstd_stream(file)  # under a name of its own: a stream that is dropped closes its file
        for _ in range(whole):
            again.read(STEP)
        while byte := again.read(1):
            yield byte


def _zstd_stream(file: BinaryIO) -> NativeFile:
    import pyarrow as pa  # noqa: PLC0415  (a quarter of a second, for few files)

    if file.seekable():
        file.seek(0)
    return pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")


def _gathered(blocks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Yield small blocks joined into blocks of `size` bytes or more, and what there is before an OSError goes through."""
    held = bytearray()
    try:
        for block in blocks:
            held += block
            if len(held) >= size:
                yield bytes(held)
                held.clear()
    except OSError:
        if held:
            yield bytes(held)
        raise
    if held:
        yield bytes(held)
