"""Amazon SES by way of SNS, a complaint in JSON: '{"notificationType":"Complaint", …'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bounces import address, notification, signs
from bounces.model import Attempt, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Message

KIND = Kind.COMPLAINT


def claims(message: Message) -> bool:
    """Say whether the text is one of SES's notifications of a complaint, and nobody's answer to one."""
    return notification.kind(notification.read(message.text)) == "complaint" and not signs.is_answer(message)


def feedback_type(message: Message) -> str | None:
    """Return the type that the provider gave (RFC 5965, section 7.3), where SES passes it on."""
    found = notification.table(notification.read(message.text).get("complaint")).get("complaintFeedbackType")
    return str(found).lower() if found else None


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for each recipient who may have complained."""
    complaint = notification.table(notification.read(message.text).get("complaint"))
    for one in notification.rows(complaint.get("complainedRecipients")):
        recipient = address.parse(str(notification.table(one).get("emailAddress") or ""))
        yield Attempt(final_recipient=recipient, original_recipient=recipient)
