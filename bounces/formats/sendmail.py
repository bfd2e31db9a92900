"""Sendmail 5 to 8 without machine-readable fields: '----- Transcript of session follows -----'."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import address, codes, signs
from bounces.entries import EXPANDED, LONGEST, described
from bounces.model import Attempt
from bounces.pattern import late

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Message

TRANSCRIPT = late(r"^[ \t]*+-{3,20}+ ?Transcript of (?:the )?session follows ?-{3,20}", re.IGNORECASE | re.MULTILINE)
UNSENT = late(r"^[ \t]*+-{3,20}+ ?(?:Unsent|Original|Returned) message", re.IGNORECASE | re.MULTILINE)
#    ----- The following addresses had permanent fatal errors -----
LISTED = late(
    r"^[ \t]*+-{3,20}+ ?The following addresses? (?:had|have) [^\n]*-{3,}[ \t]*\n(.*?)(?:\n[ \t]*\n|\Z)", re.IGNORECASE | re.DOTALL | re.MULTILINE
)
# <user@example.com>, or \\user, and below it
#     (reason: 550 5.1.1 User unknown)
#     (expanded from: <list@example.com>)
FAILED = late(r"^(?![ \t]+\()[ \t]*(\S[^\n]*)((?:\n[ \t]+\([^\n]*(?:\n[ \t]{5,}[^\n(][^\n]*)*)*)", re.MULTILINE)
REASON = late(r"\(reason: ([^\n]*(?:\n[ \t]{5,}[^\n(][^\n]*)*)\)")
# 550 5.1.1 <user@example.com>... User unknown
CONCLUSION = late(r"^([245]\d\d[ -](?:[245]\.\d\.\d{1,3} )?)<?([^\s<>@]{1,64}@[^\s<>@]{1,255}?)>?(\.\.\. |, )([^\n]*)", re.MULTILINE)
# >>> RCPT To:<user@example.com>
SAID_OF = late(r"^>>> RCPT To: ?<([^<>\s]+)>", re.IGNORECASE | re.MULTILINE)
# the lines of the session with one server
SESSION = late(r"^(?:\.\.\. )?while talking to [^\n]*$", re.IGNORECASE | re.MULTILINE)
# >>> RCPT To:<user@example.com>
CLIENT = late(r"^>>> (\w+)", re.MULTILINE)
# <<< 550 5.1.1 User unknown
SERVER = late(r"^<<< [^\n]*$", re.MULTILINE)


def claims(message: Message) -> bool:
    """Say whether the text has Sendmail's transcript, and the fields for machines are missing."""
    return signs.is_plain(message) and "---" in message.text and bool(TRANSCRIPT.search(message.text))


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for each address that is listed as failed or that the transcript concludes on."""
    text = UNSENT.split(message.text, maxsplit=1)[0]
    start = TRANSCRIPT.search(text)
    transcript = text[start.end() :] if start else text
    listed, concluded, said = _listed(text), _conclusions(transcript), _said(transcript)
    for name, attempt in listed.items():
        yield attempt.filled(concluded.get(name) or described(name, said.get(name.lower(), transcript)))
    for name, attempt in concluded.items():
        if name not in listed and not listed:
            yield attempt
    if not listed and not concluded:
        yield described(None, transcript)


def _listed(text: str) -> dict[str, Attempt]:
    """Return an attempt for each address that is listed, with the reason and the alias that Sendmail gives below it."""
    listed = LISTED.search(text)
    found: dict[str, Attempt] = {}
    for line in FAILED.finditer(listed.group(1)) if listed else ():
        below = line.group(2)
        reason, alias = REASON.search(below), EXPANDED.search(below)
        original = address.parse(alias.group(1)) if alias else None
        name = next((one for one, _, _ in address.in_text(line.group(1))), None) or original
        if name:
            told = described(name, reason.group(1)) if reason else Attempt(final_recipient=name)
            found.setdefault(name, told.filled(Attempt(original_recipient=original)))
    return found


def _conclusions(transcript: str) -> dict[str, Attempt]:
    """Return an attempt for each address that Sendmail concludes on, with what the server said of it in the same session."""
    said: dict[str, str] = {}
    asked: dict[str, str | None] = {}
    end = 0
    for match in CONCLUSION.finditer(transcript):
        name = address.parse(match.group(2))
        if name is None:
            continue
        before = SESSION.split(transcript[end : match.start()])[-1]
        server = "\n".join(line[4:] for line in SERVER.findall(before))
        # 554 <user@example.com>... 550 Host unknown: the code inside is the cause
        inside = codes.find(match.group(4))
        conclusion = match.group(4) if inside.reply_code and inside.start == 0 else match.group()
        said[name] = f"{server}\n{said.get(name, '')}{conclusion}".strip()[:LONGEST]
        commands = CLIENT.findall(before)
        asked[name] = commands[-1].upper() if server and commands else None
        end = match.end()
    return {name: described(name, text).filled(Attempt(command=asked[name])) for name, text in said.items()}


def _said(transcript: str) -> dict[str, str]:
    """Return what follows the RCPT of each address, up to the next one's."""
    pieces = SAID_OF.split(transcript)
    return {name.lower(): text for name, text in zip(pieces[-2:0:-2], pieces[:0:-2], strict=True)}
