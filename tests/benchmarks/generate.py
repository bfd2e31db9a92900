"""A seed in, mail out: notices of mixed layouts, and mailboxes of them. Addresses lie at example domains, and nobody's words are in it."""

from __future__ import annotations

import base64
import quopri
import random
import textwrap
from datetime import UTC, datetime, timedelta
from email.header import Header
from typing import TYPE_CHECKING

from tests.benchmarks import layouts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SMALL, LARGE = 1_100, 130_000  # bytes of a returned body, on average
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
FIRST = (
    "anna bo carla dimitri eva felix greta henrik ida jonas karl lena marta nils olga paul rosa sven tilda ulf vera willem xenia yusuf zoe".split()
)
LAST = "berg costa dahl engel fischer garcia hansen ito jansen kowalski larsen meyer novak olsen petrov rossi santos tanaka vogel weber".split()
DOMAINS = ("example.com", "example.net", "example.org", *(f"firm{number}.example" for number in range(400)))
PUBLIC = "example.com", "example.net", "mail.example", "post.example"
WORDS = (
    "the ferries run to a summer timetable from Monday and fish market moves back old quay full is on our pages three berths have become free "
    "at east pier members may apply until fifteenth dredger has left inner basin open again museum shows its ship models end of month weather "
    "harbour master letter reader wind tide crane lock bridge light rope sail anchor deck captain crew cargo"
).split()
CHARSET = {"us-ascii": "quoted-printable", "iso-8859-1": "quoted-printable", "utf-8": "base64", "koi8-r": "8bit"}
HEADER = """Return-Path: <{path}>
Received: from relay{day}.example.org (relay{day}.example.org [192.0.2.{day}])
	by mail.example.org (Postfix) with ESMTPS id {returned_queue}
	for <{recipient}>; {date}
Received: from crm.example.org (crm.example.org [192.0.2.5])
	by relay{day}.example.org (Postfix) with ESMTP id {queue}
	for <{recipient}>; {date}
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=k{day};
	t={seconds}; h=mime-version:from:date:message-id:subject:to:list-id;
	bh={body_hash};
	b={signature}
Date: {date}
From: The Harbour Letter <news@example.org>
To: {name} <{recipient}>
Subject: {original_subject}
Message-ID: <{original_id}>
List-Id: The Harbour Letter <harbour.example.org>
List-Unsubscribe: <https://news.example.org/leave/{token}>
X-Mailer: Harbour 2.{hours}
MIME-Version: 1.0
"""


def notices(seed: int, count: int, body: int = SMALL) -> Iterator[bytes]:
    """Yield so many notices; `body` is the mean size of what they return, in bytes."""
    chance = random.Random(seed)
    makers, weights = zip(*MIX.items(), strict=True)
    for maker in chance.choices(makers, weights, k=count):
        yield maker(chance, _fields(chance, body))


def mbox(path: Path, seed: int, count: int, body: int = SMALL) -> None:
    """Write notices as an mbox."""
    with path.open("wb") as file:
        for notice in notices(seed, count, body):
            file.write(b"From MAILER-DAEMON Tue Mar  4 09:00:15 2025\n" + notice.replace(b"\nFrom ", b"\n>From ") + b"\n")


def maildir(path: Path, seed: int, count: int, body: int = SMALL) -> None:
    """Write the notices of `mbox` as a Maildir, whose files' names tell their order."""
    for name in ("cur", "new", "tmp"):
        (path / name).mkdir(parents=True)
    for number, notice in enumerate(notices(seed, count, body)):
        (path / "cur" / f"{1741075215 + number}.M1P1.mail.example.org:2,S").write_bytes(notice)


def _fields(chance: random.Random, body: int) -> dict[str, str]:
    """Draw what differs from notice to notice."""
    first, last = chance.choice(FIRST), chance.choice(LAST)
    domain = chance.choice(PUBLIC if chance.random() < 0.5 else DOMAINS)
    when = BEGIN + timedelta(seconds=chance.randrange(365 * 24 * 3600))
    token = f"{chance.getrandbits(64):016x}"
    recipient = f"{first}.{last}{chance.randrange(10_000)}@{domain}"
    fields = {
        "recipient": recipient, "domain": domain, "name": f"{first} {last}".title(), "other": f"{last}@{domain}",
        "path": f"bounces+{recipient.replace('@', '=')}@example.org" if chance.random() < 0.3 else "bounces@example.org",
        "host": f"mta{chance.randrange(40)}.{chance.choice(DOMAINS)}", "server": f"mx{chance.randrange(4)}.{domain}",
        "ip": f"192.0.2.{chance.randrange(256)}", "server_ip": f"198.51.100.{chance.randrange(256)}",
        "date": f"{when:%a, %d %b %Y %H:%M:%S} +0100", "seconds": str(int(when.timestamp())), "stamp": f"{when:%Y%m%d%H%M%S}",
        "queue": token[:12].upper(), "returned_queue": token[4:].upper(), "token": token, "number": str(chance.randrange(10**5, 10**9)),
        "day": str(when.day), "hours": str(chance.randrange(1, 48)), "uuid": f"{token[:8]}-{token[8:12]}-4c6f-9021-{chance.getrandbits(48):012x}",
        "original_id": f"{when:%Y%m%d%H%M%S}.{chance.randrange(10**5)}@crm.example.org", "original_subject": f"The Harbour Letter, {when:%B %Y}",
        "body_hash": base64.b64encode(chance.randbytes(32)).decode(),
        "signature": "\n\t ".join(textwrap.wrap(base64.b64encode(chance.randbytes(256)).decode(), 70)),
    }  # fmt: skip
    header = HEADER.format(**fields)
    mime, content = _body(chance, max(200, int(body * chance.uniform(0.5, 1.5))), token)
    return fields | {"original_header": header + mime.partition("\n\n")[0], "original": f"{header}{mime}\n{content}"}


def _body(chance: random.Random, size: int, token: str) -> tuple[str, str]:
    """Return the last fields of a header and a body of about so many bytes: text, a page beside it, or a file attached."""
    words = chance.choices(WORDS, k=min(size, 4000) // 6)
    text = textwrap.fill(" ".join(words).capitalize() + ".", 76)
    kind = chance.random()
    if kind < 0.5 and size < 8000:
        return "Content-Type: text/plain; charset=utf-8\n", text
    plain = f"--{token}\nContent-Type: text/plain; charset=utf-8\n\n{text[: size // 3]}\n"
    if kind < 0.8:
        page = quopri.encodestring(f"<html><body><p>Grüße</p><p>{text}</p></body></html>".encode()).decode()
        page = "\n".join([page] * max(1, (size - len(plain)) // len(page)))
        part = f"--{token}\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n{page}\n"
    else:
        part = f"--{token}\nContent-Type: application/pdf; name=letter.pdf\nContent-Transfer-Encoding: base64\n\n"
        part += base64.encodebytes(chance.randbytes(max(0, size - len(plain)) * 3 // 4)).decode()
    return f'Content-Type: multipart/mixed; boundary="{token}"\n', f"{plain}{part}--{token}--\n"


def _reply(chance: random.Random, fields: dict[str, str], replies: tuple[str, ...] = layouts.REPLIES) -> dict[str, str]:
    """Draw a server's reply, with the status it tells."""
    reply = chance.choice(replies).format(**fields)
    words = reply.replace("-", " ").replace("#", "").split()
    return {"reply": reply, "status": words[1] if words[1].count(".") == 2 else f"{reply[0]}.0.0"}


def _encoded(text: str, charset: str, encoding: str) -> str:
    """Return text as it stands in a part: the bytes of its charset, each as a character, transfer-encoded."""
    data = text.encode(charset, "replace")
    if encoding == "base64":
        data = base64.encodebytes(data)
    elif encoding == "quoted-printable":
        data = quopri.encodestring(data)
    return data.decode("latin-1")


def _word(text: str, charset: str) -> str:
    """Return a header's text, encoded where it must be."""
    return text if text.isascii() else Header(text, charset, maxlinelen=900).encode()


def _filled(layout: str, fields: dict[str, str]) -> bytes:
    return layout.format(**fields).encode("latin-1")


def _postfix(chance: random.Random, fields: dict[str, str], *, delayed: bool = False) -> bytes:
    paragraphs, groups = [], []
    for number in range(chance.choice((1, 1, 1, 1, 1, 2, 3))):
        one = fields if number == 0 else fields | {"recipient": f"{chance.choice(FIRST)}{number}.{chance.randrange(10_000)}@{fields['domain']}"}
        one = one | _reply(chance, one, layouts.LATER if delayed else layouts.REPLIES)
        said = "<{recipient}>: host {server}[{server_ip}] said: {reply} (in reply to RCPT TO command)".format(**one)
        paragraphs.append(textwrap.fill(said, 72, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False) + "\n")
        group = "Final-Recipient: rfc822; {recipient}\nOriginal-Recipient: rfc822;{recipient}\nAction: {action}\nStatus: {status}\n"
        group += "Remote-MTA: dns; {server}\nDiagnostic-Code: smtp; {reply}\n"
        groups.append(group.format(**one, action="delayed" if delayed else "failed"))
    told = {
        "subject": "Delayed Mail (still being retried)" if delayed else "Undelivered Mail Returned to Sender",
        "introduction": layouts.POSTFIX_DELAYED.format(**fields) if delayed else layouts.POSTFIX_FAILED,
        "paragraphs": "\n".join(paragraphs), "groups": "\n".join(groups),
    }  # fmt: skip
    return _filled(layouts.POSTFIX, fields | told)


def _postfix_delayed(chance: random.Random, fields: dict[str, str]) -> bytes:
    return _postfix(chance, fields, delayed=True)


def _sendmail(chance: random.Random, fields: dict[str, str], *, delayed: bool = False) -> bytes:
    fields = fields | _reply(chance, fields)
    told = {
        "subject": "Returned mail: see transcript for details", "automatic": "auto-generated (failure)", "action": "failed",
        "returned_type": chance.choice(("message/rfc822", "text/rfc822-headers")),
    }  # fmt: skip
    if delayed:
        told |= {"subject": f"Warning: could not send message for past {fields['hours']} hours", "action": "delayed", "status": "4.4.1"}
        told |= {"automatic": "auto-generated (warning-timeout)", "reply": "451 4.4.1 Connection timed out"}
    transcript = (layouts.SENDMAIL_DELAYED if delayed else layouts.SENDMAIL_FAILED).format(**fields)
    original = fields["original_header"] if told["returned_type"] != "message/rfc822" else fields["original"]
    return _filled(layouts.SENDMAIL, fields | told | {"transcript": transcript, "original": original + "\n"})


def _sendmail_delayed(chance: random.Random, fields: dict[str, str]) -> bytes:
    return _sendmail(chance, fields, delayed=True)


def _exchange(chance: random.Random, fields: dict[str, str]) -> bytes:
    language, charset, undeliverable, postmaster, heading, explanation = chance.choice(layouts.EXCHANGE_LANGUAGES)
    told = fields | _reply(chance, fields) | {"heading": heading, "explanation": explanation, "charset": charset}
    encoding = CHARSET[charset]
    told |= {
        "language": language, "encoding": encoding, "subject": _word(f"{undeliverable}: {fields['original_subject']}", charset),
        "postmaster": f"{_word(postmaster + ' ' + fields['domain'], charset)} <postmaster@{fields['host']}>",
        "text": _encoded(layouts.EXCHANGE_TEXT.format(**told), charset, encoding),
        "html": _encoded(layouts.EXCHANGE_PAGE.format(**told), charset, encoding),
    }  # fmt: skip
    return _filled(layouts.EXCHANGE, told)


def _gmail(chance: random.Random, fields: dict[str, str]) -> bytes:
    told = fields | _reply(chance, fields)
    text = _encoded(layouts.GMAIL_TEXT.format(**told), "utf-8", "base64")
    return _filled(layouts.GMAIL, told | {"text": text, "html": _encoded(layouts.GMAIL_PAGE.format(**told), "utf-8", "quoted-printable")})


def _auto_reply(chance: random.Random, fields: dict[str, str]) -> bytes:
    charset, subject, text = chance.choice(layouts.AUTO_REPLIES)
    encoding = {"utf-8": "8bit", "iso-2022-jp": "7bit", "windows-1251": "base64"}.get(charset, "quoted-printable")
    told = {"charset": charset, "encoding": encoding, "subject": _word(subject.format(**fields), charset)}
    return _filled(layouts.AUTO_REPLY, fields | told | {"text": _encoded(text.format(**fields), charset, encoding)})


def _prose(chance: random.Random, fields: dict[str, str]) -> bytes:
    charset, declared, postmaster, subject, text, announcement = chance.choice(layouts.PROSES)
    mime = f"MIME-Version: 1.0\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n" if declared else ""
    told = {"mime": mime, "postmaster": _word(postmaster, charset), "subject": _word(subject, charset), "original": fields["original_header"] + "\n"}
    told |= {
        "text": _encoded(text.format(**fields | _reply(chance, fields)), charset, "8bit"),
        "announcement": _encoded(announcement, charset, "8bit"),
    }
    return _filled(layouts.PROSE, fields | told)


def _plain(layout: str) -> Callable[[random.Random, dict[str, str]], bytes]:
    """Return a maker for a layout that takes a reply and nothing else."""
    return lambda chance, fields: _filled(layout, fields | _reply(chance, fields))


# how often each comes, of a hundred
MIX: dict[Callable[[random.Random, dict[str, str]], bytes], int] = {
    _postfix: 30, _postfix_delayed: 4, _plain(layouts.EXIM): 8, _plain(layouts.EXIM_PLAIN): 4, _sendmail: 6, _sendmail_delayed: 3, _exchange: 12,
    _gmail: 10, _plain(layouts.QMAIL): 5, _plain(layouts.POWERMTA): 5, _plain(layouts.COMPLAINT): 4, _auto_reply: 5, _prose: 4,
}  # fmt: skip
