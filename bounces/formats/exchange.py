"""Exchange 5.5 to 2003 without fields for machines: a name and a time, and below '<mail.example.com #5.1.1 smtp;550 5.1.1 User unknown>'."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import address, signs
from bounces.entries import described
from bounces.pattern import late

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Attempt, Message

# did not reach the following recipient(s):
INTRODUCTION = late(r"^did not reach the following recipient\(s\):", re.MULTILINE)
# 'user@example.com' on Thu, 29 Apr 2010 00:00:00 +0900        Anna Example am 07.11.2007 16:20
ENTRY = late(r"^[ \t]*+'?\"?([^\n<>\"]{1,120}?)'?\"? \w{1,4} (?:[A-Z][a-z]{2}, )?\d{1,4}(?:[./-]| [A-Z])[^\n]{0,40}\d:\d\d[^\n]{0,20}$", re.MULTILINE)
# <mail.example.com #5.1.1 smtp;550 5.1.1 <user@example.com>... User unknown>
TOKEN = late(r"<[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)* #\d\.\d\.\d{1,3}\b")


def claims(message: Message) -> bool:
    """Say whether there is a name with a time, and Exchange's introduction or its code; and the fields for machines are missing."""
    text = message.text
    return signs.is_plain(message) and bool(TOKEN.search(text) or ("did not reach" in text and INTRODUCTION.search(text))) and any(decode(message))


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for each name with a time; the address of a name that is none stands in the reply, or beside it in the returned header."""
    named = {name.lower(): one for name, one in signs.names(message.returned)}
    entries = list(ENTRY.finditer(message.text))
    for entry, end in zip(entries, [*(one.start() for one in entries[1:]), len(message.text)], strict=False):
        text = message.text[entry.end() : end].partition("\n\n")[0]
        found = address.parse(entry.group(1)) or named.get(entry.group(1).strip().lower()) or next(iter(address.all_of(text)), None)
        if found or TOKEN.search(text):
            yield described(found, text)
