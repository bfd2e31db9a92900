"""The bytes of a part or a header field in, text for people out: charset, encoded words and HTML undone."""

from __future__ import annotations

import binascii
import codecs
import re
from html.parser import HTMLParser

ENCODED = re.compile(r"=\?[^?\s]{1,80}\?[bBqQ]\?[^?]*\?=")
BETWEEN_ENCODED = re.compile(r"(\?=)\s+(?==\?)")

# what mail calls a charset, and the superset that the mail is really written in
CHARSETS = {
    "us-ascii": "ascii",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "big5": "big5hkscs",
    "unicode-1-1-utf-7": "utf-7",
    "iso-8859-8-i": "iso-8859-8",
    "windows-874": "cp874",
    "x-unknown": "",
    "unknown-8bit": "",
    "default": "",
}


def decode_words(value: str) -> str:
    """Decode the encoded words (RFC 2047) of a header field; what isn't one stays as it is."""

    def word(match: re.Match[str]) -> str:
        charset, encoding, text = match.group()[2:-2].split("?", 2)
        try:
            raw = binascii.a2b_base64(text + "===") if encoding in "bB" else binascii.a2b_qp(text.replace(" ", "_"), header=True)
        except (binascii.Error, ValueError):
            return match.group()
        return decoded(raw, charset.partition("*")[0])[0]

    return ENCODED.sub(word, BETWEEN_ENCODED.sub(r"\1", value))


def decoded(data: bytes, charset: str | None) -> tuple[str, str | None]:
    """Decode bytes by their charset; undeclared or wrong, by what they look like. Return the text, and the flaw if there is one."""
    if data.isascii() and b"\x1b" not in data:
        return data.decode("ascii"), None
    declared = (charset or "").strip().strip("\"'").lower()
    if b"\x1b$" in data and declared in {"", "us-ascii", "utf-8"}:
        declared = "iso-2022-jp"
    for name in (CHARSETS.get(declared, declared), "utf-8"):
        try:
            return data.decode(name), None if name == declared or declared in CHARSETS or not declared else f"not valid {declared}"
        except (LookupError, UnicodeDecodeError, ValueError):
            continue
    name = CHARSETS.get(declared, declared)
    try:
        codecs.lookup(name)
    except (LookupError, ValueError):
        name = "cp1252"
    return data.decode(
        name if name not in {"", "ascii", "utf-8"} else "cp1252", "replace"
    ), f"not valid {declared}" if declared else "undeclared charset"


class _Stripper(HTMLParser):
    """HTML in, the text a person sees out."""

    BREAKS = frozenset("br p div tr li ul ol table h1 h2 h3 h4 h5 h6 hr blockquote pre section article".split())
    HIDDEN = frozenset(("style", "script", "head", "title"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        """Open a line where the tag does, and hide what nobody sees."""
        if tag in self.HIDDEN:
            self.hidden += 1
        elif tag in self.BREAKS:
            self.pieces.append("\n")
        elif tag in {"td", "th"}:
            self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        """Close a line where the tag does."""
        if tag in self.HIDDEN:
            self.hidden = max(0, self.hidden - 1)
        elif tag in self.BREAKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        """Keep what is seen; in HTML a line break is a space."""
        if not self.hidden:
            self.pieces.append(data.replace("\n", " "))


def html_text(markup: str) -> str:
    """Return the text of an HTML part, a line for each block."""
    head, *rest = markup.split("<!--")  # comments first: the parser takes quadratic time over unclosed ones
    stripper = _Stripper()
    stripper.feed(head + "".join(part.partition("-->")[2] for part in rest))
    stripper.close()
    lines = (" ".join(line.split()) for line in "".join(stripper.pieces).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
