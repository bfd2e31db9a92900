import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounces.anonymize.identifiers import What, particulars


def told(text, known=None):
    """Return what the particulars of a text are, with the words."""
    return [(one.what, text[one.start : one.end]) for one in particulars(text, known or {})]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<anna@example.com> is gone", [(What.ADDRESS, "anna@example.com")]),
        ("to root@localhost", [(What.ADDRESS, "root@localhost")]),
        ("問い合わせ：support＠mail.example.com（", [(What.ADDRESS, "support＠mail.example.com")]),
        ("邮箱user@example.com不存在", [(What.ADDRESS, "user@example.com")]),
        ("host mx1.example.com[192.0.2.7] said", [(What.HOST, "mx1.example.com"), (What.IP, "192.0.2.7")]),
        ("550-192.0.2.7 blocked", [(What.NUMBER, "550"), (What.IP, "192.0.2.7")]),
        ("554-mail.example.org ready", [(What.NUMBER, "554"), (What.HOST, "mail.example.org")]),
        ("[2001:db8::25] and ::1", [(What.IP, "2001:db8::25"), (What.IP, "::1")]),
        ("at 10:15:00 UTC", [(What.NUMBER, "10"), (What.NUMBER, "15"), (What.NUMBER, "00")]),
        ("2026-03-01T08:00:00.5Z", [(What.NUMBER, "2026-03-01T08:00:00.5Z")]),
        ("see https://example.com/a?b=1, please", [(What.URL, "https://example.com/a?b=1")]),
        ("see example.com/help.", [(What.URL, "example.com/help")]),
        ("queued as 4F2B11C003A", [(What.ID, "4F2B11C003A")]),
        ("message 1abCDe-0001Xy-3Z", [(What.ID, "1abCDe-0001Xy-3Z")]),
        ("vw5si4655694pab.333 - gsmtp", [(What.ID, "vw5si4655694pab.333")]),
        ("size 13241222 exceeds", [(What.NUMBER, "13241222")]),
    ],
)
def test_each_particular_is_what_it_is(text, expected):
    """Addresses, hosts, IP addresses, URLs, ids and numbers are told apart, in words of any script."""
    assert expected == told(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RESOLVER.ADR.RecipNotFound; not found", []),
        ("STOREDRV.Deliver.Exception:QuotaExceededException", []),
        ("TSS04 OFR_416", [(What.NUMBER, "04"), (What.NUMBER, "416")]),
        ("mailbox disabled.Please contact us", []),
        ("mailbox disabled.please contact us", []),
        ("and/or e.g. postmaster", []),
        ("facade decade deface", []),
    ],
)
def test_what_tells_a_reason_is_no_particular(text, expected):
    """Providers' codes, Exchange's tokens and words stay what they are; of a code only the digits are masked."""
    assert expected == told(text)


def test_a_word_that_is_known_is_what_it_is_known_as():
    """A local part or a host without a domain is found whole, in whatever case."""
    assert told("no user Anna.S on EXCH01", {"anna.s": What.USER, "exch01": What.HOST}) == [(What.USER, "Anna.S"), (What.HOST, "EXCH01")]


@given(st.text(alphabet="abcXYZ019.-_@<>[]:/=+~ ,;é件\n", max_size=80))
def test_particulars_follow_one_another(text):
    """They are in order, none lies in another, and each has a character at least."""
    places = [(one.start, one.end) for one in particulars(text)]
    assert places == sorted(places)
    assert all(start < end for start, end in places)
    assert all(end <= start for (_, end), (start, _) in pairwise(places))


@pytest.mark.parametrize("piece", ["a.", "a.-", "1.", "a@", "<", ":", "a:", "#  ", "a1", "http://", "A ", "件", "a.b/", "1-", "ab12-", "@", "=@"])
def test_time_is_linear_in_the_length(piece):
    """Four times the text takes about four times as long, whatever it is made of."""

    def seconds(size):
        text = piece * (size // len(piece))
        start = time.perf_counter()
        assert sum(1 for _ in particulars(text)) >= 0
        return time.perf_counter() - start

    seconds(2_000)
    small = min(seconds(20_000) for _ in range(3))
    assert min(seconds(80_000) for _ in range(2)) < 4 * small * 3 + 0.05
