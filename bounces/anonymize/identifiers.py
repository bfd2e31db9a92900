"""Text in, where it names what is particular to one message out: addresses, hosts, IP addresses, URLs, ids and numbers.

One pass of possessive patterns, so the time is linear in the length. What tells a reason is none: "TSS04" and "OFR_416" are a provider's
codes, whose digits alone are a number; "RESOLVER.ADR.RecipNotFound" is no host.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address
from itertools import pairwise
from typing import TYPE_CHECKING

from bounces import address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class What(StrEnum):
    """What a particular is; its value is what a template has in its place."""

    ADDRESS = "<address>"
    USER = "<user>"
    HOST = "<host>"
    IP = "<ip>"
    URL = "<url>"
    ID = "<id>"
    NUMBER = "#"


@dataclass(frozen=True, slots=True)
class Particular:
    """A particular, and where it stands in the text."""

    what: What
    start: int
    end: int


LINKED = rf"[^\s<>\"{address.UNSPACED}]"
LETTERS = rf"(?:(?![{address.UNSPACED}])\w)++"
PIECE = re.compile(
    # https://example.com/path?query, example.com/path
    rf"(?P<url>(?i:https?|ftp)://{LINKED}++|(?:[A-Za-z0-9-]{{1,63}}+\.){{1,10}}+[A-Za-z]{{2,24}}+/{LINKED}*+)"
    # 550-mx.example.com: a code is no part of a name
    r"|(?P<code>[245]\d\d)(?=-)"
    # 2026-03-01T08:00:00.123Z
    r"|(?P<moment>\d{4}-\d\d-\d\dT\d\d:[\d:.]*(?:Z|[+-]\d\d:?\d\d)?)"
    # 2001:db8::1; a time is told from it by what it says
    r"|(?P<colons>[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\.\d{1,3}){0,3})"
    # a word, with the marks that join the parts of hosts and ids; user@localhost
    rf"|(?P<word>{LETTERS}(?:[.+~@＠-]{LETTERS})*+)"
)
NOTHING: Mapping[str, What] = {}
CLOSING = ".,;:!?'|)]}"  # what follows a URL, and is none of it
IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}", re.ASCII)
# mx.example.com, MX.EXAMPLE.COM; no "Exception.Remote"
HOST = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_-]*\.)+(?:[a-z]{2,24}|[A-Z]{2,4}|[Xx][Nn]--[A-Za-z0-9-]{2,59})", re.ASCII)
# between two lower-case words with nothing but a full stop a space is missing, unless the second ends domains
LONG_ENDS = frozenset(
    """academy agency arpa asia bank blog business camp care center chat church city clinic cloud club coach company community consulting
    coop corp design dev digital education email energy events example expert express family farm finance fitness foundation fund gallery games
    global group guide guru health help home host hosting house info institute internal international invalid jobs land lan legal life link live
    local localdomain localhost london love ltda mail management market marketing media mobi moscow museum name network news ninja office online
    page partners party paris photo photography plus post press pro productions properties pub rehab rentals report restaurant rocks school
    science services shop site social software solutions space sport store studio style support systems team tech technology test tips today
    tools top tours town toys trade training travel university vision watch website wiki wine work works world zone berlin wien koeln hamburg
    bayern swiss amsterdam brussels gmbh versicherung immo""".split()
)
MIXED = re.compile(r"[^\W\d_]+\d+|\d+[^\W\d_]+")
CODE = re.compile(r"[^\W\d_]+[_-]?\d{1,4}(?:[_-]\d{1,4})*|\d{1,4}[^\W\d_]+")  # TSS04, OFR_416, S3140, 4yz, 20MB
HEX = re.compile(r"(?=.*\d)(?=.*[A-Fa-f])[0-9A-Fa-f]{8,}|[0-9A-Fa-f]{12,}")
JOINTS = re.compile(r"[._+~-]+")
# 550-192.0.2.1: what an address of IPv4 may be joined to
NUMBER = re.compile(r"0x[0-9A-Fa-f]+|(?P<ip>\d{1,3}(?:\.\d{1,3}){3}|\d{1,3}(?:-\d{1,3}){3})(?![\d.]\d)|\d+(?:\.\d+)*")


def particulars(text: str, known: Mapping[str, What] = NOTHING) -> Iterator[Particular]:
    """Yield each particular of a text, in order; `known` says of words, in lower case, what they are: a local part without its domain."""
    position = 0
    for _, start, end in address.in_text(text):
        if start >= position:
            yield from _pieces(text, position, start, known)
            yield Particular(What.ADDRESS, start, end)
            position = end
    yield from _pieces(text, position, len(text), known)


def _pieces(text: str, start: int, end: int, known: Mapping[str, What]) -> Iterator[Particular]:
    """Yield the particulars of a stretch in which no whole address stands."""
    for piece in PIECE.finditer(text, start, end):
        begin, said = piece.start(), piece.group()
        if piece["url"]:
            yield Particular(What.URL, begin, begin + len(said.rstrip(CLOSING)))
        elif piece["moment"] or piece["code"]:
            yield Particular(What.NUMBER, begin, piece.end())
        elif piece["colons"] and _is_ipv6(said):
            yield Particular(What.IP, begin, piece.end())
        elif piece["colons"]:
            yield from _numbers(said, begin)
        else:
            yield from _word(said, begin, known)


def _is_ipv6(text: str) -> bool:
    """Say whether digits and colons are an IPv6 address."""
    try:
        return IPv6Address(text).compressed != "::"
    except ValueError:
        return False


def _word(word: str, start: int, known: Mapping[str, What]) -> Iterator[Particular]:
    """Yield what a word is, or else the numbers in it."""
    what = known.get(word.lower()) or (None if word.isalpha() and len(word) < 12 else _kind(word))
    if what is None:
        yield from _numbers(word, start)
    else:
        yield Particular(what, start, start + len(word))


def _kind(word: str) -> What | None:
    """Return what a word is as a whole, or None."""
    if "@" in word or "＠" in word:
        return What.ADDRESS
    if IPV4.fullmatch(word):
        return What.IP
    if is_host(word):
        return What.HOST
    return What.ID if _is_id(word) else None


def is_host(word: str) -> bool:
    """Say whether a word is a host's name, or a domain."""
    if "." not in word or not HOST.fullmatch(word):
        return False
    labels = word.lower().split(".")
    return len(labels) > 2 or len(labels[-1]) <= 3 or labels[-1] in LONG_ENDS or not word.replace(".", "").isalpha()


def _is_id(word: str) -> bool:
    """Say whether a word is an id that a program made up: letters and digits in turn, or many of hexadecimal."""
    pieces = JOINTS.split(word)
    if any(HEX.fullmatch(piece) or _is_odd(piece) for piece in pieces):
        return True
    turns = sum(one.isdigit() != other.isdigit() for one, other in pairwise("".join(pieces)))
    return len(pieces) > 1 and len(word) >= 8 and turns >= 3


def _is_odd(piece: str) -> bool:
    """Say whether letters and digits are no word with a number before or after it."""
    return len(piece) >= 5 and sum(map(str.isdigit, piece)) >= 2 and MIXED.search(piece) is not None and not CODE.fullmatch(piece)


def _numbers(word: str, start: int) -> Iterator[Particular]:
    """Yield the numbers in a word, and IP addresses joined to something."""
    for found in NUMBER.finditer(word):
        yield Particular(What.IP if found["ip"] else What.NUMBER, start + found.start(), start + found.end())
