"""A stream that can be read once in, the path of a private copy out, deleted when the program ends."""

# a Path would write "./x" as "x", but an origin is the path as given
# ruff: noqa: PTH108, PTH123

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from typing import BinaryIO

from bounces.errors import SourceError
from bounces.sources.archives import BLOCK, unreadable


def standard_input() -> str:
    """Return the path of a copy of standard input; raises SourceError."""
    if sys.stdin is None:
        raise SourceError("-: standard input is closed; give a path")
    return _copy(sys.stdin.buffer, "-")


def pipe(path: str) -> str:
    """Return the path of a copy of what comes out of a named pipe; raises SourceError."""
    try:
        stream = open(path, "rb")  # noqa: SIM115  (closed two lines on)
    except OSError as error:
        raise SourceError(f"{path}: {unreadable(error)}; check its permissions") from error
    with stream:
        return _copy(stream, path)


def _copy(stream: BinaryIO, origin: str) -> str:
    """Return the path of a copy, which lives as long as this program: its chunks may be read late and by other processes."""
    try:
        with tempfile.NamedTemporaryFile(prefix="bounces-", delete=False) as file:
            atexit.register(_delete, file.name, os.getpid())
            shutil.copyfileobj(stream, file, BLOCK)
    except OSError as error:
        why = error.strerror or error
        raise SourceError(f"{origin}: cannot be copied into {tempfile.gettempdir()}: {why}; TMPDIR can name another folder") from error
    return file.name


def _delete(path: str, owner: int) -> None:
    """Delete a copy, but not at the end of a forked worker."""
    if os.getpid() == owner:
        with suppress(OSError):
            os.unlink(path)
