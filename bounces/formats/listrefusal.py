"""Mailing list software that refuses a post (fml, Mailman, ezmlm, Sympa): 'You are not a member of this mailing list <list@example.com>.'"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import address
from bounces.entries import described
from bounces.pattern import late

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Attempt, Message

# You are not a member of this mailing list <list@example.com>.        You are not allowed to post to this mailing list
REFUSAL = late(
    r"^(?:you are not (?:a member of|allowed to post to|subscribed to|authorized to (?:post|send)[^.\n]{0,40} to) (?:this|the) "
    r"(?:mailing[- ])?list\b|"
    r"your (?:message|mail|post) (?:to|for) [^\n]{3,80} (?:was|has been) (?:automatically )?(?:rejected|discarded)|"
    r"sorry, (?:only subscribers|i've been told to reject)|"
    r"(?:but )?this address is not subscribed|you are not (?:currently )?(?:a )?subscribe[dr]|only subscribers (?:can|may) post|"
    r"(?:our )?virus ?checker found a virus|the distribution of your message)[^\n]*(?:\n[^\n]+){0,4}",
    re.IGNORECASE | re.MULTILINE,
)
# list-bounces@example.com, list-admin@…, owner-list@…: who speaks for a list
ROLE = late(r"^(?:owner-|request-)?(.+?)(?:[-+](?:bounces|admin|owner|request|ctl|return|help))?@", re.IGNORECASE)
SPEAKS = late(r"^owner-|[-+](?:bounces|admin|owner|request|help)@", re.IGNORECASE)
# sympa@example.com: speaks for all lists of a server
SOFTWARE = late(r"(?:sympa|listserv|majordomo|mailman|ezmlm|mlmmj|listmaster)@", re.IGNORECASE)


def claims(message: Message) -> bool:
    """Say whether one who speaks for a list refuses a post in the words of list software."""
    if message.delivery_status:
        return False
    speaker = address.parse(message.headers.get("From")) or ""
    return bool(SPEAKS.search(speaker) or SOFTWARE.match(speaker)) and bool(REFUSAL.search(message.text[:2000]))


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for the list: its address in the refusal, else the one that its speaker's is made of."""
    refusal = REFUSAL.search(message.text)
    assert refusal is not None
    speaker = address.parse(message.headers.get("From")) or ""
    own, home = ROLE.match(speaker), address.domain(speaker)
    stem = "" if own is None or SOFTWARE.match(speaker) else own.group(1).lower()
    writers = {one.lower() for one in address.all_of(message.headers.get("To"))}
    named = [one.lower() for one in address.all_of(refusal.group()) if address.domain(one) == home and not SPEAKS.search(one)]
    lists = [one for one in named if one.startswith(stem) and one not in writers]
    yield described(lists[0] if lists else f"{stem}@{home}" if stem else None, refusal.group())
