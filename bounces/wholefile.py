"""A path or URL in, a file that appears whole or not at all out; what can go wrong with it becomes a sentence for people."""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from bounces import remote
from bounces.errors import OutputError
from bounces.pattern import late
from bounces.remote.trouble import RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REMEDIES = {
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR), "folder does not exist; create it or choose another path"),
    **dict.fromkeys((errno.EACCES, errno.EPERM), "no permission to write it; choose another path, or close the program that has it open"),
    errno.EEXIST: "is a file; give a folder",
    errno.EISDIR: "is a folder; add a file name",
    errno.ENOSPC: "the disk is full; free some space or choose another path",
}
FROM_LINE = late(rb"^>*From ", re.MULTILINE)


@contextmanager
def explained(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn an OSError of the block into an OutputError: a sentence with path and remedy. BrokenPipeError passes: who reads may stop."""
    try:
        yield
    except BrokenPipeError:
        raise
    except RemoteError as error:
        raise OutputError(error.sentence(str(path))) from error
    except OSError as error:
        raise OutputError(f"{path}: {REMEDIES.get(error.errno or 0, error.strerror or str(error))}") from error


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a file beside a place, or a temporary one for a URL, for a block, and move it there when the block ends well; else remove it."""
    if remote.is_url(path):
        with remote.whole(str(path)) as file:
            yield file
        return
    place = Path(path).resolve()  # a symbolic link stays
    mode = stat.S_IMODE(place.stat().st_mode) if place.exists() else None
    temporary = place.with_name(f".bounces-{os.urandom(8).hex()}.part")
    try:
        temporary.touch(0o666 if mode is None else mode, exist_ok=False)  # never more open than the file that it replaces
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            temporary.chmod(mode)  # the umask may have narrowed it
        temporary.replace(place)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def located(path: str | os.PathLike[str]) -> Path | str:
    """Return the place of a path; that of a URL is the URL."""
    return str(path) if remote.is_url(path) else Path(path)


def probe(place: Path | str) -> None:
    """Raise OSError if a file can't be written at a place: no such folder or bucket, no permission. Leaves nothing behind."""
    if isinstance(place, str):
        remote.check(place)
    else:
        TemporaryFile(dir=place.resolve().parent).close()


def check_text(path: str | os.PathLike[str]) -> None:
    """Raise OutputError if a text can't be written there: no such folder, no permission. Leaves nothing behind."""
    with explained(path):
        if Path(path).is_dir():
            raise OSError(errno.EISDIR, "")
        probe(located(path))


def write_text(text: str, path: str | os.PathLike[str]) -> None:
    """Write a text in UTF-8, whole or not at all. Raise OutputError when that can't be done."""
    with explained(path), whole(path) as file:
        file.write(text.encode("utf-8", "replace"))


@contextmanager
def mbox(path: str | os.PathLike[str]) -> Iterator[Callable[[bytes], None]]:
    """Open an mbox for a block, and yield what appends a message to it, quoted as mboxrd so that it reads back unchanged."""
    with explained(path), whole(path) as file:

        def append(message: bytes) -> None:
            end = b"\r\n" if b"\r\n" in message[:1000] else b"\n"
            separator = b"From MAILER-DAEMON Thu Jan  1 00:00:00 1970"
            with explained(path):  # here, for another file's block may be open, too
                file.write(separator + end + FROM_LINE.sub(rb">\g<0>", message).rstrip(b"\r\n") + end + end)

        yield append
