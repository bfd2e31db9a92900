"""Attempt and Message in, the addresses that the list may have out: who was it sent to, best evidence first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bounces import address, signs
from bounces.model import RecipientSource

if TYPE_CHECKING:
    from bounces.model import Attempt, Headers, Message


def candidates(attempt: Attempt, message: Message, attempts: int = 1) -> tuple[tuple[str, RecipientSource], ...]:
    """Return the addresses that the list may have for an attempt, with where each was read, best evidence first."""
    found: list[tuple[str, RecipientSource]] = []
    if attempt.original_recipient:
        found.append((attempt.original_recipient, RecipientSource.ORIGINAL_RECIPIENT))
    if attempts == 1:
        paths = [one for name in ("Delivered-To", "X-Original-To", "To") for one in address.all_of(message.headers.get(name))]
        paths += address.all_of(message.returned.get("Return-Path")) if message.returned else ()
        found += [(named, RecipientSource.RETURN_PATH) for path in paths if (named := address.verp(path))]
        sent = signs.sent_to(message)
        if len(sent) == 1 and not _is_list(sent[0], message.returned):
            found.append((sent[0], RecipientSource.RETURNED_HEADER))
    if attempt.final_recipient:
        found.append((attempt.final_recipient, RecipientSource.FINAL_RECIPIENT))
    return tuple((address.canonical(address.unwrap(one)), source) for one, source in found)


def _is_list(recipient: str, returned: Headers | None) -> bool:
    """Say whether the returned message went to a discussion list, whose address is nobody's on it."""
    if returned is None:
        return False
    lists = " ".join(
        value for name in ("List-Post", "List-Id", "X-Mailing-List", "X-BeenThere", "Mailing-List", "Sender", "From") for value in returned.all(name)
    ).lower()
    return recipient.lower() in lists or recipient.lower().replace("@", ".") in lists
