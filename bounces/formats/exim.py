"""Exim and its kin (GMX, 1&1, Mail.ru): 'This message was created automatically by mail delivery software.'"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import address, signs
from bounces.entries import entries
from bounces.model import Attempt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Message

# This message was created automatically by mail delivery software.
SIGN = re.compile(r"This message was created automatically by (?:mail delivery software|the SMTP relay)", re.IGNORECASE)
# recipients. This is a permanent error. The following address(es) failed:
INTRODUCTION = re.compile(
    r"following\s+address(?:\(es\)|es)?\s+(?:has\s+|have\s+)?(?:failed|not\s+yet\s+been\s+delivered)[^\n:]*:|"
    r"(?:has|have) not yet been delivered (?:is|are):|recipients?\.[^\n]*\n",
    re.IGNORECASE,
)
#   user@example.com            "user@example.com":            <user@example.com>: 550 5.1.1 User unknown
RECIPIENT = re.compile(r'^ {0,3}["<]?([^\s<>"(),:;]+@[^\s<>"(),:;]+)[">]{0,2}(?::[ \t]*|[ \t]*$)', re.MULTILINE)
# ------ This is a copy of the message, including all the headers. ------
RETURNED = re.compile(r"^-{3,} (?:This is a copy of|The header of|The body of)", re.IGNORECASE | re.MULTILINE)
#     (ultimately generated from list@example.net)
GENERATED = re.compile(r"\((?:ultimately )?generated (?:from|by) ([^\s()]+@[^\s()]+)\)")


def claims(message: Message) -> bool:
    """Say whether Exim's first sentence and its list of addresses are there, and the fields for machines are missing."""
    return signs.is_plain(message) and bool(SIGN.search(message.text)) and any(entries(message.text, RECIPIENT, after=INTRODUCTION))


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for each address; what stands before Exim's own first sentence is a translation of it."""
    sign = SIGN.search(message.text)
    text = message.text[sign.start() :] if sign else message.text
    failed = {one.lower() for one in address.all_of(message.headers.get("X-Failed-Recipients"))}
    found = tuple(entries(text, RECIPIENT, after=INTRODUCTION, until=RETURNED))
    named = tuple(one for one in found if one.final_recipient and one.final_recipient.lower() in failed)
    for attempt in named or found:
        generated = GENERATED.search(attempt.diagnostic_code or "")
        yield attempt.filled(Attempt(original_recipient=address.parse(generated.group(1)))) if generated else attempt
