"""An address as somebody wrote it in, the plain address out; the only user of flanker.addresslib.

An address is returned as local part "@" domain, the domain in lower case; None is what is no address.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from contextlib import suppress
from functools import cache, lru_cache
from typing import Any

from bounces import providers
from bounces.pattern import late

LONGEST = 2000  # characters of a field's value that are read
LONGEST_LINK = 400  # characters of a URL before an "@" in it
LONGEST_LOCAL = 128  # twice what RFC 5321, section 4.5.3.1.1, allows: rewritten senders are long
DOTS = str.maketrans("。．｡", "...")  # what else separates labels (RFC 3490, section 3.1)
LONGEST_DOMAIN = 253

ATOM = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
# the scripts that are written without spaces: there an address touches the words around it
UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
LETTER = rf"[^\W\x00-\x7f{UNSPACED}]|[\u0300-\u036f]"  # é, ж, and the accents that stand by themselves
LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
WIDE_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"  # a U-label (RFC 5890)
ASCII_DOMAIN = rf"(?:{LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?"
WIDE_DOMAIN = rf"(?:{WIDE_LABEL}\.)+(?:[A-Za-z]{{2,63}}|中国|中國|香港|台湾|台灣|한국|[^\W\d_\x00-\x7f][^\W_\x00-\x7f]{{1,61}})"
LITERAL = r"\[(?:IPv6:)?[0-9A-Fa-f.:]{3,45}\]"
DOMAIN = late(rf"{ASCII_DOMAIN}(?!(?:\.[A-Za-z0-9_-]{{0,62}})?(?:{LETTER}))|{WIDE_DOMAIN}|{LITERAL}")
ASCII_HOST = re.compile(rf"{ASCII_DOMAIN}|{LITERAL}")  # all that DOMAIN finds in a text of ASCII only, and compiled in a tenth of the time
ANY = rf"(?:[{ATOM}]|[^\x00-\x7f\s«»“”„‘’‚‹›、。，；：！？（）【】「」『』《》＜＞])+"  # a field's whole value may hold any character (RFC 6531)
PLAIN = late(rf"{ANY}(?:\.{ANY})*@(?:(?:{LABEL}\.)*{LABEL}|{WIDE_DOMAIN}|{LITERAL})")
QUOTED = late(rf'"(?:[^"\\]|\\.)*"@(?:{ASCII_DOMAIN}|{WIDE_DOMAIN}|{LITERAL})')
UNQUOTED = late(rf'"([{ATOM}]+(?:\.[{ATOM}]+)*)"')

# these read backwards from an "@": a local part, stray dots and all (they exist in Japan), and the whole word that it is part of
LOCAL = late(rf'(?:[{ATOM}.]++|{LETTER})+|[{UNSPACED}0-9._-]+|"[^"\n@]+"')
ASCII_LOCAL = re.compile(rf'[{ATOM}.]++|"[^"\n@]+"')  # as ASCII_HOST
WORD = late(r"[!#-;=?-~]+")
# https://…, www.example.com/…, example.com/…: an address in there is a link's, nobody's mailbox
LINK = late(r"://|(?<![\w.-])(?:[\w-]+\.)+[A-Za-z]{2,}/", re.ASCII)
# /var/mail/user@…, ?to=user@…, 'user@…, *user@…: what a local part seems to begin with
DECORATION = late(
    r"/(?![^@=]*=).*/|.*\?|(?:to|from|cc|[a-z_]*rcpt|[a-z_]*recipient|orig_to|mailto|e?mail|addr|address|sender|ctladdr)=|[.'`*{|=~!^#]+",
    re.IGNORECASE,
)
NAME = late(r"[^,;<>]{0,200}<")  # what follows an address that is only somebody's name

TYPED = late(r"\s*[A-Za-z][\w.+-]{0,30}\s*;")  # rfc822;
ANGLED = late(r"<([^<>@]*@[^<>]*)>")
# user@example.com, rfc822; user@example.com, Name <user+tag=x@example.com>: nearly every field, and all that is below would read it so
SIMPLE = re.compile(r"(?a)(?:[^@]*<|rfc822; ?)?(\w[\w.-]{0,60}(?:\+[\w.+=-]{0,60})?@(?:[a-z0-9]{1,30}(?:-[a-z0-9]{1,30})?\.){1,3}[a-z]{2,30})>?")
UNITEXT = late(r"\\x\{(?!D[89A-F]..\})([0-9A-F]{2,5}|10[0-9A-F]{4})\}", re.IGNORECASE)  # RFC 6533, section 3

# SRS0=HHH=TT=example.com=user@…, SRS1=HHH=first.example==HHH=TT=example.com=user@…, forwarder+SRS=HHH=TT=example.com=user@…
SRS = late(r"(?:[^@=]+\+)?SRS(?:1[=+-][^=@]+=[^=@]+=[=+-]|0?[=+-])[^=@]+=[^=@]{1,4}=([\w.-]+\.[\w-]+)=([^@]+)@.+", re.IGNORECASE)
# prvs=1234abcdef=user@example.com, prvs=user/1234abcdef@example.com, btv1==…==user@example.com, msprvs1=…=user@example.com
BATV = re.compile(
    r"(?:prvs=[0-9a-f]{6,16}|msprvs1=[\w+/.-]{6,64}|btv1==[0-9a-z]+=)=(?P<local>[^@]+)(?P<domain>@.+)"
    r"|prvs=(?P<signed>[^@/=]+)/[0-9a-f]{6,16}(?P<home>@.+)",
    re.IGNORECASE,
)
CARRIED = r"(?P<local>[\w!#$%&'*/?^`{|}~][\w!#$%&'*+/?^`{|}~.-]*)=(?P<domain>(?:[\w-]+\.)+[A-Za-z][\w-]+)"
# bounces-12345-user=example.com@…: numbers that some senders put before the local part
TOKENS = r"(?:(?:\d{4,}|[0-9a-f]{8,})[-_.])*+"
VERP = (
    # bounces+user=example.com@…, bounces+1234567-9a3c-user=example.com@… (SendGrid), bounce+ab12cd.4567-user=example.com@… (Mailgun)
    late(rf"[^@=+]+\+(?:\d+-[0-9a-f]{{4}}-|[0-9a-f]{{6}}\.[0-9a-f]+-)?{TOKENS}{CARRIED}@.+"),
    # list-return-1234-user=example.com@… (ezmlm), sentto-1-2-3-user=…, bounce-mc.us1_1.2-user=… (Mailchimp), list-owner-user=… (qmail)
    late(rf"(?:[^@=+]*?-)?(?:return-\d+|sentto(?:-\d+)+|bounce-mc\.[\w.]+|bounces?|return|owner|errors?)-{TOKENS}{CARRIED}@.+"),
    # news-user=example.com@…: after a word of whatever kind, when there is one "-" only
    late(rf"[^@=+-]+-{TOKENS}{CARRIED.replace('.-]', '.]')}@.+"),
    # bounce+user==a==example.com==list@… (Sympa)
    late(r"[^@=+]+\+" + CARRIED.replace("=(", "==a==(") + r"(?:==[^@]*)?@.+"),
    # owner-LIST*user**example*-com@… (LISTSERV)
    late(r"owner-[^*@]+\*(?P<local>[\w*+-]{1,64}?)\*\*(?P<domain>[\w-]+(?:\*-?[\w-]+)+)@.+", re.IGNORECASE),
    # leave-1234-5678.9abc-user=example.com@… (Lyris)
    late(rf"leave-\d+-\d+\.[0-9a-f]+-{CARRIED}@.+"),
)
PLACES = {"{local}": r"(?P<local>[^@]{1,64})", "{domain}": r"(?P<domain>[\w.-]{3,253})", "*": "[^@]*"}  # what a template of a return path holds

REDACTED = re.compile(r"redacted\b.*|.*[-_.]redacted|\[?(?:hidden|undisclosed|removed|anonymi[sz]ed)\]?|x{4,}|\*+", re.IGNORECASE)

# who reads these differs from place to place
ROLES = frozenset("info office mail contact kontakt contacto contato contatti sales vertrieb service support help admin team hello hallo".split())
ROLES |= {"post", "postmaster", "webmaster"}
SLIPS = frozenset({"con", "cmo", "ocm", "vom", "xom", "cpm", "cim", "comm", "conm", "co", "cm", "om"})  # what ".com" becomes under hasty fingers


@lru_cache(maxsize=1 << 12)
def parse(value: str | None) -> str | None:
    """Return the address in a field's value ("rfc822;<User@Example.COM>", "Name <user@example.com> (note)"), or None."""
    if not value or "@" not in value:
        return None
    value = value[:LONGEST]
    if simple := SIMPLE.fullmatch(value):
        return simple[1]
    value = value[typed.end() :] if (typed := TYPED.match(value)) else value
    value = (angled.group(1) if (angled := ANGLED.search(value)) else value).strip(" \t\r\n<>;,.")
    value = value if '"@' in value else value.strip("'\"`")
    value = UNITEXT.sub(lambda match: chr(int(match.group(1), 16)), value)
    if PLAIN.fullmatch(value) or QUOTED.fullmatch(value):
        return _normalised(value)
    found = in_text(value)
    return found[0][0] if found else _odd(value)


def in_text(text: str) -> tuple[tuple[str, int, int], ...]:
    """Return each address in running text with the offsets where it stands. One inside a URL is no mailbox and isn't returned."""
    found = []
    hosts = ASCII_HOST if text.isascii() else DOMAIN
    at = text.find("@")
    while at >= 0:
        host = hosts.match(text, at + 1)
        if host and host.end() - at <= LONGEST_DOMAIN and (local := _local(text, at)):
            found.append((_normalised(f"{local}@{host.group()}"), at - len(local), host.end()))
        at = text.find("@", at + 1)
    return tuple(found)


def _local(text: str, at: int) -> str | None:
    """Return the local part that ends before an "@" in running text."""
    before = text[max(0, at - LONGEST_LOCAL - 1) : at]
    match = (ASCII_LOCAL if before.isascii() else LOCAL).match(before[::-1])
    if match is None or match.end() > LONGEST_LOCAL:
        return None
    local = match.group()[::-1]
    before = text[at - len(local) - 1 : at - len(local)]
    if before == "@" or (("/" in local or "?" in local or (before and before in ":,;&([")) and _in_link(text, at)):
        return None
    while (not local[:1].isalnum() or "=" in local or "?" in local) and (decoration := DECORATION.match(local)):
        local = local[decoration.end() :]
    return local


def _in_link(text: str, at: int) -> bool:
    """Say whether the word that an "@" stands in is a URL."""
    before = text[max(0, at - LONGEST_LINK) : at]
    word = WORD.match(before[::-1]) if "/" in before else None
    return word is not None and LINK.search(word.group()[::-1]) is not None


@lru_cache(maxsize=1 << 12)
def all_of(value: str | None) -> tuple[str, ...]:
    """Return the addresses of a header field with several, as To and X-Failed-Recipients have; an address that is a name isn't one."""
    if simple := SIMPLE.fullmatch(value := value or ""):
        return (simple[1],)
    return tuple(dict.fromkeys(address for address, _, end in in_text(value) if not NAME.match(value, end) or value[end] == ">"))


def unwrap(address: str) -> str:
    """Undo SRS (SRS0, SRS1) and BATV (prvs=, btv1==): return the address that was rewritten for forwarding or signing."""
    for _ in range(3 if "=" in address else 0):  # one inside the other, as when a signed sender is forwarded
        if match := SRS.fullmatch(address):
            address = f"{match.group(2)}@{match.group(1)}"
        elif match := BATV.fullmatch(address):
            address = (match["local"] or match["signed"]) + (match["domain"] or match["home"])
        else:
            break
    return _normalised(address)


@lru_cache(maxsize=1 << 12)
def verp(return_path: str, templates: tuple[str, ...] = ()) -> str | None:
    """Return the recipient that a variable envelope return path names, or None when it names none, or none for certain.

    A template of the user's own is believed of any domain; see `template`.
    """
    if len(return_path) > LONGEST_LOCAL + LONGEST_DOMAIN or not (templates or "=" in return_path or "*" in return_path):
        return None
    path = unwrap(return_path)
    patterns = [template(one) for one in templates]
    if not providers.provider(domain(return_path)):  # people have "=" in their own addresses, list servers none at a mailbox provider
        patterns += VERP
    match = next((match for pattern in patterns if (match := pattern.fullmatch(path))), None)
    return parse(f"{match['local'].replace('*-', '.')}@{match['domain'].replace('*-', '.').replace('*', '.')}") if match else None


@lru_cache(maxsize=64)
def template(text: str) -> re.Pattern[str]:
    """Compile a template of return paths, "news-*-{local}={domain}@bounce.example.org". Raise ValueError if it is none.

    "*" is anything up to the next time that what follows it comes.
    """
    for place in ("{local}", "{domain}", "@"):
        if text.count(place) != 1:
            raise ValueError(f"{text!r} has to have {place} once")
    if "**" in text or "*{" in text:
        raise ValueError(f"{text!r} has a * with nothing after it that would end it")
    pieces = re.split(r"(\{local\}|\{domain\}|\*[^*{]+|\*)", text)
    return re.compile("".join(PLACES.get(piece) or _until(piece) for piece in pieces), re.IGNORECASE)


def _until(piece: str) -> str:
    """Return the pattern of a template's fixed characters, and of the "*" before them: it is not tried twice."""
    return f"(?>[^@]*?{re.escape(piece[1:])})" if piece.startswith("*") else re.escape(piece)


def is_redacted(address: str) -> bool:
    """Say whether an address was made unreadable, as feedback reports do: nobody's mailbox."""
    local, _, host = address.rpartition("@")
    return REDACTED.fullmatch(local) is not None or "redacted" in host


@lru_cache(maxsize=1 << 12)
def plain(address: str) -> str:
    """Return an address as it was before anybody rewrote it, in the form that all its spellings share."""
    return canonical(unwrap(address))


def is_anothers(one: str | None, other: str | None) -> bool:
    """Say whether two addresses seem to be different people's: by their local parts, tags apart.

    One person's mailbox may move between hosts; "info" at another one is another's.
    """
    if one is None or other is None or one == other or any(each.lower().startswith("imcea") for each in (one, other)):
        return False  # IMCEAEX-…@: Exchange's own name for the same mailbox
    first, second = (plain(each).rpartition("@") for each in (one, other))
    moved = not f".{first[2]}".endswith(f".{second[2]}") and not f".{second[2]}".endswith(f".{first[2]}")
    return first[0].partition("+")[0] != second[0].partition("+")[0] or (moved and first[0] in ROLES)


def is_signed(address: str | None) -> bool:
    """Say whether an address is a sender's, signed for its own bounces (BATV): nobody's mailbox, but harvested as one."""
    return address is not None and BATV.fullmatch(address) is not None


def domain(address: str | None) -> str | None:
    """Return an address's domain, or None."""
    return address.rpartition("@")[2] or None if address and "@" in address else None


def _normalised(address: str) -> str:
    """Put the domain in lower case, and drop the quotation marks of a local part that can do without."""
    local, _, host = address.rpartition("@")
    local = quoted.group(1) if local.startswith('"') and (quoted := UNQUOTED.fullmatch(local)) else local
    return f"{local}@{host.lower().rstrip('.')}"


def canonical(address: str) -> str:
    """Return the form by which two spellings of an address are known as one: lower case, the domain as U-label."""
    if address.isascii() and "@" in address and "xn--" not in (lowered := address.lower()):
        return lowered
    local, _, host = unicodedata.normalize("NFC", address).lower().rpartition("@")
    host = host.translate(DOTS)
    if "xn--" in host and len(host) <= LONGEST_DOMAIN:
        import idna  # noqa: PLC0415  (rarely needed, and costly)

        with suppress(UnicodeError):  # idna.IDNAError is one
            host = idna.decode(host)
    return f"{local}@{host}"


@cache
def _flanker() -> tuple[Any, dict[str, Any]]:
    """Import flanker's parser and the providers' grammars (250 ms), silently: they warn and log as they load, and at every bad address."""
    import logging  # noqa: PLC0415  (milliseconds, for few)

    logging.getLogger("flanker").addHandler(logging.NullHandler())
    logging.getLogger("flanker").propagate = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from flanker.addresslib import address  # noqa: PLC0415
        from flanker.addresslib.plugins import gmail, hotmail, yahoo  # noqa: PLC0415
    return address, {"google": gmail, "microsoft": hotmail, "yahoo": yahoo}


@lru_cache(maxsize=1 << 12)
def _odd(value: str) -> str | None:
    """Parse what is no plain address: comments, folding white space, obsolete forms."""
    if len(value) > LONGEST_LOCAL + LONGEST_DOMAIN or LINK.search(value):
        return None
    flanker, _ = _flanker()
    try:
        found = flanker.parse(value)
    except (UnicodeError, ValueError):
        return None
    if not isinstance(found, flanker.EmailAddress) or not found.address.isprintable() or found.address.startswith("'"):  # x 'user@host
        return None
    return _normalised(found.address)


def suggest(address: str) -> str | None:
    """Return the address with its domain's typo mended ("user@gmial.com" -> "user@gmail.com"), or None.

    Only toward the public domains of known providers: the corrector also "corrects" good domains to others like them. Ask only about
    a domain that is dead: some that live are one letter from a provider's.
    """
    local, _, host = address.rpartition("@")
    better = _mended(host) if local else None
    return f"{local}@{better}" if better else None


@lru_cache(maxsize=1 << 12)
def _mended(host: str) -> str | None:
    """Return a provider's domain that another one is nearly, or None."""
    from flanker.addresslib import corrector  # noqa: PLC0415

    known = providers.public()
    if not host.isascii() or host in known or len(host) > 40:
        return None
    name, _, end = host.rpartition(".")
    # difflib finds yahoo.co.in nearer to yahoo.con than yahoo.com is
    better = f"{name}.com" if end in SLIPS and f"{name}.com" in known else corrector.suggest(host, cutoff=0.85)
    return str(better) if better != host and better in known else None


@lru_cache(maxsize=1 << 12)
def impossible(address: str) -> bool:
    """Say whether the provider could never have issued an address: its local part breaks the provider's own grammar.

    Asked of Gmail, Outlook.com and Yahoo only: Apple's relay makes addresses that break Apple's.
    """
    host = domain(address) or ""
    key = providers.provider(host)
    if key not in {"google", "microsoft", "yahoo"} or host.startswith("yahoo.co.jp") or not address.isascii():
        return False
    flanker, grammars = _flanker()
    found = flanker.parse(address)
    return isinstance(found, flanker.EmailAddress) and not grammars[key].validate(found)
