import base64
import quopri
import sys
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bounces import mime
from bounces.mime import parse, part_tree

ROOT = Path(__file__).parent.parent
SAMPLES = sorted((ROOT / "samples").glob("*/*.eml"))
CORPUS = sorted((ROOT.parent / "shared" / "corpus" / "files").glob("*/*"))
needs_corpus = pytest.mark.skipif(not CORPUS, reason="the known notices are not beside this checkout")


def without_fast_reader(data):
    """Read a message as if every multipart were in doubt."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mime, "MOST_DELIMITERS", 0)
        return parse(data)


def tree(data, reader):
    """Return the leaves by one reader; trailing empty lines don't count, nor what follows the header of a returned message."""
    leaves = [(kind, mime._split(content)[0] if kind in mime.RETURNED_TYPES else content) for kind, content in part_tree(data, reader)]
    return [(kind, content.rstrip(b"\n")) for kind, content in leaves]


def trees(data):
    """Return the leaves by the fast reader, or None where it isn't trusted, and by the reference reader."""
    try:
        fast = tree(data, "fast")
    except ValueError:
        fast = None
    return fast, tree(data, "reference")


def multipart(*parts, boundary="b", header='multipart/mixed; boundary="b"'):
    """Write a multipart message of (header, body) pairs."""
    inner = "".join(f"--{boundary}\n{fields}\n\n{body}\n" for fields, body in parts)
    return f"From: a@example.com\nContent-Type: {header}\n\n{inner}--{boundary}--\n".encode()


# --- the two readers


def test_both_readers_agree_on_the_samples():
    """Wherever the fast reader is trusted it makes the same tree, and without it the same Message comes out."""
    assert SAMPLES
    for path in SAMPLES:
        data = path.read_bytes()
        assert without_fast_reader(data) == parse(data), path
        if parse(data).content_type.startswith("multipart/") and (found := trees(data))[0] is not None:
            assert found[0] == found[1], path


@needs_corpus
def test_both_readers_agree_on_the_known_notices():
    """As on the samples; and on nearly all of them the fast reader is trusted."""
    multiparts = [data for path in CORPUS if parse(data := path.read_bytes()).content_type.startswith("multipart/")]
    found = [trees(data) for data in multiparts]
    assert [fast for fast, reference in found if fast is not None and fast != reference] == []
    assert sum(fast is not None for fast, _ in found) > 0.9 * len(multiparts)
    for path in CORPUS:
        assert without_fast_reader(path.read_bytes()) == parse(path.read_bytes()), path


PROSE = st.sampled_from(
    [
        "Hello\nworld",
        "550 5.1.1 unknown\n\nmore",
        "",
        "\n",
        "--not a boundary",
        "=3D and =20",
        "a=\nb",
        "trailing \t",
        "café",
        "-- \nsig",
        "From: a\nTo: b\n\nc",
    ]
)
RARELY = st.integers(0, 9).map(lambda number: number == 0)
STATUS = "Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@example.com\nAction: failed"
INNER = 'From: b@example.com\nSubject: x\nContent-Type: multipart/mixed; boundary="in"\n\n--in\n\nfoo\n--in--\n'


@st.composite
def leaves(draw):
    """Write a part as software does, or nearly."""
    kind = draw(
        st.sampled_from(
            ["text/plain", "TEXT/HTML; charset=utf-8", "message/rfc822", "Message/Delivery-Status", "text/rfc822-headers", "a/b", "text", ""]
        )
    )
    fields = [f"Content-Type: {kind}"] if draw(st.integers(0, 4)) else []
    body = {"message/rfc822": INNER, "Message/Delivery-Status": STATUS}.get(kind) or draw(PROSE)
    encoding = draw(st.sampled_from(["", "7bit", "8bit", "base64", "Quoted-Printable"]))
    if encoding and kind != "message/rfc822":
        fields.append(f"Content-Transfer-Encoding: {encoding}")
        dirt = draw(st.sampled_from(["=ZZ =3d = \nx=\n", "!!!\n", " ", "\n\nfooter text here\n", "caf\u00e9"])) if draw(RARELY) else ""
        body = {"base64": base64.encodebytes, "Quoted-Printable": quopri.encodestring}.get(encoding, lambda data: data)(body.encode()).decode() + dirt
    if draw(RARELY):
        fields.insert(0, draw(st.sampled_from(["garbage line", "Foo Bar: x", " continued", ":x", "X-Y : z", "Content-type: text/html", "Empty:"])))
    return "\n".join(fields) + draw(st.sampled_from(["\n\n"] * 9 + ["\n"])) + body


BOUNDARIES = st.sampled_from(["=_abc", "----=_Part_1", "xyz", "xyz1", "a", "==b==", "A/B.1/mx.example.com", "'q'", "a b"])


@st.composite
def multiparts(draw, depth=0):
    """Write a multipart's header and body, with the flaws that mail has, some of the time."""
    boundary = draw(BOUNDARIES)
    inner = st.one_of(leaves(), multiparts(depth + 1)) if depth < 2 else leaves()
    delimiter = f"--{boundary}" + draw(st.sampled_from([""] * 9 + [" ", "\t"]))
    body = draw(st.sampled_from(["", "\n", "preamble\n", "--\n"]))
    for part in draw(st.lists(inner, max_size=3)):
        body += f"{delimiter}\n{part}" + draw(st.sampled_from(["\n", "\n\n"]))
    body += draw(
        st.sampled_from(
            [f"--{boundary}--\n"] * 8 + [f"--{boundary}--", "", f"--{boundary}--\n--{boundary}\n\nlate\n", f"--{boundary}--\n\nepilogue\n"]
        )
    )
    written = draw(st.sampled_from([f'boundary="{boundary}"'] * 9 + FORMS)).replace("BOUNDARY", boundary)
    if draw(RARELY):
        body = body[: draw(st.integers(0, len(body)))]
    space = draw(st.sampled_from([" ", "\n\t", ""]))
    return f"Content-Type: multipart/{draw(st.sampled_from(['mixed', 'report']))};{space}{written}\n\n{body}"


FORMS = [
    "boundary=BOUNDARY",
    'boundary="BOUNDARY',
    "boundary='BOUNDARY'",
    'boundary="\\BOUNDARY"',
    'boundary = "BOUNDARY"',
    'BOUNDARY="BOUNDARY"',
    "charset=x",
]
FORMS += [
    "boundary*0=BOUNDARY",
    "boundary*=us-ascii''BOUNDARY",
    '(c) boundary="BOUNDARY"',
    'boundary="BOUNDARY" (c)',
    'boundary="BOUNDARY "',
    'boundary="other"',
]


@given(multiparts())
@example('Content-Type: multipart/mixed; boundary="=_abc"\n\n--\n')
def test_the_readers_agree_wherever_the_fast_one_is_trusted(written):
    """Nested, truncated, misdeclared, dirty: either both make the same of it, or the fast one isn't asked."""
    data = f"From: a@example.com\n{written}".encode()
    if mime.parse(data).content_type.startswith("multipart/"):
        fast, reference = trees(data)
        assert fast in (None, reference)
    assert without_fast_reader(data) == parse(data)


@given(multiparts(), st.sampled_from([b"\r\n", b"\r", b"\r\r\n"]))
def test_line_ends_make_no_difference(written, end):
    """LF, CRLF, CR, and CRLF that a gateway made CRCRLF of give an identical Message."""
    data = f"From: a@example.com\nSubject: b\n{written}".encode()
    assert parse(data.replace(b"\n", end)) == parse(data)


TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=60)


@given(st.lists(st.tuples(TEXTS, st.sampled_from(["8bit", "base64", "quoted-printable"])), min_size=1, max_size=5))
def test_what_was_written_is_read(written):
    """Each text of a well-formed message comes back, whatever its encoding, and the fast reader is trusted with it."""
    encode = {"8bit": bytes, "base64": base64.encodebytes, "quoted-printable": quopri.encodestring}
    parts = [
        (f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {encoding}", encode[encoding](text.encode()).decode())
        for text, encoding in written
    ]
    message = parse(multipart(*parts))
    assert message.text.split() == [text for text, _ in written]
    assert message.defects == ()


@given(st.binary(max_size=600))
def test_any_bytes_make_a_message(data):
    """Nothing that a stranger sends raises: alone, as a header, as a part, as a field or as a returned message."""
    for frame in (
        b"%s",
        b"Subject: %s\n\nx",
        b"Content-Type: %s\n\n--b\n\nx\n--b--",
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n%s\n--b--",
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n%s\n--b--",
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n%s\n--b--",
        b"Content-Type: text/html; charset=%s\n\n<p>x",
    ):
        message = parse(frame % data)
        assert message == without_fast_reader(frame % data)
        assert repr(message).encode("utf-8")


# --- what a Message is made of


def test_the_three_parts_of_a_report():
    """Text for people, fields for machines, what was returned: its header only, whatever its body is."""
    original = f"To: a@example.com\nSubject: =?utf-8?q?Caf=C3=A9?=\n{INNER}"
    message = parse(
        multipart(
            ("Content-Type: text/plain", "It failed."),
            ("Content-Type: message/delivery-status", STATUS),
            ("Content-Type: message/rfc822", original),
            ("Content-Type: text/plain", "An antivirus program's footer"),
            header='multipart/report; report-type=Delivery-Status; boundary="b"',
        )
    )
    assert message.text == "It failed."
    assert message.html is False
    assert (message.content_type, message.report_type) == ("multipart/report", "delivery-status")
    assert message.part_types == ("text/plain", "message/delivery-status", "message/rfc822", "text/plain")
    assert [group.get("final-recipient") for group in message.delivery_status] == [None, "rfc822; a@example.com"]
    assert message.returned.get("SUBJECT") == "Café"
    assert message.defects == ()


def test_a_report_inside_a_multipart_is_read_and_an_embedded_message_is_not():
    """A multipart's parts are all read, however deep; a message inside is what was returned, and nothing in it is looked at."""
    report = multipart(("Content-Type: text/plain", "It failed."), ("Content-Type: message/delivery-status", STATUS), boundary="c").decode()
    inner = report.partition("\n")[2].replace('boundary="b"', 'boundary="c"').partition("\n\n")[2]
    data = multipart(('Content-Type: multipart/report; boundary="c"', inner), ("Content-Type: message/rfc822", INNER.replace("foo", STATUS)))
    message = parse(data)
    assert message.part_types == ("text/plain", "message/delivery-status", "message/rfc822")
    assert len(message.delivery_status) == 2
    assert message.returned.get("Subject") == "x"


def test_feedback_reports_and_disposition_notifications():
    """The fields of RFC 5965 and RFC 8098 are there, wherever their part stands."""
    message = parse(
        multipart(
            ("Content-Type: message/feedback-report", "Feedback-Type: abuse\n\nUser-Agent: x"),
            ("Content-Type: message/disposition-notification", "Disposition: automatic-action/MDN-sent-automatically; displayed"),
            ("Content-Type: text/rfc822-headers", "To: a@example.com"),
        )
    )
    assert message.feedback_report.fields == (("Feedback-Type", "abuse"), ("User-Agent", "x"))
    assert message.disposition_notification.get("Disposition").endswith("displayed")
    assert message.returned.get("To") == "a@example.com"


def test_a_message_without_parts():
    """A plain notice is its own part, its encoding and charset undone, the header it quotes split off."""
    body = base64.encodebytes("Fehlgeschlagen: Empfänger\n\nReceived: x\nFrom: y\nTo: z\n\nGeheim".encode("cp1252")).decode()
    data = f"From: a@example.com\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: BASE64\n\n{body}".encode()
    message = parse(data)
    assert message.text.strip() == "Fehlgeschlagen: Empfänger"
    assert message.returned.get("To") == "z"
    assert message.part_types == ("text/plain",)
    assert message.defects == ()


def test_a_notice_that_quotes_another_one_whole():
    """The notice inside is the one that is meant: its fields, and what it returned."""
    original = "Received: z\nTo: a@example.com\nSubject: mine\n\n"
    quoted = f"Received: x\nFrom: y\nContent-Type: multipart/report; boundary=c\n\nIt failed.\n\n{STATUS}\n\n{original}"
    message = parse(f"From: a@example.com\n\nThis came back:\n\n{quoted}".encode())
    assert message.text.strip() == "This came back:"
    assert [group.get("Final-Recipient") for group in message.delivery_status] == [None, "rfc822; a@example.com"]
    assert message.returned.get("Subject") == "mine"


@pytest.mark.parametrize(
    ("plain", "markup", "text", "html"),
    [
        ("It failed.", "<p>It didn't work.", "It failed.", False),
        ("It failed.", "<p>It didn't work, and here is why.", "It failed.", False),
        ("", "<p>It didn't work.", "It didn't work.", True),
        (" \n \n", "<p>It didn't work.", "It didn't work.", True),
        ("This message has an HTML part.", "<p>Delivery to a@example.com failed: 550", "Delivery to a@example.com failed: 550", True),
        ("a@example.com: 550", "<p>Your message to a@example.com could not be delivered: 550", "a@example.com: 550", False),
        ("", "<style>p{}</style>", "", True),
    ],
)
def test_html_is_read_only_where_the_plain_text_says_nothing(plain, markup, text, html):
    """The plain text is what people are meant to read; the HTML part stands in for an empty one, or for one that only points to it."""
    message = parse(multipart(("Content-Type: text/plain", plain), ("Content-Type: text/html", markup)))
    assert message.text.strip() == text
    assert message.html is (html and bool(text))


def test_html_says_its_charset_itself():
    """A part without a charset parameter is read by its meta element."""
    markup = '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r"><p>Ошибка'.encode("koi8-r")
    assert parse(b"Content-Type: text/html\n\n" + markup).text == "Ошибка"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\n\nFrom: a\n\ntext", "text"),
        (b"\xef\xbb\xbfFrom: a\n\n\xef\xbb\xbftext", "text"),
        (b"From a@example.com Thu Jan  1 00:00:00 2026\nSubject: b\n\ntext", "text"),
        (b"From: a\n \t\ntext", "text"),
        (b"From: a\n  \nSubject: b\n\ntext", "text"),
        (b"no header at all\n\ntext", "no header at all\n\ntext"),
        (b"From: a", ""),
        (b"From: a\n\nte\0xt\n\n", "text"),
        (b"From: a\n\none\rtwo\r\nthree\r\r\nfour", "one\ntwo\nthree\nfour"),
        (b"", ""),
    ],
)
def test_where_the_header_ends(data, text):
    """Empty lines and marks before it, an mbox line, a line of white space in it or after it; without a header all is text."""
    assert parse(data).text == text


# --- flaws


DAMAGED = [
    ("multipart/report", "multipart without a boundary"),
    ("multipart/report; boundary=other", "boundary not found in the body"),
    ("multipart/report; boundary=" + "x" * 1_000_000, "boundary not found in the body"),
    ("multipart/report; boundary=b", None),
    ("multipart/report; boundary='b'", None),
    ('multipart/report; boundary="b', None),
    ("multipart/report; boundary*0=b", None),
    ("multipart/report boundary=b", None),
    ("multipart/report; (x) boundary=b (y)", None),
]


@pytest.mark.parametrize(("header", "flaw"), DAMAGED, ids=lambda value: str(value)[:40])
def test_a_boundary_that_is_missing_or_wrong_is_found_in_the_body(header, flaw):
    """A report whose header doesn't name its boundary has all its parts, and the flaw is named."""
    parts = [("Content-Type: text/plain", "It failed."), ("Content-Type: message/delivery-status", STATUS), ("Content-Type: message/rfc822", INNER)]
    message = parse(multipart(*parts, header=header))
    assert message.text == "It failed."
    assert len(message.delivery_status) == 2
    assert message.returned.get("Subject") == "x"
    assert message.defects == ((flaw,) if flaw else ())


def test_a_report_that_lost_its_content_type():
    """A body that begins with a delimiter and is closed is a multipart's, whatever the header forgot."""
    data = multipart(("Content-Type: text/plain", "It failed."), ("Content-Type: message/delivery-status", STATUS))
    body = data.partition(b"\n\n")[2]
    message = parse(b"From: a@example.com\n\nThis is a MIME-encapsulated message\n\n" + body)
    assert message.text == "It failed."
    assert len(message.delivery_status) == 2
    assert parse(b"From: a@example.com\n\n-- \nsignature\n").part_types == ("text/plain",)


@pytest.mark.parametrize("header", ["multipart/mixed", "multipart/mixed; boundary=b"])
def test_a_multipart_without_parts_is_text(header):
    """Where there is no delimiter at all, what there is can be read; fields for machines are found in it."""
    message = parse(f"From: a@example.com\nContent-Type: {header}\n\nIt failed.\n\n{STATUS}\n".encode())
    assert message.text.strip() == "It failed."
    assert len(message.delivery_status) == 2
    assert len(message.defects) == 1


def test_a_nested_multipart_that_lost_its_boundary_keeps_its_text():
    """As with the outer one: the parts are found by the boundary that is used, or the text is kept as it is."""
    inner = "--c\nContent-Type: text/plain\n\nIt failed.\n--c--"
    for body in (inner, "It failed."):
        message = parse(multipart(("Content-Type: multipart/alternative;", body), ("Content-Type: message/delivery-status", STATUS)))
        assert message.text == "It failed."
        assert len(message.delivery_status) == 2


@pytest.mark.parametrize("cut", ["It", "failed.\n--b\n", "Reporting-MTA", "Action:", "Subject: x", "foo"])
def test_a_truncated_report_keeps_what_there_is(cut):
    """Wherever a message breaks off, what stands before is read."""
    parts = [("Content-Type: text/plain", "It failed."), ("Content-Type: message/delivery-status", STATUS), ("Content-Type: message/rfc822", INNER)]
    data = multipart(*parts)
    message = parse(data[: data.index(cut.encode()) + len(cut)])
    assert message == without_fast_reader(data[: data.index(cut.encode()) + len(cut)])
    assert message.text.startswith("It")
    assert bool(message.delivery_status) is (cut not in {"It", "failed.\n--b\n", "Reporting-MTA"})


def test_a_part_after_the_closing_delimiter_is_read():
    """Some gateways close the multipart and add parts of their own."""
    data = multipart(("Content-Type: text/plain", "It failed.")) + b"--b\nContent-Type: message/delivery-status\n\n" + STATUS.encode()
    assert len(parse(data).delivery_status) == 2


@pytest.mark.parametrize(
    ("fields", "body", "text"),
    [
        ("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable", "café =C3=A9", "café é"),
        ("Content-Type: text/plain; charset=iso-2022-jp\nContent-Transfer-Encoding: quoted-printable", "\x1b$B$K\x1b(B =41", "に A"),
        ("Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable", "50 =3D 50 = 5 * 10", "50 = 50 = 5 * 10"),
        ("Content-Type: text/plain\nContent-Transfer-Encoding: base64", "SXQgZmFpbGVkLg==\n\nA footer!", "It failed."),
        ("Content-Type: text/plain\nContent-Transfer-Encoding: base64", "It failed.", "It failed."),
        ("Content-Type: text/plain\nContent-Transfer-Encoding: 8 bit", "It failed.", "It failed."),
        ("garbage\nContent-Type: text/plain", "It failed.", "It failed."),
        ("It failed.", "Really.", "Really."),
    ],
)
def test_what_the_fast_reader_would_lose_is_kept(fields, body, text):
    """Raw bytes in quoted-printable, dirty base64, headers that aren't clean: the reference reader is asked."""
    assert text in parse(multipart((fields, body))).text


def test_a_part_without_a_header_is_text():
    """A delimiter and then text, without the empty line between: nothing of the text is lost."""
    assert parse(b"Content-Type: multipart/mixed; boundary=b\n\n--b\nIt failed.\n--b--\n").text == "It failed."


def test_a_long_text_is_cut_and_says_so():
    """A notice has said what it has to say long before a quarter of a megabyte."""
    message = parse(b"From: a@example.com\n\n" + b"x" * 300_000)
    assert len(message.text) == mime.LONGEST_TEXT
    assert message.defects == ("text/plain part cut at 262144 bytes",)


@pytest.mark.parametrize("size", [1000, 100_000, 3_000_000])
def test_a_long_returned_message_costs_only_its_header(size):
    """Whatever its length, the header is what counts, and both readers find it."""
    original = "Subject: x\nTo: a@example.com\n\n" + "y\n" * (size // 2)
    data = multipart(
        ("Content-Type: text/plain", "It failed."), ("Content-Type: message/delivery-status", STATUS), ("Content-Type: message/rfc822", original)
    )
    message = parse(data)
    assert message.returned.get("Subject") == "x"
    assert message.defects == ()
    assert message == without_fast_reader(data)


def test_parts_behind_a_long_one_are_read():
    """What the fast reader isn't shown sends the message to the reference reader."""
    data = multipart(("Content-Type: text/plain", "x" * 100_000), ("Content-Type: message/delivery-status", STATUS))
    assert len(parse(data).delivery_status) == 2


# --- hostile mail


def nested(levels):
    """Write a multipart in a multipart in a multipart …"""
    return "".join(f"Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n" for level in range(levels)).encode()


def hidden(inner):
    """Write an embedded message whose encoding hides what is in it."""
    return (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(inner)
    )


REPORT = b"Content-Type: multipart/mixed; boundary=b\n\n"
HOSTILE = {
    "nested multiparts": nested(10_000),
    "many nested multiparts": nested(100_000),
    "nested multiparts and lines": nested(35) + b"\n" * 10_000_000,
    "hidden nested multiparts": hidden(nested(40_000)),
    "nested messages": b"Content-Type: message/rfc822\n\n" * 100_000,
    "nested messages in a part": REPORT + b"--b\n" + b"Content-Type: message/rfc822\n\n" * 100_000,
    "header fields": b"X: y\n" * 100_000 + b"\nbody",
    "header folds": b"X: y\n" + b" z\n" * 3_000_000,
    "one long field": b"Subject: " + b"x" * 10_000_000 + b"\n\nbody",
    "one long line": b"From: a@example.com\n\n" + b"x" * 50_000_000,
    "no header": b"x" * 50_000_000,
    "a long boundary": b'Content-Type: multipart/mixed; boundary="' + b"b" * 1_000_000 + b'"\n\n--' + b"b" * 1_000_000,
    "delimiters": REPORT + b"--b\n" * 2_500_000,
    "delimiters and empty lines": REPORT + b"--b\n\n" * 2_000_000 + b"--b--",
    "closing delimiters": REPORT + b"--b--\n" * 1_600_000,
    "dashes": REPORT + b"--" * 5_000_000,
    "parts": REPORT + b"--b\nContent-Type: message/delivery-status\n\na: b\n\n" * 200_000,
    "groups": REPORT + b"--b\nContent-Type: message/delivery-status\n\n" + b"a: b\n\n" * 1_600_000,
    "quoted fields": b"From: a@example.com\n\n" + b"To: a\n\n" * 1_400_000,
    "encoded words": b"Subject: " + b"=?utf-8?q?x?= " * 700_000 + b"\n\n",
    "parameters": b'Content-Type: multipart/mixed; boundary=b; a="\\' * 200_000 + b"\n\n",
    "NULs": b"\0" * 10_000_000,
    "carriage returns": b"\r" * 10_000_000,
    "doubled line ends": b"\r\r\n" * 3_300_000,
    "high bytes": b"Subject: " + b"\xff" * 10_000_000,
    "quoted-printable": b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=41" * 3_300_000,
    "base64": b"Content-Transfer-Encoding: base64\n\n" + b"QQ==" * 2_500_000,
    "angle brackets": b"Content-Type: text/html\n\n" + b"<" * 10_000_000,
    "comments": b"Content-Type: text/html\n\n" + b"<!--" * 2_500_000,
    "divs": b"Content-Type: text/html\n\n" + b"<div>" * 2_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("reader", [parse, without_fast_reader])
def test_hostile_mail_takes_bounded_time(name, reader):
    """Ten megabytes of anything take about a second at most, nothing overflows the stack, and the Message is small."""
    started = time.process_time()
    message = reader(HOSTILE[name])
    assert time.process_time() - started < 3
    assert len(message.text) <= 2 * mime.LONGEST_TEXT
    assert len(message.headers.fields) <= 2000
    assert len(message.part_types) <= 200


def test_the_recursion_limit_is_left_alone():
    """However deep a message is nested, the interpreter's limit stays where it was."""
    before = sys.getrecursionlimit()
    parse(nested(10_000))
    assert sys.getrecursionlimit() == before
