"""A zip or tar archive in, the messages of its members out, in the order of the archive; a tar may be compressed as a whole.

An origin is the archive's, "/" and the member's name. Archives in archives are not opened.
"""

from __future__ import annotations

import lzma
import tarfile
import zlib
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple
from zipfile import BadZipFile, ZipFile

from bounces.model import Chunk, Raw
from bounces.sources import archives, content, files, names
from bounces.sources.content import Content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO
    from zipfile import ZipInfo

RECORD = 512  # bytes of a tar's record
LONGEST = 1 << 20  # bytes of a name or of the extended fields in a tar
PARTS = 32  # chunks of one zip at most: each reads its table of contents again
ENCRYPTED = "it is encrypted; unpack the archive with its password first"
DAMAGE = (BadZipFile, EOFError, zlib.error, lzma.LZMAError, tarfile.HeaderError, NotImplementedError, ValueError, RuntimeError)


class Member(NamedTuple):
    """A file in an archive: its name, its bytes as they are kept there, and why it can't be mail."""

    name: str
    blocks: Iterator[bytes]
    odd: str | None = None


def chunks(path: str, origin: str, size: int) -> Iterator[Chunk]:
    """Yield the chunks of an archive, nothing when it holds no mail: a zip's members by about `size` bytes, a tar whole."""
    weights: list[int] = []
    try:
        with archives.opened(path) as file:
            weights = [member.file_size for member in _directory(file).infolist()] if _is_zip(file) else []
            holds_mail = _holds_mail(file, origin)
    except OSError:
        holds_mail = True  # reading it will tell
    if not holds_mail:
        return
    begin, weight, limit = 0, 0, max(size, sum(weights) // PARTS)
    for number, each in enumerate(weights):
        if weight >= limit:
            yield Chunk((path,), (origin,), members=(begin, number))
            begin, weight = number, 0
        weight += each
    yield Chunk((path,), (origin,), members=(begin, None))


def read(chunk: Chunk, skipped: Callable[[str, str], None]) -> Iterator[Raw]:
    """Yield the messages of an archive's members that a chunk counts."""
    begin, end = chunk.members or (0, None)
    try:
        with archives.opened(chunk.paths[0]) as file:
            yield from read_file(file, chunk.origins[0], skipped, begin, end)
    except OSError as error:
        yield Raw(chunk.origins[0], b"", (archives.unreadable(error),))


def read_file(file: BinaryIO, origin: str, skipped: Callable[[str, str], None], begin: int = 0, end: int | None = None) -> Iterator[Raw]:
    """Yield the messages of an open archive; what ends it early is one that can't be read."""
    judge = names.Names(f"{origin}/", skipped)
    found = _walk(file, begin, end)
    while True:
        try:
            member = next(found, None)
        except OSError as error:
            yield Raw(origin, b"", (archives.unreadable(error),))
            return
        if member is None:
            return
        name = f"{origin}/{member.name}"
        if not judge.passes(member.name):
            continue
        if member.odd:
            skipped(name, member.odd)
        else:
            yield from files.judged(_started(member.blocks), name, skipped, alone=names.is_message(member.name))


def is_archive(file: BinaryIO, head: bytes) -> bool:
    """Say whether an open file, whose decompressed bytes begin with `head`, is an archive: a zip in a compressed file is none."""
    return content.is_tar(head) or (content.is_zip(head) and _is_zip(file))


def _started(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the decompressed blocks of a member; here, so that what stops the first one stops the reading and not the planning."""
    yield from archives.unpacked(blocks)


def _holds_mail(file: BinaryIO, origin: str) -> bool:
    """Say whether one of the members is mail, an empty mailbox, or can't be read."""
    judge = names.Names(f"{origin}/", lambda *_: None)
    for member in _walk(file, 0, None):
        if member.odd or not judge.passes(member.name):
            continue
        try:
            head = next(_started(member.blocks), b"")[: archives.HEAD]
        except OSError:
            return True
        if names.is_message(member.name) or content.recognize(head) not in (Content.OTHER, Content.ARCHIVE):
            return True
    return False


def _walk(file: BinaryIO, begin: int, end: int | None) -> Iterator[Member]:
    """Yield the members of an archive from number `begin` up to number `end`; raises DamagedError."""
    done = begin
    try:
        for member in _zip(file, begin, end) if _is_zip(file) else _tar(archives.Reader(archives.stream(file))):
            yield member
            done += 1
    except archives.DamagedError:
        raise
    except DAMAGE as error:
        raise archives.DamagedError(f"the archive is damaged or cut off after {done} members: {error}") from error


def _is_zip(file: BinaryIO) -> bool:
    at = file.tell()
    file.seek(0)
    magic = file.read(4)
    file.seek(at)
    return content.is_zip(magic)


def _directory(file: BinaryIO) -> ZipFile:
    """Return a zip with its table of contents; raises DamagedError."""
    try:
        return ZipFile(file)
    except DAMAGE as error:
        raise archives.DamagedError(f"the zip archive is damaged or cut off: {error}") from error


def _zip(file: BinaryIO, begin: int, end: int | None) -> Iterator[Member]:
    archive = _directory(file)
    for about in islice(archive.infolist(), begin, end):
        if not about.is_dir():
            yield Member(_tidy(about.filename), _unzipped(archive, about))


def _unzipped(archive: ZipFile, about: ZipInfo) -> Iterator[bytes]:
    """Yield a member's bytes; raises OSError with a sentence."""
    if about.flag_bits & 1:
        raise OSError(ENCRYPTED)
    done = 0
    try:
        with archive.open(about) as file:
            while block := file.read(archives.BLOCK):
                yield block
                done += len(block)
    except DAMAGE as error:
        raise archives.DamagedError(f"the zip data is damaged or cut off after {done} unpacked bytes: {error}") from error


def _tar(file: archives.Reader) -> Iterator[Member]:
    """Yield the members of a tar (POSIX.1-2001 pax, and GNU's long names), in bounded memory whatever its headers say."""
    name: str | None = None
    size: int | None = None
    sparse = False
    while (header := file.take(RECORD)) and header.strip(b"\0"):
        about = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        if about.type in {tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME}:
            fields = _fields(_extension(file, about.size), about.type)
            name, size, sparse = fields.get("path", name), int(fields["size"]) if "size" in fields else size, "GNU.sparse" in "".join(fields)
            continue
        if about.type in {tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK}:
            file.skip(_padded(about.size))
            continue
        sparse = sparse or about.type == tarfile.GNUTYPE_SPARSE
        more = about.type == tarfile.GNUTYPE_SPARSE and header[482]
        while more:
            more = file.take(RECORD)[504]
        has_data = about.isreg() or about.type not in tarfile.SUPPORTED_TYPES
        left = _Left((size if size is not None else about.size) if has_data else 0)
        if not about.isdir():
            odd = "a sparse file" if sparse else None if about.isreg() else "not a regular file"
            yield Member(_tidy(name or about.name), _taken(file, left), odd)
        file.skip(left.padding + left.size)
        name, size, sparse = None, None, False


class _Left:
    """How many bytes of a member are still to come, and of the padding after it."""

    def __init__(self, size: int) -> None:
        if size < 0:
            raise tarfile.HeaderError("a size below zero")
        self.size = size
        self.padding = _padded(size) - size


def _taken(file: archives.Reader, left: _Left) -> Iterator[bytes]:
    """Yield a member's bytes; raises OSError when the archive ends before them."""
    while left.size:
        block = file.read(left.size)
        if not block:
            raise archives.DamagedError("the archive is cut off")
        left.size -= len(block)
        yield block


def _extension(file: archives.Reader, size: int) -> bytes:
    """Return the data of a header that speaks of the next member."""
    if not 0 <= size <= LONGEST:
        raise tarfile.HeaderError(f"a header of {size} bytes")
    data = file.take(size)
    file.skip(_padded(size) - size)
    return data


def _fields(data: bytes, kind: bytes) -> dict[str, str]:
    """Return the fields of a pax header, each "LENGTH NAME=VALUE" and a line end, or GNU's long name as one of them."""
    if kind == tarfile.GNUTYPE_LONGNAME:
        return {"path": data.rstrip(b"\0").decode("utf-8", "surrogateescape")}
    fields = {}
    while data.strip(b"\0"):
        length = int(data.partition(b" ")[0])
        if length < 5:
            raise tarfile.HeaderError("an extended field without a length")
        name, _, value = data[:length].partition(b" ")[2].rstrip(b"\n").partition(b"=")
        fields[name.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        data = data[length:]
    return fields


def _padded(size: int) -> int:
    return -(-size // RECORD) * RECORD


def _tidy(name: str) -> str:
    """Return a name without what only says that it is relative or absolute."""
    return "/".join(part for part in name.split("/") if part not in {"", "."})
