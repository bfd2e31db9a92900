import pytest

from bounces.analyze import analyze
from bounces.model import Attempt, Headers, Message, Raw, RecipientSource
from bounces.recipient import candidates

ORIGINAL, PATH, RETURNED, FINAL = RecipientSource


def headers(text):
    """Make a header of its lines."""
    return Headers(tuple(tuple(line.split(": ", 1)) for line in text.splitlines()))


def found(returned="", *, notice="To: news@example.org", attempts=1, verp=(), final="a@inner.example", original=None):
    """Return what the candidates for an attempt are, by address, source and field."""
    message = Message(headers(notice), returned=headers(f"From: news@example.org\n{returned}"))
    told = candidates(Attempt(final_recipient=final, original_recipient=original), message, attempts, verp)
    return [(one.address, one.source, one.field) for one in told]


FORWARDED = [
    # the notice's own header, the returned header, who it was sent to and how that is known
    ("To: news@example.org", "To: Anna@Example.NET", ("anna@example.net", RETURNED, "To")),
    ("To: news@example.org", "To: x@example.net, y@example.net", ("a@inner.example", FINAL, "Final-Recipient")),
    ("To: news@example.org", "To: x@example.net, A@inner.example", ("a@inner.example", RETURNED, "To")),
    ("To: news@example.org", "Return-Path: <news+anna=example.net@example.org>\nTo: l@example.net", ("anna@example.net", PATH, "Return-Path")),
    ("Delivered-To: news+anna=example.net@example.org", "To: l@example.net", ("anna@example.net", PATH, "Delivered-To")),
    (
        "Received: from mx.example.net by mail.example.org with ESMTP for <bounces-anna=example.net@example.org>; Thu, 5 Mar 2026 08:00:00 +0000",
        "To: l@example.net",
        ("anna@example.net", PATH, "Received"),
    ),
    # a token of the sender's own comes before whom the header greets
    (
        "To: news@example.org",
        "X-Campaign-Recipient: anna@example.net\nTo: readers@example.org",
        ("anna@example.net", RETURNED, "X-Campaign-Recipient"),
    ),
    ("To: news@example.org", "X-Rcpt-To: <anna@example.net>", ("anna@example.net", RETURNED, "X-Rcpt-To")),
    (
        "To: news@example.org",
        "List-Unsubscribe: <https://example.org/leave?email=anna%40example.net>\nTo: x@example.net, y@example.net",
        ("anna@example.net", RETURNED, "List-Unsubscribe"),
    ),
    ("To: news@example.org", "List-Unsubscribe: <mailto:leave@example.org>\nTo: ben@example.net", ("ben@example.net", RETURNED, "To")),
    # the server that took it first knows whom it was for, not the one that it was forwarded to
    ("To: news@example.org", "Delivered-To: b@inner.example\nDelivered-To: anna@example.net", ("anna@example.net", RETURNED, "Delivered-To")),
    (
        "To: news@example.org",
        "Received: by inner.example for <a@inner.example>; x\nReceived: by mx.example.net for <anna@example.net>; x\nReceived: from [192.0.2.1]; x",
        ("anna@example.net", RETURNED, "Received"),
    ),
    # nobody's subscriber: the list, and the sender
    ("To: news@example.org", "To: list@example.org\nList-Post: <mailto:list@example.org>", ("a@inner.example", FINAL, "Final-Recipient")),
    ("To: news@example.org", "To: news@example.org", ("a@inner.example", FINAL, "Final-Recipient")),
    ("To: news@example.org", "To: redacted@example.net\nDelivered-To: anna@example.net", ("anna@example.net", RETURNED, "Delivered-To")),
]


@pytest.mark.parametrize(("notice", "returned", "best"), FORWARDED)
def test_the_subscriber_is_the_one_reported_and_not_the_forwards_target(notice, returned, best):
    """The best evidence of whom the list sent it to, and the field it stands in."""
    assert found(returned, notice=notice)[0] == best


def test_an_original_recipient_that_a_forwarding_server_filled_in_is_not_the_lists():
    """Whom the first server took it for comes first where Original-Recipient appears only later; unknown to the trace, the field is believed."""
    path = "Received: by inner.example for <a@inner.example>; x\nReceived: by fwd.example for <b@fwd.example>; x"
    trace = f"{path}\nReceived: by mx.example.net for <anna@example.net>; x"
    assert found(trace, original="b@fwd.example")[0] == ("anna@example.net", RETURNED, "Received")
    assert found(trace, original="anna@example.net")[0] == ("anna@example.net", ORIGINAL, "Original-Recipient")
    assert found(trace, original="c@example.net")[0] == ("c@example.net", ORIGINAL, "Original-Recipient")


def test_the_candidates_come_best_first_and_agreement_is_kept():
    """All that was read is there for `explain`, also what says the same."""
    assert found("To: anna@example.net", original="anna@example.net") == [
        ("anna@example.net", ORIGINAL, "Original-Recipient"),
        ("anna@example.net", RETURNED, "To"),
        ("a@inner.example", FINAL, "Final-Recipient"),
    ]


def test_a_rewritten_recipient_is_undone():
    """SRS and BATV come off, whichever field it was; one domain in two spellings is one."""
    assert found(final="SRS0=x=y=example.net=anna@fwd.example")[0][0] == "anna@example.net"
    assert found(final="prvs=0123456789=Anna@Example.Net")[0][0] == "anna@example.net"
    assert found(final="anna@xn--bcher-kva.example")[0] == ("anna@bücher.example", FINAL, "Final-Recipient")


def test_a_template_of_the_user_tells_where_the_default_forms_do_not():
    """--verp says how the own return paths are made."""
    notice = "To: b.77.anna#example.net@bounce.example.org"
    assert found(notice=notice)[0][1] is FINAL
    assert found(notice=notice, verp=("b.*.{local}#{domain}@bounce.example.org",))[0] == ("anna@example.net", PATH, "To")


def test_headers_tell_nothing_where_several_failed():
    """Of two recipients in one notice only their own fields are evidence."""
    assert found("To: anna@example.net\nX-Recipient: anna@example.net", attempts=2) == [("a@inner.example", FINAL, "Final-Recipient")]


@pytest.mark.parametrize(
    "written",
    [
        "rfc822;anna@example.net",
        "RFC822; <Anna@Example.NET>",
        "utf-8;anna@example.net",
        "x400; anna@example.net",
        "<anna@example.net>",
        "rfc822;;anna@example.net",
    ],
)
def test_types_brackets_and_case_make_no_difference(written):
    """However a system writes the address, the list's spelling comes out."""
    notice = (
        "From: MAILER-DAEMON@example.com\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: {written}\nAction: failed\nStatus: 5.1.1\n--b--\n"
    )
    (event,) = analyze(Raw("x", notice.encode()))
    assert event.recipient == "anna@example.net"
