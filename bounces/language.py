"""English in, the reader's language out, by one catalogue for each: `catalogue/fr.toml` holds all French that the program speaks.

English is the key and the fallback. Words of the closed vocabularies (reasons, actions) are data, and stay as they are.
"""

from __future__ import annotations

import locale
import os
from functools import cache
from typing import TYPE_CHECKING, Self

from bounces.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES = ("en", "fr")


class Said(str):  # noqa: SLOT000  (a str can't have slots that hold something)
    """A sentence with what fills it in: text in English, ready to be said in another language."""

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, **values: object) -> Self:
        """Fill a template in."""
        said = super().__new__(cls, template.format(**values))
        said.template, said.values = template, values
        return said

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, object]]:
        return (self.template,), dict(self.values)


def say(text: str, lang: str) -> str:
    """Return a text in a language; one that the catalogue doesn't have stays English."""
    if lang == "en":
        return str(text)
    if isinstance(text, Said):
        values = {name: say(value, lang) if isinstance(value, Said) else value for name, value in text.values.items()}
        return catalogue(lang).get(text.template, text.template).format(**values)
    return catalogue(lang).get(text, text)


@cache
def catalogue(lang: str) -> Mapping[str, str]:
    """Return what is said in a language, by the English."""
    from bounces.compiled import tables  # noqa: PLC0415  (not needed to print help)

    return {english: told for table in tables(f"catalogue/{lang}.toml").values() for english, told in table.items()}


def number(value: int, lang: str) -> str:
    """Return a number with its thousands set apart as the language does."""
    return f"{value:,}".replace(",", "," if lang == "en" else "\u202f")


def spoken(lang: str) -> str:
    """Return a language that we speak. Raise SettingsError for another."""
    if lang not in LANGUAGES:
        raise SettingsError(f"{lang!r}: we do not speak it; known are {', '.join(LANGUAGES)}")
    return lang


def default() -> str:
    """Return the language of the user's locale if we speak it, else English."""
    setting = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), None) or (locale.getlocale()[0] or "")
    return next((lang for lang in LANGUAGES if setting.lower().startswith(lang)), "en")
