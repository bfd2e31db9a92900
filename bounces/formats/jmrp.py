"""Outlook.com's Junk Mail Reporting Program, a complaint without the fields of RFC 5965: 'Subject: complaint about message from 192.0.2.1'."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import address, signs
from bounces.model import Attempt, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Message

KIND = Kind.COMPLAINT
FEEDBACK_TYPE = "abuse"  # RFC 5965, section 7.3

# complaint about message from 192.0.2.1
SUBJECT = re.compile(r"^\s*complaint about message from [\d.:a-f]+", re.IGNORECASE)


def claims(message: Message) -> bool:
    """Say whether the subject is the program's and the message complained of is there."""
    return message.feedback_report is None and message.returned is not None and bool(SUBJECT.match(message.headers.get("Subject") or ""))


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for the recipient whom the program adds to the returned header, else for whom the message was sent to."""
    added = address.parse(message.returned.get("X-HmXmrOriginalRecipient")) if message.returned else None
    for recipient in (added,) if added else signs.sent_to(message) or (None,):
        yield Attempt(final_recipient=recipient, original_recipient=recipient)
