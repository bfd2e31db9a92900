"""LISTSERV's report on the subscribers whose mail fails: 'Err First Last  Address' and 'Last error: 5.1.1 550 5.1.1 User unknown'."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import signs
from bounces.entries import entries
from bounces.pattern import late

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Attempt, Message

# Err First Last  Address
HEADING = re.compile(r"^Err[ ]+First[ ]+Last[ ]+Address[ \t]*$", re.MULTILINE)
#   4 06/12 06/15 Anna Example <anna@example.com>
RECIPIENT = late(r"^[ ]{0,4}\d+[ ]+\d\d/\d\d[ ]+\d\d/\d\d[ ][^\n@]{0,80}?<?([^\s<>@]+@[^\s<>@]+)>?[ \t]*$", re.MULTILINE)
# Err=   Number of delivery errors received thus far
LEGEND = late(r"^Err=[ ]|^Subscribers will be automatically deleted", re.MULTILINE)


def claims(message: Message) -> bool:
    """Say whether the report's heading and one of its lines are there, and nobody forwards it."""
    return "Err " in message.text and bool(HEADING.search(message.text)) and not signs.is_talk(message) and any(decode(message))


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for each subscriber, with the last error."""
    return entries(message.text, RECIPIENT, after=HEADING, until=LEGEND)
