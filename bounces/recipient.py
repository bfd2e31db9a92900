"""Attempt and Message in, the addresses that the list may have out: who was it sent to, best evidence first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from bounces import address, signs, tokens
from bounces.language import Said
from bounces.model import RecipientSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bounces.model import Attempt, Headers, Message

    Evidence = tuple[str, RecipientSource, str]  # an address, where it stands, and the field

# the header fields of the notice that keep the envelope recipient: our own return path
ENVELOPE = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "To")
# X-Recipient, X-Rcpt-To, X-Campaign-Recipient-Address, X-Subscriber-Email …: what senders put into their own mail
TOKEN = re.compile(
    r"x-(?:[\w-]+-)?(?:recipient|rcpt|rcpt-?to|receiver|subscriber|hmxmroriginalrecipient|listmember|msfbl|mailin-eid)(?:-?(?:address|e?mail|to|id))?",
    re.IGNORECASE,
)
LINKS = {"list-unsubscribe", "list-id"}
TRACED = ("Delivered-To", "X-Original-To", "Envelope-To")
# Received: from … by … for <user@example.com>; …
FOR = re.compile(r"for(?<!\wfor)\s+<?([^\s<>;@]+@[^\s<>;]+)>?")
# news-bounces, news-owner, owner-news: who speaks for a list
SPEAKER = re.compile(r"(?:owner|request)-(.+)|(.+?)(?:[-+](?:bounces?|owner|request|admin|errors?|return|help))(?:[-+].*)?", re.IGNORECASE)
WRITERS = ("Return-Path", "From", "Sender", "Errors-To")
OF_A_LIST = ("List-Post", "List-Id", "X-Mailing-List", "X-BeenThere", "Mailing-List", "X-Loop", "Sender", "From", "Reply-To")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address that the list may have, and the field that names it."""

    address: str
    source: RecipientSource
    field: str


def candidates(attempt: Attempt, message: Message, attempts: int = 1, verp: tuple[str, ...] = ()) -> tuple[Candidate, ...]:
    """Return the addresses that the list may have for an attempt, best evidence first; `verp` are templates of our own return paths.

    A notice that reports on several `attempts` tells by its headers whom none of them was sent to.
    """
    return tuple(_distinct(_evidence(attempt, message, attempts, verp)))


def best(attempt: Attempt, message: Message, attempts: int = 1, verp: tuple[str, ...] = ()) -> Candidate | None:
    """Return the first of the candidates, or None; the others are not looked for."""
    return next(_distinct(_evidence(attempt, message, attempts, verp)), None)


def _distinct(found: Iterable[Evidence]) -> Iterator[Candidate]:
    """Yield as a candidate, of each source once, whoever can be read."""
    known: set[tuple[str, RecipientSource]] = set()
    for one, source, field in found:
        if not address.is_redacted(one) and (key := (address.plain(one), source)) not in known:
            known.add(key)
            yield Candidate(*key, field)


def _evidence(attempt: Attempt, message: Message, attempts: int, verp: tuple[str, ...]) -> Iterator[Evidence]:
    """Yield who is named, where, best evidence first, and each only when it is asked for: what names the recipient itself makes up most mail.

    What our own return path or a token of ours names comes before another Original-Recipient, and so does whom the first server took the
    message for where that one came later: a server that forwards fills the field anew.
    """
    final, original = attempt.final_recipient, attempt.original_recipient
    waiting = [(original, RecipientSource.ORIGINAL_RECIPIENT, "Original-Recipient")] if original else []
    for number, (one, source, field) in enumerate(_named(attempt, message, verp) if attempts == 1 else ()):
        if waiting and (not _is_sure(source, field, original, message) or (number == 0 and address.plain(one) == address.plain(waiting[0][0]))):
            yield waiting.pop()
        yield one, source, field
    yield from waiting
    if final:
        yield final, RecipientSource.FINAL_RECIPIENT, "Final-Recipient"


def _is_sure(source: RecipientSource, field: str, original: str | None, message: Message) -> bool:
    """Say whether a field is better evidence than another Original-Recipient."""
    return source is RecipientSource.RETURN_PATH or _is_token(field) or (field == "Received" and _came_later(original, message.returned))


def _named(attempt: Attempt, message: Message, verp: tuple[str, ...]) -> Iterator[Evidence]:
    """Yield whom headers name, what is sure first."""
    for one, field in _return_paths(message, verp):
        yield one, RecipientSource.RETURN_PATH, field
    for one, field in _returned(message.returned, message.headers, attempt.final_recipient) if message.returned else ():
        yield one, RecipientSource.RETURNED_HEADER, field


def _return_paths(message: Message, templates: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield the recipients that our own return path names."""
    headers = message.headers
    noted = ((one, name) for name in ENVELOPE for value in headers.all(name) for one in address.all_of(value))
    taken = ((one, "Received") for value in headers.all("Received") if (one := _for(value)))
    sent = ((one, "Return-Path") for one in address.all_of(message.returned.get("Return-Path") if message.returned else None))
    for path, field in chain(noted, taken, sent):
        if named := address.verp(path, templates):
            yield named, field


def _returned(returned: Headers, notice: Headers, final_recipient: str | None) -> Iterator[tuple[str, str]]:
    """Yield the recipients that the returned header names: by our own tokens, as addressees, or by the servers it went through first."""
    ours: dict[str, bool] = {}  # one address may be named in several places
    for found, field in chain(_tokens(returned), _first_envelope(returned), _addressees(returned, final_recipient), _traced(returned)):
        one = found.lower()
        if one not in ours:
            ours[one] = _is_ours(one, returned, notice, address.domain(final_recipient))
        if not ours[one]:
            yield found, field


def _is_ours(recipient: str, returned: Headers, notice: Headers, failed: str | None) -> bool:
    """Say whether an address is the list's or the sender's own, which nobody has on a list: by its name, or as what a list expands at home."""
    lists = " ".join([value for name in OF_A_LIST for value in returned.all(name)]).lower()
    if recipient in lists or recipient.replace("@", ".") in lists:
        return True
    values = [value for headers, names in ((returned, WRITERS), (notice, ENVELOPE)) for name in names if (value := headers.get(name))]
    own = [one.lower() for value in values for one in address.all_of(value)]
    if any(recipient == "@".join(_stem(one)) for one in own):
        return True
    homes = {address.domain(one) for one in own}
    if failed is None or failed in homes or address.domain(recipient) not in homes:
        return False
    return (returned.get("Precedence") or "").lower() in {"list", "bulk"} or _received_for(returned)[-1:] != [recipient]


@lru_cache(maxsize=1 << 12)
def _stem(writer: str) -> tuple[str, str]:
    """Return local part and domain of the list that news-bounces@example.org, owner-news@… and their kin speak for."""
    local, _, domain = writer.rpartition("@")
    match = SPEAKER.fullmatch(local)
    return (next((group for group in match.groups() if group), local) if match else local, domain)


def _tokens(returned: Headers) -> Iterator[tuple[str, str]]:
    """Yield the recipients that a field of the sender's own names, where it names one only."""
    for name, value in returned.fields:
        if _is_token(name):
            found = tokens.addresses(value)
            if len(found) == 1:
                yield found[0], name


@lru_cache(maxsize=1 << 12)
def _is_token(field: str) -> bool:
    """Say whether a field is one that senders put their own tokens in."""
    return field.lower() in LINKS or TOKEN.fullmatch(field) is not None


def _addressees(returned: Headers, final_recipient: str | None) -> Iterator[tuple[str, str]]:
    """Yield the addressee: the only one, or that of several which failed."""
    sent = [(one, name) for name in ("To", "Cc", "Bcc", "Apparently-To") for value in returned.all(name) for one in address.all_of(value)]
    wanted = address.canonical(final_recipient) if final_recipient else None
    found = {address.canonical(one): (one, name) for one, name in sent}
    if wanted in found:
        yield found[wanted]
    elif len(found) == 1:
        yield sent[0]


def doubt(recipient: str | None, final_recipient: str | None, message: Message, *, by_words: bool) -> Said | None:
    """Return why the address that failed may not be all that the recipient's mail goes to, or not the recipient's at all; else None.

    A notice that was read by its words alone (`by_words`) may name whom to ask or to write to instead: then who failed is an addressee.
    """
    if recipient is None:
        return Said("nobody is named as the recipient")
    if address.is_signed(final_recipient):
        return Said("{failed} is no mailbox, but a sender's address signed for its own bounces", failed=final_recipient)
    if address.is_anothers(recipient, final_recipient):
        return Said("mail for {recipient} went on to {failed}; others may get it, too", recipient=recipient, failed=final_recipient)
    sent = {address.plain(one) for one in signs.sent_to(message)} if by_words else set()
    if len(sent) > 1 and recipient not in sent:
        return Said("the message was sent to others, and not to {recipient}", recipient=recipient)
    return None


def _came_later(original: str | None, returned: Headers | None) -> bool:
    """Say whether a server took the message for an address after it had been taken for another one."""
    path = [address.plain(one) for one in _received_for(returned)] if returned else []
    return original is not None and address.plain(original) in path[:-1]


def _first_envelope(returned: Headers) -> Iterator[tuple[str, str]]:
    """Yield whom the first server took the message for: To may name others, and later servers may have forwarded it."""
    yield from ((one, "Received") for one in _received_for(returned)[-1:])


def _traced(returned: Headers) -> Iterator[tuple[str, str]]:
    """Yield whom the message was first delivered to."""
    for name in TRACED:
        yield from ((one, name) for value in returned.all(name)[-1:] for one in address.all_of(value)[:1])


def _received_for(headers: Headers) -> list[str]:
    """Return the envelope recipients that Received fields note, the latest first."""
    return [found for value in headers.all("Received") if (found := _for(value))]


@lru_cache(maxsize=1 << 10)
def _for(received: str) -> str | None:
    """Return the envelope recipient that a Received field notes, or None."""
    match = FOR.search(received)
    return address.parse(match.group(1)) if match else None
