import email
import re
import tomllib
from base64 import b64encode
from email.header import decode_header, make_header
from email.utils import getaddresses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounces.analyze import analyze
from bounces.anonymize import anonymized, templates
from bounces.model import Kind, Raw
from bounces.settings import Settings

ROOT = Path(__file__).parent.parent
TOLD = ("kind", "format", "action", "reason", "status", "reply_code")
FAILURES = [
    path
    for path in sorted((ROOT / "samples").rglob("*.eml"))
    if {event.kind for event in analyze(Raw("-", path.read_bytes()))} & {Kind.FAILURE, Kind.DELAY}
]
# what the server said, as the notice gives it, has the subject of a message that was not returned
SUBJECT_IN_THE_TEXT = {
    "daum/delayed-and-failed", "exchange/host-unknown-french", "hmailserver/domain-not-found-hungarian", "mimecast/mailbox-full",
    "mimesweeper/held-attachment", "prose/undeclared-japanese",
}  # fmt: skip
# addresses of documents in the samples, by addresses that are as good as anybody's
NETWORKS = {b"192.0.2.": b"185.12.7.", b"198.51.100.": b"185.12.8.", b"203.0.113.": b"185.12.9.", b"2001:db8:": b"2a0f:e4c0:"}
PROVIDERS = tomllib.loads((ROOT / "bounces" / "providers.toml").read_text(encoding="utf-8")).values()
PUBLIC = {host for table in PROVIDERS for key in ("domains", "mx") for host in table.get(key, ())}
RULES = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "bounces" / "rules").rglob("*.toml")).lower()
# names of parts of programs, which only look like hosts
PROGRAMS = {"emsmdbpool.ecpoolsessiondorpc", "resolver.rst.restrictedtorecipientspermission", "pps.filterd"}
OFFICES = {"postmaster", "mailer-daemon", "bounces", "support", "abuse", "listserv", "sympa"}


def named(path):
    return f"{path.parent.name}/{path.stem}"


def decoded(value):
    try:
        return str(make_header(decode_header(value)))
    except (LookupError, UnicodeError):
        return value


def walked(message, *, returned=False):
    """Yield (what, text) for all that the standard library finds in a message: fields and the texts of its parts."""
    for name, value in message.items():
        text = " ".join(decoded(str(value)).split())
        yield "text", text
        if name.lower() == "message-id":
            yield "id", text.strip("<> ")
        if returned and name.lower() == "subject":
            yield "subject", text
        if name.lower() in {"to", "cc"} or (returned and name.lower() in {"from", "sender", "reply-to"}):
            yield from (("name", person) for person, _ in getaddresses([text]) if person)
    if message.is_multipart():
        for part in message.get_payload():
            yield from walked(part, returned=returned or message.get_content_type() == "message/rfc822")
        return
    try:
        text = (message.get_payload(decode=True) or b"").decode(message.get_content_charset() or "utf-8", "replace")
    except LookupError:
        text = message.get_payload()
    yield "text", text
    if message.get_content_type() == "text/rfc822-headers":
        yield from walked(email.message_from_string(text), returned=True)


def stays(text, word):
    return re.search(rf"(?<![\w.+=@-]){re.escape(word.lower())}(?![\w-])", text) is not None


@pytest.mark.parametrize("path", FAILURES, ids=named)
def test_a_copy_reads_as_the_notice_did_and_names_nobody(path):
    """Of every sample that is a failure: the same kind, format, reason, codes and template; no address, host, IP address, name, id or subject."""
    data = path.read_bytes()
    for old, new in NETWORKS.items():
        data = data.replace(old, new)
    raw = Raw("-", data)
    events, copy = analyze(raw), anonymized(raw)
    again = analyze(Raw("-", copy.data))
    assert copy.same
    assert [[getattr(event, name) for name in TOLD] for event in again] == [[getattr(event, name) for name in TOLD] for event in events]
    assert (templates(again) == templates(events)) is (named(path) not in SUBJECT_IN_THE_TEXT)

    found = list(walked(email.message_from_bytes(data)))
    found += [("id", event.message_id.strip("<> ")) for event in events if event.message_id]
    found += [("subject", " ".join(event.subject.split())) for event in events if event.subject]
    original = "\n".join(text for what, text in found if what == "text").lower()
    shown = " ".join(copy.data.decode().lower().split())
    hosts = set(re.findall(r"(?<![\w.-])(?:[a-z0-9-]+\.)+[a-z]{2,}(?![\w-])", original)) - {"example.com", "example.net", "example.org"}
    addresses = set(re.findall(r"[\w.+=-]+@(?:[\w-]+\.)+[\w-]+", original))
    leaks = [word for what, word in found if what in {"id", "name"} and len(word) > 2 and stays(shown, word) and word.lower() not in RULES]
    leaks += [word for what, word in found if what == "subject" and len(word.split()) > 1 and word.lower() in shown]
    leaks += [
        one for one in addresses if stays(shown, one) and one.partition("@")[0] not in OFFICES and not re.fullmatch(r"user\d@example\.\w+", one)
    ]
    leaks += [host for host in hosts - PUBLIC - PROGRAMS if stays(shown, host) and not is_known(host)]
    leaks += [number for number in ("185.12.", "2a0f:e4c0") if number in shown]
    assert [leak for leak in leaks if leak != "Anna"] == []  # the first name that is invented


def is_known(host):
    """Say whether a rule names a host, or the list that it belongs to, or whether it is an invented one."""
    return host in RULES or host.split(".", 1)[1] in RULES or re.fullmatch(r"(?:mx|host)\d\..*", host) is not None


NOTICE = """\
Return-Path: <>
Received: from EXCH-HH07 (10.66.7.8) by mail.firm-one.example; Mon, 2 Mar 2026 09:00:00 +0100
From: "Firm One Mail Delivery System" <MAILER-DAEMON@mail.firm-one.example>
To: "Quirin Waldvogel" <q.waldvogel@firm-one.example>
Subject: Undeliverable: Divorce papers, second draft
Date: Mon, 2 Mar 2026 09:00:00 +0100
Message-ID: <20260302080000.4F2B11C003A@mail.firm-one.example>
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64

{text}
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; EXCH-HH07
Received-From-MTA: dns; [2a0f:e4c0::77]

Final-Recipient: rfc822; ottilie.zauner@firm-two.example
Action: failed
Status: 5.7.1
Remote-MTA: dns; relay7.firm-two.example (185.12.7.9)
Diagnostic-Code: smtp; 550 5.7.1 Ottilie.Zauner has no seat on EXCH-HH07, case 20260117,
 see https://intra.firm-two.example/seats/ottilie?token=k3J9xQ (2a0f:e4c0::77)

--b
Content-Type: message/rfc822

From: "Quirin Waldvogel" <q.waldvogel@firm-one.example>
To: "Zauner, Ottilie" <ottilie.zauner@firm-two.example>
Subject: Divorce papers, second draft
Message-ID: <abc.123@pc-quirin.firm-one.example>
X-Campaign: Winter

Dear Ottilie, the secret is in here.
--b--
"""
TEXT = """\
Dear Quirin,

your message "Divorce papers,
second draft" to Ottilie Zauner <ottilie.zauner@firm-two.example> failed, says EXCH-HH07.

Firm-Two, Hamburg, telephone 0405550123. Mr Zauner, Legal Department.
"""


def notice():
    return Raw("-", NOTICE.format(text=b64encode(TEXT.encode()).decode()).encode())


def test_nothing_of_a_private_notice_stays():
    """People by name, by part of it and by address, hosts without a domain, subject, body, numbers and URLs are gone; the wording is there."""
    copy = anonymized(notice())
    shown = copy.data.decode()
    private = (
        "quirin waldvogel ottilie zauner firm-one firm-two firm exch-hh07 divorce draft secret winter 185.12 2a0f token k3J9xQ 20260117 0405550123"
    )
    assert [word for word in private.split() if word.lower() in shown.lower()] == []
    assert copy.same
    assert [event.diagnostic_code for event in copy.events] == [
        "550 5.7.1 user1 has no seat on host2, case 70212777, see https://host4.example.com/ (2001:db8::1)"
    ]
    assert "From: Mail Delivery System <MAILER-DAEMON@host1.example.net>" in shown
    assert "Subject: Undeliverable\n" in shown


def test_a_copy_is_the_same_each_time_and_a_copy_of_it_reads_the_same():
    """Nothing is drawn by lot, and a copy is a notice like any other."""
    copy = anonymized(notice())
    assert anonymized(notice()).data == copy.data
    assert templates(anonymized(Raw("-", copy.data)).events) == templates(copy.events)


def test_whoever_refuses_is_told_apart_from_whoever_is_refused():
    """The recipient is one address throughout, and in the domain of its server."""
    (event,) = anonymized(notice()).events
    assert (event.recipient, event.final_recipient) == ("user1@example.com", "user1@example.com")
    assert event.remote_mta == "host3.example.com"


def test_what_only_ones_own_rule_knows_goes(tmp_path):
    """A rule file of the user's may name anybody, so its words are no reason to stay; that the copy reads otherwise then is said."""
    own = tmp_path / "own.toml"
    own.write_text(
        '[[rule]]\nid = "own.seat"\ntext = ["has no seat * intra.firm-two.example/seats"]\nreason = "not_permitted"\nsource = "s"\n'
        'examples = ["550 anna has no seat, see https://intra.firm-two.example/seats"]\n'
    )
    mine = Settings(rules=(str(own),))
    assert [event.rule for event in analyze(notice(), mine)] == ["own.seat"]
    copy = anonymized(notice(), mine)
    assert b"firm" not in copy.data
    assert not copy.same


@given(st.sampled_from(FAILURES), st.integers(0, 4000), st.integers(0, 200), st.binary(max_size=30))
@settings(max_examples=60)
def test_bad_mail_never_raises(path, place, length, junk):
    """Whatever is broken, there is a copy, or it says that there is none."""
    data = path.read_bytes()
    copy = anonymized(Raw("-", data[:place] + junk + data[place + length :]))
    assert copy.events


def test_what_cannot_be_read_has_no_copy():
    """An empty message gives nothing, and says that it is not the same."""
    copy = anonymized(Raw("-", b"\n"))
    assert (copy.data, copy.same) == (b"", False)
