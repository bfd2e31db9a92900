"""Message in, what kind of mail it looks like out: the signs that tell a notice from ordinary mail, whatever its layout."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import address

if TYPE_CHECKING:
    from bounces.model import Message

ENOUGH = 3  # signs that make a notice
TALK = ("In-Reply-To", "References", "List-Post", "List-Id", "List-Unsubscribe", "X-Mailing-List", "X-Beenthere")

# MAILER-DAEMON@…, postmaster@…, MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@…
DAEMON = re.compile(
    r"(?:mailer[-_.]?daemon|mail[-_.]?daemon|daemon|post[-_.]?master|mail[-_.]?deliver\w*[-_.]?(?:sub)?(?:system|service)|bounces?|mmsc|mdaemon"
    r"|microsoftexchange[0-9a-f]+|delivery[-_.]?(?:subsystem|status|notification)|no-?reply-?(?:bounces?|ndr))",
    re.IGNORECASE,
)
# Mail Delivery System <…>, "GMX Mailer Daemon" <…>, MMSC NDR Administrator <…>: the whole name, with a word before or after it
NAME = re.compile(
    r"(?:[\w.-]+ )?(?:(?:internet |e-?)?mail(?:er)?[-_. ]?(?:daemon|deliver\w*[-_. ]?(?:sub)?(?:system|service|agent)|administrator|system|server)"
    r"|post\s?master|delivery (?:subsystem|status notification)|system ?administrator|mmsc(?: \w+)*|administrateur syst\w+|administrador del sistema"
    r"|amministratore di sistema|почтов\w+ (?:систем|служб)\w*)(?: [0-9A-F]{6,})?",
    re.IGNORECASE,
)
SUBJECT = re.compile(
    r"undeliver|non[- ]?deliver|not (?:be )?deliver|returned (?:mail|e-?mail|message|to sender)|return(?:ing)? (?:message|mail) to sender|"
    r"failure notice|deliver\w*[ :-]+(?:\w+[ -]+){0,2}(?:fail|status|problem|error|delay|unsuccess|report|notif|incomplete|impossible)|"
    r"(?:fail|problem|error|warning|delay|unable|could not|cannot|can't|couldn't)\w*[ :-]+(?:\w+[ -]+){0,4}(?:deliver|send|mail)|"
    r"mail failed|mail failure|"
    r"mail system error|bounced? (?:mail|message)|delayed mail|\bNDR\b|\bDSN\b|"
    # German, French, Spanish, Portuguese, Italian, Dutch
    r"unzustellbar|nicht zugestellt|zustell(?:ung|bericht|status)|rückläufer|non remis|non distribu|non délivr|échec de (?:la )?(?:remise|"
    r"livraison|distribution)|"
    r"retour(?:né)? .{0,20}expéditeur|no (?:se )?(?:ha podido |pudo )?entreg|no entregado|devuelto|error de entrega|"
    r"não (?:foi )?(?:entreg|entregue)|não entregue|falha (?:na|de) entrega|devolvid|mancato recapito|non recapitabile|non consegnat|"
    r"onbestelbaar|niet (?:worden )?(?:afgeleverd|bezorgd)|"
    # Polish, Czech, Swedish, Danish, Norwegian, Finnish, Hungarian, Turkish, Russian, Ukrainian
    r"niedostarczon|nie (?:można|została?) dostarcz|nedoruč|nelze doručit|olevererbar|kan inte levereras|kunne ikke lever|kan ikke lever|"
    r"ulevert|toimittamat|ei voitu toimittaa|kézbesíthetetlen|teslim edileme|iletilemed|"
    r"недоставл|не доставл|не может быть доставлен|невозможно доставить|не вдалося достав|"
    # Japanese, Chinese, Korean
    r"配信(?:不能|できません|に失敗|エラー)|配達(?:不能|できません)|送信(?:できません|エラー|失敗)|届きません|退信|未送達|無法(?:遞送|傳遞|送達)|无法(?:投递|送达|传递)|投递失败|"
    r"배달(?:되지| 실패| 못)|반송|전송 ?실패|전달(?:되지| 실패)",
    re.IGNORECASE,
)
ANSWER = re.compile(r"^\s*(?:re|fwd?|aw|wg|sv|tr|rv|enc|odp|vs)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)
TEXT = re.compile(
    r"(?:could|can|was|were|has|have|had)(?: ?not|n[’']?t)(?: yet)?(?: been| be)? (?:successfully )?(?:deliver|sent|reach)|"
    r"(?:un)?able to (?:be )?deliver|"
    r"undeliver|delivery (?:has )?(?:failed|to the following|is delayed)|(?:did not|didn[’']t) reach|permanent(?:ly)? (?:fatal )?(?:error|fail)|"
    r"returned to (?:the )?sender|following (?:address|recipient)|address(?:\(es\)|es)? failed|rejected by",
    re.IGNORECASE,
)
DELAY_SUBJECT = re.compile(
    r"\bdelay(?:ed|s)?\b|warning: (?:could not send|message)|still being retried|verzöger|retard[ée]|retras|atras|ritard|vertraag|opóźni|"
    r"zpožd|försen|forsink|"
    r"задерж|遅延|延迟|延遲|지연|not yet been delivered",
    re.IGNORECASE,
)
DELAY_TEXT = re.compile(
    r"(?:will|to) (?:be )?(?:continue to be |continue to |keep )?(?:retr(?:y|ied)|try(?:ing)?(?: again| to)?)\b|this is a warning(?: message)? only|"
    r"do not need to resend|no need to (?:re-?send|retransmit)|no action is required|has been delayed|is (?:being )?delayed|still (?:in|"
    r"being|trying)|not yet been|"
    r"for up to \d+ (?:hours|days)|wird (?:weiter|erneut) versucht|seguirá intentando|nouvelle tentative",
    re.IGNORECASE,
)
GIVEN_UP = re.compile(
    r"giv(?:en|ing) up|gave up|no further (?:delivery )?attempts|permanent(?:ly)? (?:error|fail)|will not be (?:retried|deliver)|"
    r"not going to try again|"
    r"has (?:now )?expired|could not be delivered|failed permanently",
    re.IGNORECASE,
)


def is_notice(message: Message) -> bool:
    """Say whether there is enough evidence that a message reports on a delivery. Words alone never are: people quote notices."""
    if message.disposition_notification is not None:
        return False
    null, automatic, returned = return_path(message) == "<>", is_automatic(message), message.returned is not None
    structure = 3 * ("X-Failed-Recipients" in message.headers) + 3 * (message.report_type == "delivery-status")
    structure += 2 * from_daemon(message) + null + returned + 2 * returned_to_its_sender(message)
    words = 2 * (subject_tells(message) is not None) + bool(TEXT.search(message.text[:3000]))
    return bool(structure) and structure + automatic + words - 2 * is_talk(message) >= ENOUGH


def is_plain(message: Message) -> bool:
    """Say whether a mail system sent the message without fields for machines: what formats ask that know their software by its words."""
    return not message.delivery_status and is_from_system(message)


def is_from_system(message: Message) -> bool:
    """Say whether a mail system sent the message, and no person who quotes one."""
    named = "X-Failed-Recipients" in message.headers or message.report_type == "delivery-status"
    signed = named or from_daemon(message) or return_path(message) == "<>" or returned_to_its_sender(message)
    return signed and not is_talk(message)


def is_talk(message: Message) -> bool:
    """Say whether the message answers or forwards another, or comes from a list: there notices are quoted."""
    return any(name in message.headers for name in TALK) or bool(ANSWER.match(message.headers.get("Subject") or ""))


def from_daemon(message: Message) -> bool:
    """Say whether a mail system sent the message, by its From: a daemon's address or name, or an empty one."""
    if "From" not in message.headers:
        return False
    value = (message.headers.get("From") or "").strip()
    sender = address.parse(value)
    name = value.partition("<")[0].strip(" \t\"'") if "<" in value else re.sub(r"\S+@\S+|[()\"]", " ", value).strip()
    local = sender.rpartition("@")[0] if sender else re.sub(r"[<>\s]", "", value.rpartition("<")[2])
    return not local or bool(DAEMON.fullmatch(local)) or bool(NAME.fullmatch(name))


def return_path(message: Message) -> str | None:
    """Return the envelope sender as the delivering server noted it; "<>" is the null path of RFC 5321, section 4.5.5."""
    value = message.headers.get("Return-Path")
    return value.replace(" ", "") if value is not None else None


def returned_to_its_sender(message: Message) -> bool:
    """Say whether the message gives its addressee back, as a part of its own, what that one had sent."""
    returned = message.returned
    if returned is None or not any(kind.startswith(("message/", "text/rfc822")) for kind in message.part_types):
        return False
    senders = {one.lower() for name in ("From", "Return-Path", "Sender") for one in address.all_of(returned.get(name))}
    return any(one.lower() in senders for one in address.all_of(message.headers.get("To")))


def is_automatic(message: Message) -> bool:
    """Say whether the message declares itself automatic (RFC 3834, section 5)."""
    value = (message.headers.get("Auto-Submitted") or "no").partition(";")[0].strip().lower()
    return value != "no"


def subject_tells(message: Message) -> str | None:
    """Return what in the subject names a failed or delayed delivery; an answer's or a forward's subject tells nothing."""
    subject = message.headers.get("Subject") or ""
    found = None if ANSWER.match(subject) else SUBJECT.search(subject)
    return found.group() if found else None


def is_delay(message: Message) -> bool:
    """Say whether a notice without an Action field is a warning: the system goes on trying."""
    subject = message.headers.get("Subject") or ""
    text = message.text[:3000]
    if GIVEN_UP.search(text) and not re.search(r"warning(?: message)? only", text, re.IGNORECASE):
        return False
    return bool(DELAY_SUBJECT.search(subject) and not re.search("fail|undeliver|return", subject, re.IGNORECASE)) or bool(DELAY_TEXT.search(text))


def sent_to(message: Message) -> tuple[str, ...]:
    """Return the addresses that the returned message was sent to, by its own header."""
    returned = message.returned
    if returned is None:
        return ()
    found: list[str] = []
    for name in ("X-Failed-Recipients", "Delivered-To", "To", "Cc", "Bcc", "Resent-To", "Envelope-To", "X-Original-To", "Apparently-To"):
        for value in returned.all(name):
            found += address.all_of(value)
    return tuple(dict.fromkeys(found))
