"""Text in, reply codes (RFC 5321) and enhanced status codes (RFC 3463) out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bounces.model import Permanence

# every reply code that RFC 5321, its extensions and the IANA registry know, with the nonstandard ones that servers send
REPLY_CODES = frozenset(
    "211 214 220 221 235 250 251 252 253 334 354 421 422 430 432 450 451 452 453 454 455 456 458 459 471 500 501 502 503 504 510 511 512 "
    "513 521 523 524 525 530 531 533 534 535 538 540 541 550 551 552 553 554 555 556 557 571 585".split()
)
STATUS = re.compile(r"(?<![\w./@-])[245]\.[0-7]\.\d{1,3}(?![\w@/-]|\.\d)|(?<=\d\d\d-)[245]\.[0-7]\.\d{1,3}(?![\w@/]|\.\d)")
# "Exim 4.5.2", "(Postfix 2.5.1)", "v4.6.1", "version 4.8.5": a release, not a status
VERSION = re.compile(r"(?:\bv|\bversion|\bversão|\bexim|\bpostfix|\bsendmail|\bpmta|\bserver|\brelease|\bbuild|mailer|smtpd?|\bMTA)[ :=#-]*\Z", re.IGNORECASE)
REPLY = re.compile(r"(?<![\w.@/+-])([245]\d\d)(?![\d@/]|\.\d|:\d|-\d{3}|,\d)")
# "550 5.1.1", "550-5.1.1", "550 #5.1.0", "552:5.2.2"
PAIRED = re.compile(r"(?:[ :-]|\t){1,2}[#(]?[245]\.[0-7]\.\d{1,3}(?!\d)")
# what a server says comes at the start of a line or after "said:", "response:", "smtp;", a quotation mark, "<<<" …
LEAD = re.compile(
    r"(?:^|\n)[ \t>*-]*\Z|<<<[ \t]*\Z|[;:=#\"'(\[«“„][ \t]*\Z|\b(?:said|says|code|error|status|reply|response|returned|answered|with|SMTP|result"
    r"|replied|got|received|rejected|refused|failed|reason|erreur|Fehler|código|codice|kod|код|ошибка|エラー)[ \t]*[:#=]?[ \t]*\Z",
    re.IGNORECASE,
)
# "452 bytes", "550 recipients", "port 587": a number that counts or names something else
COUNTED = re.compile(
    r"[ \t]*(?:%|bytes?|octets?|[kmg]i?b\b|k\b|chars?|characters?|messages?|mails?|e-?mails?|recipients?|users?|seconds?|secs?|minutes?"
    r"|hours?|days?|times|lines?|connections?|attempts?|years?|people|members?|USD|EUR|Uhr)\b",
    re.IGNORECASE,
)
NAMED = re.compile(r"\b(?:ports?|line|size|room|page|no\.?|number|id|queue|pid|uid|than|of|limit|about|exceeds|over|is|was|year|at)[ \t:=#]*\Z", re.IGNORECASE)
DATED = re.compile(r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*[ \t]+\Z")
WINDOW = 24  # how far back a lead may stand


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply code and the enhanced code beside it, either may be None; `start` is the offset of the first of them in the text."""

    reply_code: str | None
    status: str | None
    start: int = 0


def find(text: str, *, success: bool = False) -> Reply:
    """Return the reply that explains the outcome: the first, best attested 4yz or 5yz, or a 2yz with `success`.

    Ports, dates, sizes, addresses and release numbers are no codes; a 220 banner or a 250 in a transcript is no failure.
    """
    classes = "2" if success else "45"
    best: tuple[int, int, str] | None = None
    for match in REPLY.finditer(text):
        code = match.group(1)
        if code[0] not in classes:
            continue
        rank = _rank(text, match, code)
        if rank and (best is None or rank > best[0]):
            best = (rank, match.start(1), code)
        if rank == 4:
            break
    status = _status(text, classes, best[1] if best else 0, best[2] if best else None)
    if best is None:
        return Reply(None, status[0], status[1]) if status else Reply(None, None)
    return Reply(best[2], status[0] if status else None, min(best[1], status[1]) if status else best[1])


def _rank(text: str, match: re.Match[str], code: str) -> int:
    """Say how well a number is attested as a reply code: 4 beside an enhanced code, 3 in a reply's place, 1 by its looks, 0 not at all."""
    start, end = match.span(1)
    before = text[max(0, start - WINDOW) : start]
    if (paired := PAIRED.match(text, end)) and text[paired.end() - 1].isdigit() and not VERSION.search(text[start:end]):
        return 4
    if code not in REPLY_CODES or COUNTED.match(text, end) or NAMED.search(before) or DATED.search(before):
        return 0
    after = text[end : end + 1]
    if LEAD.search(before) if start > WINDOW else LEAD.search(text[:start]):
        return 3 if not after or after in " \t\n-,;:.)]\"'(" else 0
    return 1 if after in " -" and text[end + 1 : end + 2].isupper() else 0


def _status(text: str, classes: str, near: int, code: str | None) -> tuple[str, int] | None:
    """Return the enhanced code that belongs to the reply at `near`: the one just after it, else the first specific one in the text."""
    first: tuple[str, int] | None = None
    for match in STATUS.finditer(text):
        status, start = match.group(), match.start()
        if status[0] not in classes or VERSION.search(text, max(0, start - WINDOW), start):
            continue
        if code and near < start <= near + 8:
            return status, start
        if first is None or (is_bare(first[0]) and not is_bare(status)):
            first = (status, start)
    return first


def find_status(text: str) -> str | None:
    """Return the first enhanced code in a text of any class, or None."""
    match = STATUS.search(text)
    return match.group() if match else None


def plain(text: str) -> str:
    """Return a reply as one line: line breaks folded, and the code that opens each line of a multi-line reply said once."""
    line = " ".join(text.split())
    reply = re.match(r".{0,200}?\b([245]\d\d)[- ](?:([245]\.\d\.\d{1,3})[ ])?", line)
    if reply is None:
        return line
    again = re.compile(rf" {reply.group(1)}[- ](?:{re.escape(reply.group(2))}(?= |$) ?)?" if reply.group(2) else rf" {reply.group(1)}-")
    return line[: reply.end()] + again.sub(" ", line[reply.end() - 1 :])[1:]


def is_bare(status: str | None) -> bool:
    """Say whether an enhanced code tells no more than its class, as 5.0.0 does."""
    return status is not None and status.endswith(".0.0")


def permanence(reply_code: str | None, status: str | None) -> Permanence:
    """Return what the server said: by the reply's first digit (RFC 5321, 4.2.1), else by the class of the status (RFC 3463)."""
    digit = (reply_code or status or " ")[0]
    return {"5": Permanence.PERMANENT, "4": Permanence.TRANSIENT}.get(digit, Permanence.UNKNOWN)


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a rule's code pattern: "5.2.2", "x.2.2" (any class), "5yz", "x.7.606-649" (a range of details). Raise ValueError if it is none."""
    if re.fullmatch(r"[245][0-9y][0-9z]", pattern):
        return re.compile(pattern.replace("y", r"\d").replace("z", r"\d"))
    match = re.fullmatch(r"([245x])\.(\d)\.(?:(\d{1,3})(?:-(\d{1,3}))?|\*)", pattern)
    if match is None:
        raise ValueError(f"{pattern!r} is no code pattern")
    klass, subject, low, high = match.groups()
    details = r"\d{1,3}" if low is None else low if high is None else "(?:" + "|".join(map(str, range(int(low), int(high) + 1))) + ")"
    return re.compile(rf"{'[245]' if klass == 'x' else klass}\.{subject}\.{details}")
