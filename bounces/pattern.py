"""A regular expression in, its pattern out, compiled when it is first used: a run needs few of them for its first messages."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any, AnyStr, cast


class Late:
    """A pattern that is compiled once somebody asks it for something; from then on it holds what it was asked for, and costs nothing."""

    def __init__(self, pattern: str | bytes, flags: int) -> None:
        self.pattern, self._flags = pattern, flags

    def __getattr__(self, name: str) -> Any:
        """Return what the compiled pattern has by a name, as `search`."""
        value = self.__dict__[name] = getattr(self.compiled, name)
        return value

    @cached_property
    def compiled(self) -> re.Pattern[Any]:
        """The pattern itself."""
        return re.compile(self.pattern, self._flags)


def late(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return a pattern as `re.compile` does, for one that most messages do without.

    It has all methods; only to `re`'s own functions it is none. A flaw in it shows when it is first used: a test uses all.
    """
    return cast("re.Pattern[AnyStr]", Late(pattern, flags))
