import time
import tomllib
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounces import providers
from bounces.model import Reason
from bounces.particulars import Particulars, particulars, suggested

LISTED = "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.1"


def told(text, reason, **about):
    """Return what a reply tells, by name."""
    known = particulars(text, reason, **about)
    return {name: getattr(known, name) for name in Particulars.__slots__ if getattr(known, name) is not None}


def test_a_block_list_is_told_with_the_address_it_holds_and_its_own_page():
    """The page is ours, never a link of the reply's: strangers write those."""
    assert told(LISTED, Reason.IP_BLOCKED) == {"ip": "192.0.2.1", "blocklist": "Spamhaus", "page": "https://check.spamhaus.org/"}
    assert told("550 listed at https://evil.example/removal", Reason.IP_BLOCKED) == {}
    assert told("550 5.7.1 listed in dbl.spamhaus.org", Reason.DOMAIN_BLOCKED)["blocklist"] == "Spamhaus DBL"


def test_the_address_of_the_server_that_spoke_is_not_ours():
    """A mail system quotes whom it spoke with before the reply."""
    said = "host mx.example.com[203.0.113.9] said: 550 5.7.1 messages from [198.51.100.4] are refused"
    assert told(said, Reason.IP_BLOCKED)["ip"] == "198.51.100.4"
    assert "ip" not in told("550 5.7.1 [10.0.0.5] is listed", Reason.IP_BLOCKED)
    assert "ip" not in told("550 5.7.1 resolved to 127.0.0.2, 999.1.1.1", Reason.IP_BLOCKED)
    assert told("550 5.7.1 [2001:DB8::5] is refused", Reason.IP_BLOCKED)["ip"] == "2001:db8::5"


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("552 5.3.4 Message size exceeds fixed maximum message size (10485760)", "10 MB"),
        ("552 Message size 30000000 exceeds size limit 26214400 of server mx.example.com", "25 MB"),
        ("550 5.2.3 larger than 20,480 KB", "20 MB"),
        ("552 message exceeds maximum size of 35.5 MB", "35.5 MB"),
        ("552 the limit is 2.000.000 bytes", "2 MB"),
        ("552 5.3.4 too large, limit of 3 attachments", None),
        ("552 sorry, that message size exceeds my databytes limit (#5.3.4)", None),
        ("552 5.3.4 Message size exceeds fixed limit, host 10.1.2.3", None),
        ("552 over the limit: 1.2.3.4.5.6.7.8.9 or 12,34,56,789", None),
    ],
)
def test_the_size_limit_is_read(text, limit):
    """The limit, not the size of the message, in units that people use."""
    assert particulars(text, Reason.MESSAGE_TOO_LARGE).limit == limit


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("450 4.2.0 Greylisted for 300 seconds", "5 minutes"),
        ("451 4.7.1 Greylisting in action, please come back in 00:04:52", "5 minutes"),
        ("421 4.7.0 try again in 1 hour", "1 hour"),
        ("450 Bitte versuchen Sie es in 10 Minuten erneut", None),
        ("450 bitte erneut in 10 Minuten versuchen", "10 minutes"),
        ("421 more than 30 messages in 60 seconds", None),
        ("451 try again in 99999999999 days", None),
        ("451 try again later", None),
    ],
)
def test_the_time_to_wait_is_read(text, wait):
    """A number counts only after words that ask to come back."""
    assert particulars(text, Reason.GREYLISTED).wait == wait


@pytest.mark.parametrize(
    ("text", "mechanism"),
    [
        ("550-5.7.26 DKIM = did not pass 550-5.7.26 SPF [example.org] with ip: [192.0.2.7] = did not pass", "DKIM and SPF"),
        ("550 5.7.1 SPF passed, DKIM failed, DMARC policy is reject", "DKIM and DMARC"),
        ("550 5.7.509 sending domain example.org does not pass DMARC verification", "DMARC"),
        ("550 5.7.23 sender not permitted", "SPF"),
        ("550 5.7.1 unauthenticated mail", None),
    ],
)
def test_the_check_that_failed_is_named(text, mechanism):
    """SPF, DKIM, DMARC: those that the reply does not say passed; else what the status says."""
    assert particulars(text, Reason.AUTH_FAILURE).mechanism == mechanism


def test_the_providers_page_is_for_what_we_can_mend():
    """Public and hosted domains of one provider may have pages of their own; who is gone has none."""
    assert particulars("550 5.7.1 (S3150)", Reason.IP_BLOCKED, "hotmail.com", "microsoft").page == "https://olcsupport.office.com/"
    assert particulars("550 5.7.606 banned", Reason.IP_BLOCKED, "example.com", "microsoft").page == "https://sender.office.com/"
    assert particulars("550 5.1.1 user unknown", Reason.USER_UNKNOWN, "example.com", "microsoft").page is None


def test_the_tables_are_whole():
    """Each provider with a page is one we know, each page an address, and no list bears the name of two."""
    tables = tomllib.loads((files("bounces") / "pages.toml").read_text(encoding="utf-8"))
    assert [key for key in tables["providers"] if providers.name(key) is None] == []
    for table in tables["providers"].values():
        own = {key: value for key, value in table.items() if key != "public"}
        for key, page in (own | table.get("public", {})).items():
            assert key == "default" or key in list(Reason)
            assert page.startswith(("https://", "http://"))
    names = [name for table in tables["blocklists"].values() for name in table["names"]]
    assert len(names) == len(set(names)) > 50
    assert names == [name.lower() for name in names]


def test_a_suggestion_that_was_told_wins_over_a_mended_typo():
    """Only an address in a dead domain is mended."""
    assert suggested("new@example.com", "old@gmial.com", Reason.DOMAIN_NOT_FOUND) == "new@example.com"
    assert suggested(None, "old@gmial.com", Reason.DOMAIN_NOT_FOUND) == "old@gmail.com"
    assert suggested(None, "old@gmial.com", Reason.MAILBOX_FULL) is None


PIECES = (
    "limit ",
    "over ",
    "again ",
    "wait ",
    "exceeds ",
    "5.3.4",
    "10.1.2.3",
    "1,234.5",
    "1'000",
    "99999999999999",
    ":",
    ".",
    ",",
    "(",
    "SPF ",
    "pass ",
    "zen.",
)


@given(st.text(max_size=300) | st.lists(st.sampled_from(PIECES), max_size=30).map("".join), st.sampled_from(list(Reason)))
def test_any_text_has_particulars(text, reason):
    """Strangers' words never raise, and what gets through is harmless."""
    known = particulars(text, reason)
    for name in Particulars.__slots__:
        assert getattr(known, name) is None or getattr(known, name).isprintable()


@pytest.mark.parametrize("piece", ["again ", "limit 1", "1:", "127.0.0.1 ", "SPF ", "spamhaus.", "1.1.1.", "limit ", "9"])
def test_time_is_bounded(piece):
    """However long the text, only its beginning is read."""
    started = time.perf_counter()
    for reason in Reason:
        particulars.__wrapped__(piece * (1_000_000 // len(piece)), reason)
    assert time.perf_counter() - started < 4
