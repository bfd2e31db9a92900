"""X-ARF, reports of network abuse without the fields of RFC 5965: 'X-XARF: PLAIN', 'Report-Type: spam'."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import signs
from bounces.model import Attempt, Kind
from bounces.pattern import late

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Message

KIND = Kind.COMPLAINT
FEEDBACK_TYPE = "abuse"  # RFC 5965, section 7.3

# Report-Type: spam
TYPE = late(r"^Report-Type:[ \t]*spam\b", re.IGNORECASE | re.MULTILINE)


def claims(message: Message) -> bool:
    """Say whether the header marks it as such a report, and one on spam."""
    return ("X-XARF" in message.headers or "X-ARF" in message.headers) and message.feedback_report is None and bool(TYPE.search(message.text))


def decode(message: Message) -> Iterator[Attempt]:
    """Yield the attempt for whom the message complained of was sent to; most are masked, and of several nobody knows who complained."""
    yield Attempt(final_recipient=signs.only_addressee(message))
