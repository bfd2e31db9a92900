"""Text in, header fields out: a header's own, those of a report's machine-readable part, and those that a text quotes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from itertools import takewhile
from urllib.parse import unquote_to_bytes

from bounces.model import Headers
from bounces.pattern import late
from bounces.plaintext import decode_words

LONGEST_HEADER = 256 * 1024  # characters of a header that are read
LONGEST_QUOTED = 20_000  # characters of a header that a text quotes
MOST_HEADERS = 2000

FOLD = re.compile(r"\n[ \t]+")
FIELD = re.compile(r"\n([!-9;-~]{1,80}+)[ \t]*+:[ \t]*+([^\n]*\S|)")
TYPE = re.compile(r"\s*([^\s;/(]+/[^\s;/(]+)(?=[\s;(]|\Z)")
SPACES = str.maketrans("\r\n", "  ")  # a line end in an encoded word is no line end
ESCAPED = late(r"\\(.)")
# ; name=value, name="value", name*0="val", name*=utf-8''v%61lue; after a comment, or a semicolon that was forgotten, too
PARAMETER = re.compile(r'[;\s]([\w-]+)(\*\d*\*?)?[ \t]*=[ \t\n]*(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"|([^\s;]+))')
MACHINE_FIELD = late(r"\n(?:Final-Recipient|Original-Recipient|Reporting-MTA)[ \t]*:", re.IGNORECASE)
# Tue, 4 Mar 2025 09:00:12 +0100 (CET)
DATE = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), {1,2})?(\d{1,2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([12]\d{3}) (\d\d:\d\d:\d\d)"
    r" ([+-](?:0\d|1[0-4])[0-5]\d)(?: \([A-Z]{1,5}\))?",
    re.ASCII,
)
MONTHS = {month: f"{number:02}" for number, month in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
BLANK_LINE = re.compile(r"\n[> \t]*\n")
MACHINE_FIELDS = frozenset(
    """reporting-mta received-from-mta arrival-date original-envelope-id dsn-gateway final-recipient original-recipient action status remote-mta
    diagnostic-code last-attempt-date will-retry-until final-log-id localized-diagnostic-code""".split()
)
# a field at the start of a line, behind a tab or quoted as it may be: there a returned message may begin
QUOTED_FIELD = re.compile(
    r"\n(\t|>[> ]{0,7})?+(?=[\w-]++[ \t]*+:)"
    r"(?i:Received|Return-Path|Message-Id|DKIM-Signature|From|To|Subject|Date|MIME-Version|Delivered-To|Content-Type|Sender|Reply-To|Cc"
    r"|Authentication-Results|DomainKey-Signature|User-Agent|Envelope-To|Errors-To|X-[\w-]+|List-[\w-]+|ARC-[\w-]+)[ \t]*:"
)
HEADER_ONLY = frozenset({"received", "return-path", "message-id", "mime-version", "dkim-signature", "content-type", "delivered-to", "user-agent"})
TRACE = frozenset({"received", "return-path"})
NOTICE_ONLY = frozenset({"final-recipient", "reporting-mta", "remote-mta", "diagnostic-code"})
# ------ This is a copy of your message, including all the headers. ------
ANNOUNCED = late(
    r"(?:copy of|original|returned|rejected|unsent|undelivered|your) (?:\w+ )?(?:message|e-?mail)|message headers?|headers? follow", re.IGNORECASE
)
# --- Alkuperäisen viestin otsikot ---
RULED = late(r"\s*[-=*_]{3,}.*")


def kept_column(name: str) -> str:
    """Return the name of the column that holds a header field of the returned message: "X-Campaign-Id" is `returned_x_campaign_id`."""
    return "returned_" + re.sub(r"\W+", "_", name.lower())


def header_fields(block: str) -> Headers:
    """Read a block of header fields: unfolded, encoded words decoded. A line that is no field is passed over."""
    fields = FIELD.findall("\n" + FOLD.sub(" ", block[:LONGEST_HEADER]))[:MOST_HEADERS]
    if "?" in block:
        fields = [(name, decode_words(value).translate(SPACES) if "=?" in value else value) for name, value in fields]
    return Headers(tuple(fields))


def content_type(value: str) -> str:
    """Return a Content-Type's type and subtype; text/plain where it is missing or nonsense."""
    match = TYPE.match(value)
    return match.group(1).lower() if match else "text/plain"


def parameter(value: str, name: str) -> str | None:
    """Return a parameter of a Content-Type, put together where it is split (RFC 2231), or None."""
    if name not in value.lower():
        return None
    return _parameters(value).get(name)


@lru_cache(maxsize=64)
def _parameters(value: str) -> dict[str, str]:
    """Return a Content-Type's parameters by their names in lower case."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, star, quoted, plain in PARAMETER.findall(value):
        text = ESCAPED.sub(r"\1", quoted) if "\\" in quoted else quoted or plain.strip('"')
        found.setdefault(name.lower(), []).append((star, text))
    return {name: _joined(pieces) for name, pieces in found.items()}


def _joined(pieces: list[tuple[str, str]]) -> str:
    """Return the value of a parameter: the first that is given, or all the pieces of one that is split, decoded."""
    star, text = pieces[0]
    if not star:
        return text
    joined = "".join([text for _, text in pieces])
    return unquote_to_bytes(joined.split("'", 2)[-1]).decode("latin-1") if star.endswith("*") else joined


@lru_cache(maxsize=1 << 10)
def date_time(value: str | None) -> datetime | None:
    """Return a date-time (RFC 5322, section 3.3) in UTC, or None when it is none, or outside 1970 to 2260.

    One without a zone is taken for UTC (the RFC writes it -0000).
    """
    value = (value or "").strip()
    if not value:
        return None
    try:
        if plain := DATE.fullmatch(value):
            day, month, year, time, zone = plain.groups()
            moment = datetime.fromisoformat(f"{year}-{MONTHS[month]}-{day:0>2}T{time}{zone[:3]}:{zone[3:]}").astimezone(UTC)
        else:
            from email.utils import parsedate_to_datetime  # noqa: PLC0415  (slow to import, and asked only about dates that are not by the book)

            moment = parsedate_to_datetime(value)
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return moment if 1970 <= moment.year <= 2260 else None


def field_groups(text: str) -> tuple[Headers, ...]:
    """Read the groups of fields of a delivery-status part, blank lines between them (RFC 3464, section 2.1)."""
    groups = (header_fields(block) for block in BLANK_LINE.split(text.strip("\n")))
    return tuple([group for group in groups if group])


def machine_groups(text: str) -> tuple[Headers, ...]:
    """Read the groups that a broken notice carries as plain text."""
    return inline_groups(text)[0]


def inline_groups(text: str) -> tuple[tuple[Headers, ...], str]:
    """Return the groups of fields for machines that stand in a text, and the text without them."""
    if not MACHINE_FIELD.search("\n" + text):
        return (), text
    groups: list[Headers] = []
    rest: list[str] = []
    for block in BLANK_LINE.split(text):
        fields = tuple([(name, value) for name, value in header_fields(block).fields if name.lower() in MACHINE_FIELDS])
        if len(fields) >= 2 or (fields and fields[0][0].lower() == "reporting-mta"):
            groups.append(Headers(fields))
            rest.append(block[: block.index(fields[0][0])])
        else:
            rest.append(block)
    return tuple(groups), "\n\n".join(rest) if groups else text


def split_returned(text: str) -> tuple[str, Headers | None, str]:
    """Split a text where the header of a returned message begins, behind a tab or quoted as it may be.

    Return what stands before, the header (None when there is none), and what stands after it.
    """
    end = 0
    for match in QUOTED_FIELD.finditer("\n" + text):
        start, prefix = match.start(), match.group(1) or ""
        if start < end:
            continue
        blank = BLANK_LINE.search(text, start, start + LONGEST_QUOTED)
        end = blank.start() if blank else min(len(text), start + LONGEST_QUOTED)
        block = text[start:end]
        if prefix:
            lines = takewhile(lambda line, prefix=prefix: line.startswith(prefix), block.split("\n"))  # type: ignore[misc]
            block = "\n".join([line[len(prefix) :] for line in lines])
        headers = header_fields(block)
        if _is_header(headers, text[:start], quoted=prefix.startswith(">")):
            return text[:start], headers, text[end:]
    return text, None, ""


def _is_header(headers: Headers, before: str, *, quoted: bool) -> bool:
    """Say whether fields in a text are a message's header: three, some of which no notice has and nobody quotes; or announced as one."""
    names = {name.lower() for name, _ in headers.fields}
    if len(headers.fields) < 3 or names & NOTICE_ONLY:
        return False
    if names & (TRACE if quoted else HEADER_ONLY):
        return True
    last = before.rstrip()[-200:].rpartition("\n")[2]
    announced = ANNOUNCED.search(last) or (RULED.fullmatch(last) and "forward" not in last.lower())
    return {"from", "date"} <= names and bool(names & {"to", "subject"}) and bool(announced)
