"""A reason and what the server said in, another system's word for it out, by crosswalk.toml."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bounces.compiled import tables
from bounces.errors import SettingsError
from bounces.model import Permanence, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bounces.model import Classification, Event

SYSTEMS = ("sisimai", "sparkpost", "kumomta", "sendgrid", "postmark")


def crosswalk(found: Event | Classification, system: str) -> str | None:
    """Return what another system calls the reason of an event or of a reply, or None where there is no reason.

    `system` is one of sisimai (5.6 and later), sparkpost (the number), kumomta, sendgrid and postmark; SettingsError for another. The word
    is one that the system documents; `bounces/crosswalk.toml` says where, and where it only comes near.
    """
    table = words(system)
    return table[found.reason][found.permanence or Permanence.UNKNOWN] if found.reason else None


def reason_column(system: str) -> str:
    """Return the name of the column that holds a system's words: `reason_sisimai`."""
    return f"reason_{system}"


def known(systems: Iterable[str]) -> tuple[str, ...]:
    """Return systems, each once. Raise SettingsError for one that isn't known."""
    names = tuple(dict.fromkeys(systems))
    if strange := [name for name in names if name not in SYSTEMS]:
        raise SettingsError(f"{strange[0]!r}: we know no names of such a system; known are {', '.join(SYSTEMS)}")
    return names


@cache
def words(system: str) -> Mapping[Reason, Mapping[Permanence, str]]:
    """Return a system's words: for each reason one by permanence. Raise SettingsError when it isn't known."""
    (system,) = known([system])
    table = tables("crosswalk.toml")[system]
    return {Reason(reason): _by_permanence(value) for reason, value in table.items()}


def _by_permanence(value: str | dict[str, str]) -> dict[Permanence, str]:
    """Read one word for all permanences, or one for each."""
    if isinstance(value, str):
        return dict.fromkeys(Permanence, value)
    return {Permanence(key): text for key, text in value.items()}
