"""Message in, what kind of mail it looks like out: the signs that tell a notice from ordinary mail, whatever its layout."""

from __future__ import annotations

import re
from functools import wraps
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from bounces import address
from bounces.folding import fold
from bounces.model import Message
from bounces.pattern import late
from bounces.wording import LONGEST, Shown, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bounces.model import Headers

T = TypeVar("T")

ENOUGH = 3  # of the signs' weight makes a notice
LONGEST_SUBJECT = 1000  # characters of a field that are looked at
NUMBER = late(r"\s+[0-9A-F]{6,}$")
REPLY = ("In-Reply-To", "References")  # Exchange's own notices have them, too
LIST = ("List-Post", "List-Id", "List-Unsubscribe", "X-Mailing-List", "X-Beenthere")

# MAILER-DAEMON@…, postmaster@…, MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@…
DAEMON = late(
    r"(?:mailer[-_.]?daemon|mail[-_.]?daemon|daemon|post[-_.]?master|mail[-_.]?deliver\w*[-_.]?(?:sub)?(?:system|service)|bounces?|mmsc|mdaemon|mmdf|uucp"
    r"|microsoftexchange[0-9a-f]+|delivery[-_.]?subsystem|no-?reply-?(?:bounces?|ndr))",
    re.IGNORECASE,
)
# Re:        [EXTERNAL] AW:        ***SPAM*** Fwd:        转发：        Mail is late (fwd)
ANSWER = late(
    r"^(?:\s|\[[^\]]{0,40}\]|\*+[^*]{0,40}\*+)*(?:re|r|res|rif|rép|rep|réf|ref|aw|antw|sv|vs|odp|ynt|отв|ha|fwd?|wg|tr|rv|vb|enc|pd|i|doorst|trs|bls|továbbítás|i̇lt|ilt"
    r"|fyi|回复|答复|答覆|回覆|转发|轉寄|转寄|返信|転送)\s*(?:\[\d+\]|\(\d+\))?\s*[:：]|\[fwd:|\(fwd\)\s*$|^\s*\[ticket\b",
    re.IGNORECASE,
)
# "Anna Example" <anna@example.com>
NAMED = late(r"(\"[^\"<>]{1,100}\"|[^\",<>]{1,100}?)\s{0,5}<([^<>\s@]{1,64}@[^<>\s@]{1,255})>")
# From: news@example.org          Recipients = user@example.com
WRITER = late(
    r"^[ \t]*(?:from|(?:original )?sender|von|absender|de|expéditeur|remitente|mittente)[ \t]*[:=]([^\n]*@[^\n]*)$", re.IGNORECASE | re.MULTILINE
)
READER = late(
    r"^[ \t]*(?:to|recipients?|an|empfänger|à|destinataires?|para|destinatarios?|destinatar[io])[ \t]*[:=]([^\n]*@[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
# "Delivery failed (delayed)": a subject that names a failure is no warning's
FINAL = late(r"fail|undeliver|return", re.IGNORECASE)


class Sign(NamedTuple):
    """Something that speaks for a notice, or against it, and how much."""

    weight: int
    what: str
    holds: Callable[[Message], bool]


def once(question: Callable[[Message], T]) -> Callable[[Message], T]:
    """Make a question about a message one that is answered once: many formats ask the same."""
    name = f"{question.__module__}.{question.__name__}"

    @wraps(question)
    def asked(message: Message) -> T:
        known = message._known  # noqa: SLF001  (the cache is ours)
        if name not in known:
            known[name] = question(message)
        answer: T = known[name]
        return answer

    return asked


@once
def is_notice(message: Message) -> bool:
    """Say whether there is enough evidence that a message reports on a delivery. Words alone never are: people quote notices."""
    found = tuple(evidence(message))
    return any(sign in SENT for sign in found) and sum(sign.weight for sign in found) >= ENOUGH


def evidence(message: Message) -> Iterator[Sign]:
    """Yield the signs that a message has; a read receipt has none, whatever it says."""
    if message.disposition_notification is None:
        yield from (sign for sign in (*SENT, *WORDED) if sign.holds(message))


def is_plain(message: Message) -> bool:
    """Say whether a mail system sent the message without fields for machines: what formats ask that know their software by its words."""
    return not message.delivery_status and is_from_system(message)


@once
def is_from_system(message: Message) -> bool:
    """Say whether a mail system sent the message, and no person who quotes one."""
    named = "X-Failed-Recipients" in message.headers or message.report_type == "delivery-status"
    signed = named or from_daemon(message) or return_path(message) == "<>" or returned_to_its_sender(message)
    return signed and not is_talk(message)


@once
def is_talk(message: Message) -> bool:
    """Say whether the message answers or forwards another, or comes from a list: there notices are quoted."""
    headers = message.headers
    return any(name in headers for name in LIST) or is_answer(message)


@once
def is_answer(message: Message) -> bool:
    """Say whether the message answers or forwards another, by its subject or its header."""
    headers = message.headers
    if answers(headers.get("Subject") or ""):
        return True
    return any(name in headers for name in REPLY) and return_path(message) != "<>" and not is_automatic(message)


def answers(subject: str) -> bool:
    """Say whether a subject is an answer's or a forward's."""
    return ANSWER.search(subject[:LONGEST_SUBJECT]) is not None


@once
def from_daemon(message: Message) -> bool:
    """Say whether a mail system sent the message, by its From: a daemon's address or name, or an empty one."""
    if "From" not in message.headers:
        return False
    value = (message.headers.get("From") or "")[:LONGEST_SUBJECT].strip()
    sender = address.parse(value)
    name = value.partition("<")[0].strip(" \t\"'") if "<" in value else re.sub(r"\S+@\S+|[()\"]", " ", value).strip()
    local = sender.rpartition("@")[0] if sender else re.sub(r"[<>\s]", "", value.rpartition("<")[2])
    return not local or bool(DAEMON.fullmatch(local)) or is_daemons(name)


def is_daemons(name: str) -> bool:
    """Say whether a display name is a mail system's: the whole of it, but for a word before and a number after."""
    name = NUMBER.sub("", name[:200]).strip()
    phrase = shown(name).get(Shown.DAEMON)
    return phrase is not None and fold(name).endswith(fold(phrase)) and len(name.split()) <= len(phrase.split()) + 1


@once
def return_path(message: Message) -> str | None:
    """Return the envelope sender as the delivering server noted it; "<>" is the null path of RFC 5321, section 4.5.5."""
    value = message.headers.get("Return-Path")
    return value.replace(" ", "") if value is not None else None


@once
def returned_to_its_sender(message: Message) -> bool:
    """Say whether the message gives its addressee back, as a part of its own, what that one had sent."""
    returned = message.returned
    if returned is None or not any(kind.startswith(("message/", "text/rfc822")) for kind in message.part_types):
        return False
    senders = {one.lower() for name in ("From", "Return-Path", "Sender") for one in address.all_of(returned.get(name))}
    return any(one.lower() in senders for one in address.all_of(message.headers.get("To")))


def quotes_its_addressee(message: Message) -> bool:
    """Say whether the header that the message returns is one of its addressee's: nobody else's mail comes back to them."""
    to = {one.lower() for one in address.all_of(message.headers.get("To"))}
    fields = ("From", "Return-Path", "Sender") if message.returned else ()
    return any(one.lower() in to for name in fields for one in address.all_of(message.returned.get(name) if message.returned else None))


def is_about_another(message: Message) -> bool:
    """Say whether a message that declares itself automatic holds another one, or sums one up."""
    return is_automatic(message) and (message.returned is not None or sums_up(message))


def sums_up(message: Message) -> bool:
    """Say whether the text sums up a message of its addressee's: from that one, and to somebody else."""
    own = {one.lower() for one in address.all_of(message.headers.get("To"))}
    writers = {one.lower() for match in WRITER.finditer(message.text[:LONGEST]) for one in address.all_of(match.group(1))}
    readers = {one.lower() for match in READER.finditer(message.text[:LONGEST]) for one in address.all_of(match.group(1))}
    return bool(own & writers) and bool(readers - own)


@once
def is_automatic(message: Message) -> bool:
    """Say whether the message declares itself automatic (RFC 3834, section 5)."""
    value = (message.headers.get("Auto-Submitted") or "no").partition(";")[0].strip().lower()
    return value != "no"


def subject_tells(message: Message) -> str | None:
    """Return what in the subject names a failed or delayed delivery; an answer's or a forward's subject tells nothing."""
    subject = message.headers.get("Subject") or ""
    if answers(subject):
        return None
    found = shown(subject)
    return found.get(Shown.UNDELIVERED) or found.get(Shown.DELAYED)


def text_tells(message: Message) -> bool:
    """Say whether the text names a failed delivery; from a person at a mail system's address, in an ordinary mail, it tells nothing."""
    automatic = return_path(message) == "<>" or is_automatic(message) or message.returned is not None or sums_up(message)
    return automatic and Shown.FAILED in shown(message.text[:LONGEST])


def is_digests(message: Message) -> bool:
    """Say whether the subject is that of a list of messages held."""
    return Shown.DIGEST in shown(message.headers.get("Subject") or "")


@once
def is_delay(message: Message) -> bool:
    """Say whether a notice without an Action field is a warning: the system goes on trying."""
    subject, text = message.headers.get("Subject") or "", shown(message.text[:LONGEST])
    late = Shown.DELAYED in shown(subject) and not FINAL.search(subject)
    if Shown.GIVEN_UP in text:
        return Shown.RETRYING in text and (late or "warning" in text[Shown.RETRYING])
    return late or Shown.RETRYING in text


@once
def has_succeeded(message: Message) -> bool:
    """Say whether a notice without an Action field tells of a delivery, and of nothing that went wrong."""
    told = {**shown(message.text[:LONGEST]), **shown(message.headers.get("Subject") or "")}
    return Shown.SUCCEEDED in told and not ({Shown.GIVEN_UP, Shown.RETRYING} & set(told))


@once
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


def only_addressee(message: Message) -> str | None:
    """Return whom the returned message was sent to, where that is one person and no list."""
    found = [one for one in sent_to(message) if not (address.is_redacted(one) or is_list(one, message))]
    return found[0] if len(found) == 1 else None


def is_list(one: str, message: Message) -> bool:
    """Say whether an address is that of the list which the returned message went over."""
    fields = " ".join(value for name in LIST for value in (message.returned.all(name) if message.returned else ())).lower()
    return one.lower() in fields or one.lower().replace("@", ".") in fields


def came_to_recipients_path(message: Message, verp: tuple[str, ...] = ()) -> bool:
    """Say whether the notice came to a return path of our own that names the recipient: then its text need not. `verp` are templates of ours."""
    paths = [one for name in ("To", "Delivered-To", "X-Original-To") for one in address.all_of(message.headers.get(name))]
    return return_path(message) == "<>" and any(address.verp(path, verp) for path in paths)


def is_notice_itself(returned: Headers) -> bool:
    """Say whether a returned header is a notice's: whoever passes that on tells of no message of ours."""
    found = Message(returned)
    return from_daemon(found) and subject_tells(found) is not None


def names(headers: Headers | None) -> tuple[tuple[str, str], ...]:
    """Return the display names of the addressees of a message, each with its address."""
    return names_in(", ".join(value for name in ("To", "Cc") for value in headers.all(name)) if headers else "")


def names_in(value: str) -> tuple[tuple[str, str], ...]:
    """Return the display names in a header field, each with its address."""
    found = ((match.group(1).strip(" \"'"), address.parse(match.group(2))) for match in NAMED.finditer(value))
    return tuple([(name, one) for name, one in found if name and one])


# how a mail system sends it: without one of these it is no notice, whatever it says
SENT = (
    Sign(3, "its header names those who failed", lambda message: "X-Failed-Recipients" in message.headers),
    Sign(3, "report of a delivery's status", lambda message: message.report_type == "delivery-status"),
    Sign(2, "sent by a mail system", from_daemon),
    Sign(2, "returned to its sender", returned_to_its_sender),
    Sign(1, "null return path", lambda message: return_path(message) == "<>"),
    Sign(0, "automatic, and about another message", is_about_another),
    Sign(1, "quotes the header of its addressee's message", quotes_its_addressee),
)
# what it says, for and against
WORDED = (
    Sign(1, "declares itself automatic", is_automatic),
    Sign(1, "holds another message", lambda message: message.returned is not None),
    Sign(1, "sums up a message of its addressee's", sums_up),
    Sign(2, "its subject names a failed or delayed delivery", lambda message: subject_tells(message) is not None),
    Sign(1, "its text names a failed delivery", text_tells),
    Sign(-2, "answers or forwards another, or comes from a list", is_talk),
    Sign(-3, "its subject is that of a list of messages held", is_digests),
)
