"""An address as somebody wrote it in, the plain address out; the only user of flanker.addresslib.

An address is returned as local part "@" domain, the domain in lower case and as a U-label; None is what is no address.
"""

from __future__ import annotations

import logging
import re
import tomllib
from functools import cache, lru_cache
from importlib.resources import files

# flanker and the parser below it log at import and at every bad address
logging.getLogger("flanker").addHandler(logging.NullHandler())
logging.getLogger("flanker").propagate = False

ATOM = r"[\w!#$%&'*+/=?^`{|}~-]"
LOCAL = rf"{ATOM}+(?:\.{ATOM}+)*"
DOMAIN = r"(?:[^\W_](?:[\w-]{0,62})?\.)+[^\W\d_][\w-]{0,62}(?<!-)|\[[\d.:a-fA-FIPv]{3,60}\]"
PLAIN = re.compile(rf"{LOCAL}@(?:{DOMAIN}|[A-Za-z][\w-]*)")
# in running text: neither part of a URL or a mailto link, nor of a longer word; local parts with stray dots exist in Japan
IN_TEXT = re.compile(rf"(?<![\w.!#$%&'*+/=?^`{{|}}~:@-])(?:mailto:)?([\w!#$%&*+/=?^`{{|}}~.-]{{1,128}}@(?:{DOMAIN})|\"[^\"@\s]{{1,64}}\"@(?:{DOMAIN}))")
TYPED = re.compile(r"\s*(?:rfc822|utf-8|unknown|smtp|x400|local|dns|internet)\s*;\s*", re.IGNORECASE)
ANGLED = re.compile(r"<\s*([^<>]*)\s*>")
XTEXT = re.compile(r"\+([0-9A-F]{2})")
UNITEXT = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")

SRS0 = re.compile(r"SRS0[=+-][^=@]{1,16}=[^=@]{1,4}=([^=@]+\.[^=@]+)=([^@]+)@.+", re.IGNORECASE)
SRS1 = re.compile(r"SRS1[=+-][^=@]{1,16}=[^=@]+==?[^=@]{1,16}=[^=@]{1,4}=([^=@]+\.[^=@]+)=([^@]+)@.+", re.IGNORECASE)
BATV = re.compile(r"(?:prvs|msprvs1)=[0-9A-Za-z]{4,30}=([^@]+@.+)|btv1==[0-9a-z]+==([^@]+@.+)", re.IGNORECASE)
# bounces+user=example.com@list.example, owner-news-user=example.com@…, list-return-1234-user=example.com@… (ezmlm)
VERP = re.compile(rf"[^@=+]+?(?:\+|-return-\d+-|-)({ATOM}[\w!#$%&'*+/?^`{{|}}~.-]*)=((?:[\w-]+\.)+[A-Za-z][\w-]+)@.+")


def parse(value: str | None) -> str | None:
    """Return the address in a field's value ("rfc822;<User@Example.COM>", "Name <user@example.com> (note)"), or None."""
    if not value:
        return None
    value = TYPED.sub("", value, count=1).strip()
    angled = ANGLED.search(value)
    value = (angled.group(1) if angled and "@" in angled.group(1) else value).strip().strip("'\"<>;,. ")
    if PLAIN.fullmatch(value):
        return _normalised(value)
    found = IN_TEXT.search(UNITEXT.sub(lambda match: chr(min(int(match.group(1), 16), 0x10FFFF)), value))
    if found:
        return _normalised(found.group(1))
    return _odd(value) if "@" in value and len(value) < 400 else None


def in_text(text: str) -> tuple[tuple[str, int, int], ...]:
    """Return each address in running text with the offsets where it stands."""
    return tuple((_normalised(match.group(1).strip(".")), match.start(1), match.end(1)) for match in IN_TEXT.finditer(text))


def all_of(value: str | None) -> tuple[str, ...]:
    """Return the addresses of a header field with several, as To and X-Failed-Recipients have."""
    return tuple(dict.fromkeys(address for address, _, _ in in_text(value or "")))


def unwrap(address: str) -> str:
    """Undo SRS (SRS0, SRS1) and BATV (prvs=, btv1==): return the address that was rewritten for forwarding or signing."""
    if match := SRS1.fullmatch(address) or SRS0.fullmatch(address):
        return _normalised(f"{match.group(2)}@{match.group(1)}")
    if match := BATV.fullmatch(address):
        return match.group(1) or match.group(2)
    return address


def verp(return_path: str) -> str | None:
    """Return the recipient that a variable envelope return path names, or None when it names none."""
    match = VERP.fullmatch(return_path)
    return _normalised(f"{match.group(1)}@{match.group(2)}") if match else None


def domain(address: str | None) -> str | None:
    """Return an address's domain."""
    return address.rpartition("@")[2] or None if address else None


@lru_cache(maxsize=1 << 14)
def _normalised(address: str) -> str:
    """Put the domain in lower case and as a U-label."""
    local, _, host = address.rpartition("@")
    host = host.lower().rstrip(".")
    if "xn--" in host:
        import idna  # noqa: PLC0415  (rarely needed, and costly)

        try:
            host = idna.decode(host)
        except (idna.IDNAError, UnicodeError):
            pass
    return f"{local}@{host}"


@lru_cache(maxsize=1 << 12)
def _odd(value: str) -> str | None:
    """Parse what is no plain address: quoted local parts, comments, obsolete forms."""
    from flanker.addresslib import address as flanker  # noqa: PLC0415  (250 ms)

    try:
        found = flanker.parse(value)
    except (UnicodeError, ValueError):
        return None
    return _normalised(found.address) if isinstance(found, flanker.EmailAddress) else None


@cache
def _providers() -> tuple[dict[str, str], dict[str, str]]:
    """Return provider by mail domain, and provider by suffix of a mail server's name."""
    tables = tomllib.loads((files("bounces") / "providers.toml").read_text(encoding="utf-8"))
    domains = {host: key for key, table in tables.items() for host in table.get("domains", ())}
    return domains, domains | {host: key for key, table in tables.items() for host in table.get("mx", ())}


@lru_cache(maxsize=1 << 14)
def provider(mail_domain: str | None, host: str | None = None) -> str | None:
    """Return the mailbox provider of a domain, or else of the mail server that spoke for it ("google", "microsoft" …), or None."""
    domains, hosts = _providers()
    if mail_domain in domains:
        return domains[mail_domain]
    labels = (host or "").lower().strip(".").split(".")
    return next((hosts[suffix] for number in range(len(labels)) if (suffix := ".".join(labels[number:])) in hosts), None)


@lru_cache(maxsize=1 << 12)
def suggest(address: str) -> str | None:
    """Return the address with its domain's typo mended ("user@gmial.com" -> "user@gmail.com"), or None.

    Only toward the public domains of known providers: the corrector also "corrects" good domains to others like them.
    """
    from flanker.addresslib import corrector  # noqa: PLC0415

    local, _, host = address.rpartition("@")
    known = _providers()[0]
    if not local or not host.isascii() or host in known:
        return None
    better = corrector.suggest(host)
    return f"{local}@{better}" if better != host and better in known else None


@lru_cache(maxsize=1 << 12)
def impossible(address: str) -> bool:
    """Say whether the provider could never have issued an address: its local part breaks the provider's own grammar."""
    key = provider(domain(address))
    if key not in {"google", "yahoo", "microsoft", "apple"} or not address.isascii():
        return False
    from flanker.addresslib import address as flanker  # noqa: PLC0415
    from flanker.addresslib.plugins import gmail, hotmail, icloud, yahoo  # noqa: PLC0415

    found = flanker.parse(address)
    grammar = {"google": gmail, "yahoo": yahoo, "microsoft": hotmail, "apple": icloud}[key]
    return isinstance(found, flanker.EmailAddress) and not grammar.validate(found)
