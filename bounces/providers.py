"""A mail domain or a server's name in, the mailbox provider out: by `providers.toml`."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from bounces.compiled import tables

LONGEST = 253  # characters of a host's name


@cache
def _tables() -> dict[str, Any]:
    return tables("providers.toml")


@cache
def public() -> dict[str, str]:
    """Return the providers by the mail domains that the public has addresses at."""
    return {host: key for key, table in _tables().items() for host in table.get("domains", ())}


@cache
def _hosts() -> dict[str, str]:
    """Return the providers by suffixes of their mail servers' names."""
    return public() | {host: key for key, table in _tables().items() for host in table.get("mx", ())}


@lru_cache(maxsize=1 << 14)
def provider(mail_domain: str | None, host: str | None = None) -> str | None:
    """Return the mailbox provider of a domain, or else of the mail server that spoke for it ("google", "microsoft" …), or None."""
    if mail_domain in public():
        return public()[mail_domain]
    known, suffix = _hosts(), (host or "").lower().strip(".")[-LONGEST:]
    while suffix and suffix not in known:
        suffix = suffix.partition(".")[2]
    return known.get(suffix)


@lru_cache(maxsize=1 << 12)
def servers(mail_domain: str) -> frozenset[str]:
    """Return how a rule writes the mail servers of a public domain's provider: "hotmail.com" -> "*.protection.outlook.com" …"""
    table = _tables()[public()[mail_domain]] if mail_domain in public() else {}
    return frozenset(f"*.{host}" for host in table.get("mx", ()))


def name(key: str | None) -> str | None:
    """Return a provider's name as people write it, "Google", by its key."""
    return str(_tables()[key]["name"]) if key in _tables() else None
