"""OpenSMTPD without fields for machines: 'This is the MAILER-DAEMON, please DO NOT REPLY to this e'."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import signs
from bounces.entries import entries
from bounces.pattern import late

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Attempt, Message

#     This is the MAILER-DAEMON, please DO NOT REPLY to this e-mail.
SIGN = "This is the MAILER-DAEMON, please DO NOT REPLY to this e"
#     the following list of recipients:
INTRODUCTION = late(
    r"following\s+list\s+of\s+recipients:|has\s+not\s+yet\s+been\s+delivered\s+to\s+the\s+following[^\n]*:|recipients?:[ \t]*$", re.MULTILINE
)
# user@example.com: 550 5.1.1 User unknown
RECIPIENT = late(r"^[ \t]*([^\s:<>]+@[^\s:<>]+): ", re.MULTILINE)
#     Below is a copy of the original message:
RETURNED = late(r"^[ \t]*Below is a copy of the original message", re.MULTILINE)


def claims(message: Message) -> bool:
    """Say whether the daemon introduces itself, and the fields for machines are missing."""
    return signs.is_plain(message) and SIGN in message.text


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for each line that begins with an address."""
    return entries(message.text, RECIPIENT, after=INTRODUCTION, until=RETURNED)
