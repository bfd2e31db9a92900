"""A server's text in, its template out: what stays the same of it whoever it is about, in words that a person can read.

Two texts that differ in nothing but addresses, hosts, IP addresses, URLs, ids and numbers have one template: "550 5.1.1 <a@example.com>:
no seat 12" and "<b@example.net>: no seat 7" are both "<address>: no seat #".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import address, codes
from bounces.anonymize.identifiers import What, particulars
from bounces.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bounces.model import Event

LONGEST = 200  # characters of a template
READ = 4000  # characters of a text that are read
ENOUGH = 3  # letters that are enough to say something
LONG_ENOUGH = 5  # letters of a subject that is no word of the text
SUBJECT = "<subject>"
WRITTEN_CLOSE = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ud7ff]{2}")  # scripts in which two characters are

PLACE = re.compile("|".join((*What, SUBJECT)))
QUOTED = re.compile(r"(?<!<)<++(address|user|host|ip|url|id)>++")
NUMBERS = re.compile(r"#(?:[\s.,:;/+()-]*+#)++")
DATE = re.compile(r"(?:\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?# (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) #(?: \([A-Z]{2,5}\))?")
OPENING = re.compile(r"(?:[\s#.,:;-]|<(?=#))++")
# local parts that are words of notices, too
WORDS = address.ROLES | frozenset(
    "account address box domain email mailbox member name nobody none recipient root sender test unknown user users".split()
)


def of_event(event: Event) -> str:
    """Return the template of what the server said; the recipient's local part, and the subject of the message, are particulars of it, too."""
    return template(event.diagnostic_code or "", (event.recipient, event.final_recipient), event.subject)


def template(text: str, recipients: Iterable[str | None] = (), subject: str | None = None) -> str:
    """Return a text's template, without the codes that it opens with; see `of_event`."""
    line = codes.plain(text[:READ])
    line = without_subject(line, subject, SUBJECT)
    pieces, position = [], 0
    for one in particulars(line, dict.fromkeys(users(recipients), What.USER)):
        pieces += [line[position : one.start], one.what]
        position = one.end
    masked = NUMBERS.sub("#", QUOTED.sub(r"<\1>", "".join([*pieces, line[position:]])))
    masked = DATE.sub("#", masked)
    opening = OPENING.match(masked)
    return _cut(masked[opening.end() :] if opening else masked)


def without_subject(text: str, subject: str | None, mask: str) -> str:
    """Return a text with a mask for a subject, unless that is too short to be told from the text's own words, or an address."""
    words = (subject or "").split()
    if "@" in (subject or "") or sum(map(str.isalpha, subject or "")) < LONG_ENOUGH:
        return text
    return re.sub(r"(?<!\w)" + r"\s+".join(map(re.escape, words)) + r"(?!\w)", mask, text)


def users(recipients: Iterable[str | None]) -> frozenset[str]:
    """Return the local parts of addresses, as far as they can't be taken for a word of the text."""
    locals_ = {one.rpartition("@")[0].lower() for one in recipients if one}
    return frozenset(one for one in locals_ if one not in WORDS and (len(one) > 3 or (len(one) > 1 and not one.isalpha())))


def says_something(masked: str) -> bool:
    """Say whether a template has words, and not only masks and marks."""
    text = PLACE.sub(" ", masked)
    return sum(map(str.isalpha, text)) >= ENOUGH or WRITTEN_CLOSE.search(text) is not None


def key(masked: str) -> str:
    """Return what templates are grouped by: case and accents make no difference."""
    return fold(masked)


def _cut(masked: str) -> str:
    """Return a template of at most the length that a person reads, cut between words and never in a mask."""
    if len(masked) <= LONGEST:
        return masked
    end = masked.rfind(" ", LONGEST // 2, LONGEST)
    head = masked[: end if end > 0 else LONGEST - 1]
    opened = head.rfind("<", len(head) - len(What.ADDRESS))
    return (head[:opened] if opened >= 0 and ">" not in head[opened:] else head).rstrip() + "…"
