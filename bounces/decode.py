"""Message in, Notice out: which format claims it, and what that one read."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Protocol, cast

from bounces import codes, formats, signs
from bounces.entries import described
from bounces.model import Action, Attempt, Kind, Message, Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

FALLBACKS = ("autoreply", "dsn", "prose")  # the standards' own forms and the last resort: asked in this order, after nobody else claimed

KINDS = {
    Action.FAILED: Kind.FAILURE,
    Action.DELAYED: Kind.DELAY,
    Action.DELIVERED: Kind.DELIVERY,
    Action.RELAYED: Kind.DELIVERY,
    Action.EXPANDED: Kind.DELIVERY,
}
WORST_FIRST = (Kind.FAILURE, Kind.DELAY, Kind.DELIVERY)


class Format(Protocol):
    """What each module in `formats/` offers; one of another kind than a delivery's has KIND, a complaint's FEEDBACK_TYPE or `feedback_type`."""

    def claims(self, message: Message) -> bool:
        """Say whether the message is of this software."""

    def decode(self, message: Message) -> Iterator[Attempt]:
        """Yield an attempt for each recipient."""


@cache
def all_formats() -> dict[str, Format]:
    """Return the formats by name, found in their folder."""
    names = sorted(module.name for module in pkgutil.iter_modules(formats.__path__))
    return {name: cast("Format", importlib.import_module(f"{formats.__name__}.{name}")) for name in names}


def claimers(message: Message) -> Iterator[str]:
    """Yield the names of the formats, fallbacks apart, that claim a message; more than one is our bug."""
    return (name for name, claims in _claims() if claims(message))


@cache
def _claims() -> tuple[tuple[str, Callable[[Message], bool]], ...]:
    """Return how each format, fallbacks apart, claims a message."""
    return tuple((name, module.claims) for name, module in all_formats().items() if name not in FALLBACKS)


def decode(message: Message, verp: tuple[str, ...] = ()) -> Notice:
    """Read a notice with the format that claims it, else as an automatic answer, else dsn, else prose; without any it is unrecognized.

    `verp` are templates of our own return paths: a notice that comes to one that names the recipient need not name anybody itself.
    """
    known = all_formats()
    for name in (*islice(claimers(message), 1), *FALLBACKS):
        if name in FALLBACKS and not known[name].claims(message):
            continue
        attempts = tuple(_finished(message, known[name].decode(message)))
        if attempts:
            return _notice(message, name, attempts)
    if message.returned is None and signs.is_notice(message) and signs.came_to_recipients_path(message, verp):
        return _notice(message, "prose", tuple(_finished(message, (described(None, message.text),))))
    return Notice(Kind.UNRECOGNIZED)


@cache
def _kind(name: str) -> Kind | None:
    """Return the kind of notice that a format is for, where that is another one than a delivery's."""
    return getattr(all_formats()[name], "KIND", None)


@cache
def _feedback_type(name: str) -> Callable[[Message], str | None]:
    """Return what tells a complaint's type, and None of what is no complaint."""
    module = all_formats()[name]
    declared: str | None = getattr(module, "FEEDBACK_TYPE", None)
    return getattr(module, "feedback_type", lambda _: declared)


def _notice(message: Message, name: str, attempts: tuple[Attempt, ...]) -> Notice:
    """Put together what a format read; without a KIND of its own the worst action decides."""
    group = message.delivery_status[0] if message.delivery_status else None
    reporting = (group.get("Reporting-MTA") or "").rpartition(";")[2].split() if group else []
    return Notice(
        kind=_kind(name) or min((KINDS[attempt.action or Action.FAILED] for attempt in attempts), key=WORST_FIRST.index),
        format=name,
        attempts=attempts,
        reporting_mta=reporting[0].strip("()[]") or None if reporting else None,
        feedback_type=_feedback_type(name)(message),
    )


def _finished(message: Message, attempts: Iterable[Attempt]) -> Iterator[Attempt]:
    """Fill what follows from the rest: a bare status gives way to a specific one, and a notice without Action tells it by its words."""
    told: tuple[Action, bool] | None = None  # what the words tell: looked for once a recipient's fields don't
    for attempt in attempts:
        own = codes.find(attempt.diagnostic_code or "")
        if attempt.action is None:
            untold, succeeded = told = told or (Action.DELAYED if signs.is_delay(message) else Action.FAILED, signs.has_succeeded(message))
            action = Action.DELIVERED if succeeded and not (own.reply_code or own.status) else untold
        else:
            action = attempt.action
        status = own.status if own.status and (attempt.status is None or codes.is_bare(attempt.status)) else attempt.status
        reply_code, final_recipient = attempt.reply_code or own.reply_code, attempt.final_recipient or _only(signs.sent_to(message))
        if (action, status, reply_code, final_recipient) == (attempt.action, attempt.status, attempt.reply_code, attempt.final_recipient):
            yield attempt
        else:
            yield Attempt(action=action, status=status, reply_code=reply_code, final_recipient=final_recipient).filled(attempt)


def _only(sent: tuple[str, ...]) -> str | None:
    """Return the only one of some addresses, or None."""
    return sent[0] if len(sent) == 1 else None
