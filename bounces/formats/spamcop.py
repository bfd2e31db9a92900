"""SpamCop's reports, complaints without the fields of RFC 5965: 'X-SpamCop-sourceip: 192.0.2.1', '[ SpamCop V5.3.0 ]'."""

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

# [ SpamCop V5.3.0 ]
SIGN = late(r"^\[ SpamCop V[\d.]+ \]", re.MULTILINE)


def claims(message: Message) -> bool:
    """Say whether SpamCop's field and its first line are there, and no feedback report."""
    return message.feedback_report is None and "X-SpamCop-sourceip" in message.headers and bool(SIGN.search(message.text))


def decode(message: Message) -> Iterator[Attempt]:
    """Yield the attempt for whom the message complained of was sent to; most are masked, and of several nobody knows who complained."""
    yield Attempt(final_recipient=signs.only_addressee(message))
