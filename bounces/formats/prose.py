"""The fallback, for software nobody has heard of: addresses and the reasons near them, in a message that is a notice by its signs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import address, signs
from bounces.entries import described
from bounces.mentions import Mention, mentions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bounces.model import Attempt, Message

WORDS = 12  # letters that are enough to say something
# where the letter ends: what stands below is whoever wrote it
SIGNATURE = re.compile(
    r"^(?:-- ?|(?:(?:best|kind|warm) )?regards|sincerely(?: yours)?|yours \w+|cheers|mit freundlichen grüßen|cordialement|atentamente|saludos"
    r"|cordiali saluti|met vriendelijke groet|с уважением|з повагою|saygılarımızla|med vänlig hälsning|med venlig hilsen|med vennlig hilsen"
    r"|ystävällisin terveisin|üdvözlettel|cu stimă|s pozdravem|z poważaniem|distinti saluti|atenciosamente|με εκτίμηση|敬具|此致|trân trọng)[,.! ]*$",
    re.IGNORECASE | re.MULTILINE,
)


def claims(message: Message) -> bool:
    """Say whether the signs are enough that the message is a notice."""
    return signs.is_notice(message)


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for each address that failed, with what stands beside it.

    Who names no address, returns nothing and has an address of its own to answer to is no mail system: it only writes like one.
    """
    text = SIGNATURE.split(message.text, maxsplit=1)[0] or message.text
    found = tuple(mentions(text))
    recipients = _recipients(message, found)
    if not recipients and (message.returned is not None or signs.return_path(message) == "<>" or signs.is_automatic(message)):
        yield described(None, text)
    beside = _beside(text, found, recipients)
    for recipient in recipients:
        attempt = described(recipient, beside.get(recipient.lower(), ""))
        if len(recipients) == 1 and not (attempt.reply_code or attempt.status):
            attempt = described(recipient, text)
        yield attempt


def _recipients(message: Message, every: Sequence[Mention]) -> tuple[str, ...]:
    """Choose the addresses that failed: those the header names, else entries of the text, else those the returned message was sent to."""
    sent = dict.fromkeys(one.lower() for one in signs.sent_to(message))
    writers = [(message.headers, ("To", "From", "Reply-To")), (message.returned, ("From", "Sender", "Return-Path", "Reply-To"))]
    own = {one.lower() for headers, names in writers if headers for name in names for one in address.all_of(headers.get(name))} - set(sent)
    found = [mention for mention in every if mention.address not in own]
    entries = dict.fromkeys(mention.address for mention in found if mention.entry)
    failed = address.all_of(message.headers.get("X-Failed-Recipients"))
    if failed and (not entries or any(one.lower() in entries for one in failed)):
        return failed
    addressees = _addressees(found)
    confirmed = [mention.address for mention in found if mention.address in sent and not mention.addressee]
    if len(sent) == 1 and confirmed:
        return tuple(sent)
    chosen = entries or addressees or confirmed or [mention.address for mention in found if not mention.addressee]
    return tuple(dict.fromkeys(chosen)) or (tuple(sent) if len(sent) == 1 else ())


def _addressees(found: Sequence[Mention]) -> list[str]:
    """Return whom the notice sums up as addressees, each on a line of its own; a line with several tells whom it went to, not who failed."""
    lines = [mention.line for mention in found if mention.addressee]
    return [mention.address for mention in found if mention.addressee and lines.count(mention.line) == 1]


def _beside(text: str, every: Sequence[Mention], recipients: Sequence[str]) -> dict[str, str]:
    """Return the lines that belong to each recipient: from those that name it up to those that name another.

    Addresses that stand one below the other share what follows; where nothing does, what stands before.
    """
    wanted = {one.lower() for one in recipients}
    failed = [mention for mention in every if mention.address in wanted]
    named = [one for before, one in zip([None, *failed], failed, strict=False) if before is None or before.address != one.address]
    starts = [*(mention.line for mention in named[1:]), len(text)]
    found: dict[str, str] = {}
    waiting: list[str] = []
    told = 0
    for mention, start in zip(named, starts, strict=False):
        waiting.append(mention.address)
        end = max(start, mention.end)
        said = text[mention.line : end]
        if not _says(said) and end < len(text):
            continue
        said = said if _says(said) else text[told : mention.line].rstrip().rpartition("\n\n")[2] + "\n" + said
        for one in waiting:
            found[one] = f"{found[one]}\n{said}" if one in found else said
        waiting, told = [], end
    return found


def _says(text: str) -> bool:
    """Say whether a text has words beside its addresses."""
    for one, _, _ in address.in_text(text):
        text = text.replace(one, " ")
    return sum(map(str.isalpha, text)) >= WORDS or any("\u2e80" <= char <= "\ud7ff" for char in text)
