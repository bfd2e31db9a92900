"""Italian certified mail (PEC, decree of 2 November 2005): 'X-Ricevuta: errore-consegna'."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import signs
from bounces.entries import described
from bounces.model import Action, Attempt
from bounces.pattern import late

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Message

ACTIONS = {
    "errore-consegna": Action.FAILED,
    "non-accettazione": Action.FAILED,
    "rilevazione-virus": Action.FAILED,
    "preavviso-errore-consegna": Action.DELAYED,
    "avvenuta-consegna": Action.DELIVERED,
    "accettazione": Action.RELAYED,
    "presa-in-carico": Action.RELAYED,
}
# ed indirizzato a "user@example.com"        e destinato all'utente "user@example.com"
RECIPIENT = late(
    r"(?:indirizzato\s{1,3}a|destinato\s{1,3}all['’]utente|destinato\s{1,3}a):?\s{0,3}\"?\s{0,3}([^\s\"@]{1,64}@[^\s\"@]{1,255}?)\"?[\s,;(]",
    re.IGNORECASE,
)
# Identificativo messaggio: opec292.20230512101201.14871.512.2.66@pec.example.it
END = late(r"^[ \t]*Identificativo (?:del )?messaggio", re.IGNORECASE | re.MULTILINE)


def claims(message: Message) -> bool:
    """Say whether the field that each receipt has names a known one, and a recipient is told."""
    return _action(message) is not None and bool(RECIPIENT.search(message.text))


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for each recipient; the error, where there is one, stands after it."""
    action = _action(message)
    text = END.split(message.text, maxsplit=1)[0]
    for place in RECIPIENT.finditer(text):
        error = text[place.end() :] if action in {Action.FAILED, Action.DELAYED} else ""
        yield described(place.group(1), error).filled(Attempt(action=action))


def _action(message: Message) -> Action | None:
    receipt = (message.headers.get("X-Ricevuta") or "").strip().lower()
    return ACTIONS.get(receipt) if receipt and not signs.is_talk(message) else None
