"""Amazon SES by way of SNS, a notice in JSON: '{"notificationType":"Bounce", …' or '"eventType":"DeliveryDelay"'."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bounces import address, codes, notification, signs
from bounces.entries import described
from bounces.model import Action, Attempt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Message

ACTIONS = {"bounce": Action.FAILED, "reject": Action.FAILED, "deliverydelay": Action.DELAYED, "delivery": Action.DELIVERED}
OUTCOMES = {"deliverydelay": "deliveryDelay"}  # the kinds whose table is spelled another way


def claims(message: Message) -> bool:
    """Say whether the text is one of SES's notifications of a bounce, a rejection, a delay or a delivery, and nobody's answer to one."""
    return notification.kind(notification.read(message.text)) in ACTIONS and not signs.is_answer(message)


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for each recipient."""
    told = notification.read(message.text)
    kind = notification.kind(told)
    outcome = notification.table(told.get(OUTCOMES.get(kind, kind)))
    named = outcome.get("bouncedRecipients") or outcome.get("delayedRecipients") or outcome.get("recipients")
    for one in notification.rows(named or notification.table(told.get("mail")).get("destination")):
        recipient = one if isinstance(one, dict) else {"emailAddress": one}
        diagnostic = outcome.get("smtpResponse") if kind == "delivery" else recipient.get("diagnosticCode")
        attempt = _attempt(recipient.get("emailAddress"), ACTIONS[kind], diagnostic, outcome)
        yield attempt.filled(Attempt(status=codes.find_status(str(recipient.get("status") or ""))))


def _attempt(recipient: Any, action: Action, diagnostic: Any, outcome: dict[str, Any]) -> Attempt:
    """Make an attempt of SES's fields; without a diagnostic, the type and subtype or the reason are what there is to tell."""
    text = str(diagnostic or " ".join(str(outcome.get(key) or "") for key in ("bounceType", "bounceSubType", "delayType", "reason")))
    text = text.removeprefix("smtp;").strip()
    reply = codes.find(text, success=action is Action.DELIVERED)
    told = Attempt(
        final_recipient=address.parse(str(recipient or "")),
        action=action,
        status=reply.status,
        reply_code=reply.reply_code,
        remote_mta=str(outcome["remoteMtaIp"]) if outcome.get("remoteMtaIp") else None,
    )
    return told.filled(described(None, text))
