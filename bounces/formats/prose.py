"""The fallback, for software nobody has heard of: addresses and the reasons near them, in a message that is a notice by its signs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bounces import address, signs
from bounces.entries import described
from bounces.wording import Shown, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bounces.model import Attempt, Message

NEAR = 200  # characters around an address that tell its role
MOST = 500  # addresses of one text that are looked at
WORDS = 12  # letters that are enough to say something

# From: sender@example.com; (envelope-from <…>); MAIL FROM:<…>; (generated from list@example.com); Kopi: archive@example.com
OTHER_ROLE = re.compile(
    r"(?:^|[\s(>])(?:from|sender|reply-to|return-path|mail from|envelope-from|von|absender|de|expéditeur|remitente|mittente|afzender|nadawca|odesílatel"
    r"|da|fra|från|od|от|від|отправитель|відправник|errors-to|message-id|cc|copy|copia|copie|kopie|kopi|kopia|копия|抄送|送信者|差出人|发件人|寄件者|보낸 ?사람"
    r"|(?:expanded|generated|forwarded|aliased) (?:from|by)|sent (?:by|from)|mail you sent from|(?:message|mail|e-mail) from|on behalf of)"
    r"\s*(?:[:=：]\s*(?:[^<>\n]{0,60}<)?)?[<\"'\s]*\Z",
    re.IGNORECASE,
)
# the line begins with the address, or with "Recipient:", "<", "*", a quotation mark …
ENTRY = re.compile(
    r"[\s>*•·|\"'«„“”‘’‚「『【(<\[\d.:-]*(?:(?:failed |final |original |invalid |intended |undeliverable )?(?:recipients?|address(?:es)?|rcpt to|user"
    r"|mailbox|e-?mail(?: address)?|empfänger(?:adresse)?|destinataires?|adresse|destinat[aá]rios?|destinatari[oi]?|dirección|endereço|indirizzo"
    r"|ontvangers?|geadresseerden?|adresat|odbiorca|příjemce|adresát|получател[ьи]|адресат|адрес|одержувач|отримувач|адреса|alıcı|παραλήπτης"
    r"|címzett|destinatar|mottagare|modtager|mottaker|vastaanottaja|người nhận|ผู้รับ|penerima|alamat|المستلم|נמען"
    r"|受信者|受取人|送信先|収件者|收件人|收件者|收信人|받는 ?사람|수신자|수신인)(?:\(s\))?\s*[:：=]?\s*[<\"'(«„“「]*)?\Z",
    re.IGNORECASE,
)
# To: user@example.com, as a notice sums up the message it is about
ADDRESSEE = re.compile(r"\s*(?:to|an|à|a|para|per|aan|do|komu|кому|кому|til|till|vastaanottaja|宛先|收件人|收件者)\s*[:：]", re.IGNORECASE)
# what an address in a list is followed by: the end of the line, or a mark, or the time; no words of the sentence that it is part of
CLOSED = re.compile(r"[>\"'»”’」』】)\],;:.]*\s*(?:\n|\Z|[:：;(\[<=–—-]|\.\.\.|on \w|am \w|[Ff]or )")
SENTENCE = re.compile(r"[.!?。！？]\s|\n\s*\n|[:：]\s*\n")
# where the letter ends: what stands below is whoever wrote it
SIGNATURE = re.compile(
    r"^(?:-- ?|(?:(?:best|kind|warm) )?regards|sincerely(?: yours)?|yours \w+|cheers|mit freundlichen grüßen|cordialement|atentamente|saludos"
    r"|cordiali saluti|met vriendelijke groet|с уважением|з повагою|saygılarımızla|med vänlig hälsning|med venlig hilsen|med vennlig hilsen"
    r"|ystävällisin terveisin|üdvözlettel|cu stimă|s pozdravem|z poważaniem|distinti saluti|atenciosamente|με εκτίμηση|敬具|此致|trân trọng)[,.! ]*$",
    re.IGNORECASE | re.MULTILINE,
)
# support@, postmaster@ …: who answers questions, and seldom is a subscriber
ROLE = re.compile(
    r"(?:postmaster|mailer-?daemon|abuse|help(?:-?desk)?|service-?desk|support|admin(?:istrator)?|it-?(?:support|help|service)|hostmaster|webmaster|noc"
    r"|no-?reply|security|soporte|suporte|supporto|assistenza|assistance|hilfe|ayuda|ajuda|aide|pomoc|podpora|hjelp|hjälp|kundenservice|noreply)@",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Mention:
    """An address in the text: where it stands, where its line begins, and how it stands there."""

    address: str
    line: int
    end: int
    entry: bool
    addressee: bool


def claims(message: Message) -> bool:
    """Say whether the signs are enough that the message is a notice."""
    return signs.is_notice(message)


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for each address that failed, with what stands beside it.

    Who names no address, returns nothing and has an address of its own to answer to is no mail system: it only writes like one.
    """
    text = SIGNATURE.split(message.text, maxsplit=1)[0] or message.text
    mentions = tuple(_mentions(text))
    recipients = _recipients(message, mentions)
    if not recipients and (message.returned is not None or signs.return_path(message) == "<>" or signs.is_automatic(message)):
        yield described(None, text)
    beside = _beside(text, mentions, recipients)
    for recipient in recipients:
        attempt = described(recipient, beside.get(recipient.lower(), ""))
        if len(recipients) == 1 and not (attempt.reply_code or attempt.status):
            attempt = described(recipient, text)
        yield attempt


def _mentions(text: str) -> Iterator[Mention]:
    """Yield the addresses of the text that could be recipients."""
    for found, start, end in address.in_text(text)[:MOST]:
        line = text.rfind("\n", 0, start) + 1
        before = text[max(line, start - NEAR) : start]
        if OTHER_ROLE.search(before.strip(" ") and before or text[max(0, line - NEAR) : start]):
            continue
        entry = ENTRY.fullmatch(before) is not None and (before.strip() != "" or CLOSED.match(text, end) is not None)
        if not entry and (ROLE.match(found) or _is_contact(text, start, end)):
            continue
        addressee = not entry and ADDRESSEE.match(before) is not None
        yield Mention(found.lower(), line, end, entry, addressee)


def _is_contact(text: str, start: int, end: int) -> bool:
    """Say whether the sentence tells to write to an address: the words stand before it, or right after."""
    before = SENTENCE.split(text[max(0, start - NEAR) : start])[-1]
    after = SENTENCE.split(text[end : end + NEAR // 4], maxsplit=1)[0].partition("\n")[0]
    return "mailto:" in before[-8:] or Shown.CONTACT in shown(before) or Shown.CONTACT in shown(after)


def _recipients(message: Message, mentions: Sequence[Mention]) -> tuple[str, ...]:
    """Choose the addresses that failed: those the header names, else entries of the text, else those the returned message was sent to."""
    sent = dict.fromkeys(one.lower() for one in signs.sent_to(message))
    writers = [(message.headers, ("To", "From", "Reply-To")), (message.returned, ("From", "Sender", "Return-Path", "Reply-To"))]
    own = {one.lower() for headers, names in writers if headers for name in names for one in address.all_of(headers.get(name))} - set(sent)
    found = [mention for mention in mentions if mention.address not in own]
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


def _beside(text: str, mentions: Sequence[Mention], recipients: Sequence[str]) -> dict[str, str]:
    """Return the lines that belong to each recipient: from those that name it up to those that name another.

    Addresses that stand one below the other share what follows; where nothing does, what stands before.
    """
    wanted = {one.lower() for one in recipients}
    every = [mention for mention in mentions if mention.address in wanted]
    named = [one for before, one in zip([None, *every], every, strict=False) if before is None or before.address != one.address]
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
