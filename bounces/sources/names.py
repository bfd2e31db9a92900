"""The names in a store without folders (an object store, an archive) in, which of them may be mail out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDERS = ("cur", "new", "tmp")  # of a Maildir; an empty one has no name here
# "cur/1204680122.27c448.host:2,S"
MESSAGE = re.compile(r"(?:.*/)?(?:cur|new)/\d{9,}\.[^/]+", re.DOTALL)


class Names:
    """Passes names on, or not, as the walk through a local folder would; `skipped` is told of what is hidden, a folder once."""

    def __init__(self, base: str, skipped: Callable[[str, str], None]) -> None:
        self.base = base
        self.skipped = skipped
        self.maildirs: set[str] = set()
        self.told: set[str] = set()

    def passes(self, name: str) -> bool:
        """Say whether a name, below the base and with "/" between its parts, may be mail."""
        *folders, last = name.split("/")
        for number, folder in enumerate(folders, 1):
            if folder.startswith(".") and folders[number : number + 1] not in ([place] for place in FOLDERS):
                self._hidden("/".join(folders[:number]))
                return False
        if last.startswith("."):
            self._hidden(name)
            return False
        around, place = "/".join(folders[:-1]), folders[-1] if folders else ""
        if place in FOLDERS[:2] and is_message(name):
            self.maildirs.add(around)
        # beside cur and new lie half-written messages, and an IMAP server's index
        return "/".join(folders) not in self.maildirs and not (place == "tmp" and around in self.maildirs)

    def _hidden(self, name: str) -> None:
        if name not in self.told:
            self.told.add(name)
            self.skipped(self.base + name, "hidden")


def is_message(name: str) -> bool:
    """Say whether a name is that of a message in a Maildir, which is one whatever it looks like."""
    return MESSAGE.fullmatch(name) is not None
