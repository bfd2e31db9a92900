"""qmail and what follows its QSBMF (Yahoo, netqmail): "I wasn't able to deliver your message to the following addresses."

QSBMF: https://cr.yp.to/proto/qsbmf.txt
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import signs
from bounces.entries import entries
from bounces.pattern import late

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Attempt, Message

# Hi. This is the qmail-send program at mail.example.com.
SIGN = late(
    r"^Hi\. This is |I wasn't able to deliver your message|^Sorry, we were unable to deliver your message|"
    r"^Unable to deliver message to the following address\(es\)",
    re.MULTILINE,
)
# <user@example.com>:
RECIPIENT = late(r"^<([^<>\s]*@[^<>\s]+)>:[ \t]*$", re.MULTILINE)
# --- Below this line is a copy of the message.
RETURNED = late(r"^-{2,3} (?:Below this line|Enclosed|Undelivered|Original message follows|Mensaje|The original message)", re.MULTILINE)


def claims(message: Message) -> bool:
    """Say whether the text begins as QSBMF does, and lists its recipients as it does."""
    return signs.is_plain(message) and ">:" in message.text and bool(RECIPIENT.search(message.text)) and bool(SIGN.search(message.text))


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for each paragraph that begins with an address and a colon."""
    return entries(message.text, RECIPIENT, until=RETURNED)
