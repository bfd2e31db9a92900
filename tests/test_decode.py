from datetime import UTC, datetime

import pytest

from bounces import mime, signs
from bounces.analyze import analyze
from bounces.decode import decode
from bounces.entries import beside, described
from bounces.model import Action, Kind, Raw
from bounces.settings import Settings


def dsn(*groups, text="It failed.", returned="From: news@example.org\nTo: anna@example.net\nSubject: News"):
    """Write a notice of RFC 3464."""
    fields = "\n\n".join(("Reporting-MTA: dns; mx.example.com", *groups))
    return (
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.com\nTo: bounces@example.org\nSubject: Undelivered mail\n"
        "Date: Thu, 5 Mar 2026 08:00:00 +0100\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        f"--b\nContent-Type: text/plain\n\n{text}\n\n--b\nContent-Type: message/delivery-status\n\n{fields}\n\n"
        f"--b\nContent-Type: message/rfc822\n\n{returned}\n\nBody\n--b--\n"
    ).encode()


def event(data):
    """Return the only event of a message."""
    (found,) = analyze(Raw("x", data))
    return found


FAILED = "Final-Recipient: rfc822; anna@example.net\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 user unknown"


def test_each_group_is_an_attempt_of_its_own_kind():
    """One notice, a failure, a delay and a delivery: three events, and the notice as a whole is a failure."""
    delayed = "Final-Recipient: rfc822; ben@example.net\nAction: delayed\nStatus: 4.4.1\nWill-Retry-Until: Fri, 6 Mar 2026 08:00:00 +0000"
    relayed = "Final-Recipient: rfc822; carl@example.net\nAction: relayed\nStatus: 2.0.0"
    data = dsn(FAILED, delayed, relayed)
    assert [one.kind for one in analyze(Raw("x", data))] == [Kind.FAILURE, Kind.DELAY, Kind.DELIVERY]
    assert decode(mime.parse(data)).kind is Kind.FAILURE
    assert analyze(Raw("x", data))[1].retry_after == datetime(2026, 3, 6, 8, tzinfo=UTC)


def test_groups_without_a_blank_line_between_them_are_two():
    """Two recipients whose fields follow one another directly."""
    data = dsn(FAILED + "\n" + FAILED.replace("anna", "ben"))
    assert [one.recipient for one in analyze(Raw("x", data))] == ["anna@example.net", "ben@example.net"]


def test_prose_fills_gaps_and_overwrites_nothing():
    """The command stands in the text only; the status of the fields stays."""
    text = "<anna@example.net>: host mx.example.net[192.0.2.1] said: 552 5.2.2 full (in reply to RCPT TO command)"
    found = event(dsn(FAILED, text=text))
    assert (found.status, found.reply_code, found.command) == ("5.1.1", "550", "RCPT")


def test_a_bare_status_gives_way_to_a_specific_one():
    """Postfix writes 5.0.0 where the server gave no enhanced code; the text may have one."""
    group = "Final-Recipient: rfc822; anna@example.net\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 552 5.2.2 mailbox full"
    assert event(dsn(group)).status == "5.2.2"


def test_an_expiry_gives_way_to_what_the_server_had_said_last():
    """4.4.7 tells only that time ran out; the reply that is quoted tells what had kept the message."""
    expired = "Final-Recipient: rfc822; anna@example.net\nAction: failed\nStatus: 4.4.7\nDiagnostic-Code: smtp; "
    text = "anna@example.net\nRemote Server returned '550 4.4.7 QUEUE.Expired; message expired'\nRemote Server returned '452 4.2.2 Mailbox full'"
    found = event(dsn(f"{expired}550 4.4.7 QUEUE.Expired; message expired", text=text))
    assert (found.reply_code, found.status, found.permanence) == ("452", "4.2.2", "transient")
    assert found.diagnostic_code.startswith("550 4.4.7 QUEUE.Expired; message expired; 452 4.2.2 Mailbox full")
    found = event(dsn(f"{expired}554 4.4.7 expired <421 4.4.2 timed out>"))
    assert (found.reply_code, found.status) == ("421", "4.4.2")


def test_the_text_tells_of_the_only_recipient_even_where_its_field_is_damaged():
    """A group whose Final-Recipient is no address: the transcript beside it is about nobody else."""
    group = "Final-Recipient: RFC822; @mx.example.org\nAction: failed\nStatus: 5.1.2"
    found = event(dsn(group, text="<anna@example.net>\n    (reason: 550 Host unknown)"))
    assert (found.recipient, found.reply_code, found.status) == ("anna@example.net", "550", "5.1.2")


def test_a_final_failure_with_a_transient_code_is_a_soft_failure():
    """Action: failed with Status: 4.4.7 is final, but nobody is dead."""
    found = event(dsn("Final-Recipient: rfc822; anna@example.net\nAction: failed\nStatus: 4.4.7"))
    assert (found.kind, found.permanence, found.bounce_type) == (Kind.FAILURE, "transient", "soft")


@pytest.mark.parametrize(
    ("header", "text", "notice"),
    [
        ("From: MAILER-DAEMON@example.com\nSubject: failure notice", "It failed.", True),
        ("From: postmaster@example.com\nReturn-Path: <>", "Your message could not be delivered.", True),
        ("From: bob@example.com\nSubject: Re: failure notice\nIn-Reply-To: <x@y>", "> Your message could not be delivered.", False),
        ("Subject: Delivery failed", "Your message could not be delivered.", False),
        ("From: MAILER-DAEMON <>\nSubject: Mail delivery failed", "It failed.", True),
        ("From: bob@example.com\nSubject: Your invoice", "Payment failed, the mail could not be delivered to your door.", False),
        ("From: shop@example.com\nSubject: Delivery problem with your parcel", "We were unable to deliver your parcel.", False),
        ("From: list@example.com\nList-Id: <list.example.com>\nSubject: [list] mail delivery failed?", "My mail could not be delivered.", False),
    ],
)
def test_words_alone_make_no_notice(header, text, notice):
    """It takes signs of a mail system; people quote notices and write of failed deliveries."""
    assert signs.is_notice(mime.parse(f"{header}\nTo: me@example.org\n\n{text}\n".encode())) is notice


def test_a_warning_is_no_failure():
    """Without an Action field the words tell that the system goes on trying."""
    text = "<anna@example.net>: connection timed out\n\nI will keep trying. You do not need to resend the message."
    data = f"From: MAILER-DAEMON@example.com\nTo: me@example.org\nSubject: Delayed mail\nDate: Thu, 5 Mar 2026 08:00:00 +0000\n\n{text}\n"
    found = event(data.encode())
    assert (found.kind, found.action, found.bounce_type, found.permanence) == (Kind.DELAY, Action.DELAYED, None, "transient")


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("Delivery has been successful to:\n\n    anna@example.net\n", Action.DELIVERED),
        ("Erfolgreich zugestellt:\n\n    anna@example.net\n", Action.DELIVERED),
        ("Delivery has been successful to some; for this one it has failed permanently:\n\n    anna@example.net\n", Action.FAILED),
        ("Successful delivery is not possible:\n\n    anna@example.net: 550 5.1.1 user unknown\n", Action.FAILED),
    ],
)
def test_a_confirmation_without_fields_is_no_failure(text, action):
    """Without an Action field the words tell that it succeeded; a code tells that it did not."""
    data = f"From: MAILER-DAEMON@example.com\nReturn-Path: <>\nTo: me@example.org\nSubject: Your message\nDate: x\n\n{text}\n"
    assert event(data.encode()).action is action


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host mx.example.com[192.0.2.1] said: 550 5.1.1 no (in reply to RCPT TO command)", ("550", "5.1.1", "mx.example.com", "RCPT")),
        ("SMTP error from remote mail server after end of data:\n host mx.example.com [192.0.2.1]: 554 no", ("554", None, "mx.example.com", "DATA")),
        ("192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 no", ("550", "5.1.1", None, "RCPT")),
        (">>> MAIL From:<a@example.com>\n>>> RCPT To:<b@example.com>\n<<< 550 no", ("550", None, None, "RCPT")),
        ("no code here", (None, None, None, None)),
    ],
)
def test_what_stands_beside_an_address(text, expected):
    """Codes, remote MTA and command are read out of the text."""
    found = described("a@example.com", text)
    assert (found.reply_code, found.status, found.remote_mta, found.command) == expected


def test_the_recipient_is_nobody_else_whom_the_notice_names():
    """Neither who signs, nor the sender, nor whom to ask is the one that failed."""
    text = (
        "Your message\n  From: News <news@example.org>\nto karl@example.net could not be delivered: user unknown.\n\n"
        "For help contact help@example.com\n\nRegards,\nJohn\njohn@example.com\n"
    )
    data = f"From: MAILER-DAEMON@example.com\nTo: bounces@example.org\nSubject: Undelivered Mail Returned to Sender\n\n{text}"
    assert event(data.encode()).recipient == "karl@example.net"


def test_the_event_id_is_the_same_wherever_a_notice_is_read():
    """Another path, other line ends, a Received line more: the same notice."""
    data = dsn(FAILED)
    ids = {
        analyze(Raw(origin, one))[0].event_id
        for origin, one in (("a", data), ("b#7", data.replace(b"\n", b"\r\n")), ("c", b"Received: by x\n" + data))
    }
    assert len(ids) == 1
    assert analyze(Raw("a", dsn(FAILED.replace("anna", "ben"))))[0].event_id not in ids


def test_an_empty_message_is_unreadable_and_counted():
    """Nothing is dropped: what can't be read is an event that says why."""
    found = event(b" \n")
    assert (found.kind, found.defects) == (Kind.UNREADABLE, ("the message is empty",))


@pytest.mark.parametrize("date", ["nonsense", "Thu, 5 Mar 99999 08:00:00 +0000", "", "Fri, 31 Feb 2026 00:00:00 +9999"])
def test_odd_dates_are_absent(date):
    """A date that is none, or none that a table can hold, is no error."""
    data = dsn(FAILED).replace(b"Thu, 5 Mar 2026 08:00:00 +0100", date.encode())
    assert event(data).received_at is None


ALIAS = "Original-Recipient: rfc822; team@example.net\nFinal-Recipient: rfc822; ben@inner.example\nAction: failed\nStatus: 5.1.1"


@pytest.mark.parametrize(
    ("group", "action"),
    [
        (ALIAS, "review"),
        (ALIAS.replace("ben@", "team@"), "review"),
        (ALIAS.replace("team@", "anna@").replace("ben@", "anna@"), "remove"),
        (ALIAS.replace("ben@inner.example", "team+news@mail.example.net"), "remove"),
        (ALIAS.replace("ben@", "IMCEAEX-_O=EX_CN=TEAM@"), "remove"),
    ],
)
def test_an_alias_is_not_removed_for_one_of_those_behind_it(group, action):
    """Another local part, or a role's at another domain, is another mailbox; a person's own name on another host is the subscriber's own."""
    assert event(dsn(group)).recommended_action == action


PAGE = """<anna@example.net>
    (reason: 550 5.1.1 User unknown)
<ben@example.net>

... while talking to mx.example.net.:
>>> RCPT To:<anna@example.net>
<<< 550 5.1.1 User unknown
550 5.1.1 <anna@example.net>... User unknown
<ben@example.net>... Deferred: Connection refused by mx.example.net.
"""


def test_what_a_text_says_of_each_address():
    """Up to another one's, where a code is; and what Sendmail concludes on an address."""
    assert beside(PAGE, {"anna@example.net", "ben@example.net"}) == {
        "anna@example.net": "\n    (reason: 550 5.1.1 User unknown)\n".replace("\n", ">\n", 1),
        "ben@example.net": "<ben@example.net>... Deferred: Connection refused by mx.example.net.",
    }
    assert beside("no address", {"anna@example.net"}) == {"anna@example.net": "no address"}
    assert beside("no address", set()) == {"": "no address"}


def prose(text, *, sender="postmaster@example.com", path="<>", subject="Undelivered mail", returned=""):
    """Write a notice in prose."""
    return f"Return-Path: {path}\nFrom: {sender}\nTo: news@example.org\nSubject: {subject}\n\n{text}\n{returned}".encode()


SHARED = [
    # the reason stands below the addresses, above them, beside each, or before all of them with a code
    ("could not be delivered to:\n\nanna@example.net\nben@example.net\n\nThe mailbox is full.", ["mailbox_full", "mailbox_full"]),
    ("The mailbox is full:\n\n  anna@example.net\n  ben@example.net\n", ["mailbox_full", "mailbox_full"]),
    ("anna@example.net: mailbox is full\nben@example.net: user unknown\n", ["mailbox_full", "user_unknown"]),
    ("refused with 552 5.2.2 mailbox full\n\nRecipients:\n  anna@example.net\n  ben@example.net\n\nAdditional information", ["mailbox_full"] * 2),
    (
        "Empfänger: anna@example.net\nGrund: Postfach voll\n\nEmpfänger: ben@example.net\nGrund: Benutzer unbekannt\n",
        ["mailbox_full", "user_unknown"],
    ),
]


@pytest.mark.parametrize(("text", "reasons"), SHARED)
def test_prose_pairs_addresses_with_reasons_in_any_order(text, reasons):
    """Whatever the order, each address has its reason."""
    events = analyze(Raw("x", prose(f"Your message could not be delivered.\n\n{text}\n\nQuestions: help@example.com")))
    assert [(one.recipient, one.reason) for one in events] == list(zip(["anna@example.net", "ben@example.net"], reasons, strict=True))


def test_names_stand_for_addresses_where_the_returned_message_tells_them():
    """Some systems list only local parts or display names."""
    returned = (
        "\n------ Original message ------\nFrom: news@example.org\nTo: Anna Example <a.example@example.net>, ben@example.net\nDate: x\nSubject: x\n"
    )
    events = analyze(Raw("x", prose("could not be delivered to:\n\nAnna Example (mailbox is full)\nben (user unknown)\n", returned=returned)))
    assert [(one.recipient, one.reason) for one in events] == [("a.example@example.net", "mailbox_full"), ("ben@example.net", "user_unknown")]


def test_a_notice_that_names_nobody_is_told_by_a_return_path_of_our_own():
    """The templates of the user's own return paths tell, too."""
    data = prose("Your message could not be delivered: the mailbox is full.").replace(b"To: news@", b"To: b.anna#example.net@")
    assert analyze(Raw("x", data))[0].kind is Kind.UNRECOGNIZED
    (found,) = analyze(Raw("x", data), Settings(verp=("b.{local}#{domain}@example.org",)))
    assert (found.kind, found.recipient, found.reason) == (Kind.FAILURE, "anna@example.net", "mailbox_full")


def test_a_line_that_only_begins_as_letters_end_ends_nothing():
    """A sentence that begins with "Thanks" is no signature."""
    text = "Thanks to the new filter of our mail system your message could not be delivered to:\n\nanna@example.net: user unknown"
    assert [one.recipient for one in analyze(Raw("x", prose(text)))] == ["anna@example.net"]


@pytest.mark.parametrize(
    "data",
    [
        # a mail system's name, and nothing that a mail system would tell
        prose("You have 7 undelivered messages. Release them: https://phish.example", path="<x@phish.example>"),
        prose("Your mailbox is full, messages could not be delivered.", path="<x@phish.example>"),
        prose("3 messages on hold:\n\nshop@example.com Undelivered offer", subject="Messages on hold for news@example.org"),
        # a warning to the recipient of what others sent
        prose("A virus was found in a message to you.\n\nSender: x@example.com\nRecipient: news@example.org", subject="Virus found"),
    ],
)
def test_what_only_looks_like_a_notice_is_none(data):
    """Phishing, digests and warnings about others' mail say nothing about a delivery of ours."""
    assert [one.kind for one in analyze(Raw("x", data))] == [Kind.UNRECOGNIZED]
