"""A filter that asks the sender to confirm (challenge and response): 'X-Spamarrest-noauth', 'please identify yourself'."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import address, signs
from bounces.mentions import mentions
from bounces.model import Attempt, Kind
from bounces.pattern import late
from bounces.wording import LONGEST, Shown, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Message

KIND = Kind.AUTO_REPLY

# X-Spamarrest-noauth, X-TMDA-…, X-DigiPortal, X-BoxTrapper-…
HEADER = late(r"x-(?:spamarrest|tmda|digiportal|boxtrapper|ask(?:version)?|choicemail|mailinblack)\b.*", re.IGNORECASE)


def claims(message: Message) -> bool:
    """Say whether a known filter marks it, or the subject or the text asks for a confirmation in an automatic answer."""
    if message.delivery_status or message.report_type:
        return False
    answers = signs.return_path(message) == "<>" or signs.is_automatic(message)
    if not answers and not any(HEADER.fullmatch(name) for name, _ in message.headers.fields):
        return False
    return Shown.CHALLENGE in shown(message.text[:LONGEST]) or Shown.CHALLENGE in shown(message.headers.get("Subject") or "")


def decode(message: Message) -> Iterator[Attempt]:
    """Yield one attempt: whom the filter guards, by its text or as who wrote."""
    own = {one.lower() for one in address.all_of(message.headers.get("To"))}
    named = {mention.address for mention in mentions(message.text[:LONGEST])} - own
    yield Attempt(final_recipient=named.pop() if len(named) == 1 else address.parse(message.headers.get("From")))
