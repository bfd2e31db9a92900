import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounces import mime
from bounces.mime import parse, split_returned
from bounces.plaintext import decode_words, decoded, html_text

ROOT = Path(__file__).parent.parent
NOTICES = sorted((ROOT / "samples").glob("*/*.eml"))


def multipart(*parts, boundary="b", kind="mixed"):
    """Write a multipart message of (headers, body) pairs."""
    inner = "".join(f"--{boundary}\n{headers}\n\n{body}\n" for headers, body in parts)
    return f'From: a@example.com\nContent-Type: multipart/{kind}; boundary="{boundary}"\n\n{inner}--{boundary}--\n'.encode()


@pytest.mark.parametrize("path", NOTICES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_both_readers_make_the_same_message(path, monkeypatch):
    """Everything works without the fast reader, and comes out the same."""
    assert NOTICES
    data = path.read_bytes()
    fast = parse(data)
    monkeypatch.setattr(mime, "fast_mail_parser", None)
    assert parse(data) == fast


TEXTS = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "Zs")), min_size=1, max_size=60).map(lambda text: "x" + text.rstrip() + "y")


@given(st.lists(st.tuples(st.sampled_from(["text/plain", "text/html", "message/delivery-status", "application/pdf"]), TEXTS), min_size=1, max_size=5))
def test_the_readers_agree_on_well_formed_mail(parts):
    """Types and contents of the leaves are the same by both readers."""
    data = multipart(*((f"Content-Type: {kind}", f"Field: {text}") for kind, text in parts))
    trees = [[(kind, content.strip()) for kind, content in mime.part_tree(data, reader)] for reader in ("fast", "reference")]
    assert trees[0] == trees[1]
    assert len(trees[0]) == len(parts)


@given(st.binary(max_size=600))
def test_any_bytes_make_a_message(data):
    """Nothing that a stranger sends raises, alone or inside a report."""
    parse(data)
    parse(multipart(("Content-Type: message/delivery-status", "X")).replace(b"X", data))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_line_ends_make_no_difference(end):
    """LF, CRLF and CR give the same message."""
    data = (ROOT / "samples" / "postfix" / "three-recipients.eml").read_bytes()
    assert parse(data.replace(b"\n", end)) == parse(data)


def test_the_three_parts_of_a_report():
    """Text for people, fields for machines, what was returned: the header of it, whatever its body is."""
    fields = "Reporting-MTA: dns; mx.example.com\n\nFinal-Recipient: rfc822; a@example.com\nAction: failed"
    original = "To: a@example.com\nSubject: =?utf-8?q?Caf=C3=A9?=\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\nsecret\n--c--"
    message = parse(
        multipart(
            ("Content-Type: text/plain", "It failed."),
            ("Content-Type: message/delivery-status", fields),
            ("Content-Type: message/rfc822", original),
            kind="report; report-type=delivery-status",
        )
    )
    assert message.text.strip() == "It failed."
    assert message.report_type == "delivery-status"
    assert [group.get("final-recipient") for group in message.delivery_status] == [None, "rfc822; a@example.com"]
    assert message.returned.get("SUBJECT") == "Café"
    assert "secret" not in message.text


@pytest.mark.parametrize(
    ("header", "flaw"),
    [
        ("Content-Type: multipart/report", "without a boundary"),
        ("Content-Type: multipart/report; boundary=other", "not found"),
    ],
)
def test_a_report_without_its_boundary_still_gives_its_fields(header, flaw):
    """The fields are read out of the text, and the flaw is named."""
    body = "It failed.\n\nReporting-MTA: dns; mx.example.com\n\nFinal-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.1.1\n"
    message = parse(f"From: a@example.com\n{header}\n\n{body}".encode())
    assert [group.get("Final-Recipient") for group in message.delivery_status] == [None, "rfc822; a@example.com"]
    assert flaw in message.defects[0]


@pytest.mark.parametrize(
    ("boundaries", "doubtful"),
    [(("b", "b1"), True), (("b1", "c1"), False), (tuple(f"x{number}y" for number in range(30)), True)],
)
def test_doubt_sends_a_message_to_the_reference_reader(boundaries, doubtful):
    """A boundary that begins another, or very many of them, is no case for the fast reader."""
    data = b"".join(b"Content-Type: multipart/mixed; boundary=%s\n" % name.encode() for name in boundaries)
    assert mime._doubtful(data) is doubtful


@pytest.mark.parametrize("body", [b"caf\xc3\xa9 =C3=A9", b"\x1b$B$K\x1b(B =41"])
def test_raw_bytes_in_quoted_printable_are_kept(body):
    """The fast reader would drop them, so it isn't asked."""
    headers = b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable"
    message = parse(multipart(("HEADERS", "BODY")).replace(b"HEADERS", headers).replace(b"BODY", body))
    assert message.text.strip() in {"café é", "に A"}


def test_a_multipart_that_lost_its_boundary_keeps_its_text():
    """A part that calls itself multipart and names no boundary is read as text."""
    message = parse(multipart(("Content-Type: multipart/alternative;", "It failed.")))
    assert "It failed." in message.text


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        ("é".encode(), "utf-8", "é"),
        ("é".encode(), None, "é"),
        (b"\xe9", None, "é"),
        (b"\xe9", "utf-8", "é"),
        ("容量".encode("cp932"), "shift_jis", "容量"),
        ("容量".encode("iso2022_jp"), "iso-2022-jp", "容量"),
        ("容量".encode("iso2022_jp"), "us-ascii", "容量"),
        ("почта".encode("koi8-r"), "koi8-r", "почта"),
        ("почта".encode("cp1251"), "windows-1251", "почта"),
        ("메일".encode("cp949"), "ks_c_5601-1987", "메일"),
        ("邮件".encode("gb18030"), "gb2312", "邮件"),
        ("郵件".encode("big5"), "big5", "郵件"),
        (b"x", "no-such-charset", "x"),
        (b"\xe9", "no-such-charset", "é"),
    ],
)
def test_charsets_declared_undeclared_and_wrong(data, charset, text):
    """What is declared is tried, then UTF-8, then Latin; nothing raises."""
    assert decoded(data, charset)[0] == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?q?Caf=C3=A9?=", "Café"),
        ("=?utf-8?b?Q2Fmw6k=?= =?utf-8?q?_au_lait?=", "Café au lait"),
        ("Re: =?iso-8859-1?Q?=E9t=E9?= 2026", "Re: été 2026"),
        ("=?utf-8?b?a?=", "=?utf-8?b?a?="),
        ("=?no-such?q?x?=", "x"),
        ("plain", "plain"),
    ],
)
def test_encoded_words(value, text):
    """Encoded words are decoded, adjacent ones joined, and what is none stays."""
    assert decode_words(value) == text


def test_html_is_read_as_a_person_sees_it():
    """Styles and scripts are hidden, blocks are lines, entities are characters."""
    markup = (
        "<html><head><style>p{}</style></head><body><p>Your message to&nbsp;<b>a@example.com</b></p><div>couldn&#39;t be<br>delivered</div></body>"
    )
    assert html_text(markup).split("\n") == ["Your message to a@example.com", "", "couldn't be", "delivered"]


RETURNED = "Received: from x by y; Thu, 1 Jan 2026 00:00:00 +0000\nFrom: b@example.org\nTo: a@example.com\nSubject: Hi\n\nBody"


@pytest.mark.parametrize(
    "divider", ["--- Below this line is a copy of the message.", "------ This is a copy of the message ------", "Message headers follow.", ""]
)
def test_a_quoted_header_is_what_was_returned(divider):
    """The text ends where the quoted header begins, whatever stands between."""
    before, headers, after = split_returned(f"It failed.\n\n{divider}\n\n{RETURNED}")
    assert before.startswith("It failed.")
    assert headers.get("To") == "a@example.com"
    assert after.strip() == "Body"


def test_a_summary_of_the_message_is_not_its_header():
    """What Exchange tells of the message (To, Subject, Sent) stays in the text."""
    text = "Your message\n\n  To:      b@example.com\n  Subject: Hi\n  Sent:    Thu\n\ndid not reach the following:\n\na@example.com on Thu\n"
    assert split_returned(text) == (text, None, "")


HOSTILE = {
    "labels": b"From: a@example.com\n\n" + b"From: x\n" * 30_000,
    "label paragraphs": b"From: a@example.com\n\n" + b"From: x\n\n" * 30_000,
    "header lines": b"X: y\n" * 100_000 + b"\nbody",
    "one line": b"Subject: " + b"x" * 10_000_000 + b"\n\n" + b"y" * 10_000_000,
    "boundaries": b"From: a@example.com\nContent-Type: multipart/mixed; boundary=b\n\n--b\n" + b"boundary=x1;\n" * 20_000,
    "nested": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (number, number) for number in range(5000)),
    "tags": b"Content-Type: text/html\n\n" + b"<div>" * 200_000,
    "angles": b"Content-Type: text/html\n\n" + b"<" * 1_000_000,
    "comment": b"Content-Type: text/html\n\n" + b"<!--" * 250_000,
    "encoded words": b"Subject: " + b"=?utf-8?q?x?= " * 100_000 + b"\n\n",
    "nul": b"\0" * 5_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_takes_bounded_time(name):
    """No input of some megabytes takes more than seconds."""
    started = time.process_time()
    parse(HOSTILE[name])
    assert time.process_time() - started < 5
