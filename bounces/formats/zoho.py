"""Zoho Mail: 'user@example.com Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 …'."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import signs
from bounces.entries import entries
from bounces.pattern import late

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Attempt, Message

# user@example.com Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 <user@example.com>... User unknown
RECIPIENT = late(r"^[ \t\[]{0,8}+([^\s<>,@]{1,128}+@[^\s<>,@]{1,255}+) (?=[^\n]{0,200}ERROR_CODE ?:)", re.MULTILINE)


def claims(message: Message) -> bool:
    """Say whether an address is followed by Zoho's error codes."""
    return signs.is_plain(message) and "ERROR_CODE" in message.text and bool(RECIPIENT.search(message.text))


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for each such line."""
    return entries(message.text, RECIPIENT)
