"""Addresses, hosts, IP addresses, ids and names in, invented ones out: the same for the same, and none that is anybody's.

Domains become example.com, example.net … (RFC 2606), IP addresses those of the documentation ranges (RFC 5737, RFC 3849). What is public,
and tells a reason, stays: the domain of a provider's servers, and of a URL or a block list the words that a rule knows.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from hashlib import blake2b
from string import ascii_lowercase, ascii_uppercase, digits
from typing import TYPE_CHECKING

from bounces import address
from bounces.anonymize import hosts
from bounces.anonymize.identifiers import What, particulars
from bounces.folding import fold
from bounces.mentions import ROLE
from bounces.recipient import SPEAKER
from bounces.signs import DAEMON

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

DOMAINS = ("example.com", "example.net", "example.org")
NETWORKS = ("192.0.2", "198.51.100", "203.0.113")
PEOPLE = "Anna Boris Clara Daniel Emil Fatima Greta Hugo Ines Jonas Kira Liam Maria Nils Olga Paul Rosa Samir Tess Uma Vera Walter Yara Zoe".split()
LONG_NUMBER = re.compile(r"\d{6,}")  # a telephone's, a customer's, a ticket's
OPEN = frozenset({"localhost", "localhost.localdomain", "mail", "smtp", "mx", "server", "host", "gateway", "unknown"})  # names of any host
# sympa@…, listserv@…: who speaks for all lists of a server
SOFTWARE = re.compile(r"sympa|listserv|majordomo|mailman|ezmlm|mlmmj|listmaster", re.IGNORECASE)
PLACE = re.compile(r"(?:[a-z]+://)?(?:[^/@]*@)?([^/:?#]*)", re.IGNORECASE)  # of a URL, the host


class Pseudonyms:
    """What has been invented so far.

    `words` are those that rules found, folded, and may stay; `names` maps people's names to others, between the particulars of a text;
    `known` says of lone words that they are a local part or a host.
    """

    def __init__(self, words: Collection[str] = ()) -> None:
        self.words = tuple(word for word in words if len(word) > 3)
        self.names: dict[str, str] = {}
        self.known: dict[str, What] = {}
        self._given: dict[tuple[str, str], str] = {}
        self._counts: Counter[str] = Counter()
        self._locals: dict[str, str] = {}

    def text(self, text: str) -> str:
        """Return a text with all that is particular in it invented."""
        made = dict(zip(What, (self.address, self.user, self.host, self.ip, self.url, self.id, self.number), strict=True))
        pieces, position = [], 0
        for one in particulars(text, self.known):
            pieces += [self._without_names(text[position : one.start]), made[one.what](text[one.start : one.end])]
            position = one.end
        return "".join([*pieces, self._without_names(text[position:])])

    def address(self, written: str) -> str:
        """Return an address for one; a return path that names the recipient names the one invented for it."""
        found = address.parse(written.replace("＠", "@")) or written
        if carried := address.verp(found):
            return f"bounces+{self.address(carried).replace('@', '=')}@{self.host(address.domain(found) or 'localhost')}"
        local, _, host = address.plain(found).rpartition("@")
        speaker = SPEAKER.fullmatch(local)
        stem = next((group for group in speaker.groups() if group), local) if speaker else local
        if DAEMON.fullmatch(local):
            return f"{local.upper() if local.upper() in found else local}@{self.host(host)}"  # MAILER-DAEMON, a provider's too
        user = local if is_role(stem) or is_role(local) else local.replace(stem, self._local(f"{stem}@{host}"))
        return f"{user}@{self._domain(host)}"

    def user(self, local: str) -> str:
        """Return a local part for one that stands without its domain."""
        return self._locals.get(local.lower()) or self._local(f"{local.lower()}@")

    def host(self, name: str) -> str:
        """Return a name for a host's, in the same domain for the same one; of a provider's server the provider's domain stays."""
        lowered = name.lower().strip(".")
        if lowered in OPEN:
            return name
        public = hosts.public(lowered) or self._listed(lowered)
        if public is None:
            return self._domain(lowered)
        return public if public == lowered else f"{self._new('mx', lowered, 'mx{}')}.{public}"

    def ip(self, written: str) -> str:
        """Return an address of the documentation ranges; a loopback address stays, block lists answer with those."""
        if written.startswith("127.") or written == "::1":
            return written
        if ":" in written:
            return self._new("ipv6", written.lower(), "2001:db8::{:x}")
        number = int(self._new("ip", written, "{}")) - 1
        return f"{NETWORKS[number // 254 % len(NETWORKS)]}.{number % 254 + 1}"

    def url(self, written: str) -> str:
        """Return a URL without path and query, but for the words of them that a rule knows."""
        place = PLACE.match(written)
        assert place is not None  # any text matches
        start, end = place.span(1)
        spans = list(self._told(written))
        told = [written[max(low, end) : high].lstrip("/?&") for low, high in spans if high > end]
        named = [low for low, high in spans if start <= low < end < high and "." in written[low:end]]
        host = written[max(start, written.rfind(".", start, min(named)) + 1) : end] if named else self.host(written[start:end])
        scheme = written[: written.find("/")] + "//" if "://" in written[:start] else ""
        return f"{scheme}{host}{'/' if end < len(written) else ''}{'&'.join(told)}"

    def message_id(self, written: str) -> str:
        """Return a Message-ID for one."""
        left, _, right = written.strip(" <>").partition("@")
        return f"<{self.id(left)}@{self.host(right) if right else 'localhost'}>"

    def id(self, written: str) -> str:
        """Return an id of the same shape, the next one of a fixed sequence."""
        if fold(written) in self.words:
            return written
        number = self._new("id", written, "{}")
        stream = blake2b(number.encode(), digest_size=64).digest()
        hexadecimal = all(char in "abcdefABCDEF" for char in written if char.isalpha())
        return "".join([_like(char, stream[place % 64], hexadecimal=hexadecimal) for place, char in enumerate(written)])

    def number(self, written: str) -> str:
        """Return a number of the same shape; what is no longer than a size or a code stays."""
        return LONG_NUMBER.sub(lambda run: self.id(run.group()), written)

    def name(self, name: str) -> str:
        """Return a person's name for one."""
        number = int(self._new("name", name.lower(), "{}")) - 1
        return f"{PEOPLE[number % len(PEOPLE)]} Example{number // len(PEOPLE) + 1 if number >= len(PEOPLE) else ''}"

    def _domain(self, name: str) -> str:
        """Return a domain, or a host in it, that is nobody's."""
        labels = name.split(".")
        if len(labels) == 1:
            return name if name in OPEN else self._new("host", name, "host{}")
        if ":" in name or name.startswith("["):  # a domain literal
            return f"[{self.ip(name.strip('[]').removeprefix('ipv6:'))}]"
        base = hosts.owned(name)
        number = int(self._new("domain", base, "{}"))
        invented = DOMAINS[number - 1] if number <= len(DOMAINS) else f"domain{number}.example"
        return invented if base == name else f"{self._new('host', name, 'host{}')}.{invented}"

    def _listed(self, host: str) -> str | None:
        """Return what a rule knows of a host, up to its end: the name of a block list."""
        labels = host.split(".")
        known = [low for low, high in self._told(host) if "." in host[low:high] or [host[low:high]] == labels[-2:-1]]
        return host[host.rfind(".", 0, min(known)) + 1 :] if known else None

    def _told(self, written: str) -> Iterator[tuple[int, int]]:
        """Yield where the words of rules stand in a URL or a host."""
        folded = fold(written)
        for word in self.words if len(folded) == len(written) else ():
            if (at := folded.find(word)) >= 0:
                yield at, at + len(word)

    def _local(self, found: str) -> str:
        """Return a local part for an address's, and remember it for where it stands alone."""
        local = self._new("user", found, "user{}")
        self._locals.setdefault(found.rpartition("@")[0], local)
        return local

    def _without_names(self, text: str) -> str:
        """Return a text with the names in it replaced."""
        return _pattern(tuple(self.names)).sub(lambda found: self.names[" ".join(found.group().split())], text) if self.names else text

    def _new(self, sort: str, original: str, form: str) -> str:
        """Return what was invented for an original, or else the next one of its sort."""
        key = (sort, original)
        if key not in self._given:
            self._counts[sort] += 1
            self._given[key] = form.format(self._counts[sort])
        return self._given[key]


def is_role(local: str) -> bool:
    """Say whether a local part is a mail system's, or an office's, and no person's."""
    return DAEMON.fullmatch(local) is not None or ROLE.fullmatch(f"{local}@") is not None or SOFTWARE.fullmatch(local) is not None


def _like(char: str, byte: int, *, hexadecimal: bool) -> str:
    """Return a character of the same sort."""
    for sort in (digits, ascii_lowercase[:6] if hexadecimal else ascii_lowercase, ascii_uppercase[:6] if hexadecimal else ascii_uppercase):
        if char in sort:
            return sort[byte % len(sort)]
    return char


@cache
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    """Compile names, the longest first; the words of one may stand on two lines."""
    longest = sorted(names, key=len, reverse=True)
    return re.compile(
        "|".join(_edge(name[0], "(?<!\\w)") + r"\s+".join(map(re.escape, name.split())) + _edge(name[-1], "(?!\\w)") for name in longest)
    )


def _edge(char: str, pattern: str) -> str:
    """Return the pattern of a word's edge; scripts without spaces have none."""
    return pattern if char < "\u0e00" else ""
