"""Exchange since 2007 and Office 365, when only the text for people is left: 'Generating server: ' in whatever language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import signs
from bounces.entries import entries
from bounces.pattern import late

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Attempt, Message

# Generating server: AM0PR01MB0001.eurprd01.prod.outlook.com
SIGN = late(r"^[^\n:：]{4,60}[:：]\s*[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+[ \t]*\n\s*(?=[^\s@]+@[^\s@]+[ \t]*\n)", re.MULTILINE)
# user@example.com, alone on its line
RECIPIENT = late(r"^[ \t]*([^\s<>@]+@[^\s<>@]+)[ \t]*$", re.MULTILINE)
# Remote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound; …'        #550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##
REPLY = late(
    r"(?:'|#|<\s*#?|returned\s+'?)[245]\d\d[ -]#?[245]\.\d\.\d|#?[245]\.\d\.\d{1,3} smtp;|\b(?:RESOLVER|ROUTING|STOREDRV|QUEUE|SMTPSEND|"
    r"TRANSPORT)\.[A-Z]"
)
# Original message headers:
RETURNED = late(r"^Original message headers:|^\S[^\n]{5,60}[:：][ \t]*\n\s*Received: ", re.MULTILINE)


def claims(message: Message) -> bool:
    """Say whether the block for administrators is there: a server, an address, and a reply in Exchange's form."""
    return signs.is_plain(message) and bool(SIGN.search(message.text)) and bool(REPLY.search(message.text))


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for each address of the block for administrators."""
    return entries(message.text, RECIPIENT, after=SIGN, until=RETURNED)
