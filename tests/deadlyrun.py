"""A run whose messages may end the process that reads them, or the worker of Dask's beside which it reads."""

import os
import signal
import time

from bounces import run, workers


class Deadly(run.Reader):
    """A reader that some messages end."""

    def __call__(self, raws):
        """Yield batches."""

        def living():
            for raw in raws:
                if b"DEADLY" in raw.data:
                    os.kill(os.getpid(), signal.SIGKILL)
                if b"DISASTROUS" in raw.data:
                    os.kill(os.getppid(), signal.SIGKILL)
                if b"ENDLESS" in raw.data:
                    time.sleep(1000)
                yield raw

        return super().__call__(living())


class Impatient(Deadly):
    """One that is waited for no more than a second, wherever it comes to."""

    def __reduce__(self):
        return impatient, tuple(getattr(self, name) for name in self.__match_args__)


def impatient(*about):
    """Make an impatient reader."""
    workers.LIMIT = 1.0
    return Impatient(*about)
