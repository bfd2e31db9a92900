"""The reference as a folder of static pages: one a code, one a pair that people compare, an index with a search; no network, no server.

`DIR/en/552.html`, `DIR/fr/452-552.html`; the same folder holds both languages, each page linked with its twin.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bounces.language import say
from bounces.reference import code, every, table
from bounces.reference.compare import compare
from bounces.reference.page import CLASS, Page, labelled, of_code, of_comparison
from bounces.wholefile import explained, write_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jinja2 import Environment

HERE = files("bounces") / "reference" / "site"
NAMES = {"en": "English", "fr": "Français"}


def write(folder: str | Path, languages: Sequence[str]) -> int:
    """Write the pages into a folder, which is made where it is not there, and return how many. Raise OutputError when that can't be done."""
    folder = Path(folder)
    with explained(folder):
        for lang in languages:
            (folder / lang).mkdir(parents=True, exist_ok=True)
    for name in ("style.css", "search.js"):
        write_text((HERE / name).read_text(encoding="utf-8"), folder / name)
    written = 0
    for name, text in _pages(languages):
        write_text(text, folder / name)
        written += name.endswith(".html")
    return written


def html(page: Page) -> str:
    """Return one page as HTML that stands alone: its style is inside, and what it links to is not there."""
    style = (HERE / "style.css").read_text(encoding="utf-8")
    return _environment().get_template("page.html").render(page=page, alone=style, twin=None, where={}.get, **_words(page.lang))


def pairs() -> tuple[tuple[str, str], ...]:
    """Return the pairs that have a page: those somebody wrote of, the smaller code first."""
    return tuple(sorted((min(pair["codes"]), max(pair["codes"])) for pair in table("pairs")["pair"]))


def _pages(languages: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each file's path in the folder, and its text."""
    yield "index.html", _environment().get_template("choose.html").render(languages=[(lang, NAMES[lang]) for lang in languages])
    for lang in languages:
        others = [(other, NAMES[other]) for other in languages if other != lang]
        render = _environment().get_template("page.html").render
        found = [code(one, lang=lang) for one in every()]
        names = {one.code: f"{one.code}.html" for one in found} | {f"{first}-{second}": f"{first}-{second}.html" for first, second in pairs()}
        common: dict[str, Any] = {"alone": None, "others": others, "where": names.get, **_words(lang)}
        compared = [compare(*pair, lang=lang) for pair in pairs()]
        for one in found:
            pages = [f"{first}-{second}" for first, second in pairs() if one.code in {first, second}]
            yield f"{lang}/{one.code}.html", render(page=of_code(one), twin=f"{one.code}.html", pairs=pages, **common)
        for two in compared:
            name = f"{two.first.code}-{two.second.code}.html"
            yield f"{lang}/{name}", render(page=of_comparison(two), twin=name, pairs=(), **common)
        groups = [(digit, say(CLASS[digit], lang), [one for one in found if one.code_class == digit]) for digit in CLASS]
        yield f"{lang}/index.html", _environment().get_template("index.html").render(groups=groups, compared=compared, **common)
        index = [[one.code, one.name, _plain(of_code(one))] for one in found]
        yield f"{lang}/codes.js", f"const CODES = {json.dumps(index, ensure_ascii=False, separators=(',', ':'))};\n"


def _plain(page: Page) -> str:
    """Return the words of a page that a search looks at."""
    words = [page.lead, *(text for section in page.sections for text in (*section.text, *section.items, *section.replies))]
    return " ".join(dict.fromkeys(re.findall(r"[\w@.-]+", " ".join(words).lower())))


def _words(lang: str) -> dict[str, Any]:
    """Return what a template needs to speak a language."""
    return {"lang": lang, "say": lambda text: say(text, lang), "labelled": labelled}


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415  (only pages need it)

    return Environment(loader=FileSystemLoader(str(HERE)), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
