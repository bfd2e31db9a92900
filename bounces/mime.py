"""Raw bytes in, Message out; bad mail never raises, its flaws come back as defects.

Two readers make the same tree of parts: fast-mail-parser where it can be trusted, the standard library's email package (compat32)
for every message where the fast one is in doubt, and everywhere that it isn't installed.
"""

from __future__ import annotations

import binascii
import email
import email.message
import email.policy
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bounces.model import Headers, Message
from bounces.plaintext import decode_words, decoded, html_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

try:
    import fast_mail_parser
except ImportError:  # no wheel for this platform: the reference reader serves alone
    fast_mail_parser = None  # type: ignore[assignment]

LONGEST_TEXT = 256 * 1024  # bytes of a text part that are read; a notice says what it has to say long before
MOST_PARTS = 200
MOST_HEADERS = 2000

FIELD = re.compile(r"([!-9;-~]{1,80})[ \t]*:[ \t]*(.*)", re.DOTALL)
LONGEST_HEADER = 20_000  # characters of a quoted header that are read
BLANK = re.compile(r"\n[ \t]*\n")
BLANK_LINE = re.compile(rb"\n[ \t]*\n")
PARAMETER = re.compile(r';\s*([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]+))')
QUOTED_PRINTABLE = re.compile(rb"quoted-printable", re.IGNORECASE)
STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
RETURNED_TYPES = frozenset({"message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers"})

# a field name that only the header of a message has, at the start of a line of text: there a quoted message may begin
QUOTED = re.compile(
    r"^(?:Received|Return-Path|Message-Id|DKIM-Signature|X-[\w-]+|From|To|Subject|Date|MIME-Version|Delivered-To|Content-Type|Sender|Reply-To"
    r"|ARC-[\w-]+|Authentication-Results|DomainKey-Signature|User-Agent|List-[\w-]+)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
HEADER_ONLY = frozenset({"received", "return-path", "message-id", "mime-version", "dkim-signature", "content-type", "delivered-to", "user-agent"})
MACHINE_FIELD = re.compile(r"^(?:Final-Recipient|Original-Recipient|Reporting-MTA)[ \t]*:", re.IGNORECASE | re.MULTILINE)
MACHINE_FIELDS = frozenset(
    "reporting-mta received-from-mta arrival-date original-envelope-id dsn-gateway final-recipient original-recipient action status remote-mta "
    "diagnostic-code last-attempt-date will-retry-until final-log-id localized-diagnostic-code".split()
)


@dataclass(frozen=True, slots=True)
class _Part:
    """A leaf of the tree; `content` decodes it and may raise ValueError. An embedded message's content is its own bytes."""

    content_type: str
    header: str
    content: Callable[[], bytes]


def parse(data: bytes) -> Message:
    """Read a message. What could not be read is named in `defects`; what could is there all the same."""
    data = _unix(data)
    end = BLANK_LINE.search(data)
    headers = header_fields(decoded(data[: end.start()] if end else data, None)[0])
    content_type = _content_type(headers.get("Content-Type") or "")
    body = data[end.end() :] if end else b""
    defects: list[str] = []
    if not content_type.startswith("multipart/"):
        parts: list[_Part] = [_leaf(content_type, headers, body)]
    else:
        parts = _tree(data, body, headers, defects)
    message = Message(headers=headers, content_type=content_type, report_type=_parameter(headers.get("Content-Type") or "", "report-type"))
    return _gather(message, parts, defects)


def header_fields(block: str) -> Headers:
    """Read a block of header fields: unfolded, encoded words decoded. A line that is no field is passed over."""
    fields: list[tuple[str, str]] = []
    for line in re.sub(r"\n[ \t]+", " ", block).split("\n", MOST_HEADERS)[:MOST_HEADERS]:
        match = FIELD.match(line)
        if match:
            name, value = match.groups()
            fields.append((name, decode_words(value.strip()) if "=?" in value else value.strip()))
    return Headers(tuple(fields))


def _unix(data: bytes) -> bytes:
    """Return a message with Unix line ends, whichever it came with."""
    if b"\r" not in data:
        return data
    return data.replace(b"\r\n", b"\n") if b"\n" in data else data.replace(b"\r", b"\n")


def _content_type(value: str) -> str:
    """Return a Content-Type's type and subtype; text/plain where it is missing or nonsense."""
    kind = value.partition(";")[0].strip().lower()
    return kind if kind.count("/") == 1 and " " not in kind else "text/plain"


def _parameter(value: str, name: str) -> str | None:
    """Return a parameter of a Content-Type, or None."""
    return next((quoted or plain for key, quoted, plain in PARAMETER.findall(value) if key.lower() == name), None)


def _leaf(content_type: str, headers: Headers, body: bytes) -> _Part:
    """Make the only part of a message that isn't multipart."""
    encoding = (headers.get("Content-Transfer-Encoding") or "").strip().lower()
    return _Part(content_type, headers.get("Content-Type") or "", lambda: _transfer_decoded(body, encoding))


def _transfer_decoded(body: bytes, encoding: str) -> bytes:
    """Undo a Content-Transfer-Encoding. Raise ValueError on base64 that is none at all."""
    if encoding == "base64":
        return binascii.a2b_base64(body + b"===")
    return binascii.a2b_qp(body) if encoding == "quoted-printable" else body


def _tree(data: bytes, body: bytes, headers: Headers, defects: list[str]) -> list[_Part]:
    """Read a multipart message's leaves by the fast reader, or by the reference reader where that one is in doubt."""
    boundary = _parameter(headers.get("Content-Type") or "", "boundary")
    if not boundary:
        defects.append("multipart without a boundary")
    elif b"--" + boundary.encode("utf-8", "surrogateescape") not in body:
        defects.append("boundary not found in the body")
    if fast_mail_parser is not None and not defects and not _doubtful(data):
        try:
            return _fast(data)
        except (fast_mail_parser.ParseError, ValueError):
            pass
    try:
        parts = _reference(data)
    except RecursionError:
        defects.append("nested too deeply")
        parts = []
    return parts or [_Part("text/plain", "", lambda: body)]


def _doubtful(data: bytes) -> bool:
    """Say whether the fast reader could lose something: raw 8-bit bytes in quoted-printable, or odd boundaries.

    Odd is a boundary that another one begins with, and very many of them.
    """
    if b"\x1b" in data or (not data.isascii() and QUOTED_PRINTABLE.search(data)):
        return True
    boundaries = {quoted or plain for quoted, plain in re.findall(rb'boundary\s*=\s*(?:"([^"\n]+)"|([^\s;]+))', data[:LONGEST_TEXT], re.IGNORECASE)}
    return len(boundaries) > 20 or any(one != other and other.startswith(one) for one in boundaries for other in boundaries)


def _fast(data: bytes) -> list[_Part]:
    """Read the leaves with fast-mail-parser's lazy tree. Raise ParseError where it gives up."""
    parts: list[_Part] = []
    stack = [fast_mail_parser.parse_email_tree(data, mode="lazy")]
    while stack and len(parts) < MOST_PARTS:
        node = stack.pop()
        kind = node.content_type.lower()
        if kind.startswith("multipart/"):
            if not node.children:
                raise ValueError("a multipart without parts")  # the reference reader keeps its text
            stack.extend(reversed(node.children))
            continue
        header = next((values[0] for name, values in node.headers.items() if name.lower() == "content-type"), "")
        if kind.startswith("text/") or (kind.startswith("message/") and not node.is_message):
            content = node.content or b""  # decoded now: dirty base64 sends the message to the reference reader
            parts.append(_Part(kind, header, lambda content=content: content))  # type: ignore[misc]
        else:
            parts.append(_Part(kind, header, lambda node=node: node.content or b""))  # type: ignore[misc]
    return parts


def _reference(data: bytes) -> list[_Part]:
    """Read the leaves with the standard library."""
    parts: list[_Part] = []
    stack = [email.message_from_bytes(data, policy=email.policy.compat32)]
    while stack and len(parts) < MOST_PARTS:
        node = stack.pop()
        kind = node.get_content_type()
        payload = node.get_payload()
        if kind.startswith("multipart/") and isinstance(payload, list):
            stack.extend(inner for inner in reversed(payload) if isinstance(inner, email.message.Message))
            continue
        header = str(node.get("Content-Type", ""))
        if isinstance(payload, list):
            blocks = [_flat(inner) for inner in payload if isinstance(inner, email.message.Message)]
            content = b"\n".join(blocks)
        else:
            decoded = node.get_payload(decode=True)
            content = decoded if isinstance(decoded, bytes) else b""
        parts.append(_Part("text/plain" if kind.startswith("multipart/") else kind, header, lambda content=content: content))  # type: ignore[misc]
    return parts


def _flat(message: email.message.Message) -> bytes:
    """Write a message as it was, a multipart one's header only: the standard library takes all of message/* for messages."""
    header = "".join(f"{name}: {value}\n" for name, value in message.raw_items()).encode("utf-8", "surrogateescape")
    body = None if message.is_multipart() else message.get_payload(decode=True)
    return header + b"\n" + body if isinstance(body, bytes) and body else header


def _gather(message: Message, parts: list[_Part], defects: list[str]) -> Message:
    """Sort the leaves into the three parts of a report."""
    texts: list[str] = []
    markup: str | None = None
    groups: tuple[Headers, ...] = ()
    found: dict[str, Headers] = {}
    for part in parts:
        kind = part.content_type
        if not (kind.startswith("text/") or kind in STATUS_TYPES | RETURNED_TYPES or kind in OTHER_FIELDS):
            continue
        text = _part_text(part, defects, header_only=kind in RETURNED_TYPES)
        if kind in STATUS_TYPES:
            groups += field_groups(text)
        elif kind in RETURNED_TYPES:
            found.setdefault("returned", header_fields(text))
        elif kind in OTHER_FIELDS:
            found.setdefault(OTHER_FIELDS[kind], Headers(tuple(field for group in field_groups(text) for field in group.fields)))
        elif kind == "text/html":
            markup = markup or text
        elif "returned" not in found:
            texts.append(text)
    text = "\n\n".join(one for one in texts if one.strip())
    html = not text.strip() and markup is not None
    text = html_text(markup) if html and markup else text
    text, quoted, rest = split_returned(text)
    if not groups and quoted and _is_report(quoted) and (groups := machine_groups(rest)):
        quoted = split_returned(rest)[1]  # a notice that quotes the whole of another one: that one is meant
    elif not groups and (groups := machine_groups(text)):
        text = text[: MACHINE_FIELD.search(text).start()] or text  # type: ignore[union-attr]
    return replace(
        message,
        text=text,
        html=html,
        part_types=tuple(part.content_type for part in parts),
        delivery_status=groups,
        returned=found.get("returned") or quoted,
        feedback_report=found.get("feedback_report"),
        disposition_notification=found.get("disposition_notification"),
        defects=tuple(dict.fromkeys(defects)),
    )


OTHER_FIELDS = {
    "message/feedback-report": "feedback_report",
    "message/disposition-notification": "disposition_notification",
    "message/global-disposition-notification": "disposition_notification",
}


def _part_text(part: _Part, defects: list[str], *, header_only: bool) -> str:
    """Decode a part's bytes to text; of a returned message only the header."""
    try:
        data = _unix(part.content())
    except (ValueError, LookupError):
        defects.append(f"{part.content_type} part cannot be decoded")
        return ""
    if header_only:
        end = BLANK_LINE.search(data, 1)
        data = data.lstrip(b"\n")[: end.start()] if end else data
    elif len(data) > LONGEST_TEXT:
        defects.append(f"{part.content_type} part cut at {LONGEST_TEXT} bytes")
        data = data[:LONGEST_TEXT]
    text, flaw = decoded(data, _parameter(part.header, "charset"))
    if flaw:
        defects.append(flaw)
    return text


def field_groups(text: str) -> tuple[Headers, ...]:
    """Read the groups of fields of a delivery-status part, blank lines between them (RFC 3464, section 2.1)."""
    groups = (header_fields(block) for block in re.split(r"\n[ \t]*\n", text.strip("\n")))
    return tuple(group for group in groups if group)


def machine_groups(text: str) -> tuple[Headers, ...]:
    """Read the groups that a broken notice carries as plain text."""
    if not MACHINE_FIELD.search(text):
        return ()
    groups = []
    for group in field_groups(text):
        fields = tuple((name, value) for name, value in group.fields if name.lower() in MACHINE_FIELDS)
        if len(fields) >= 2 or (fields and fields[0][0].lower() == "reporting-mta"):
            groups.append(Headers(fields))
    return tuple(groups)


def _is_report(headers: Headers) -> bool:
    return "multipart/report" in (headers.get("Content-Type") or "").lower()


def split_returned(text: str) -> tuple[str, Headers | None, str]:
    """Split a text where the header of a returned message begins: three fields in a row, of which some are of messages only.

    Return what stands before, the header (None when there is none), and what stands after it.
    """
    start = 0
    while match := QUOTED.search(text, start):
        blank = BLANK.search(text, match.start(), match.start() + LONGEST_HEADER)
        end = blank.start() if blank else min(match.start() + LONGEST_HEADER, len(text))
        headers = header_fields(text[match.start() : end])
        names = {name.lower() for name, _ in headers.fields}
        if len(headers.fields) >= 3 and names & HEADER_ONLY and not names & MACHINE_FIELDS:
            return text[: match.start()], headers, text[end:]
        start = max(end, match.end())
    return text, None, ""


def part_tree(data: bytes, reader: str) -> Iterator[tuple[str, bytes]]:
    """Yield (content type, content) of each leaf by one reader, "fast" or "reference", so that a test can hold that they agree."""
    for part in {"fast": _fast, "reference": _reference}[reader](_unix(data)):
        yield part.content_type, part.content()
