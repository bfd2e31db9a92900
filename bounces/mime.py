"""Raw bytes in, Message out; bad mail never raises, its flaws come back as defects.

Two readers make the same tree of parts: one that cuts a clean multipart at its delimiters, in one pass over the bytes, and the standard
library's email package (compat32) for every message where that one is in doubt.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from bounces import notification
from bounces.fields import FOLD, content_type, field_groups, header_fields, inline_groups, machine_groups, parameter, split_returned
from bounces.model import Headers, Message
from bounces.pattern import late
from bounces.plaintext import decoded, html_text, transfer_decoded, unescaped

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_TEXT = 256 * 1024  # bytes of text, and of fields, that are read; a notice says what it has to say long before
LONGEST_MULTIPART = 256 * 1024  # bytes of a multipart that are read
LONGEST_BOUNDARY = 200  # RFC 2046, section 5.1.1, allows 70
MOST_PARTS, MOST_DELIMITERS, DEEPEST = 200, 500, 40  # of a multipart; the last are the boundaries that a broken one may declare

STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
UNTOLD = frozenset({"application/octet-stream", "text/x-delivery-status", "application/x-delivery-status"})
REPORTED = late(rb"\s*(?:Reporting-MTA|Final-Recipient)[ \t]*:", re.IGNORECASE)
RETURNED_TYPES = frozenset({"message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers"})
OTHER_FIELDS = {
    "message/feedback-report": "feedback_report",
    "message/disposition-notification": "disposition_notification",
    "message/global-disposition-notification": "disposition_notification",
}
MARKUP_TYPES = frozenset({"text/html", "application/xhtml+xml"})
NO_PROSE = frozenset(f"text/{kind}" for kind in ("calendar", "css", "csv", "directory", "html", "rtf", "vcard", "x-amp-html", "x-vcard", "xml"))
META = late(rb"(?i)<meta[^<>]{0,200}charset=[\"']?([\w-]{1,40})")
TELLING = late(r"[@\d]")  # an address, or a code
# a byte order mark, and empty lines: after them a message begins
START = re.compile(rb"(?:\xef\xbb\xbf)?\n*")
# the header ends at an empty line, or at one of white space that no field follows
HEADER_END = re.compile(rb"\n(?:\n|[ \t]+\n(?![ \t]|[!-9;-~]{1,80}:))")


class _Part(NamedTuple):
    """A leaf of the tree: its type, its Content-Type, the bytes it stands in, where it begins there, and how it is encoded."""

    kind: str
    header: str
    raw: bytes
    start: int = 0
    encoding: str = ""

    def content(self) -> bytes:
        """Undo the Content-Transfer-Encoding, as far as anybody reads on."""
        raw = self.raw[self.start : self.start + 4 * LONGEST_TEXT]
        return _unix(transfer_decoded(raw, self.encoding)) if self.encoding else raw


def parse(data: bytes) -> Message:
    """Read a message. What could not be read is named in `defects`; what could is there all the same."""
    data = _unix(data)
    block, start = (b"", 0) if data.lstrip().startswith(b"{") else _split(data)
    headers = header_fields(decoded(block[:LONGEST_TEXT])[0])
    body = data[start - 1 :] if headers and start else b"\n" + data
    header = headers.get("Content-Type") or ""
    kind = content_type(header)
    defects: list[str] = []
    if kind.startswith("multipart/") or (not header and _is_multipart(body)):
        parts = _tree(header, body, defects)
    else:
        parts = [_Part(kind, header, body, 1, headers.get("Content-Transfer-Encoding") or "")]
    return _message(headers, kind, parts, defects)


def part_tree(data: bytes, reader: str) -> Iterator[tuple[str, bytes]]:
    """Yield (content type, content) of each leaf by one reader, "fast" or "reference", so that a test can hold that they agree."""
    data = _unix(data)
    block, start = _split(data)
    body = data[start - 1 :]
    header = header_fields(decoded(block[:LONGEST_TEXT])[0]).get("Content-Type") or ""
    boundary = _boundary(header, body, []) or b""
    for part in {"fast": _cut, "reference": _reference}[reader](boundary, _reopened(boundary, body)):
        yield part.kind, part.content()


def _unix(data: bytes) -> bytes:
    """Return text with Unix line ends, whichever it came with, even those that a gateway doubled (CR CR LF)."""
    if data.find(b"\r") >= 0:  # `in` takes the byte for a number first, and only then searches
        if b"\r\r\n" in data:
            data = b"\n".join([line.rstrip(b"\r") for line in data.split(b"\n")])
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data


def _split(data: bytes, start: int = 0) -> tuple[bytes, int]:
    """Return the header of the message that begins at `start`, and where its body begins: after a line end, or at the end."""
    begin = START.match(data, start).end()  # type: ignore[union-attr]  # it matches anything
    end = HEADER_END.search(data, begin)
    return (data[begin : end.start()], end.end()) if end else (data[begin:], len(data))


def _message(headers: Headers, kind: str, parts: list[_Part], defects: list[str]) -> Message:
    """Sort the leaves into the three parts of a report: text for people, fields for machines, what was returned."""
    texts: list[str] = []
    groups: tuple[Headers, ...] = ()
    found: dict[str, Headers] = {}
    for part in parts:
        if part.kind in STATUS_TYPES or (part.kind in UNTOLD and REPORTED.match(part.content())):
            groups += field_groups(_part_text(part, defects))
        elif part.kind in RETURNED_TYPES:
            found.setdefault("returned", _returned(part))
        elif part.kind in OTHER_FIELDS:
            fields = [field for group in field_groups(_part_text(part, defects)) for field in group.fields]
            found.setdefault(OTHER_FIELDS[part.kind], Headers(tuple(fields)))
        elif part.kind.startswith("text/") and part.kind not in NO_PROSE and "returned" not in found and sum(map(len, texts)) < LONGEST_TEXT:
            texts.append(_part_text(part, defects))
    text = "\n\n".join(filter(str.strip, texts))
    seen = _seen(text, [part for part in parts if part.kind in MARKUP_TYPES], defects)
    text, quoted, rest = split_returned(text if seen is None else seen)
    if not groups and quoted and "multipart/report" in (quoted.get("Content-Type") or "").lower() and (groups := machine_groups(rest)):
        quoted = split_returned(rest)[1]  # a notice that quotes the whole of another one: that one is meant
    elif not groups:
        groups, text = inline_groups(text)
    report_type = parameter(headers.get("Content-Type") or "", "report-type")
    return Message(
        headers=headers,
        text=text,
        html=seen is not None,
        content_type=kind,
        report_type=report_type.lower() if report_type else None,
        part_types=tuple([part.kind for part in parts]),
        delivery_status=groups,
        returned=found.pop("returned", None) or quoted or notification.returned(notification.read(text)),
        defects=tuple(dict.fromkeys(defects)),
        **found,
    )


def _returned(part: _Part) -> Headers:
    """Read the header of a returned message; what follows it isn't looked at."""
    block, _ = _split(part.content()) if part.encoding else _split(part.raw, part.start)
    return header_fields(decoded(block[:LONGEST_TEXT], parameter(part.header, "charset"))[0])


def _part_text(part: _Part, defects: list[str]) -> str:
    """Decode a part's bytes to text."""
    data = part.content()
    if len(data) > LONGEST_TEXT:
        defects.append(f"{part.kind} part cut at {LONGEST_TEXT} bytes")
        data = data[:LONGEST_TEXT]
    charset = parameter(part.header, "charset")
    if charset is None and part.kind in MARKUP_TYPES and (declared := META.search(data[:2000])):
        charset = declared.group(1).decode("ascii")
    text, flaw = decoded(data, charset)
    if flaw:
        defects.append(flaw)
    return unescaped(text.removeprefix("\ufeff").rstrip("\n"))


def _seen(text: str, markup: list[_Part], defects: list[str]) -> str | None:
    """Return the text of the HTML part where the plain text says nothing: none, or only that there is an HTML part."""
    seen = None if not markup or len(text) > 200 or TELLING.search(text) else html_text(_part_text(markup[0], defects))
    return seen if seen and (not text.strip() or TELLING.search(seen)) else None


# --boundary, then a field of MIME: where a part begins, whatever the boundary should have been
FIRST_DELIMITER = late(rb"\n--(\S[^\n]{0,199}?)[ \t]*\n(?i:content-[a-z-]+:)")
# This is a MIME-encapsulated message, and the delimiter before anything else
UNDECLARED = late(rb"\s{0,20}(?:[^\n]{0,200}\bMIME\b[^\n]{0,200}\s{1,20})?(--\S[^\n]{0,199}?)[ \t]*\n")
# the header of a part, after the line end of its delimiter: fields only
PART_HEADER = late(rb"\n(?:[!-9;-~]+:[^\n]*\n(?:[ \t]+[^\s][^\n]*\n)*)*+")
PART_FIELD = late(r"^(content-type|content-transfer-encoding):[ \t]*([^\n]*(?:\n[ \t][^\n]*)*)", re.IGNORECASE | re.MULTILINE)


def _tree(header: str, body: bytes, defects: list[str]) -> list[_Part]:
    """Read a multipart message's leaves by the fast reader, or by the reference reader where that one is in doubt."""
    boundary = _boundary(header, body, defects)
    parts: list[_Part] = []
    if boundary:
        with suppress(ValueError):
            return _cut(boundary, body)
        reopened = _reopened(boundary, body)
        if reopened is not body:
            with suppress(ValueError):
                return _cut(boundary, reopened)
        try:
            parts = _reference(boundary, reopened)
        except RecursionError:
            defects.append("nested too deeply")
    return parts or [_Part("text/plain", "", body, 1)]


def _is_multipart(body: bytes) -> bool:
    """Say whether a body is a multipart's although nothing in the header says so: it begins with a delimiter that is closed at the end."""
    first = UNDECLARED.match(body)
    return first is not None and b"\n" + first.group(1) + b"--" in body


def _boundary(header: str, body: bytes, defects: list[str]) -> bytes | None:
    """Return the boundary that parts the body, which begins with a line end: the declared one, or else the one that is used, or None."""
    declared = (parameter(header, "boundary") or "").rstrip().encode("utf-8", "surrogateescape")
    for boundary in (declared, declared.strip(b"'")):
        if 0 < len(boundary) <= LONGEST_BOUNDARY and body.find(b"\n--" + boundary) >= 0:
            return boundary
    defects.append("boundary not found in the body" if declared else "multipart without a boundary")
    found = FIRST_DELIMITER.search(body, 0, LONGEST_MULTIPART)
    return found.group(1) if found else None


def _reopened(boundary: bytes, body: bytes) -> bytes:
    """Return a body in which the last delimiter is the only one that closes: some gateways close it, and add parts of their own."""
    line = b"\n--" + boundary
    return body.replace(line + b"--\n", line + b"\n") if -1 < body.find(line + b"--\n") < body.rfind(line + b"\n") else body


def _cut(boundary: bytes, body: bytes, depth: int = 1) -> list[_Part]:
    """Cut a multipart that is clean into its leaves; what stands before the first delimiter is none.

    Raise ValueError where a delimiter or a part's header is not by the book.
    """
    if not 0 < len(boundary) <= LONGEST_BOUNDARY or depth > DEEPEST:
        raise ValueError("in doubt")
    pieces = body[:LONGEST_MULTIPART].split(b"\n--" + boundary, MOST_DELIMITERS + 1)[1:]
    if pieces and (pieces[-1] == b"--" or pieces[-1].startswith(b"--\n")):
        pieces.pop()
    if not pieces or len(pieces) > MOST_DELIMITERS:
        raise ValueError("in doubt")
    leaves: list[_Part] = []
    for piece in pieces:
        end = piece.find(b"\n\n") + 1
        kind, told, encoding = _told(piece[:end])
        if kind.startswith("multipart/"):
            leaves += _cut((parameter(told, "boundary") or "").rstrip().encode("latin-1"), piece, depth + 1)
        else:
            leaves.append(_Part(kind, told, piece, end + 1, encoding))
    return leaves[:MOST_PARTS]


@lru_cache(maxsize=64)
def _told(header: bytes) -> tuple[str, str, str]:
    """Return what a part's header tells: its type, its Content-Type and its encoding. Raise ValueError where it isn't by the book."""
    fields = PART_FIELD.findall(header.decode("latin-1"))
    named = {name.lower(): value for name, value in fields}
    if PART_HEADER.fullmatch(header) is None or len(named) < len(fields):  # or it tells something twice
        raise ValueError("in doubt")
    told = FOLD.sub(" ", named.get("content-type", ""))
    return content_type(told), told, named.get("content-transfer-encoding", "")


def _reference(boundary: bytes, body: bytes) -> list[_Part]:
    """Read the leaves with the standard library. Raise RecursionError where they lie too deep."""
    from bounces import doubtful  # noqa: PLC0415  (needed for one message in ten, and slow to import)

    found = doubtful.leaves(boundary, body[1:LONGEST_MULTIPART], lambda header, raw: _boundary(header, b"\n" + raw, []))
    return [_Part(kind, header, raw, 0, encoding) for kind, header, raw, encoding in islice(found, MOST_PARTS)]
