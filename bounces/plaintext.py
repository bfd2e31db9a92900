"""The bytes of a part or a header field in, text for people out: transfer encoding, charset, encoded words and HTML undone."""

from __future__ import annotations

import binascii
import re
from encodings import normalize_encoding
from encodings.aliases import aliases
from functools import lru_cache
from typing import TYPE_CHECKING

from bounces.pattern import late

if TYPE_CHECKING:
    from collections.abc import Iterator

WORD = late(r"=\?([^?\s]{1,80})\?([bBqQ])\?([^?]*)\?=")
WORDS = late(rf"{WORD.pattern}(?:\s*{WORD.pattern})*")
LONE_SIGN = late(rb"=(?![0-9A-Fa-f]{2}|\n|\Z)")
BASE64_LINES = late(rb"(?:[A-Za-z0-9+/]+={0,2}[ \t]*(?:\n|\Z))+")
OCTAL = late(r"(?:\\[23][0-7]{2})(?:\\[23][0-7]{2})+")
NO_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))

# a charset, by Python's name for it or one that Python doesn't know, and the superset that mail is really written in
CHARSETS = {
    "latin_1": "cp1252",
    "shift_jis": "cp932",
    "windows_31j": "cp932",
    "iso2022_jp": "iso2022_jp_ext",
    "iso_2022_jp_ms": "iso2022_jp_ext",
    "cp50220": "iso2022_jp_ext",
    "cp50221": "iso2022_jp_ext",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gb_2312_80": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "big5_eten": "big5hkscs",
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
    "windows_874": "cp874",
    "tis_620": "cp874",
    "win_1251": "cp1251",
}
# only these are looked up, so that no stranger's charset is searched for on the disk
CODECS = frozenset(aliases) | frozenset(aliases.values()) | frozenset(CHARSETS.values()) | {"koi8_u", "koi8_t", "cp720", "cp737"}
# codecs, but not of text
NO_CHARSETS = frozenset({"base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec", "zlib_codec", "mbcs", "oem"})
SEVEN_BIT = frozenset({"iso2022_jp_ext", "iso2022_kr", "hz", "utf_7"})  # charsets whose bytes look like ASCII
RELATIVES = {"iso2022_jp_ext": ("euc_jp", "cp932"), "cp932": ("euc_jp",), "euc_jp": ("cp932",)}  # what Japanese gateways make of one another
# what a guess may come to; the detector knows charsets that no mail was ever written in
GUESSES = late(r"(?:windows-|cp)(?:125\d|866|874|932|949|950)|koi8-[ru]|big5\w*|gb\w+|euc-\w+|shift_jis\w*|iso-?8859-[25789]|tis-620", re.IGNORECASE)
FOREIGN = late(rb"[\x80-\xff]{4}")  # Western letters beyond ASCII come one by one
JAPANESE = late(rb"\x1b(\$\(?[@A-D]|\([BHIJ])")

# a tag; its attributes may hold a ">" in quotation marks, but no tag goes on past the next "<"; <user@example.com> is none
TAG = late(r"<(/?)([A-Za-z][A-Za-z0-9:_-]*)(?=[\s/>])((?:\"[^\"<]*\"|'[^'<]*'|[^<>])*+)>|<[!?/][^<>]*>?|<?[^<]*")
LINES = frozenset("address article blockquote br center div dl dd dt footer form h1 h2 h3 h4 h5 h6 header hr li ol p pre section table tr ul".split())
CODE = {name: late(rf"</{name}\s*>", re.IGNORECASE) for name in ("script", "style")}
VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
HIDDEN = late(r"display\s*:\s*none|(?:^|\s)hidden(?:\s|=|$)", re.IGNORECASE)
MAILTO = late(r"href\s*=\s*[\"']?mailto:([^\"'\s?>]+@[^\"'\s?>]+)", re.IGNORECASE)
HUGE_REFERENCE = late(r"&#[0-9]{8,};?")  # int() refuses what is longer still
UNSEEN = str.maketrans("", "", "\u00ad\u200b\u2060\ufeff")


def unescaped(text: str) -> str:
    r"""Undo the octal escapes that Exim writes for bytes of UTF-8 (\320\237)."""
    return OCTAL.sub(lambda run: _utf8(run.group()), text) if "\\" in text else text


def _utf8(run: str) -> str:
    """Decode a run of escapes, or leave it as it is."""
    try:
        return bytes(int(octet, 8) for octet in run.split("\\")[1:]).decode()
    except UnicodeDecodeError:
        return run


def decode_words(value: str) -> str:
    """Decode the encoded words (RFC 2047) of a header field; what isn't one stays as it is."""
    return WORDS.sub(lambda run: "".join(_decoded_words(run.group())), value)


def _decoded_words(run: str) -> Iterator[str]:
    """Yield the texts of encoded words side by side. Those of one charset are joined first: mailers split characters between them."""
    charset, pending = "", b""
    for declared, encoding, text in WORD.findall(run):
        raw = text.encode("utf-8", "surrogateescape")
        data = base64(raw) if encoding in "bB" else binascii.a2b_qp(raw, header=True)
        if (named := declared.partition("*")[0].lower()) != charset:
            yield decoded(pending, charset)[0]
            charset, pending = named, b""
        pending += data if data or not text else f"=?{declared}?{encoding}?{text}?=".encode()
    yield decoded(pending, charset)[0]


def transfer_decoded(body: bytes, encoding: str) -> bytes:
    """Undo a Content-Transfer-Encoding; one that isn't true is as good as none."""
    name = encoding.strip("\"' \t\n").partition(";")[0].partition(" ")[0].lower()
    if name == "base64":
        return base64(body)
    if name == "quoted-printable":  # white space at a line's end was added on the way (RFC 2045, section 6.7)
        lines = b"\n".join([line.rstrip(b" \t") for line in body.split(b"\n")])
        # a lone "=" stays as it is, so that what follows it is decoded all the same
        return binascii.a2b_qp(LONE_SIGN.sub(b"=3D", lines))
    return body


def base64(data: bytes) -> bytes:
    """Decode base64, dirty or cut off as it may be; what begins as plain text is none."""
    compact = b"".join(data.split())
    letters = compact.translate(None, NO_BASE64)
    if len(letters) < len(compact) or (len(letters) % 4 and b" " in data.strip()):
        lines = BASE64_LINES.match(data.lstrip())  # what follows is somebody's footer
        if lines is None:
            return data
        letters = lines.group().translate(None, NO_BASE64)
    pieces = (piece[: len(piece) - (len(piece) % 4 == 1)] + b"==" for piece in letters.split(b"=") if piece)
    return b"".join([binascii.a2b_base64(piece) for piece in pieces])


@lru_cache(maxsize=256)
def _codec(charset: str) -> str | None:
    """Return the codec for what a mail calls its charset, or None where it names none."""
    name = normalize_encoding(charset.strip("\"' ").lower().removeprefix("x-").replace("cp-", "cp")) if charset.isascii() else ""
    name = aliases.get(name, name)
    name = CHARSETS.get(name, name)
    return name if name in CODECS and name not in NO_CHARSETS else None


def decoded(data: bytes, charset: str | None = None) -> tuple[str, str | None]:
    """Decode bytes by their charset; undeclared or wrong, by what they look like. Return the text, and the flaw if there is one."""
    codec = _codec(charset) if charset else None
    plain = data.isascii() and codec not in SEVEN_BIT
    if plain and (data.find(b"\x1b") < 0 or b"\x1b$" not in data):  # a byte is found much faster than two of them
        letters = data.decode("ascii")
        return letters.replace("\0", "") if "\0" in letters else letters, None  # a search takes a tenth of the time that replacing nothing does
    flaw = f"not valid {charset}" if codec else f"unknown charset {charset}" if charset else "undeclared charset"
    if plain:
        charset, codec = None, "iso2022_kr" if b"\x1b$)C" in data else "iso2022_jp_ext"
    narrow = codec in {None, "ascii", "cp1252"}  # UTF-8 declared as one of these is common, and these never look like UTF-8
    for name in ("utf_8",) if narrow else (codec or "", "utf_8", *RELATIVES.get(codec or "", ())):
        text = _strict(data, name)
        if text is not None:
            return text.replace("\0", ""), None if name == codec or not charset else flaw
    known = codec == "cp1252" and not FOREIGN.search(data) if narrow else codec != "utf_8" and codec not in SEVEN_BIT
    guess = codec if codec and known else _guess(data)
    text = data.decode(guess, "replace")
    return text.replace("\0", ""), None if guess == codec and "\ufffd" not in text else flaw


def _strict(data: bytes, codec: str) -> str | None:
    """Decode bytes that are all of a charset, but for a character that was cut in two at their end; else return None."""
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        start = error.start
    except UnicodeError:  # utf-7 and utf-16 fail with less to say
        return None
    if codec == "iso2022_jp_ext" and b"\x1b" in data:
        return _japanese(data)
    cut = len(data) - start < 4 and not data[:start].isascii()
    return data[:start].decode(codec, "replace") if cut else None


def _japanese(data: bytes) -> str:
    """Decode ISO-2022-JP as mail programs write it: with cp932's own characters, half-width kana, and what isn't shifted back."""
    first, *pieces = JAPANESE.split(data)
    result = first
    for shift, run in zip(pieces[::2], pieces[1::2], strict=True):
        line, end, rest = run.partition(b"\n")  # each line begins in ASCII
        if shift.startswith(b"$"):
            line = _shifted(line)
        elif shift == b"(I":
            line = bytes(byte | 0x80 if 0x20 < byte < 0x60 else byte for byte in line)
        result += line + end + rest
    return result.decode("cp932", "replace")


def _shifted(run: bytes) -> bytes:
    """Turn JIS X 0208 code points into Shift_JIS."""
    result = bytearray()
    for row, cell in zip(run[::2], run[1::2], strict=False):
        if not (0x20 < row < 0x7F and 0x20 < cell < 0x7F):
            result += bytes((row, cell))  # not shifted, whatever was said
            continue
        lead = ((row - 0x21) >> 1) + 0x81
        trail = cell + (0x1F if cell < 0x60 else 0x20) if row % 2 else cell + 0x7E
        result += bytes((lead + 0x40 if lead > 0x9F else lead, trail))
    return bytes(result)


def _guess(data: bytes) -> str:
    """Return the likeliest codec of bytes that declare none, or not truly: UTF-8 with a few bad bytes, what the detector says, or Western."""
    text = data.decode("utf-8", "replace")
    if len(re.findall("[^\x00-\x7f\ufffd]", text)) > 4 * text.count("\ufffd"):
        return "utf_8"
    foreign = re.findall(rb"[\x80-\xff]", data)
    if len(foreign) < 4:
        return "cp1252"
    try:
        import chardet  # noqa: PLC0415  (60 ms, and rarely needed)
    except ImportError:
        return "cp1252"
    first = data.find(foreign[0])
    found = chardet.detect(data[max(0, first - 100) : first + 4000])["encoding"] or ""
    return (_codec(found) if GUESSES.fullmatch(found) else None) or "cp1252"


def html_text(markup: str) -> str:
    """Return the text of an HTML part, a line for each block; what is hidden isn't there, unless all is."""
    markup = _without_comments(markup)
    return _Page(markup, hide=True).text() or _Page(markup, hide=False).text()


def _without_comments(markup: str) -> str:
    """Cut out the comments; one that isn't closed is none."""
    pieces, position = [], 0
    while (start := markup.find("<!--", position)) >= 0 and (end := markup.find("-->", start + 4)) >= 0:
        pieces.append(markup[position:start])
        position = end + 3
    return "".join(pieces) + markup[position:]


def _characters(text: str) -> str:
    """Undo the references to characters (&eacute;) of HTML."""
    import html  # noqa: PLC0415  (milliseconds, for few)

    return html.unescape(text)


class _Page:
    """The text of an HTML page, put together as its tags go by."""

    def __init__(self, markup: str, *, hide: bool) -> None:
        """Go through the page once."""
        self.pieces: list[str] = []
        self.hide = hide
        self.hidden, self.depth, self.verbatim = "", 0, 0
        self.link, self.linked = "", 0
        position = 0
        while position < len(markup):
            match = TAG.match(markup, position)
            assert match is not None  # its last alternative fits anything
            position = match.end()
            name = (match.group(2) or "").lower()
            if not name:
                self.see(match.group())
            elif match.group(1):
                self.end(name)
            elif name in CODE:
                closing = CODE[name].search(markup, position)
                position = closing.end() if closing else len(markup)
            else:
                self.start(name, match.group(3))

    def text(self) -> str:
        """Return what is seen: no white space but single spaces and line breaks."""
        lines = [" ".join(line.split()) for line in "".join(self.pieces).translate(UNSEEN).split("\n")]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()

    def see(self, data: str) -> None:
        """Keep what is seen; a line break is one only where the text is verbatim."""
        if not self.hidden and not data.startswith(("<!", "<?", "</")):
            data = _characters(HUGE_REFERENCE.sub(" ", data)) if "&" in data else data
            self.pieces.append(data if self.verbatim else data.replace("\n", " "))

    def start(self, name: str, attributes: str) -> None:
        """Open a line where the tag does, and hide what nobody sees."""
        if self.hidden:
            self.depth += name == self.hidden
        elif self.hide and (name == "title" or (name not in VOID and HIDDEN.search(attributes))):
            self.hidden, self.depth = name, 1
        elif name in LINES:
            self.pieces.append("\n")
            self.verbatim += name == "pre"
        elif name in {"td", "th"}:
            self.pieces.append(" ")
        elif name == "a":
            mailto = MAILTO.search(attributes)
            self.link, self.linked = _characters(mailto.group(1)) if mailto else "", len(self.pieces)

    def end(self, name: str) -> None:
        """Close a line where the tag does; an address that only the link holds is shown after it, as a link's."""
        if self.hidden:
            self.depth -= name == self.hidden
            self.hidden = self.hidden if self.depth else ""
        elif name in LINES:
            self.pieces.append("\n")
            self.verbatim = max(0, self.verbatim - (name == "pre"))
        elif name == "a" and self.link:
            if self.link.lower() not in "".join(self.pieces[self.linked :]).lower():
                self.pieces.append(f" <mailto:{self.link}>")
            self.link = ""
