"""Things in, the same things out, in any order: what is much waits in a temporary file, where it takes no memory."""

from __future__ import annotations

import pickle
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import finalize

import pyarrow as pa

from bounces.wholefile import explained

if TYPE_CHECKING:
    from collections.abc import Iterator

Thing = TypeVar("Thing")

MEMORY = 4 << 20  # bytes that are held before there is a file


class Spool(Generic[Thing]):
    """Things that can be pickled, each by its number from 0 on, in a file that is gone with this object.

    Raise OutputError when the folder for temporary files is full, or none can be made there; the environment's TMPDIR says which it is.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._file = tempfile.SpooledTemporaryFile(MEMORY, prefix="bounces-")  # noqa: SIM115  (it is open as long as this is)
        self._ends = [0]
        finalize(self, _close, self._file)

    def put(self, thing: Thing) -> None:
        """Append a thing."""
        with explained(tempfile.tempdir or "the folder for temporary files"):
            self._file.seek(self._ends[-1])
            self._file.write(pickle.dumps(thing, pickle.HIGHEST_PROTOCOL))
            self._ends.append(self._file.tell())

    def get(self, number: int) -> Thing:
        """Return a thing as it was."""
        start, end = self._ends[number : number + 2]
        with explained(tempfile.tempdir or "the folder for temporary files"):
            self._file.seek(start)
            thing: Thing = pickle.loads(self._file.read(end - start))  # noqa: S301  (ours: nobody else can open the file)
        return thing

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __iter__(self) -> Iterator[Thing]:
        for number in range(len(self)):
            yield self.get(number)
            pa.default_memory_pool().release_unused()  # what was done with it left gaps, which would add up


def _close(file: tempfile.SpooledTemporaryFile[bytes]) -> None:
    """Close a file; what a full disk has left unwritten is nobody's concern any more."""
    with suppress(OSError):
        file.close()
