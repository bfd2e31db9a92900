"""A mail program that unsubscribes for its user (RFC 2369): 'Apple Mail sent this email to unsubscribe from the message'."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import address, signs
from bounces.model import Attempt, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Message

KIND = Kind.COMPLAINT
FEEDBACK_TYPE = "opt-out"  # RFC 5965, section 7.3

SIGN = re.compile(r"\s*Apple Mail sent this email to unsubscribe from the message")


def claims(message: Message) -> bool:
    """Say whether the text begins with the program's sentence, and nobody forwards it."""
    return SIGN.match(message.text) is not None and not signs.is_talk(message)


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for who wants no more mail: the sender."""
    sender = address.parse(message.headers.get("From"))
    yield Attempt(final_recipient=sender, original_recipient=sender)
