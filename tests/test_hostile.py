import json
import time

import pytest

from bounces.analyze import analyze
from bounces.explain import explain
from bounces.model import Kind, Raw

DAEMON = "From: MAILER-DAEMON@mx.example.com\nReturn-Path: <>\nTo: me@example.org\nSubject: failure notice\n\n"
LONG = 200_000  # characters, near to what is read of a text


def dsn(groups, text="", returned="Subject: x"):
    """Write a notice with many groups."""
    return (
        'From: MAILER-DAEMON@mx.example.com\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        f"--b\n\n{text}\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n{groups}\n"
        f"--b\nContent-Type: message/rfc822\n\n{returned}\n\n--b--\n"
    )


def many(count, form):
    """Repeat a line with a number in it."""
    return "".join(form % number for number in range(count))


QMAIL = "Hi. This is the qmail-send program at x.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\n"
EXIM = "This message was created automatically by mail delivery software.\n\nThe following address(es) failed:\n\n"
SENDMAIL = "   ----- Transcript of session follows -----\n"
HOSTILE = {
    **{
        f"run of {char!r}": DAEMON + char * (LONG // len(char))
        for char in ("-", "@", "[", "<", ".", "x@", "a.", "> ", " ", "=", "\n", "550 ", "5.1.1 ", "said: ")
    },
    "addresses in a line": DAEMON + "a@b.cc " * (LONG // 7),
    "addresses after quotes": DAEMON + "> " * 60_000 + "x@y.zz " * 500,
    "addresses after many @": DAEMON + many(500, "@a" * 95 + " u%d@e.cc\n"),
    "addresses after spaces": DAEMON + (" " * 400 + "x@y.zz") * 400,
    "list id": "List-Id: " + "a" * 100_000 + " <\n" + DAEMON + "x",
    "sender without end": "From: " + "a" * 100_000 + "\n" + DAEMON + "x",
    "token": DAEMON + "\n\n------ This is a copy of your message. ------\n\nX-Rcpt: " + "a@" * 2000 + "\nTo: a@b.cc\nSubject: x\nDate: x\n",
    "names": DAEMON + many(6000, "u%d\n") + "\n------ This is a copy of your message. ------\n\nSubject: x\nDate: x\nTo: " + many(600, "u%d@e.cc, "),
    "name without end": dsn("", returned="To: " + "a   " * 20_000 + ", x@y.zz", text="could not be delivered"),
    "conclusion": DAEMON + SENDMAIL + "550 " + "a@" * 50_000 + "\n",
    "two in turn": dsn("Final-Recipient: rfc822; a@e.cc\n\nFinal-Recipient: rfc822; b@e.cc", text="a@e.cc no b@e.cc no " * 10_000),
    "actions without addresses": dsn("Action: failed\nStatus: 5.1.1\n\n" * 3000, text=many(3000, "u%d@e.cc: 550 x\n")),
    "certified": "X-Ricevuta: errore-consegna\n" + DAEMON + "indirizzato a" + " " * 100_000,
    "error for": DAEMON + "Error-For: " + "a@" * 50_000 + "\nError-Text: x\n",
    "groups": dsn(many(2000, "Final-Recipient: rfc822; u%d@e.cc\nAction: failed\n\n"), returned="To: " + many(2000, "u%d@e.cc, ")),
    "groups and text": dsn(many(50, "Final-Recipient: rfc822; u%d@e.cc\nAction: failed\n\n"), text="a@b.cc " * (LONG // 7)),
    "failed recipients": "X-Failed-Recipients: " + many(3000, "u%d@e.cc, ") + "\n" + DAEMON + "x " * (LONG // 2),
    "qmail": DAEMON + QMAIL + many(4000, "<u%d@e.cc>:\n550 no\n\n"),
    "exim": DAEMON + EXIM + many(4000, "  u%d@e.cc\n    550 no\n"),
    "sendmail": DAEMON + SENDMAIL + many(3000, ">>> RCPT To:<u%d@e.cc>\n<<< 550 no\n"),
    "sendmail, one name": DAEMON + SENDMAIL + "550 5.1.1 <u0@e.cc>... User unknown\n" * 5000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_message_stops_a_run(name):
    """What a stranger can send takes seconds at the most, and yields events."""
    started = time.process_time()
    assert analyze(Raw("x", HOSTILE[name].encode()))
    assert time.process_time() - started < 8


@pytest.mark.parametrize("value", [1, 1.5, True, None, "x", [1], [[]], {"a": 1}])
def test_odd_json_is_no_error(value):
    """Whatever stands where SES has a list or a table, the message is counted."""
    for notification in (
        {"notificationType": "Bounce", "bounce": {"bouncedRecipients": value}},
        {"notificationType": "Delivery", "delivery": {"recipients": value}},
    ):
        data = f"From: x@y.zz\nSubject: x\n\n{json.dumps(notification)}\n".encode()
        assert analyze(Raw("x", data))
        assert str(explain(data))


QUOTED = {
    "qmail": QMAIL + "<karl@example.net>:\n550 5.1.1 User unknown\n",
    "exim": EXIM + "  karl@example.net\n    550 5.1.1 User unknown\n",
    "sendmail": SENDMAIL + "550 5.1.1 <karl@example.net>... User unknown\n",
    "exchange": "did not reach the following recipient(s):\n\nkarl@example.net on Thu, 5 Mar 2026 00:00:00 +0000\n    unknown\n",
    "zoho": "karl@example.net Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 unknown\n",
    "dragonfly": "This is the DragonFly Mail Agent v0.13 at x.\n\nThere was an error delivering your mail to <karl@example.net>.\n\n550 no\n",
    "gmail": "Delivery to the following recipient failed permanently:\n\n     karl@example.net\n\nTechnical details of permanent failure:\n550 no\n",
}


@pytest.mark.parametrize("name", QUOTED)
@pytest.mark.parametrize(
    "header",
    [
        "Subject: Re: your mail\nIn-Reply-To: <a@b>",
        "Subject: Fwd: failure notice",
        "Subject: Ticket 4711: undelivered mail\nAuto-Submitted: auto-generated",
    ],
)
def test_a_person_who_quotes_a_notice_removes_nobody(name, header):
    """A notice pasted into an answer, a forward or a ticket says nothing about an address."""
    data = f"From: Karl <karl@googlemail.com>\nTo: news@example.org\n{header}\n\nPlease look:\n\n{QUOTED[name]}"
    assert [event.kind for event in analyze(Raw("x", data.encode()))] == [Kind.UNRECOGNIZED]


@pytest.mark.parametrize(
    "sender", ["Mail System News <news@esp.example>", "Postmaster Weekly <letter@esp.example>", "UPS Delivery Notification <no-reply@parcel.example>"]
)
def test_a_name_that_only_sounds_like_a_mail_system_is_none(sender):
    """Newsletters about mail and parcel services are ordinary mail."""
    data = f"From: {sender}\nSubject: Undeliverable? Delivery problem: 550 5.1.1\n\nThe parcel for user@example.com could not be delivered.\n"
    assert [event.kind for event in analyze(Raw("x", data.encode()))] == [Kind.UNRECOGNIZED]
