import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounces import fields
from bounces.fields import content_type, date_time, field_groups, header_fields, inline_groups, machine_groups, parameter, split_returned


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" Thu, 5 Mar 2026 01:00:00 +0100", datetime(2026, 3, 5, tzinfo=UTC)),
        ("Thu, 5 Mar 2026 00:00:00 -0000", datetime(2026, 3, 5, tzinfo=UTC)),
        ("Thu, 5 Mar 1926 00:00:00 +0000", None),
        ("Thu, 5 Mar 9999 00:00:00 +0000", None),
        ("Fri, 31 Dec 9999 23:59:59 -0500", None),
        ("Thu, 5 Mar 2026 25:00:00 +0000", None),
        ("(", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_a_date_is_read_in_utc_or_not_at_all(value, expected):
    """A date that no calendar or column holds is none."""
    assert date_time(value) == expected


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("", ()),
        ("From: a@example.com\nTo: b@example.com", (("From", "a@example.com"), ("To", "b@example.com"))),
        ("Received: from a\n\tby b\n  with c", (("Received", "from a by b with c"),)),
        ("Subject: a\n \nTo: b", (("Subject", "a"), ("To", "b"))),
        ("Subject : spaced ", (("Subject", "spaced"),)),
        ("Empty:\nX: y", (("Empty", ""), ("X", "y"))),
        ("From a@example.com Mon Jan  1\nX: y\nno field\n>From b\n: nameless\nY: z", (("X", "y"), ("Y", "z"))),
        ("Subject: =?utf-8?q?Caf=C3=A9?=\n =?utf-8?q?_au_lait?=", (("Subject", "Café au lait"),)),
        ("Subject: =?utf-8?q?a=0AX-Failed-Recipients=3A_b?=", (("Subject", "a X-Failed-Recipients: b"),)),
        ("X: " + "y" * 100, (("X", "y" * 100),)),
        ("n" * 81 + ": too long a name", ()),
    ],
)
def test_a_header_is_read_as_it_comes(block, expected):
    """Fields are unfolded and their encoded words decoded; what is no field is passed over, and no word smuggles a field in."""
    assert header_fields(block).fields == expected


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,20}", fullmatch=True)
VALUES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), max_size=40).filter(lambda value: "=?" not in value)


@given(st.lists(st.tuples(NAMES, VALUES)), st.sampled_from(["\n ", "\n\t", "\n   "]))
def test_what_is_written_is_read(written, fold):
    """Every field comes back, folded or not, in order."""
    assert header_fields("\n".join(f"{name}: {value}" for name, value in written)).fields == tuple(written)
    assert header_fields("\n".join(f"{name}:{fold}{value}" for name, value in written)).fields == tuple(written)


def test_a_header_is_read_to_a_limit():
    """A hundred thousand fields, or one of megabytes, are more than anybody needs."""
    assert len(header_fields("X: y\n" * 100_000).fields) == fields.MOST_HEADERS
    assert len(header_fields("X: " + "y" * 10_000_000).fields[0][1]) < fields.LONGEST_HEADER


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("text/plain", "text/plain"),
        ("Text/HTML; charset=utf-8", "text/html"),
        (" multipart/report\t;report-type=delivery-status", "multipart/report"),
        ("multipart/report report-type=x", "multipart/report"),
        ("multipart/mixed(comment)", "multipart/mixed"),
        ("", "text/plain"),
        ("text", "text/plain"),
        ("/", "text/plain"),
        ("text/", "text/plain"),
        ("a/b/c", "text/plain"),
        ("; charset=utf-8", "text/plain"),
    ],
)
def test_a_type_that_is_none_is_plain_text(value, kind):
    """RFC 2045, section 5.2, makes text/plain of what is missing or nonsense; a forgotten semicolon isn't nonsense."""
    assert content_type(value) == kind


@pytest.mark.parametrize(
    ("value", "boundary"),
    [
        ("multipart/mixed; boundary=abc", "abc"),
        ('multipart/mixed; boundary="a;b c"', "a;b c"),
        ("multipart/mixed; BOUNDARY = abc ; x=y", "abc"),
        ("multipart/mixed boundary=abc", "abc"),
        ("multipart/mixed; (comment) boundary=abc", "abc"),
        ('multipart/mixed; boundary="abc" (comment)', "abc"),
        ('multipart/mixed; boundary="a\\"b\\\\c"', 'a"b\\c'),
        ('multipart/mixed; boundary="abc', "abc"),
        ("multipart/mixed; boundary='abc'", "'abc'"),
        ("multipart/mixed; boundary=abc; boundary=def", "abc"),
        ("multipart/mixed; boundary*0=ab; boundary*1=c", "abc"),
        ('multipart/mixed; boundary*0="a b"; boundary*1="c"', "a bc"),
        ("multipart/mixed; boundary*=us-ascii''a%62c", "abc"),
        ("multipart/mixed; boundary*0*=us-ascii''a%62; boundary*1*=c", "abc"),
        ('multipart/mixed; name="x boundary=y"; boundary=abc', "abc"),
        ("multipart/mixed; xboundary=abc", None),
        ("multipart/mixed; boundary", None),
        ("multipart/mixed", None),
        ("", None),
    ],
)
def test_a_parameter_however_it_is_written(value, boundary):
    """Quoted, split and percent-coded (RFC 2231), after a comment, with a quotation mark or a semicolon forgotten."""
    assert parameter(value, "boundary") == boundary


FINAL = "Final-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.1.1"
REPORTING = "Reporting-MTA: dns; mx.example.com"


def test_the_groups_of_a_report():
    """Blank lines part the groups, however many, with white space or without."""
    groups = field_groups(f"\n\n{REPORTING}\n \n\n{FINAL}\n\n\n{FINAL}\n")
    assert [len(group.fields) for group in groups] == [1, 3, 3]
    assert field_groups("") == field_groups("\n\n") == ()


def test_groups_in_a_text_are_taken_out_of_it():
    """A broken notice carries its fields as plain text: they are read, and what people should read stays."""
    text = f"It failed.\n\nDetails:\n{REPORTING}\n\n{FINAL}\n\n   ----- Transcript of session follows -----\n550 5.1.1 unknown"
    groups, rest = inline_groups(text)
    assert [group.get("Final-Recipient") for group in groups] == [None, "rfc822; a@example.com"]
    assert rest.split() == ["It", "failed.", "Details:", "-----", "Transcript", "of", "session", "follows", "-----", "550", "5.1.1", "unknown"]
    assert machine_groups(text) == groups


@pytest.mark.parametrize(
    "text", ["", "It failed.", "Status: 5.1.1\nAction: failed", "> " + FINAL.replace("\n", "\n> "), "the Final-Recipient: field"]
)
def test_text_without_groups_stays_whole(text):
    """Talk about fields, and fields that somebody quotes, are no groups."""
    assert inline_groups(text) == ((), text)


RETURNED = "Received: from x by y; Thu, 1 Jan 2026 00:00:00 +0000\nFrom: b@example.org\nTo: a@example.com\nSubject: Hi\n  folded"
ENVELOPE = "From: b@example.org\nTo: a@example.com\nSubject: Hi\nDate: Thu, 1 Jan 2026 00:00:00 +0000"
DIVIDERS = [
    "",
    "--- Below this line is a copy of the message.",
    "------ This is a copy of the message, including all the headers. ------",
    "   ----- Original message follows -----",
    "Message headers follow:",
]


@pytest.mark.parametrize("divider", DIVIDERS)
@pytest.mark.parametrize("prefix", ["", "\t", "> ", ">"])
def test_a_quoted_header_is_what_was_returned(divider, prefix):
    """The text ends where the header of the returned message begins, at the margin, behind a tab or quoted."""
    quoted = "\n".join(f"{prefix}{line}" for line in f"{RETURNED}\n\nBody".split("\n"))
    before, headers, after = split_returned(f"It failed.\n\n{divider}\n\n{quoted}")
    assert before.split() == f"It failed. {divider}".split()
    assert headers.get("To") == "a@example.com"
    assert headers.get("Subject") == "Hi folded"
    assert after.replace(">", "").strip() == "Body"


@pytest.mark.parametrize("divider", DIVIDERS[1:])
def test_an_announced_header_needs_no_trace(divider):
    """After a line that announces a message, the fields that every message has are enough."""
    assert split_returned(f"It failed.\n\n{divider}\n\n{ENVELOPE}\n\nBody")[1].get("Subject") == "Hi"


NO_HEADERS = [
    # what Exchange tells of the message
    "Your message\n\n  To:      b@example.com\n  Subject: Hi\n  Sent:    Thu, 1 Jan 2026\n\ndid not reach the following:\n\na@example.com on Thu\n",
    "Your message\n\nTo: b@example.com\nSubject: Hi\nSent: Thu, 1 Jan 2026\n\ndid not reach the following:\n\na@example.com on Thu\n",
    # what the Sun Java System Messaging Server begins with
    "This report relates to a message you sent with the following header fields:\n\n  Message-id: <1@x>\n  Date: x\n  From: y\n  To: z\n\nIt failed.",
    # what people quote
    "On Thursday you wrote:\n\n> From: b@example.org\n> Message-ID: <1@x>\n> Date: x\n> To: y\n\nand so on",
    "-----Forwarded-----\nFrom: b@example.org\nTo: a@example.com\nSubject: Hi\nDate: Thu, 1 Jan 2026\n\nhello",
    # fields for machines, and too few for a header
    f"{REPORTING}\nReceived: a\nFrom: b",
    "Received: from x\nFrom: y\n\nto be read",
    "Subject: this\nis: not\na: header",
    "",
]


@pytest.mark.parametrize("text", NO_HEADERS)
def test_what_only_looks_like_a_header_stays_in_the_text(text):
    """A summary of the message, a reply's quotation and fields for machines are no returned message."""
    assert split_returned(text) == (text, None, "")


HOSTILE = [
    "To: a\n",
    "To: a\n\n",
    "To: a\n \n",
    "> To: a\n",
    "> > > To: a\n\n",
    "\tReceived: a\n",
    ">",
    "\t",
    "\n",
    " ",
    "\n \n",
    "X-",
    "X-a:",
    "Received: a\n",
]
HOSTILE += ["Final-Recipient: a\n\n", "Final-Recipient: a\nAction: b\n\n", "Reporting-MTA: a\n", "a: b\n\n", "a: =?utf-8?q?b?=\n", ": ", "a:b\n c\n"]
HOSTILE += ["; boundary=", ';boundary="', "; boundary*0=a", '="\\', "boundary ", "boundary=a ", "a/"]


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_is_linear_in_a_hostile_text(piece):
    """Nothing backtracks: eight times the text costs about eight times the time, whichever function reads it."""

    def seconds(size):
        text = piece * (size // len(piece))
        times = []
        for _ in range(3):
            start = time.process_time()
            for function in (header_fields, content_type, field_groups, machine_groups, inline_groups, split_returned):
                function(text)
            parameter(text, "boundary")
            times.append(time.process_time() - start)
        return min(times)

    assert seconds(160_000) < 8 * 3 * seconds(20_000) + 0.1
