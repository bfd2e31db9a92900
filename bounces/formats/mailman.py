"""Mailman's notice to the owner of a list: 'This is a Mailman mailing list bounce action notice:'"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces.entries import entries
from bounces.pattern import late

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Attempt, Message

SIGN = late(r"^This is a Mailman mailing list bounce action notice:", re.MULTILINE)
#     Member:     user@example.com
RECIPIENT = late(r"^[ \t]*Member:[ \t]*(\S+@\S+)[ \t]*$", re.MULTILINE)
# The triggering bounce notice is attached below.
END = late(r"^The triggering bounce notice is", re.MULTILINE)


def claims(message: Message) -> bool:
    """Say whether Mailman wrote it, and no subscriber: by the field of its own messages, its first sentence and the member."""
    return "X-List-Administrivia" in message.headers and bool(SIGN.search(message.text)) and bool(RECIPIENT.search(message.text))


def decode(message: Message) -> Iterator[Attempt]:
    """Yield the attempt for the member, with what Mailman did and why."""
    return entries(message.text, RECIPIENT, after=SIGN, until=END)
