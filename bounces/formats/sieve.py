"""A filter of the recipient's own that refuses (RFC 5429), told by a disposition notification: 'Subject: Automatically rejected mail'."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import address
from bounces.entries import described
from bounces.model import Attempt
from bounces.pattern import late

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Message

# Auto-Submitted: auto-replied (rejected)
REJECTED = late(r"auto-replied\b.*\breject", re.IGNORECASE)
# Your message to <user@example.com> was automatically rejected:        Your message was automatically rejected by Sieve
SIGN = late(r"^Your message (?:to \S+ )?was automatically rejected[^\n]*\n", re.MULTILINE)
# The following reason was given:
REASON = late(r"^The following reason was given:[ \t]*\n", re.MULTILINE)


def claims(message: Message) -> bool:
    """Say whether a disposition notification declares a refusal, or says so as Sieve does."""
    if message.disposition_notification is None:
        return False
    return bool(REJECTED.search(message.headers.get("Auto-Submitted") or "") or SIGN.search(message.text))


def decode(message: Message) -> Iterator[Attempt]:
    """Yield the attempt for whom the filter acted, with the reason that the recipient gave."""
    fields = message.disposition_notification
    assert fields is not None
    told = REASON.search(message.text) or SIGN.search(message.text)
    final = address.parse(fields.get("Final-Recipient"))
    original = address.parse(fields.get("Original-Recipient"))
    yield described(final, message.text[told.end() :] if told else message.text).filled(Attempt(original_recipient=original))
