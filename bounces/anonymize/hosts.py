"""A host's name in, whose it is out: the domain that somebody owns, and the part that is public because a provider's servers have it."""

from __future__ import annotations

from functools import cache, lru_cache

from bounces import providers, rules

SECOND = frozenset("ac ad asso co com ed edu go gob gouv gov gr in ind info lg ltd me mil ne net nom or org plc sch web".split())  # example.co.uk


def owned(host: str) -> str:
    """Return the domain that somebody owns of a host in it, by its last labels."""
    labels = host.split(".")
    return ".".join(labels[-3 if len(labels) > 2 and labels[-2] in SECOND and len(labels[-1]) == 2 else -2 :])


@lru_cache(maxsize=1 << 10)
def public(host: str) -> str | None:
    """Return the domain of a host, in lower case, that is a provider's server or stands for an IP address; None for anybody else's."""
    labels = host.split(".")
    ends = [".".join(labels[number:]) for number in range(len(labels))]
    if known := next((end for end in ends if end in _named_by_rules()), None):
        return known
    if host.endswith(".arpa"):
        return labels[-2] + ".arpa"
    key = providers.provider(None, host)
    return next((end for end in reversed(ends) if key and providers.provider(None, end) == key), None)


@cache
def _named_by_rules() -> frozenset[str]:
    """Return the domains of servers that rules know."""
    return frozenset(pattern.removeprefix("*.") for rule in rules.shipped() for pattern in rule.remote_mta)
