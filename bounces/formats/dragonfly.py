"""DragonFly Mail Agent: 'This is the DragonFly Mail Agent v0.13 at host.example.com.'"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import signs
from bounces.entries import entries
from bounces.pattern import late

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Attempt, Message

SIGN = "This is the DragonFly Mail Agent"
# There was an error delivering your mail to <user@example.com>.
RECIPIENT = late(r"^There was an error delivering your mail to <([^<>\s]+)>\.", re.MULTILINE)
# Message headers follow.
RETURNED = late(r"^(?:Message headers follow|Original message follows)\.", re.MULTILINE)


def claims(message: Message) -> bool:
    """Say whether the agent introduces itself."""
    return SIGN in message.text and signs.is_from_system(message)


def decode(message: Message) -> Iterator[Attempt]:
    """Yield the attempt for the one address of the notice."""
    return entries(message.text, RECIPIENT, until=RETURNED)
