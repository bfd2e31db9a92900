"""The name of a folder, near or far, in; Parquet parts in it out, and last of all a mark that says that they are all there."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from bounces import remote, wholefile
from bounces.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = "_SUCCESS"  # as Hadoop and Spark have it; who reads a folder of Parquet passes over names that begin with _


def check(folder: str) -> None:
    """Raise OutputError if parts can't be written there: it holds something already, or there is no permission. Leaves nothing behind."""
    with wholefile.explained(folder):
        left = next(_files(folder), None)
        if left is not None:
            raise OutputError(f"{folder}: holds {left} already, and parts of two runs must not be mixed; name an empty folder, or a new one")
        wholefile.probe(part(folder, 0) if remote.is_url(folder) else Path(folder.rstrip("/")) if not Path(folder).exists() else Path(folder, "x"))


def part(folder: str, number: int) -> str:
    """Return the path of a part."""
    return f"{folder}part-{number:05}.parquet"


def absolute(folder: str) -> str:
    """Return the name of a folder as a worker, which is started elsewhere, understands it."""
    return folder if remote.is_url(folder) else f"{Path(folder).absolute()}/"


def begin(folder: str) -> None:
    """Make a folder where there is none."""
    if not remote.is_url(folder):
        with wholefile.explained(folder):
            Path(folder).mkdir(exist_ok=True)


def finish(folder: str, parts: int) -> None:
    """Say that all parts are there. Raise OutputError where one isn't: the workers have written to a folder of their own."""
    _tidy(folder)
    with wholefile.explained(folder):
        there = set(_files(folder))
    if missing := next((name for number in range(parts) if (name := part("", number)) not in there), None):
        raise OutputError(f"{folder}: has no {missing}, though a worker wrote it: it must be a folder that all machines share, or a URL")
    wholefile.write_text("", f"{folder}{MARK}")


def clear(folder: str, parts: int) -> None:
    """Remove parts of a run that did not come to its end."""
    _tidy(folder)
    for number in range(parts):
        path = part(folder, number)
        if remote.is_url(path):
            remote.remove(path)
        else:
            Path(path).unlink(missing_ok=True)


def _tidy(folder: str) -> None:
    """Clear away what a worker left that ended while it wrote."""
    if not remote.is_url(folder):
        for left in Path(folder).glob(".bounces-*.part"):
            left.unlink(missing_ok=True)


def _files(folder: str) -> Iterator[str]:
    """Yield the names of what is in a folder."""
    if remote.is_url(folder):
        yield from (found.url.rpartition("/")[2] for found in remote.listing(folder))
    elif Path(folder).is_file():
        raise OSError(errno.EEXIST, "")
    elif Path(folder).exists():
        yield from os.listdir(folder)  # noqa: PTH208  (only names are wanted)
