"""Text in, the notification of Amazon SES that it is out: JSON, alone or in the envelope of SNS.

https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html and .../event-publishing-retrieving-sns-contents.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bounces.model import Headers

if TYPE_CHECKING:
    from collections.abc import Callable

# what tells of the delivery, and names nothing but the addresses
TOLD = frozenset(
    """notificationType eventType bounce deliveryDelay delivery complaint reject bounceType bounceSubType delayType bouncedRecipients
    delayedRecipients recipients emailAddress action status diagnosticCode reason smtpResponse remoteMtaIp reportingMTA timestamp mail source
    destination""".split()
)
MARKS = ("notificationType", "eventType")


def read(text: str) -> dict[str, Any]:
    """Return the notification, out of SNS's envelope when it is in one; empty when it is none."""
    if not text.lstrip().startswith("{") or not any(mark in text for mark in MARKS):
        return {}
    outer = _json(text)
    found = _json(outer["Message"]) if isinstance(outer.get("Message"), str) else outer
    return found if kind(found) else {}


def kind(notification: dict[str, Any]) -> str:
    """Return what it notifies of, in lower case without spaces: "bounce", "complaint", "deliverydelay" …; "" when it doesn't say."""
    return str(notification.get("notificationType") or notification.get("eventType") or "").replace(" ", "").lower()


def returned(notification: dict[str, Any]) -> Headers | None:
    """Return the header of the message that it is about, as far as it tells it, or None."""
    mail = table(notification.get("mail"))
    fields = [(str(one.get("name")), str(one.get("value"))) for one in map(table, rows(mail.get("headers"))) if one.get("name")]
    if not any(name.lower() == "to" for name, _ in fields):
        fields.append(("To", ", ".join(map(str, rows(mail.get("destination"))))))
    if mail.get("source"):
        fields.insert(0, ("Return-Path", f"<{mail['source']}>"))
    return Headers(tuple(fields)) if mail else None


def reduced(value: Any, change: Callable[[str], str]) -> Any:
    """Return a notification without what doesn't tell of the delivery, each text in it changed."""
    if isinstance(value, dict):
        return {name: reduced(one, change) for name, one in value.items() if name in TOLD}
    if isinstance(value, list):
        return [reduced(one, change) for one in value]
    return change(value) if isinstance(value, str) else value


def rows(value: Any) -> list[Any]:
    """Return a list, empty where there is none."""
    return value if isinstance(value, list) else []


def table(value: Any) -> dict[str, Any]:
    """Return an object, empty where there is none."""
    return value if isinstance(value, dict) else {}


def _json(text: str) -> dict[str, Any]:
    """Return the first JSON object of a text; SNS puts a note on unsubscribing after it."""
    start = text.find("{")
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(text, max(start, 0))
    except (ValueError, RecursionError):
        return {}
    return table(value)
