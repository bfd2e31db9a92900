"""Text in, the one address out that it tells to write to instead: a person or a server says that a mailbox has moved."""

from __future__ import annotations

import re

from bounces import address

NEAR = 120  # characters between the words and the address
LONGEST = 4000  # characters of a text that are read

# 551 User not local; please try <forward-path> (RFC 5321, section 3.4), "my new address is", "meine neue Adresse lautet" …
TOLD = re.compile(
    r"please try|try instead|(?:has|have|'ve) (?:been )?(?:moved|relocated|changed)(?: to)?|new (?:e-?mail|mail|contact)?[ -]?(?:address|account)|"
    r"address (?:has|is) (?:been )?chang|address (?:to|in)\b|(?:use|update your|reach (?:me|us) at|forwarding address)|now (?:at|reachable)|"
    r"neue (?:e-?mail-?|mail-?)?adresse|neuen (?:e-?mail-?|mail-?)?adresse|adresse (?:hat sich )?geändert|adresse lautet|ab sofort unter|"
    r"nouvelle adresse|nouveau mail|changé d['’]adresse|nueva (?:dirección|cuenta)|nuevo correo|novo (?:e-?mail|endereço)|nuovo indirizzo|"
    r"nieuwe? (?:e-?mail|mail)?-?adres|nowy adres|nowa adres|nowym adresem|nov(?:á|ou) (?:e-?mailov(?:á|ou) )?adres|"
    r"нов(?:ый|ого|ому) (?:\w+ )?(?:адрес|e-?mail)|нова (?:\w+ )?адреса|yeni (?:e-?posta )?adres|νέα (?:ηλεκτρονική )?διεύθυνση|"
    r"új (?:e-?mail )?cím|nou[aă] adres|ny(?:a)? (?:e-?post|mail|e-?mail)?-?adress?e?|uusi (?:sähköposti)?osoite|"
    r"新しい(?:メール)?アドレス|新メールアドレス|新(?:的)?(?:邮箱|郵箱|电子邮件地址|電子郵件地址|信箱)|새로운? (?:이메일|메일) ?주소|"
    r"địa chỉ (?:e-?mail )?mới|ที่อยู่อีเมลใหม่|อีเมลใหม่|alamat (?:e-?mail|surel) baru|البريد (?:الإلكتروني )?الجديد|(?:כתובת|דוא[\"״]?ל)[^\n]{0,20}חדש",
    re.IGNORECASE,
)


def new_address(text: str, old: str | None) -> str | None:
    """Return the new address that a text gives for whoever had `old`, or None when it gives none, or more than one."""
    text = text[:LONGEST]
    ends = [match.end() for match in TOLD.finditer(text)]
    if not ends:
        return None
    known = address.canonical(old) if old else None
    found = {
        address.canonical(one)
        for one, start, _ in address.in_text(text)
        if any(0 <= start - end <= NEAR for end in ends) and address.canonical(one) != known
    }
    return found.pop() if len(found) == 1 else None
