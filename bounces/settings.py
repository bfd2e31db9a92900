"""Options in, the Settings of a run out, once they are known to be valid."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

from bounces import address, advise
from bounces.crosswalk import known
from bounces.errors import SettingsError
from bounces.fields import kept_column
from bounces.language import spoken
from bounces.pattern import late
from bounces.rulecheck import rule_set

if TYPE_CHECKING:
    from collections.abc import Iterable

FIELD_NAME = late("[!-9;-~]{1,80}")  # RFC 5322, section 3.6.8


class Settings(NamedTuple):
    """What a run is told. Small and picklable.

    `policy` is a name or a file, `rules` are files beside our own, `verp` templates of our own return paths, `keep_headers` the names of
    header fields of the returned message that the events keep, `names` the systems whose words for the reason the tables have, too; `lang` is
    the language of sentences.
    """

    policy: str = "list"
    rules: tuple[str, ...] = ()
    verp: tuple[str, ...] = ()
    keep_headers: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    lang: str = "en"


def checked(  # noqa: PLR0913, PLR0917  (the settings of a run)
    policy: str = "list",
    rules: Iterable[str] = (),
    verp: Iterable[str] = (),
    keep_headers: Iterable[str] = (),
    names: Iterable[str] = (),
    lang: str = "en",
) -> Settings:
    """Return the settings of a run, once they are known to be valid; one word stands for a list of one.

    Raise PolicyError, RuleError or SettingsError.
    """
    rules, verp, keep_headers, names = ((one,) if isinstance(one, (str, PurePath)) else one for one in (rules, verp, keep_headers, names))
    settings = Settings(str(policy), tuple(map(str, rules)), tuple(verp), _kept(keep_headers), known(names), spoken(lang))
    advise.load(settings.policy)
    rule_set(settings.rules)
    for text in settings.verp:
        try:
            address.template(text)
        except ValueError as error:
            raise SettingsError(f'{error}; write it as "bounces+{{local}}={{domain}}@example.org", with * for what changes') from error
    return settings


def _kept(names: Iterable[str]) -> tuple[str, ...]:
    """Return the header fields to keep, each once. Raise SettingsError for what is none, and for two that would be one column."""
    columns: dict[str, str] = {}
    for name in names:
        if not FIELD_NAME.fullmatch(name):
            raise SettingsError(f'{name!r} is no name of a header field; write it as "X-Campaign-Id", without a colon')
        other = columns.setdefault(kept_column(name), name)
        if other.lower() != name.lower():
            raise SettingsError(f"{other!r} and {name!r} would both be column {kept_column(name)}: keep one of them")
    return tuple(columns.values())
