"""Text for people in, Attempts out: the address a notice lists, and what stands beside it."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING

from bounces import address, codes
from bounces.model import Attempt
from bounces.pattern import late

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

LONGEST = 4000  # characters beside an address that still belong to it
CODES = frozenset({"status", "reply_code"})
TOLD = CODES | {"diagnostic_code", "remote_mta", "command"}  # the fields that a text explains

HOSTNAME = r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]"
HOST = late(
    rf"\b(?:host|server|while talking to|connected to|connect to|delivery via|by server|by|MTA|from remote host|via|with)\s+<?"
    rf"({HOSTNAME})\.?>?\s*:?\s*[\[(]\s*(?:IPv6:)?[0-9a-fA-F.:]{{3,45}}"  # host mx.example.com [192.0.2.1]
    rf"|(?:while talking to|host|remote host|servers?|contact|by)\s+({HOSTNAME})(?:\.?:|\s+(?:said|says|refused|rejected))"
    rf"|^\s*({HOSTNAME})\s+\[[0-9a-fA-F.:]{{3,45}}\]\s+(?:did not|rejected|said)",
    re.IGNORECASE | re.MULTILINE,
)
COMMAND = re.compile(
    r"(?:in\s+reply\s+to|after|in\s+response\s+to|response\s+to|progress\s+was|to\s+our|did\s+not\s+like\s+our|[>]{3}|-->|\[|\(|stage:|STEP:|SMTP:|during"
    r"|SMTP\s+command:?)\s*"
    r"(?:the\s+)?(?:final\s+)?(end\s+of\s+data|end\s+of\s+message|message\s+body|HELO|EHLO|LHLO|STARTTLS|AUTH|MAIL[\s_]FROM|RCPT[\s_]TO|MAIL|RCPT|DATA|BDAT"
    r"|RSET|QUIT|initial\s+connection|greeting)\b(?![.@-])|(does\s+not\s+like\s+recipient|sender\s+was\s+rejected|failed\s+after\s+I\s+sent\s+the\s+message"
    r"|\(state\s+1[478]\))",
    re.IGNORECASE,
)
# how what HOST and COMMAND look for begins: plain words are found many times as fast as a pattern that begins with any of them
HOST_STARTS = ("host", "server", "while", "connect", "delivery", "by", "mta", "from", "via", "with", "remote", "contact")
COMMAND_STARTS = {
    "reply": ("in",), "response": ("in", "response"), "our": ("to", "did"), "after": ("after", "failed"), "progress": ("progress",),
    "during": ("during",), "smtp": ("smtp",), "stage:": ("stage:",), "step:": ("step:",), ">>>": (">>>",), "-->": ("-->",), "[": ("[",),
    "(": ("(",), "does": ("does",), "sender": ("sender",),
}  # fmt: skip
LINE_STARTS = re.compile(r"^\s*\S+\s+\[", re.MULTILINE)
UNEVEN = "\u0130\u0131\u017f\u212a"  # letters that are those of ASCII in another case, but not by str.lower
WRAPPER_WORDS = ("smtp error from remote", " said:", "other server returned was", "remote server returned", "did not like our ")  # one in each
COMMANDS = {
    "END OF DATA": "DATA",
    "END OF MESSAGE": "DATA",
    "MESSAGE BODY": "DATA",
    "MAIL FROM": "MAIL",
    "RCPT TO": "RCPT",
    "INITIAL CONNECTION": "CONNECT",
    "GREETING": "CONNECT",
    # qmail-remote.c, and Gmail's numbers for the same
    "DOES NOT LIKE RECIPIENT": "RCPT",
    "SENDER WAS REJECTED": "MAIL",
    "FAILED AFTER I SENT THE MESSAGE": "DATA",
    "(STATE 14)": "RCPT",
    "(STATE 17)": "DATA",
    "(STATE 18)": "DATA",
}

# (ultimately generated from list@example.com)        (expanded from: <list@example.com>)
EXPANDED = re.compile(r"\((?:ultimately\s+)?(?:generated|expanded)\s+(?:from|by):?\s+<?([^\s<>()]+@[^\s<>()]+?)>?\)")
# 550 5.1.1 <user@example.com>... User unknown
REPLIED = re.compile(r"[245]\d\d[ -](?:[245]\.\d\.\d{1,3} )?<?")
# <user@example.com>... Deferred: Connection timed out with mx.example.com.
CONCLUDED = re.compile(r">?\.\.\. ")

# what stands before a server's own words: nothing of it tells a reason
WRAPPER = re.compile(
    r"SMTP error from remote (?:mail ?server|mailer|server)|\bhost \S+ (?:\[[^\]]*\] )?said:|the other server returned was|"
    r"Remote Server returned|did not like our ",
    re.IGNORECASE,
)


def entries(
    text: str, recipient: re.Pattern[str], *, after: re.Pattern[str] | None = None, until: re.Pattern[str] | None = None
) -> Iterator[Attempt]:
    """Yield an attempt for each match of `recipient` (a group of it is the address); what follows up to the next one is its text.

    Only the text after `after` and before `until` is read; without a match of `after` there is nothing.
    """
    text, matches = _listed(text, recipient, after, until)
    for match, following in zip_longest(matches, matches[1:]):
        yield described(match[match.lastindex or 1], text[match.end() : following.start() if following else len(text)])


def has_entries(text: str, recipient: re.Pattern[str], after: re.Pattern[str]) -> bool:
    """Say whether `entries` yields one, without a look at what explains it."""
    return bool(_listed(text, recipient, after)[1])


def _listed(
    text: str, recipient: re.Pattern[str], after: re.Pattern[str] | None, until: re.Pattern[str] | None = None
) -> tuple[str, list[re.Match[str]]]:
    """Return the text that is read, and the matches of `recipient` in it."""
    if after is not None:
        found = after.search(text)
        if found is None:
            return "", []
        text = text[found.end() :]
    if until is not None and (found := until.search(text)):
        text = text[: found.start()]
    return text, [match for match in recipient.finditer(text) if address.parse(match[match.lastindex or 1])]


def described(recipient: str | None, text: str, asked: frozenset[str] = TOLD) -> Attempt:
    """Make an attempt of an address and the text that explains it: codes, remote MTA and SMTP command are read out of it.

    `asked` are the fields that are looked for, where others are known.
    """
    told, expanded = _told(text[:LONGEST], asked)
    return Attempt(final_recipient=address.parse(recipient), original_recipient=expanded).filled(told) if recipient else told


def untold(attempt: Attempt) -> frozenset[str]:
    """Return the fields of an attempt that the text for people may tell, or tell more exactly."""
    asked = frozenset({name for name in TOLD if getattr(attempt, name) is None})
    if codes.is_expiry(attempt.status):
        return asked | CODES | {"diagnostic_code"}
    return asked | CODES if codes.is_bare(attempt.status) or attempt.diagnostic_code is None else asked


@lru_cache(maxsize=64)
def _told(text: str, asked: frozenset[str]) -> tuple[Attempt, str | None]:
    """Return what a text explains, whoever it is about, and the alias that it names; several recipients may share it."""
    lowered = text.lower() if text.isascii() or not any(map(text.__contains__, UNEVEN)) else None
    commands = list(_commands(text, lowered)) if "command" in asked else []
    reply = codes.find(text) if commands or asked & CODES else codes.NONE
    expanded = EXPANDED.search(text) if asked == TOLD else None
    told = Attempt(
        status=reply.status,
        reply_code=reply.reply_code,
        diagnostic_code=_said(text, lowered, reply) if "diagnostic_code" in asked else None,
        remote_mta=_host(text, lowered) if "remote_mta" in asked else None,
        command=_command(commands, reply.start),
    )
    return told, address.parse(expanded.group(1)) if expanded else None


def _said(text: str, lowered: str | None, reply: codes.Reply) -> str | None:
    """Return a server's own words in a text; `lowered` is the text in lower case, if that has its length."""
    wrapped = (reply.reply_code or reply.status) and (lowered is None or any(map(lowered.__contains__, WRAPPER_WORDS)))
    said = text[reply.start :] if wrapped and WRAPPER.search(text[: reply.start]) else text
    return codes.plain(said).strip(" :-") or None


def _host(text: str, lowered: str | None) -> str | None:
    """Return the server that a text says refused."""
    if lowered is None:
        match = HOST.search(text)
    else:
        lines = [line.start() for line in LINE_STARTS.finditer(text)] if "[" in text else []
        match = next((match for start in _starts(lowered, HOST_STARTS, lines) if (match := HOST.match(text, start))), None)
    return next((group for group in match.groups() if group), None) if match else None


def _starts(lowered: str, words: Iterable[str], others: Iterable[int] = ()) -> list[int]:
    """Return each place where one of the words stands, and others, in order."""
    starts = set(others)
    for word in words:
        start = lowered.find(word)
        while start >= 0:
            starts.add(start)
            start = lowered.find(word, start + 1)
    return sorted(starts)


def _commands(text: str, lowered: str | None) -> Iterator[re.Match[str]]:
    """Yield what COMMAND finds."""
    if lowered is None:
        yield from COMMAND.finditer(text)
        return
    end = 0
    for start in _starts(lowered, {start for word, starts in COMMAND_STARTS.items() if word in lowered for start in starts}):
        if start >= end and (match := COMMAND.match(text, start)):
            yield match
            end = match.end()


def _command(found: Sequence[re.Match[str]], reply: int) -> str | None:
    """Return the SMTP command that was refused (HELO, MAIL, RCPT, DATA …): the last that a text names before the reply, else the first after."""
    before = [match for match in found if match.start() < reply]
    match = before[-1] if before else found[0] if found else None
    if match is None:
        return None
    word = " ".join((match.group(1) or match.group(2)).upper().replace("_", " ").split())
    return COMMANDS.get(word, word)


def beside(text: str, names: set[str]) -> dict[str, str]:
    """Return what a text says of each of the addresses `names`: up to another one's, where it tells a code if anywhere.

    What Sendmail concludes on an address, in a line of its own, is what it says of it. Of the only address all of the text tells.
    """
    places = [(found.lower(), start, end) for found, start, end in address.in_text(text) if found.lower() in names]
    starts = [place for before, place in zip([None, *places], places, strict=False) if before is None or before[0] != place[0]]
    found: dict[str, str] = {}
    for (name, start, end), following in zip_longest(starts, starts[1:]):
        begin = _begin(text, start, end)
        said = text[begin : min(max(_line(text, following[1]), end) if following else len(text), begin + LONGEST)]
        if name not in found or (not has_code(found[name]) and has_code(said)):
            found[name] = said
    for name, start, end in places:
        if CONCLUDED.match(text, end) and not has_code(found[name].partition("\n\n")[0]):
            stop = text.find("\n", end, end + LONGEST)
            found[name] = text[max(_line(text, start), start - LONGEST) : stop if stop >= 0 else end + LONGEST]
    return found if len(names) > 1 else {name: found.get(name) or text for name in names} or {"": text}


def has_code(text: str) -> bool:
    """Say whether a text tells a reply code or an enhanced code."""
    reply = codes.find(text)
    return reply.reply_code is not None or reply.status is not None


def _begin(text: str, start: int, end: int) -> int:
    """Return where what is said of an address begins: after it, or before it at the reply that opens its line."""
    line = _line(text, start)
    return line if REPLIED.fullmatch(text, line, start) else end


def _line(text: str, place: int) -> int:
    return text.rfind("\n", 0, place) + 1
