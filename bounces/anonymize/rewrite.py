"""A Message and Pseudonyms in, the bytes of a message like it out: the same parts, with only the fields that tell something, in plain UTF-8.

It stands apart from `mime` because it writes messages, and nobody else does; what it is given was read there.
"""

from __future__ import annotations

import json
import re
import textwrap
from itertools import count
from typing import TYPE_CHECKING

from bounces import address, mime, notification, signs
from bounces.anonymize.template import without_subject
from bounces.fields import HEADER_ONLY, date_time
from bounces.folding import fold
from bounces.signs import DAEMON
from bounces.wording import Shown, shown, telling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.anonymize.pseudonyms import Pseudonyms
    from bounces.model import Headers, Message

WIDTH = 78  # characters of a line of the header (RFC 5322, section 2.1.1)
SUBJECT = "Example subject"
# fields of the notice whose value is one of the standard's or the software's own words
WORDED = ("Auto-Submitted", "Precedence", "X-Ricevuta", "X-Report-Type", "X-List-Administrivia")
ADDRESSED = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "X-Failed-Recipients")
WRITERS = ("From", "Sender", "Reply-To")
SYSTEM = frozenset({"system", "subsystem", "service", "agent"})  # what a mail system's name may go on with
# fields for machines: whom, which server, when, and what is said
RECIPIENTS = frozenset({"final-recipient", "original-recipient", "x-actual-recipient"})
SERVERS = frozenset({"reporting-mta", "remote-mta", "received-from-mta"})
DATES = frozenset({"arrival-date", "last-attempt-date", "will-retry-until"})
SAID = frozenset({"action", "status", "diagnostic-code", "localized-diagnostic-code", "x-supplementary-info", "disposition", "failure"})
TYPED = re.compile(r"\s*(?:([A-Za-z][\w+-]{0,30})\s*;)?\s*(.*)", re.DOTALL)
SERVER = re.compile(r"(?![\d.]+(?!\S))[\w-]+(?:\.[\w-]+)*(?![\w:])")  # mx.example.com; no IP address
# Subject: Spring news        件名：ご予約の確認
LABEL = (
    r"(?:message |original )?subject(?: was)?|betreff|objet|sujet|asunto|oggetto|assunto|onderwerp|temat|emne|ämne|aihe|předmět|predmet|tárgy"
    r"|subiect(?:ul)?|konu|тема|θέμα|件名|题名|主题|主題|主旨|標題|标题|제목|chủ đề|perihal|subjek|หัวเรื่อง|נושא|الموضوع"
)
LABELLED = re.compile(rf"((?:^|[\n>*|•(-])[ \t>*|•-]{{0,20}}+(?:{LABEL})[ \t]*[:：=][ \t]*)[^\s][^\n]*", re.IGNORECASE)


def message(told: Message, made: Pseudonyms, end: int | None = None) -> bytes:
    """Write a message like one that was read, of its text only what stands before `end`."""
    body = [_text(told, told.text[:end].strip("\n"), made)]
    groups = "\n\n".join(filter(None, (_group(group, made) for group in told.delivery_status)))
    returned = "\n".join(_returned(told.returned, made)) if told.returned and not notification.read(told.text) else ""
    parts: list[tuple[str, str]] = []
    if groups and mime.STATUS_TYPES.union(mime.UNTOLD).intersection(told.part_types):
        parts.append(("message/delivery-status", groups))
    else:
        body.append(groups)
    if told.disposition_notification:
        parts.append(("message/disposition-notification", _group(told.disposition_notification, made)))
    kind = next((kind for kind in told.part_types if kind in mime.RETURNED_TYPES), None)
    if kind and returned:
        parts.append((kind, f"{returned}\n"))
    else:
        body.append(returned)
    return "\n".join([*_header(told, made), *_body(told, "\n\n".join(filter(None, body)), parts)]).encode("utf-8", "replace")


def _body(told: Message, text: str, parts: list[tuple[str, str]]) -> Iterator[str]:
    """Yield the fields for the content, and the content: plain text, or that and the parts behind it."""
    if not told.content_type.startswith("multipart/") and not parts:
        yield from ("Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", text, "")
        return
    everything = "\n".join([text, *(content for _, content in parts)])
    boundary = next(f"part-{number}" for number in count(1) if f"--part-{number}" not in everything)
    report_type = f"report-type={told.report_type}; " if told.report_type else ""
    kind = told.content_type if told.content_type.startswith("multipart/") else "multipart/mixed"
    yield f'Content-Type: {kind}; {report_type}boundary="{boundary}"'
    for one, content in (("text/plain; charset=utf-8", text), *parts):
        yield from ("", f"--{boundary}", f"Content-Type: {one}", "Content-Transfer-Encoding: 8bit", "", content)
    yield from ("", f"--{boundary}--", "")


def _header(told: Message, made: Pseudonyms) -> Iterator[str]:
    """Yield the fields that tell a notice."""
    path = signs.return_path(told)
    if path is not None:
        yield _field("Return-Path", "<>" if path == "<>" else f"<{_addresses(path, made) or 'user@example.com'}>")
    sender = told.headers.get("From")
    if "From" in told.headers:
        yield _field("From", _system(sender or "", made))
    for name in ADDRESSED:
        for value in told.headers.all(name):
            if named := _addresses(value, made):
                yield _field(name, named)
    subject = told.headers.get("Subject")
    if subject is not None:
        yield _field("Subject", _subject(subject, told))
    if date := told.headers.get("Date"):
        yield from [_field("Date", date)] if date_time(date) else []
    for name in WORDED:
        for value in told.headers.all(name):
            yield _field(name, made.text(value))
    yield "MIME-Version: 1.0"


def _system(value: str, made: Pseudonyms) -> str:
    """Return a notice's From: the address invented, and of the name only what tells a mail system."""
    value = value[: signs.LONGEST_SUBJECT]
    named = re.sub(r"\S+@\S+", " ", value)
    words = SYSTEM.union(fold(telling(named)).split()) if Shown.DAEMON in shown(named) else ()
    name = " ".join(word for word in re.findall(r"[\w-]+", named) if fold(word) in words)
    sender = address.parse(value)
    if sender:
        return f"{name} <{made.address(sender)}>".strip()
    bare = value.rpartition("<")[2].strip(" <>\"'")
    return bare if DAEMON.fullmatch(bare) else f"{name} <>".strip() if name or not bare else made.user(bare)


def _subject(subject: str, told: Message) -> str:
    """Return a notice's subject: only the words that tell one, for many end with the subject of the returned message."""
    own = told.returned.get("Subject") if told.returned else None
    words = telling(subject.replace(own, " ") if own else subject)
    return words[:1].upper() + words[1:] or "Example"


def _addresses(value: str, made: Pseudonyms) -> str:
    """Return the addresses of a field, without names."""
    found = address.all_of(value) or tuple(filter(None, [address.parse(value)]))
    return ", ".join(map(made.address, found))


def _text(told: Message, text: str, made: Pseudonyms) -> str:
    """Return the text for people without whatever names somebody."""
    if notice := notification.read(text):
        return json.dumps(notification.reduced(notice, made.text), indent=2, ensure_ascii=False)
    text = without_subject(text, told.returned.get("Subject") if told.returned else None, SUBJECT)
    return made.text(LABELLED.sub(rf"\g<1>{SUBJECT}", text))


def _group(group: Headers, made: Pseudonyms) -> str:
    """Return a group of fields for machines."""
    lines = []
    for name, value in group.fields:
        sort, typed = name.lower(), TYPED.fullmatch(value)
        assert typed is not None  # any text matches
        kind, said = (f"{typed[1]}; " if typed[1] else ""), typed[2]
        if sort in RECIPIENTS:
            found = address.parse(value)
            lines.append(_field(name, kind + (made.address(found) if found else made.user(said))))
        elif sort in SERVERS:
            lines.append(_field(name, kind + _server(said, made)))
        elif sort in SAID or (sort in DATES and date_time(value)):
            lines.append(_field(name, value if sort in DATES else kind + made.text(said)))
    return "\n".join(lines)


def _server(said: str, made: Pseudonyms) -> str:
    """Return the name of a server, and what is said beside it; one in any script."""
    name = SERVER.match(said)
    return made.host(name.group()) + made.text(said[name.end() :]) if name else made.text(said)


def _returned(returned: Headers, made: Pseudonyms) -> Iterator[str]:
    """Yield the fields of a returned message that tell whose it was, and for whom."""
    kept = False
    for name, value in returned.fields:
        sort = name.title() if name.title() in {*ADDRESSED, *WRITERS, "Return-Path", "Message-Id", "Subject", "Date"} else ""
        found = made.message_id(value) if sort == "Message-Id" else f"<{_addresses(value, made)}>" if sort == "Return-Path" else ""
        if sort == "Subject":
            yield _field(name, SUBJECT)
        elif sort == "Date" and date_time(value):
            yield _field(name, value)
        elif found:
            yield _field(name, found)
        elif sort in ADDRESSED or sort in WRITERS:
            yield _field(name, _named(value, made))
        kept = kept or (bool(found) and name.lower() in HEADER_ONLY)
    if not kept and any(name.lower() in HEADER_ONLY for name, _ in returned.fields):
        yield "MIME-Version: 1.0"  # by which a header in a text is known


def _named(value: str, made: Pseudonyms) -> str:
    """Return the addresses of a field with the names beside them, which some notices go by."""
    names = {one: name for name, one in signs.names_in(value)}
    return ", ".join(f"{made.name(names[one])} <{made.address(one)}>" if one in names else made.address(one) for one in address.all_of(value))


def _field(name: str, value: str) -> str:
    """Return a field, folded where it has spaces."""
    return textwrap.fill(f"{name}: {' '.join(value.split())}", WIDTH, subsequent_indent=" ", break_long_words=False, break_on_hyphens=False)
