"""A Maildir folder in, the paths of its messages out, and found again when a mail reader has moved them."""

# a Path would write "./x" as "x", but an origin is the path as given
# ruff: noqa: PTH112, PTH118, PTH119, PTH120

from __future__ import annotations

import os

from bounces.pattern import late

FOLDERS = ("new", "cur", "tmp")
# "1204680122.27c448.host:2,S"; file systems without ":" have ";" or "!"
FLAGS = late(r"[:;!][12],")


def is_maildir(folder: str) -> bool:
    """Say whether a folder is a Maildir: it holds cur and new (tmp may be missing)."""
    return all(os.path.isdir(os.path.join(folder, name)) for name in ("cur", "new"))


def holds(path: str) -> bool:
    """Say whether a path is that of a message in a Maildir."""
    folder, name = os.path.split(os.path.dirname(path))
    return name in {"cur", "new"} and is_maildir(folder)


def messages(folder: str) -> list[str]:
    """Return the paths of the messages in new and cur, sorted, each once; where new or cur can't be read, its own path stands in.

    new is listed before cur, so that a message which a mail reader moves meanwhile isn't missed; cur twice, for a listing may miss a
    file that is renamed while it runs (POSIX readdir).
    """
    found: dict[str, str] = {}
    for place in (os.path.join(folder, name) for name in ("new", "cur", "cur")):
        try:
            with os.scandir(place) as listing:
                paths = [entry.path for entry in listing if entry.name[0] != "." and _may_be_message(entry)]
        except OSError:
            paths = [place]
        for path in paths:
            name = _unique(os.path.basename(path))
            before = found.setdefault(name, path)
            if before != path:
                # the same name twice is one message, renamed while we looked, unless both are still there
                found[path if os.path.lexists(before) else name] = path
    return sorted(found.values())


def find(path: str, listings: dict[str, dict[str, str]]) -> str | None:
    """Return where a message that isn't at `path` any more is now, or None; `listings` keeps what was seen of each Maildir."""
    folder, name = os.path.dirname(os.path.dirname(path)), _unique(os.path.basename(path))
    seen = listings.get(folder)
    if seen is None or seen.get(name) == path:
        seen = listings[folder] = {_unique(os.path.basename(found)): found for found in messages(folder)}
    found = seen.get(name)
    return found if found != path else None


def _may_be_message(entry: os.DirEntry[str]) -> bool:
    """Say whether an entry can be opened without waiting; a folder or a broken link then says why it is no message."""
    return entry.is_symlink() or entry.is_file() or entry.is_dir()


def _unique(name: str) -> str:
    """Return the part of a message's name that stays when its flags change."""
    return FLAGS.split(name, maxsplit=1)[0]
