"""A run whose messages may end the process that reads them, or the worker of Dask's beside which it reads."""

import os
import signal

from bounces import run


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
                yield raw

        return super().__call__(living())
