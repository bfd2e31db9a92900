"""RFC 5965, complaints of mailbox providers: 'Content-Type: multipart/report; report-type=feedback-report'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bounces import address, signs
from bounces.model import Attempt, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Message

KIND = Kind.COMPLAINT


def claims(message: Message) -> bool:
    """Say whether the message carries a feedback report."""
    return message.feedback_report is not None


def feedback_type(message: Message) -> str | None:
    """Return the type that the report declares (RFC 5965, section 7.3)."""
    declared = message.feedback_report.get("Feedback-Type") if message.feedback_report else None
    return declared.lower() if declared else None


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for each recipient that the report names, else for the only one that the returned message was sent to, if there is one."""
    report = message.feedback_report
    assert report is not None
    named = [
        found
        for name in ("Original-Rcpt-To", "Removal-Recipient")
        for value in report.all(name)
        if (found := address.parse(value)) and not address.is_redacted(found) and not signs.is_list(found, message)
    ]
    for recipient in dict.fromkeys(named):
        yield Attempt(final_recipient=recipient, original_recipient=recipient)
    if not named:
        yield Attempt(final_recipient=signs.only_addressee(message))
