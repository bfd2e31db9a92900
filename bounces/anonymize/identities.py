"""A Trace in, whom and what it names out: people, companies and servers, each with the pseudonym that a copy has instead.

A person is known by a header field, by an address that has the name in it, or by the place where a format has names; a name that only
a sentence tells can't be told from another word.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import cache
from typing import TYPE_CHECKING

from bounces import address, providers, rules, signs
from bounces.anonymize.identifiers import What
from bounces.anonymize.pseudonyms import OPEN, Pseudonyms, is_role
from bounces.anonymize.template import WORDS, users
from bounces.folding import fold
from bounces.formats.exchange import ENTRY
from bounces.wording import Shown, is_label, telling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.analyze import Trace
    from bounces.model import Headers, Message

TO = ("To", "Cc", "Bcc", "Resent-To", "Delivered-To", "X-Original-To", "Envelope-To")
FROM = ("From", "Sender", "Reply-To", "Resent-From", "Return-Path")
# Received: from PC-ANNA (helo=mail) by EXCH01
SERVER = re.compile(r"(?:\A\s*from|\sby|\bHELO|\bhelo)[ =]([A-Za-z0-9_-]{3,63})(?=[\s);(\[\]]|\Z)")
HOST = re.compile(r"[A-Za-z0-9_.-]{3,253}")
SERVERS = ("Reporting-MTA", "Remote-MTA", "Received-From-MTA")
# Anna Example <user@example.com>, Anna Example (user@example.com)
BESIDE = re.compile(r"((?:[^\W\d_a-z][^\W\d_]{0,40}[.'’-]? ){1,3})(?=[<(\"'\[]{1,2}[^\s<>()@]{1,64}@)")
PART = re.compile(r"[^\W\d_]{3,}(?:[-'’][^\W\d_]+)*")
# From: Anna Example        宛先：…
LABELLED = re.compile(r"^[ \t>*•-]{0,20}([^\n:：<>@]{1,30})[:：][ \t]*([^\n<>()\[\]@:：]{2,60}?)[ \t]*(?=[<(\[\n]|\Z)", re.MULTILINE)
# words of names that are no names
ORDINARY = frozenset(
    """accounts administrator admin alert alerts and center centre company contact customer customers daemon delivery desk email enquiries
    example for from group help info list mail mailer mailing message messages news newsletter notification office online orders post postmaster sales
    service services shop support subsystem system team test the undisclosed recipients user via web webmaster""".split()
)


class Strictness(Enum):
    """What counts as a name: each lets more of it be an ordinary word."""

    COMPANIES = auto()  # a company's by its domain, a server's without one
    PARTS = auto()  # each part of a person's
    PEOPLE = auto()  # a person's as a whole


def pseudonyms(found: Trace, strictness: Strictness) -> Pseudonyms:
    """Return pseudonyms for all that a notice names, the recipients first."""
    told, strictest = found.message, strictness is Strictness.COMPANIES
    evidence = [one for verdict in found.verdicts if verdict for one in verdict.evidence if one.rule in _shipped()]
    made = Pseudonyms({part for one in evidence for part in one.matched.split(" … ")})
    recipients = [one for event in found.events for one in (event.final_recipient, event.recipient) if one]
    people = [*recipients, *(one for value in _fields(told, TO, FROM) for one in address.all_of(value))]
    for one in (*people, *(one for one, _, _ in address.in_text(told.text))):
        made.address(one)
    servers = {name for name in _servers(found) if "." not in name and name.lower() not in OPEN and not name.isdigit()}
    made.known = {name.lower(): What.HOST for name in servers if strictest or not (name.isalpha() and name.islower())}
    locals_ = users(recipients) | {local for local in users(people) if not local.isalpha()}
    made.known |= {local: What.USER for local in locals_ if not is_role(local)}
    for written in (*_names(told), *(_names_in_text(told.text, recipients) if strictest else ())):
        name = " ".join(written.split())
        made.names[name] = made.name(name)
        first, _, last = made.names[name].partition(" ")
        for place, part in enumerate(PART.findall(name) if strictness is not Strictness.PEOPLE else ()):
            if part.lower() not in ORDINARY:
                made.names.setdefault(part, last if place else first)
    for host in filter(None, map(address.domain, people)):
        if not host.isascii():  # which is told from other words only in an address
            made.names[host] = made.host(host)
    for name in _companies(people) if strictest else ():
        made.names.setdefault(name, "Example")
    return made


@cache
def _shipped() -> frozenset[str]:
    """Return the ids of our rules: what those know is public, a rule of the user's own may name anybody."""
    return frozenset(rule.id for rule in (*rules.shipped(), *rules.languages()))


def _fields(told: Message, *names: tuple[str, ...]) -> Iterator[str]:
    """Yield the values of fields of the notice and of the returned message."""
    headers: tuple[Headers | None, ...] = (told.headers, told.returned)
    yield from (value for one in headers if one for group in names for name in group for value in one.all(name))


def _names(told: Message) -> Iterator[str]:
    """Yield the names of people in the header fields; the notice's From is a mail system."""
    writers = [value for name in FROM for value in (told.returned.all(name) if told.returned else ())]
    for value in (*_fields(told, TO), *writers):
        for name, _ in signs.names_in(value):
            if len(name) > 2 and "@" not in name and not signs.is_daemons(name):
                yield name


def _names_in_text(text: str, recipients: list[str]) -> Iterator[str]:
    """Yield the names of people in the text: beside an address, where Exchange has them, or with what is in a recipient's address."""
    for one in (*BESIDE.finditer(text), *ENTRY.finditer(text)):
        name = one.group(1).strip(" \"'.,")
        if " " in name and "@" not in name and not telling(name) and not ORDINARY.intersection(name.lower().split()):
            yield name
    for one in LABELLED.finditer(text):
        label, name = fold(one.group(1)).strip(), one.group(2).strip(" \t\"'.,;")
        if (
            name
            and not name.islower()
            and not telling(name)
            and any(is_label(label, what) for what in (Shown.SENDER, Shown.ADDRESSEE, Shown.RECIPIENT))
        ):
            yield name
    pieces = {piece for one in recipients for piece in re.split(r"[\W\d_]+", one.rpartition("@")[0].lower())}
    for piece in pieces:
        if len(piece) > 3 and piece not in ORDINARY | WORDS:
            yield from (
                found.group() for found in re.finditer(rf"\b(?:[^\W\d_]{{1,40}} )?{piece.capitalize()}(?:, [^\W\d_a-z][^\W\d_]{{1,40}})?\b", text)
            )


def _companies(people: list[str]) -> Iterator[str]:
    """Yield the names that companies' domains are made of, as a text writes them."""
    for one in people:
        host = address.domain(one) or ""
        label = max(host.split(".")[:-1], key=len, default="")
        if len(label) > 3 and label not in ORDINARY and not providers.provider(host, host):
            yield from (label.capitalize(), label.upper())


def _servers(found: Trace) -> Iterator[str]:
    """Yield the names of servers, those without a domain, too."""
    yield from (name for event in found.events for name in (event.reporting_mta, event.remote_mta) if name)
    yield from (name for value in _fields(found.message, ("Received",)) for name in SERVER.findall(value))
    yield from (
        name
        for group in found.message.delivery_status
        for field in SERVERS
        for value in group.all(field)
        for name in HOST.findall(value.rpartition(";")[2].partition("(")[0])
    )
