"""Amazon SES by way of SNS, a notice in JSON: '{"notificationType":"Bounce", …' or '"eventType":"Complaint"'."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bounces import address, codes
from bounces.entries import described
from bounces.model import Action, Attempt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Message

# https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
BOUNCE, DELIVERY, DELAY = "bounce", "delivery", "deliverydelay"
MARKS = ("notificationType", "eventType")


def claims(message: Message) -> bool:
    """Say whether the text is one of SES's notifications of a bounce, a delay or a delivery."""
    text = message.text.lstrip()
    return text.startswith("{") and any(mark in text for mark in MARKS) and _kind(_notification(text)) in {BOUNCE, DELIVERY, DELAY}


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for each recipient."""
    notification = _notification(message.text)
    kind = _kind(notification)
    if kind == DELIVERY:
        delivery = _table(notification.get("delivery"))
        yield from (_attempt(recipient, Action.DELIVERED, delivery.get("smtpResponse"), delivery) for recipient in _list(delivery.get("recipients")))
        return
    outcome = _table(notification.get("bounce") or notification.get("deliveryDelay"))
    action = Action.DELAYED if kind == DELAY else Action.FAILED
    for entry in _list(outcome.get("bouncedRecipients")) or _list(outcome.get("delayedRecipients")):
        recipient = _table(entry)
        attempt = _attempt(recipient.get("emailAddress"), action, recipient.get("diagnosticCode"), outcome)
        yield attempt.filled(Attempt(status=codes.find_status(str(recipient.get("status") or ""))))


def _attempt(recipient: Any, action: Action, diagnostic: Any, outcome: dict[str, Any]) -> Attempt:
    """Make an attempt of SES's fields; without a diagnostic, the type and subtype are what there is to tell."""
    text = str(diagnostic or " ".join(str(outcome.get(key) or "") for key in ("bounceType", "bounceSubType", "delayType")))
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


def _notification(text: str) -> dict[str, Any]:
    """Return the notification, out of SNS's envelope when it is in one; empty when it is none."""
    outer = _json(text)
    return _json(outer["Message"]) if isinstance(outer.get("Message"), str) else outer


def _json(text: str) -> dict[str, Any]:
    """Return the first JSON object of a text; SNS puts a note on unsubscribing after it."""
    start = text.find("{")
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(text, max(start, 0))
    except (ValueError, RecursionError):
        return {}
    return _table(value)


def _kind(notification: dict[str, Any]) -> str:
    return str(notification.get("notificationType") or notification.get("eventType") or "").replace(" ", "").lower()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
