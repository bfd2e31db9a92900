"""Outputs and sources in, an OutputError out where an output would replace another, or mail that is read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bounces import remote, sources
from bounces.errors import OutputError, SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence


def check_apart(paths: Sequence[str], mail: Sequence[str]) -> None:
    """Raise OutputError if two outputs are one file, or if one would replace mail that is read."""
    for number, path in enumerate(paths):
        if any(_same(path, other) for other in paths[:number]):
            raise OutputError(f"{path}: is given for two outputs; choose another path for one of them")
        for source in mail:
            if "-" not in {path, source} and (_same(path, source) or _is_mail_inside(path, source)):
                raise OutputError(f"{path}: holds mail that is read from {source}; choose another path")


def _same(one: str, other: str) -> bool:
    """Say whether two paths are one file."""
    return one == other or Path(one).resolve() == Path(other).resolve()


def _is_mail_inside(path: str, folder: str) -> bool:
    """Say whether a path is a message or a mailbox in a folder; a URL is in that which it begins with."""
    if remote.is_url(path):
        if not path.startswith(folder.rstrip("/") + "/"):
            return False
    elif not (Path(path).is_file() and Path(folder).is_dir() and Path(path).resolve().is_relative_to(Path(folder).resolve())):
        return False
    try:
        return any(True for _ in sources.chunks(path))
    except SourceError:
        return False
