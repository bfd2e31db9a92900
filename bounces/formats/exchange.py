"""Exchange 5.5 to 2003 without fields for machines: 'did not reach the following recipient(s):'."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import signs
from bounces.entries import entries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Attempt, Message

# did not reach the following recipient(s):
INTRODUCTION = re.compile(r"^did not reach the following recipient\(s\):", re.MULTILINE)
# 'user@example.com' on Thu, 29 Apr 2010 00:00:00 +0900
RECIPIENT = re.compile(r"^[ \t]*'?\"?([^\s'\"<>]+@[^\s'\"<>]+?)'?\"? on [A-Z\d][^\n]*$", re.MULTILINE)


def claims(message: Message) -> bool:
    """Say whether the introduction is there, and the fields for machines are missing."""
    return signs.is_plain(message) and bool(INTRODUCTION.search(message.text)) and bool(RECIPIENT.search(message.text))


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for each address with the time it was tried."""
    return entries(message.text, RECIPIENT, after=INTRODUCTION)
