"""LMail, L-Soft's delivery agent: 'Error-For:  USER@EXAMPLE.COM', 'Error-Text: No such local user.'"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import signs
from bounces.entries import entries
from bounces.pattern import late

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Attempt, Message

# Error-For:  USER@EXAMPLE.COM
RECIPIENT = late(r"^Error-For:[ \t]*([^\s@]+@[^\s@]+)[ \t]*\n(?:Error-Code:[^\n]*\n)?(?=Error-Text:)", re.MULTILINE)
# Error-End:  2 errors reported.
END = late(r"^Error-End:", re.MULTILINE)


def claims(message: Message) -> bool:
    """Say whether the list is there that LISTSERV reads, and LMail's field or another sign of a mail system: no person quotes it."""
    own = (message.headers.get("X-Report-Type") or "").lower().startswith("nondelivery")
    return (own or signs.is_plain(message)) and "Error-For:" in message.text and bool(RECIPIENT.search(message.text))


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for each address of the list."""
    return entries(message.text, RECIPIENT, until=END)
