"""The fallback, for software nobody has heard of: addresses and the reasons near them, in a message that is a notice by its signs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from bounces import address, signs
from bounces.entries import described

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bounces.model import Attempt, Message

NEAR = 200  # characters around an address that tell its role
MOST = 500  # addresses of one text that are looked at

# For further assistance, please send mail to <postmaster@example.com>
CONTACT = re.compile(
    r"contact|assist|support|help ?desk|please (?:e-?mail|write|forward|send)|administrator|https?://|unsubscribe|abuse@|questions?|postmaster@|"
    r"mailer-daemon@|kontakt|wenden sie|contacter|adressez|contacte|contatt|обрат|連絡|問い合わせ|联系|聯絡",
    re.IGNORECASE,
)
# From: sender@example.com; (envelope-from <…>); MAIL FROM:<…>; (generated from list@example.com)
OTHER_ROLE = re.compile(
    r"(?:^|[\s(>])(?:from|sender|reply-to|return-path|mail from|envelope-from|von|absender|de|expéditeur|remitente|da|от|errors-to|message-id|"
    r"(?:expanded|generated|forwarded|aliased) (?:from|by)|sent by|mail you sent from|message from)\s*(?:[:=]\s*(?:[^<>\n]{0,60}<)?)?"
    r"[<\"'\s]*\Z",
    re.IGNORECASE,
)
# the line begins with the address, or with "Recipient:", "<", "*", a quotation mark …
ENTRY = re.compile(
    r"[\s>*•·|\"'(<\[\d.-]*(?:(?:failed |final |original )?(?:recipients?|address(?:es)?|rcpt to|user|mailbox|empfänger|destinataire|"
    r"destinatario|получатель|"
    r"収件者|收件人|받는 ?사람)(?:\(s\))?\s*[:：]?\s*[<\"'(]*)?\Z",
    re.IGNORECASE,
)
QUOTED_FIELD = re.compile(r"\s*(?:to|cc|bcc|an|à|para|кому|宛先|收件人)\s*[:：]", re.IGNORECASE)
# where the letter ends: what stands below is whoever wrote it
SIGNATURE = re.compile(
    r"^(?:-- ?|(?:(?:best|kind|warm) )?regards|sincerely(?: yours)?|yours \w+|cheers|mit freundlichen grüßen|cordialement|atentamente|saludos"
    r"|cordiali saluti|met vriendelijke groet|с уважением)[,.! ]*$",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Mention:
    """An address in the text: where it stands, where its line begins, and how it stands there."""

    address: str
    line: int
    end: int
    entry: bool
    quoted: bool


def claims(message: Message) -> bool:
    """Say whether the signs are enough that the message is a notice."""
    return signs.is_notice(message)


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for each address that failed, with what stands beside it."""
    text = SIGNATURE.split(message.text, maxsplit=1)[0] or message.text
    mentions = tuple(_mentions(text))
    recipients = _recipients(message, mentions)
    if not recipients:
        yield described(None, text)
    for recipient in recipients:
        beside = _beside(text, recipient, mentions, recipients)
        attempt = described(recipient, beside)
        if len(recipients) == 1 and not (attempt.reply_code or attempt.status):
            attempt = described(recipient, text)
        yield attempt


def _mentions(text: str) -> Iterator[Mention]:
    """Yield the addresses of the text that could be recipients."""
    for number, (found, start, end) in enumerate(address.in_text(text)):
        if number >= MOST:
            return
        line = text.rfind("\n", 0, start) + 1
        before = text[max(line, start - NEAR) : start]
        around = text[max(line, start - NEAR) : min(_line_end(text, end), end + NEAR)]
        if OTHER_ROLE.search(before) or (CONTACT.search(around) and not ENTRY.fullmatch(before)):
            continue
        quoted = bool(QUOTED_FIELD.match(before))
        yield Mention(found.lower(), line, end, bool(ENTRY.fullmatch(before)) and not quoted, quoted)


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return end if end >= 0 else len(text)


def _recipients(message: Message, mentions: Sequence[Mention]) -> tuple[str, ...]:
    """Choose the addresses that failed: those the header names, else entries of the text, else those the returned message was sent to."""
    sent = dict.fromkeys(one.lower() for one in signs.sent_to(message))
    writers = [(message.headers, ("To", "From")), (message.returned, ("From", "Sender", "Return-Path", "Reply-To"))]
    own = {one.lower() for headers, names in writers if headers for name in names for one in address.all_of(headers.get(name))} - set(sent)
    found = [mention for mention in mentions if mention.address not in own]
    entries = dict.fromkeys(mention.address for mention in found if mention.entry)
    failed = address.all_of(message.headers.get("X-Failed-Recipients"))
    if failed and (not entries or any(one.lower() in entries for one in failed)):
        return failed
    confirmed = [mention.address for mention in found if mention.address in sent and not mention.quoted]
    if len(sent) == 1 and confirmed:
        return tuple(sent)
    chosen = entries or confirmed or [mention.address for mention in found]
    return tuple(dict.fromkeys(chosen)) or (tuple(sent) if len(sent) == 1 else ())


def _beside(text: str, recipient: str, mentions: Sequence[Mention], recipients: Sequence[str]) -> str:
    """Return the lines that belong to a recipient: from each line that names it up to the next that names another."""
    wanted = {one.lower() for one in recipients}
    named = [mention for mention in mentions if mention.address in wanted]
    pieces = []
    for mention, following in zip_longest(named, named[1:]):
        if mention.address == recipient.lower():
            pieces.append(text[mention.line : max(following.line, mention.end) if following else len(text)])
    return "\n".join(pieces)
