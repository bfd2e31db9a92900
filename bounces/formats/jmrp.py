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
SUBJECT = re.compile(r"\s*complaint about message from (?:\d{1,3}(?:\.\d{1,3}){3}|[\da-f]*:[\da-f:]+)\s*$", re.IGNORECASE)


def claims(message: Message) -> bool:
    """Say whether the subject is the program's and the message complained of is there, as a part of its own."""
    titled = message.feedback_report is None and message.returned is not None and SUBJECT.match(message.headers.get("Subject") or "")
    return bool(titled) and any(kind.startswith("message/") for kind in message.part_types)


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for the recipient whom the program adds to the returned header, else for the only one it was sent to."""
    added = address.parse(message.returned.get("X-HmXmrOriginalRecipient")) if message.returned else None
    recipient = added or signs.only_addressee(message)
    yield Attempt(final_recipient=recipient, original_recipient=recipient)
