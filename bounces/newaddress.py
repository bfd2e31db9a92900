"""Text in, the one address out that it tells to write to instead: a person or a server says that a mailbox has moved."""

from __future__ import annotations

from bounces import address
from bounces.wording import Shown, shown

NEAR = 120  # characters before an address that tell what it is
LONGEST = 4000  # characters of a text that are read


def new_address(text: str, old: str | None) -> str | None:
    """Return the new address that a text gives for whoever had `old`, or None when it gives none, or more than one.

    "551 User not local; please try <forward-path>" (RFC 5321, section 3.4), "my new address is", "meine neue Adresse lautet" …
    """
    text = text[:LONGEST]
    known = address.canonical(old) if old else None
    places = [(address.canonical(one), start) for one, start, _ in address.in_text(text)]
    found = {one for one, start in places if one != known and Shown.MOVED in shown(text[max(0, start - NEAR) : start])}
    return found.pop() if len(found) == 1 else None
