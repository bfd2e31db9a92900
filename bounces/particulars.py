"""A reply and what it means in, the particulars that fill its advice in out: the list that has the IP address, the size limit …

Replies are strangers' words: of theirs only numbers, addresses and known names get through, and pages are our own (`pages.toml`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

from bounces import address, codes, providers
from bounces.compiled import tables
from bounces.language import Said
from bounces.model import Reason

LONGEST = 5000  # characters of a reply that are read

DOMAIN_GONE = {Reason.DOMAIN_NOT_FOUND, Reason.DOMAIN_NO_MAIL, Reason.DNS_FAILURE}
LISTED = {Reason.IP_BLOCKED, Reason.DOMAIN_BLOCKED, Reason.BAD_REPUTATION, Reason.SPAM_REJECTED}
ABOUT_IP = {Reason.IP_BLOCKED, Reason.BAD_REPUTATION, Reason.RATE_LIMITED, Reason.RDNS_FAILURE, Reason.AUTH_FAILURE, Reason.GREYLISTED}
MENDED_BY_US = {
    *LISTED, *ABOUT_IP, Reason.BAD_SENDER_ADDRESS, Reason.AUTH_REQUIRED, Reason.POLICY_REJECTED, Reason.TLS_REQUIRED, Reason.PROTOCOL_ERROR,
    Reason.MESSAGE_MALFORMED, Reason.CONTENT_REJECTED, Reason.VIRUS_DETECTED,
}  # fmt: skip

# [192.0.2.1], 2001:db8::1
IP = re.compile(r"(?<![\w.:])(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:]{2,36})(?![\w:])")
INSIDE = [ip_network(one) for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]  # RFC 1918, RFC 4193: nobody lists these
# size limit 26214400, maximum of 20 MB; larger than 10M
NUMBER = r"\D{0,40}?(?<![\d.])(\d{1,12}(?:[.,']\d{3}){0,4}(?:[.,]\d{1,2})?)(?![.,]?\d)\s?([KMG]i?B?|(?:kilo|mega|giga)?(?:bytes?|octets?))?\b"
LIMITS = [
    re.compile(words + NUMBER, re.IGNORECASE)
    for words in (r"(?:limit|maximum|max\b)", r"(?:exceed\w*|allow\w*|(?:larger|greater|bigger|more) than|over\b)")
]
UNITS = {"k": 1024, "m": 1024**2, "g": 1024**3}
SMALLEST_LIMIT = 10_000  # bytes; what is less counts something else
# try again in 5 minutes, greylisted for 300 seconds, wait 00:04:52
WAIT = re.compile(
    r"(?:again|retr\w+|wait|back|resend|later|gr[ea]y-?list\w*|defer\w*|delay\w*|erneut|später|réessay\w*|nouveau|intente|tente|riprov\w*)"
    r"\D{0,40}?(\d{1,6})(?::(\d\d)(?::(\d\d))?)?\s?([a-z]+)?",
    re.IGNORECASE,
)
# one of them is in all that this finds, and is looked for many times as fast
WAITING = "again retr wait back resend later list defer delay erneut später réessay nouveau tente riprov".split()
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LENGTHS = ((86400, "1 day", "{number} days"), (3600, "1 hour", "{number} hours"), (60, "1 minute", "{number} minutes"))
SPANS = re.compile(r"(?:(s)(?:ec|ek|eg)?|(m)(?:in)?|(h)(?:ou?r|eure)?|(d)(?:ay)?|(h)ora|(d)[ií]a)\w{0,6}", re.IGNORECASE)
MECHANISMS = re.compile(r"\b(SPF|DKIM|DMARC|ARC)\b(?!.{0,14}(?<!not )\bpass(?:ed|es)?\b)", re.IGNORECASE)
BY_STATUS = {
    **dict.fromkeys(("7.20", "7.21", "7.22"), ("DKIM",)), **dict.fromkeys(("7.23", "7.24"), ("SPF",)), "7.26": ("SPF", "DKIM"), "7.29": ("ARC",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Particulars:
    """What fills the advice in, as people read it: "25 MB", "5 minutes", "SPF and DKIM"; None is what the reply does not tell."""

    domain: str | None = None
    provider: str | None = None
    ip: str | None = None
    blocklist: str | None = None
    mechanism: str | None = None
    limit: str | None = None
    wait: str | None = None
    page: str | None = None
    suggestion: str | None = None


@lru_cache(maxsize=1 << 12)
def particulars(
    text: str | None, reason: Reason | None, domain: str | None = None, provider: str | None = None, suggestion: str | None = None
) -> Particulars:
    """Return what a reply tells of use for the advice on its reason; `provider` is a key of providers.toml, `domain` the recipient's."""
    said = (text or "")[:LONGEST]
    own = codes.find(said)
    said = said[own.start :] if own.reply_code else said  # "host mx.example.com[192.0.2.9] said: 550 …": the address is not ours
    blocklist = _blocklist(said) if reason in LISTED else None
    return Particulars(
        domain=domain,
        provider=providers.name(provider) or domain,
        ip=_ip(said) if reason in ABOUT_IP else None,
        blocklist=blocklist,
        mechanism=_mechanism(said, own.status) if reason is Reason.AUTH_FAILURE else None,
        limit=_limit(said) if reason is Reason.MESSAGE_TOO_LARGE else None,
        wait=_wait(said),
        page=_page(blocklist, reason, domain, provider),
        suggestion=suggestion,
    )


def suggested(told: str | None, recipient: str | None, reason: Reason | None) -> str | None:
    """Return the new address that a notice gives, or else of one in a dead domain the address with the domain's typo mended, or None."""
    return told or (address.suggest(recipient) if recipient and reason in DOMAIN_GONE else None)


def _ip(said: str) -> str | None:
    """Return the first IP address that could be a sender's."""
    for match in IP.finditer(said):
        try:
            found = ip_address(match[0].rstrip(":"))
        except ValueError:
            continue
        if not (found.is_loopback or found.is_unspecified or found.is_multicast or any(found in network for network in INSIDE)):
            return str(found)
    return None


def _blocklist(said: str) -> str | None:
    """Return the name of the block list that is said to have us: of several names the longest."""
    names, pattern = _names()
    return names[max(found, key=len)] if (found := pattern.findall(said.lower())) else None


def _mechanism(said: str, status: str | None) -> str | None:
    """Return which checks failed: "SPF, DKIM and DMARC"."""
    found = tuple(dict.fromkeys(match[1].upper() for match in MECHANISMS.finditer(said))) or BY_STATUS.get((status or "")[2:], ())
    return Said("{first} and {last}", first=", ".join(found[:-1]), last=found[-1]) if len(found) > 1 else next(iter(found), None)


def _limit(said: str) -> str | None:
    """Return the size that is allowed."""
    for pattern in LIMITS:
        for number, unit in pattern.findall(said):
            size = float(re.sub(r"[.,'](?=\d{3})", "", number).replace(",", ".")) * UNITS.get(unit[:1].lower(), 1)
            if size >= SMALLEST_LIMIT:
                return _size(size)
    return None


def _size(size: float) -> str:
    """Return a number of bytes as people say it: "25 MB"."""
    kilo = 1000 if size % 1024 else 1024
    large = size >= kilo**2
    return Said("{size} MB" if large else "{size} kB", size=f"{size / (kilo**2 if large else kilo):.1f}".removesuffix(".0"))


def _wait(said: str) -> str | None:
    """Return how long the server wants us to wait."""
    lower = said.lower()
    for number, minutes, seconds, word in WAIT.findall(said) if any(map(lower.__contains__, WAITING)) else ():
        unit = SPANS.fullmatch(word)
        if minutes:
            total = int(number) * 3600 + int(minutes) * 60 + int(seconds) if seconds else int(number) * 60 + int(minutes)
        elif unit:
            total = int(number) * SECONDS[next(filter(None, unit.groups())).lower()]
        else:
            continue
        if 0 < total <= 30 * SECONDS["d"]:
            return _span(total)
    return None


def _span(seconds: int) -> str:
    """Return a time as people say it, rounded up: "5 minutes"."""
    for length, one, more in LENGTHS:
        if seconds == length:
            return one
        if seconds >= 2 * length or seconds % length == 0:
            return Said(more, number=-(-seconds // length))
    return Said("{number} seconds", number=seconds)


def _page(blocklist: str | None, reason: Reason | None, domain: str | None, provider: str | None) -> str | None:
    """Return where it is mended: at the block list, or else with the provider."""
    if blocklist:
        page = _tables()["blocklists"][blocklist].get("page")
        return str(page) if page else None
    table = _tables()["providers"].get(provider) if reason in MENDED_BY_US else None
    if table is None:
        return None
    table = table | table.get("public", {}) if providers.provider(domain) == provider else table
    return str(table.get(str(reason)) or table["default"])


@cache
def _tables() -> dict[str, Any]:
    return tables("pages.toml")


@cache
def _names() -> tuple[dict[str, str], re.Pattern[str]]:
    """Return block lists by the names they are called, and what finds such a name in a text."""
    names = {name: key for key, table in _tables()["blocklists"].items() for name in table["names"]}
    return names, re.compile(r"(?<![\w-])(?:" + "|".join(map(re.escape, sorted(names, key=len, reverse=True))) + r")(?![\w-])")
