"""Gmail before it sent fields for machines: 'Delivery to the following recipient failed permanently:'."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import signs
from bounces.entries import entries
from bounces.model import Action, Attempt
from bounces.pattern import late

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Message

# Delivery to the following recipient failed permanently:        Delivery to the following recipients has been delayed:
INTRODUCTION = late(r"^Delivery to the following recipients? (failed permanently|has been delayed|was aborted after [^:\n]{1,40}):", re.MULTILINE)
#      user@example.com
RECIPIENT = late(r"^(?:     |  ?\* )([^\s<>]+@[^\s<>]+)[ \t]*$", re.MULTILINE)
# ----- Original message -----
RETURNED = late(r"^----- Original message -----", re.MULTILINE)


def claims(message: Message) -> bool:
    """Say whether Google's mail system sent it, and the fields for machines are missing."""
    return signs.is_plain(message) and "googlemail.com" in (message.headers.get("From") or "") and bool(INTRODUCTION.search(message.text))


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for each address; the details stand once, after the last."""
    introduction = INTRODUCTION.search(message.text)
    action = Action.DELAYED if introduction and "delayed" in introduction.group(1) else Action.FAILED
    found = tuple(entries(message.text, RECIPIENT, after=INTRODUCTION, until=RETURNED))
    for attempt in found:
        yield attempt.filled(found[-1]).filled(Attempt(action=action))
