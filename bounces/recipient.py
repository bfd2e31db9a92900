"""Attempt and Message in, the addresses that the list may have out: who was it sent to, best evidence first."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

from bounces import address, signs, tokens
from bounces.language import Said
from bounces.model import RecipientSource
from bounces.pattern import late

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bounces.model import Attempt, Headers, Message

    Place = tuple[str, str]  # an address, and the field that names it
    Evidence = tuple[str, RecipientSource, str]

# the header fields of the notice that keep the envelope recipient: our own return path
ENVELOPE = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "To")
# X-Recipient, X-Rcpt-To, X-Campaign-Recipient-Address, X-Subscriber-Email …: what senders put into their own mail
TOKEN = late(
    r"x-(?:[\w-]+-)?(?:recipient|rcpt|rcpt-?to|receiver|subscriber|hmxmroriginalrecipient|listmember|msfbl|mailin-eid)(?:-?(?:address|e?mail|to|id))?",
    re.IGNORECASE,
)
LINKS = {"list-unsubscribe", "list-id"}
TRACED = ("Delivered-To", "X-Original-To", "Envelope-To")
# Received: from … by … for <user@example.com>; …
FOR = re.compile(r"for(?<!\wfor)\s+<?([^\s<>;@]+@[^\s<>;]+)>?")
# news-bounces, news-owner, owner-news: who speaks for a list
SPEAKER = late(r"(?:owner|request)-(.+)|(.+?)(?:[-+](?:bounces?|owner|request|admin|errors?|return|help))(?:[-+].*)?", re.IGNORECASE)
WRITERS = ("Return-Path", "From", "Sender", "Errors-To")
OF_A_LIST = ("List-Post", "List-Id", "X-Mailing-List", "X-BeenThere", "Mailing-List", "X-Loop", "Sender", "From", "Reply-To")


class Candidate(NamedTuple):
    """An address that the list may have, and the field that names it."""

    address: str
    source: RecipientSource
    field: str


class Own(NamedTuple):
    """What the list and the sender are known by: the text of the list's fields, the addresses that writers speak for, their domains."""

    lists: str
    stems: frozenset[str]
    homes: frozenset[str | None]


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
    """Yield who is named and where, best evidence first, looked for only when it is asked for: mostly the first is enough.

    An Original-Recipient comes first where the best that is sure agrees with it.
    """
    final, original = attempt.final_recipient, attempt.original_recipient
    named = [(original, RecipientSource.ORIGINAL_RECIPIENT, "Original-Recipient")] if original else []
    failed = [(final, RecipientSource.FINAL_RECIPIENT, "Final-Recipient")] if final else []
    found = chain(_sure(attempt, message, verp), named, _likely(attempt, message), failed) if attempts == 1 else chain(named, failed)
    if original:
        first = next(found)
        if address.plain(first[0]) == address.plain(original):
            yield from named
        yield first
    yield from found


def _sure(attempt: Attempt, message: Message, verp: tuple[str, ...]) -> Iterator[Evidence]:
    """Yield what is better evidence than another Original-Recipient: what our own return path or a token of ours names.

    So is whom the first server took the message for where that one came later: a server that forwards fills the field anew.
    """
    for one, field in _return_paths(message, verp):
        yield one, RecipientSource.RETURN_PATH, field
    if message.returned:
        first = _first_envelope(message.returned) if _came_later(attempt.original_recipient, message.returned) else ()
        yield from _theirs(chain(_tokens(message.returned), first), attempt, message.returned, message.headers)


def _likely(attempt: Attempt, message: Message) -> Iterator[Evidence]:
    """Yield whom the first server took the message for, the addressees, and whom it was first delivered to."""
    if message.returned:
        first = () if _came_later(attempt.original_recipient, message.returned) else _first_envelope(message.returned)
        rest = chain(first, _addressees(message.returned, attempt.final_recipient), _traced(message.returned))
        yield from _theirs(rest, attempt, message.returned, message.headers)


def _return_paths(message: Message, templates: tuple[str, ...]) -> Iterator[Place]:
    """Yield the recipients that our own return path names."""
    noted = [(name, value) for name in (*ENVELOPE, "Received") for value in message.headers.all(name)]
    noted.append(("Return-Path", (message.returned.get("Return-Path") if message.returned else None) or ""))
    for field, value in noted:
        if not (templates or "=" in value or "*" in value or "\\" in value):  # no address in it names another ("\x{3D}" is a "=", too)
            continue
        for path in filter(None, [_for(value)]) if field == "Received" else address.all_of(value):
            if named := address.verp(path, templates):
                yield named, field


def _theirs(found: Iterable[Place], attempt: Attempt, returned: Headers, notice: Headers) -> Iterator[Evidence]:
    """Yield of what the returned header names who is not the list or the sender, as nobody on a list is."""
    own = None
    for one, field in found:
        own = own or _known(returned, notice)
        if not _is_ours(one.lower(), own, returned, address.domain(attempt.final_recipient)):
            yield one, RecipientSource.RETURNED_HEADER, field


def _known(returned: Headers, notice: Headers) -> Own:
    """Return what the list and the sender are known by."""
    lists = [value for name in OF_A_LIST for value in returned.all(name)]
    writers = [value for headers, names in ((returned, WRITERS), (notice, ENVELOPE)) for name in names if (value := headers.get(name))]
    return _own(tuple(lists), tuple(writers))


@lru_cache(maxsize=64)
def _own(lists: tuple[str, ...], writers: tuple[str, ...]) -> Own:
    """Return what these fields of a header tell; they are the same in many messages."""
    addresses = {one.lower() for value in writers for one in address.all_of(value)}
    return Own(" ".join(lists).lower(), frozenset(map(_stem, addresses)), frozenset(map(address.domain, addresses)))


def _is_ours(recipient: str, own: Own, returned: Headers, failed: str | None) -> bool:
    """Say whether an address is the list's or the sender's own: by its name, or as what a list expands at home."""
    if recipient in own.lists or recipient.replace("@", ".") in own.lists or recipient in own.stems:
        return True
    if failed is None or failed in own.homes or address.domain(recipient) not in own.homes:
        return False
    return (returned.get("Precedence") or "").lower() in {"list", "bulk"} or [one for one, _ in _first_envelope(returned)] != [recipient]


@lru_cache(maxsize=1 << 12)
def _stem(writer: str) -> str:
    """Return the address of the list that news-bounces@example.org, owner-news@… and their kin speak for."""
    local, _, domain = writer.rpartition("@")
    match = SPEAKER.fullmatch(local)
    return f"{next((group for group in match.groups() if group), local) if match else local}@{domain}"


def _tokens(returned: Headers) -> Iterator[Place]:
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


def _addressees(returned: Headers, final_recipient: str | None) -> Iterator[Place]:
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


def _came_later(original: str | None, returned: Headers) -> bool:
    """Say whether a server took the message for an address after it had been taken for another one."""
    path = [found for value in returned.all("Received") if (found := _for(value))] if original else []
    return original is not None and address.plain(original) in map(address.plain, path[:-1])


def _first_envelope(returned: Headers) -> Iterator[Place]:
    """Yield whom the first server took the message for: To may name others, and later servers may have forwarded it."""
    yield from islice(((one, "Received") for value in reversed(returned.all("Received")) if (one := _for(value))), 1)


def _traced(returned: Headers) -> Iterator[Place]:
    """Yield whom the message was first delivered to."""
    for name in TRACED:
        yield from ((one, name) for value in returned.all(name)[-1:] for one in address.all_of(value)[:1])


@lru_cache(maxsize=1 << 10)
def _for(received: str) -> str | None:
    """Return the envelope recipient that a Received field notes, or None."""
    match = FOR.search(received)
    return address.parse(match.group(1)) if match else None
