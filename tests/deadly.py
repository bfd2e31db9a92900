"""Work for other processes that ends or stops some of them; imports little, for each of them imports it."""

import ctypes
import os
import signal
import time

from bounces import sources

READ = sources.read


def told(raws, size=2):
    """Yield what is told of messages, some at once: process, origin, defects."""
    held = []
    for raw in raws:
        if b"deadly: kill" in raw.data:
            os.kill(os.getpid(), signal.SIGKILL)
        if b"deadly: crash" in raw.data:
            ctypes.string_at(0)
        if b"deadly: memory" in raw.data:
            raise MemoryError
        if b"slow" in raw.data:
            time.sleep(0.3)
        if b"endless" in raw.data:
            time.sleep(1000)
        if b"wrong" in raw.data:
            raise ValueError("a message that we can't take")
        held.append((os.getpid(), raw.origin.rpartition("#")[2], raw.defects))
        if len(held) >= size:
            yield held
            held = []
    if held:
        yield held


def deadly_read(chunk, *, skipped=None):
    """Read messages, and die before the third of the file."""
    for raw in READ(chunk, skipped=skipped):
        if raw.origin.endswith("#3"):
            os.kill(os.getpid(), signal.SIGKILL)
        yield raw


def told_of_a_deadly_chunk(raws):
    """Do as `told`, where reading itself kills the worker."""
    sources.read = deadly_read
    yield from told(raws)


class Unloadable:
    """What ends the process that unpickles it."""

    def __reduce__(self):
        return os._exit, (3,)
