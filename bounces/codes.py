"""Text in, reply codes (RFC 5321) and enhanced status codes (RFC 3463) out."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from bounces.model import Permanence
from bounces.pattern import late

# every reply code that RFC 5321, its extensions and the IANA registry know, with the nonstandard ones that servers send
REPLY_CODES = frozenset(
    """211 214 220 221 235 250 251 252 253 334 354 421 422 430 432 450 451 452 453 454 455 456 458 459 471
    500 501 502 503 504 510 511 512 513 517 521 523 524 525 530 531 533 534 535 538 540 541 550 551 552 553 554 555 556 557 571 585""".split()
)
CODE = r"[245]\.[0-7]\.\d{1,3}"
# both begin with the digit, and then look back: so they are searched for many times as fast
# 5.1.1, (#5.1.1), 5.1.1邮箱, 450-4.7.1; no part of 192.5.1.1, 5.2.3790, 4.96.1-rc2, 5.1.1.in-addr.arpa or <4.5.1@example.com>
STATUS = re.compile(rf"[245](?:(?<![\w./@-].)|(?<=\b\d\d\d-.)){CODE[5:]}(?!\w|[@/]|-(?!\s)|\.\d|\.[\w-]{{1,63}}\.)", re.ASCII)
# 550, and what may stand beside it: "550 5.1.1", "550-5.1.1", "550 #5.1.0", "552:5.2.2", "550 (5.1.1)"
REPLY = re.compile(
    rf"([245](?<![\w.@/+$€£¥-].)(?<!\d,.)\d\d)"
    rf"(?:[\s:,;/#'\"(<\[-]{{1,4}}({CODE})(?!\d|\.\d)|(?![\w@%/&€]|[.:,]\d|\.[\w-]{{1,63}}\.|[ )-]{{1,2}}\d{{3}}-\d|-[\w.-]{{1,64}}@))",
    re.ASCII,
)
# a reply stands at the start of a line …
LINE = late(r"(?:^|\n)[ \t>|*-]*\Z")
# … after "said:", "ERROR_CODE :", "smtp;", "the status code was", "rejected with", "<<<" …
TOLD = late(
    r"(?:<<<|=>|<--|<-)[ \t]*\Z"
    r"|(?:\b|_)(?:said|says|code|error|status|reply|response|result|reason|failure|E?SMTP|LMTP|erreur|Fehler(?:code)?|código"
    r"|codice|kod|код|ошибк[а-я]*|(?:answered|bounced|ended|failed|refused|rejected|replied|responded|returned)(?: with)?)"
    r"(?: (?:is|was|of|number|no\.?|nr\.?))?[\s:;#=\"'(\[-]*\Z"
    r"|(?:错误|錯誤|代码|代碼|返回|回应|回應|响应|エラー|コード|応答|오류|코드|응답)[ \t:：#=]*\Z",
    re.IGNORECASE,
)
# … or, less surely, after a mark
MARK = late(r"[;:#\"'`<(\[«“„‘‚「『（【：；，。][ \t]*\Z|[245]\.[0-7]\.\d{1,3}[)\]:]? \Z")
# "192.0.2.1:550", "2001:db8::550", "12:30:550": a port, the end of an address, a time
TAIL = late(r"[\d\]]:\Z|(?<![G-Zg-z_])(?:[0-9A-Fa-f]{0,4}:){2}\Z")
# "552 KB", "450 seconds", "550 Uhr": a number that measures
MEASURED = late(
    r"[ \t]*(?:[kKmMgG]i?[bB]\b|[bB]ytes?\b|[oO]ctets?\b|USD|EUR|Uhr"
    r"|(?:chars|characters|seconds|secs|minutes|mins|hours|days|weeks|months|years|times|lines)\b)"
)
# "550 messages": one that counts
COUNTED = late(r"[ \t]*(?:messages|mails|e-?mails|recipients|users|addresses|connections|attempts|people|members|cases|unread)\b")
# "port 554", "line: 500", "HTTP/1.1 502", "tel. 555", "ticket #550", "Sep 450": one that names something else
NAMED = late(
    r"(?:\b(?:ports?|lines?|size|length|count|total|limit|quota|delays?|score|age|room|suite|page|id|queue|pid|uid|than|tel|phone|fax|call|ext"
    r"|ticket|case|issue|bug|order|invoice|ref|HTTPS?(?:/[\d.]+)?(?: (?:error|status|code|response))*)"
    r"|(?<!error )(?<!code )(?<!reply )\b(?:number|no|nr))[.]?[\s:=#(]*\Z"
    r"|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*[ \t]+\Z",
    re.IGNORECASE,
)
# "Exim 4.5.2", "Postfix (2.5.1)", "version: 4.8.5", "RFC 5321 section 4.2.1", "am 5.1.23": a release, a paragraph, a date; no status
VERSION = late(
    r"(?:\b(?:v|ver|versi[oó]n|versão|release|build|sections?|sec|chapter|paragraph)[.\s:=#(v-]*|§ ?"
    r"|(?:exim|postfix|sendmail|qmail|exchange|domino|notes|courier|zimbra|mta|momentum|smtpd|james|dovecot|cyrus|amavis\w*|spamassassin|clamav|rspamd"
    r"|mailscanner|mailman|outlook|thunderbird|windows|linux|php|python|java|mailenable|icewarp|merak|mdaemon|kerio|axigen|haraka|barracuda|ironport"
    r"|\w*server|\w*mailer)[\s/(=-]*v?|\b(?:am|vom|den|dem|le|du|del)[ ])\Z",
    re.IGNORECASE,
)
WINDOW = 24  # how far back to look for what a number is
MOST = 1000  # numbers of a text that are looked at
PAIRED, EXPIRY, PLACED, UNREGISTERED, LIKELY, NO_CODE = 5, 4, 3, 2, 1, 0


class Reply(NamedTuple):
    """A reply code and the enhanced code beside it, either may be None; `start` is the offset of the first of them in the text."""

    reply_code: str | None
    status: str | None
    start: int = 0


NONE = Reply(None, None)


def find(text: str, *, success: bool = False) -> Reply:
    """Return the reply that explains the outcome: the first, best attested 4yz or 5yz, or a 2yz with `success`.

    Ports, dates, sizes, addresses and release numbers are no codes; a 220 banner or a 250 in a transcript is no failure. "554 4.4.7 expired
    <421 4.4.2 timed out>": what the server had said last tells more than that time ran out.
    """
    return _found(text, "2" if success else "45")


@lru_cache(maxsize=1 << 10)
def _found(text: str, classes: str) -> Reply:
    """Return the reply of one of some classes that explains the outcome."""
    best, best_rank = None, NO_CODE
    for match in islice(REPLY.finditer(text), MOST):
        code, paired = match.groups()
        if code[0] not in classes or (best_rank >= PLACED and not paired):
            continue
        rank = (EXPIRY if is_expiry(paired) else PAIRED) if paired else _rank(text, code, match.start(1))
        if rank > best_rank:
            best, best_rank = match, rank
        if rank == PAIRED:
            break
    if best is not None and best.group(2) and best.group(2)[0] in classes:
        return Reply(best.group(1), best.group(2), best.start(1))
    status = _status(text, classes)
    if best is None:
        return Reply(None, *status) if status else NONE
    return Reply(best.group(1), status[0], min(best.start(1), status[1])) if status else Reply(best.group(1), None, best.start(1))


def _rank(text: str, code: str, start: int) -> int:
    """Say how well a number with no enhanced code beside it is attested as a reply code: in a reply's place, by its looks, or not at all."""
    end = start + 3
    before = text[max(0, start - WINDOW) : start] if start > WINDOW else "\n" + text[:start]
    if MEASURED.match(text, end) or _is_named(before):
        return NO_CODE
    spoken = text[end : end + 1] in {" ", "-"}
    if code not in REPLY_CODES:
        return UNREGISTERED if spoken and (not before.strip() or TOLD.search(before)) else NO_CODE
    if ((LINE.search(before) or MARK.search(before)) and not COUNTED.match(text, end)) or TOLD.search(before):
        return PLACED
    return LIKELY if spoken and text[end + 1 : end + 2].isupper() else NO_CODE


@lru_cache(maxsize=1 << 10)
def _is_named(before: str) -> bool:
    """Say whether the words before a number tell that it is something else."""
    return NAMED.search(before) is not None or TAIL.search(before) is not None


@lru_cache(maxsize=1 << 10)
def _is_version(before: str) -> bool:
    """Say whether the words before what looks like a status tell that it is something else."""
    return VERSION.search(before) is not None


def _status(text: str, classes: str) -> tuple[str, int] | None:
    """Return the first specific enhanced code in the text, or else the first bare one, with its offset."""
    first: tuple[str, int] | None = None
    for match in islice(STATUS.finditer(text), MOST):
        status, start = match.group(), match.start()
        if status[0] not in classes or _is_version(text[max(0, start - WINDOW) : start]):
            continue
        if not is_bare(status):
            return status, start
        first = first or (status, start)
    return first


def find_status(text: str) -> str | None:
    """Return the first enhanced code in a text of any class, or None."""
    match = STATUS.search(text)
    return match.group() if match else None


# "550-5.1.1 ", "550-", "552 5.2.2 ": how a reply begins, and how its other lines say it again
OPENING = re.compile(rf".{{0,200}}?\b([245]\d\d)([- ])(?:({CODE})(?= ))?", re.ASCII)
AGAIN = re.compile(rf" ([245]\d\d)([- ])(?:({CODE})(?= ))?", re.ASCII)


@lru_cache(maxsize=1 << 10)
def plain(text: str) -> str:
    """Return a reply as one line: line breaks folded, and the code that opens each line of a multi-line reply said once."""
    line = " ".join(text.split()) + " "
    opening = OPENING.match(line)
    if opening is None:
        return line[:-1]
    code, mark, status = opening.groups()

    def once(match: re.Match[str]) -> str:
        repeats = match.group(1) == code and ("-" in {mark, match.group(2)} or (status and match.group(3) == status))
        return match.group() if not repeats else "" if match.group(3) == status is not None else " " + (match.group(3) or "")

    end = opening.end(2 if status is None else 3)
    return (line[:end] + AGAIN.sub(once, line[end:])).rstrip() if line.find(f" {code}", end) >= 0 else line[:-1]


def is_bare(status: str | None) -> bool:
    """Say whether an enhanced code tells no more than its class, as 5.0.0 does."""
    return status is not None and status.endswith(".0.0")


def is_expiry(status: str | None) -> bool:
    """Say whether an enhanced code tells only that time ran out (x.4.7), and not what had kept the message so long."""
    return status is not None and status.endswith(".4.7")


def permanence(reply_code: str | None, status: str | None) -> Permanence:
    """Return what the server said: by the reply's first digit (RFC 5321, 4.2.1), else by the class of the status (RFC 3463)."""
    digit = (reply_code or status or " ")[0]
    return {"5": Permanence.PERMANENT, "4": Permanence.TRANSIENT}.get(digit, Permanence.UNKNOWN)


class CodePattern(NamedTuple):
    """What a rule's code pattern stands for: of a reply code the digits at each place, of an enhanced code its class, subject and details."""

    digits: tuple[str, ...]
    details: frozenset[str] | None = None  # None is any

    def fullmatch(self, code: str) -> bool:
        """Say whether a code is one of those."""
        if len(self.digits) == 3:
            return len(code) == 3 and all(map(str.__contains__, self.digits, code))
        if code[1:2] != "." or code[3:4] != "." or code[0] not in self.digits[0] or code[2] != self.digits[1]:
            return False
        detail = code[4:]
        return detail in self.details if self.details is not None else len(detail) <= 3 and detail.isascii() and detail.isdigit()


@lru_cache(maxsize=1 << 10)
def compile_pattern(pattern: str) -> CodePattern:
    """Read a rule's code pattern: "5.2.2", "x.2.2" (any class), "5yz", "x.7.606-649" (a range of details). Raise ValueError if it is none."""
    if re.fullmatch(r"[245][0-9y][0-9z]", pattern):
        return CodePattern(tuple(["0123456789" if digit in "yz" else digit for digit in pattern]))
    match = re.fullmatch(r"([245x])\.([0-9])\.(?:([0-9]{1,3})(?:-([0-9]{1,3}))?|\*)", pattern)
    klass, subject, low, high = match.groups() if match else ("", "", None, None)
    numbers = range(int(low), int(high or low) + 1) if low else ()
    if match is None or (low and not numbers):
        raise ValueError(f"{pattern!r} is no code pattern")
    return CodePattern(("245" if klass == "x" else klass, subject), frozenset(map(str, numbers)) or None)
