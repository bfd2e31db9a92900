"""A header field of the sender's own in, the addresses that it carries out: in its links or in its text, plain, escaped or in base64."""

from __future__ import annotations

import re
from base64 import b64decode
from functools import lru_cache
from urllib.parse import unquote

from bounces import address
from bounces.pattern import late

LONGEST = 2000  # characters of a field that are read
# <https://example.org/leave?email=user%40example.com>, <mailto:leave-user=example.com@lists.example.org>
LINK = re.compile(r"<(mailto:)?([^<>\s]{1,2000})>", re.IGNORECASE)
PIECE = re.compile(r"[/?&#;:|]|=(?=[^=&]{6})")
BASE64 = re.compile(r"[A-Za-z0-9_+/-]{12,1000}={0,2}")
URL_SAFE = str.maketrans("-_", "+/", "=")
MESSAGE_ID = late(r"<[^<>]*>")
# user@example.com in a text that is no link
WORD = late(r"[^\s<>\"'(),;:|~{}\[\]@]+@[^\s<>\"'(),;:|~{}\[\]@.]+\.[^\s<>\"'(),;:|~{}\[\]@]+")


@lru_cache(maxsize=1 << 10)
def addresses(value: str) -> tuple[str, ...]:
    """Return the addresses that a field carries; whom a link itself is sent to is nobody's subscriber."""
    value = value[:LONGEST]
    found: list[str | None] = []
    for scheme, link in LINK.findall(value) or [("", "".join(value.split()))]:
        target, _, query = link.partition("?")
        if scheme and (carried := address.verp(target)):
            found.append(carried)
        for piece in PIECE.split(query if scheme else link.replace("&amp;", "&")):
            text = unquote(piece) if "%" in piece else piece
            if "@" in text or (BASE64.fullmatch(text) and (text := _decoded(text))):
                found += map(address.parse, WORD.findall(text))
    return tuple(dict.fromkeys(one for one in found if one))


def _decoded(text: str) -> str:
    """Decode what may be base64 of a text with an address, message ids left out; "" when it is none."""
    letters = text.translate(URL_SAFE)
    try:
        decoded = b64decode(letters + "=" * (-len(letters) % 4))
        return MESSAGE_ID.sub(" ", decoded.decode("ascii")) if b"@" in decoded else ""
    except ValueError:
        return ""
