"""Text in, the addresses that it mentions out, and how each stands there: in a list, as an addressee, or in a sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bounces import address
from bounces.wording import Shown, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

NEAR = 200  # characters around an address that tell its role
MOST = 500  # addresses of one text that are looked at

# From: sender@example.com; (envelope-from <…>); MAIL FROM:<…>; (generated from list@example.com); Kopi: archive@example.com
OTHER_ROLE = re.compile(
    r"(?:^|[\s(>])(?:from|sender|reply-to|return-path|mail from|envelope-from|errors-to|message-id|von|absender|de|expéditeur|remitente|mittente"
    r"|afzender|nadawca|odesílatel|da|fra|från|od|от|від|отправитель|відправник|cc|copy|copia|copie|kopie|kopi|kopia|копия|抄送|送信者|差出人|发件人"
    r"|寄件者|보낸 ?사람"
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


def mentions(text: str) -> Iterator[Mention]:
    """Yield the addresses of a text that could be recipients: no sender's, and none to ask for help."""
    for found, start, end in address.in_text(text)[:MOST]:
        line = text.rfind("\n", 0, start) + 1
        before = text[max(line, start - NEAR) : start]
        if OTHER_ROLE.search(before if before.strip() else text[max(0, start - NEAR) : start]):
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
