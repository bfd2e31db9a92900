"""A notice in, a copy of it that can be shown to anybody out: it reads as the same failure, and names nobody.

What stays is the mail system's wording and the fields that tell a notice; addresses, hosts, IP addresses, ids, people, subjects and what
the returned message said are invented or left out. Each copy is read back, and the strictest that reads as the notice did is the one.
A name that only a sentence tells stays: somebody has to look at a copy before it leaves the house.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bounces import analyze
from bounces.anonymize import rewrite
from bounces.anonymize.identities import Strictness, pseudonyms
from bounces.anonymize.template import of_event
from bounces.model import Event, Raw
from bounces.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bounces.analyze import Trace
    from bounces.anonymize.pseudonyms import Pseudonyms

PLAIN = Settings()
MOST_PARAGRAPHS = 100  # of a text that are tried to do without


@dataclass(frozen=True, slots=True)
class Copy:
    """A notice's copy, what is read out of it, and whether kind, format, reason and codes of each recipient are as in the notice."""

    data: bytes
    events: tuple[Event, ...]
    same: bool


def anonymized(raw: Raw, settings: Settings = PLAIN) -> Copy:
    """Return a copy of a notice of failed or delayed deliveries that names nobody. One that can't be read has none: its data is empty."""
    found = analyze.trace(raw, settings)
    if isinstance(found, Event):
        return Copy(b"", (found,), same=False)
    copies = []
    for strictness in Strictness:
        copies.append(_shortest(found, pseudonyms(found, strictness), settings))
        alike = copies[-1].same and templates(copies[-1].events) == templates(found.events)
        if alike and strictness is not Strictness.PEOPLE:  # there a name may stand in what the server said, and rather not stay
            return copies[-1]
    return next((copy for copy in copies if copy.same), copies[0])


def _shortest(found: Trace, made: Pseudonyms, settings: Settings) -> Copy:
    """Return the copy with the least text that still reads as the notice did: what a returned message said stands last."""
    text = found.message.text
    whole = _read(rewrite.message(found.message, made), found, settings)
    ends = [one.start() for one in re.finditer(r"\n[ \t]*\n", text)] if whole.same else []
    for end in ends[:MOST_PARAGRAPHS]:
        copy = _read(rewrite.message(found.message, made, end), found, settings)
        if copy.same and templates(copy.events) == templates(whole.events):
            return copy
    return whole


def _read(data: bytes, found: Trace, settings: Settings) -> Copy:
    """Read a copy back."""
    trace = analyze.trace(Raw("-", data), settings)
    events = trace.events if isinstance(trace, analyze.Trace) else (trace,)
    return Copy(data, events, [_told(event) for event in events] == [_told(event) for event in found.events])


def _told(event: Event) -> tuple[str | None, ...]:
    """Return what a copy has to tell as the notice did."""
    return (event.kind, event.format, event.action, event.reason, event.reply_code, event.status)


def templates(events: Iterable[Event]) -> list[str]:
    """Return the templates of what the servers said."""
    return [of_event(event) for event in events]
