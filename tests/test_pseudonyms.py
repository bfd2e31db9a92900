import re

import pytest

from bounces.anonymize.pseudonyms import Pseudonyms, is_role


def test_the_same_gets_the_same_and_another_another():
    """Addresses, hosts and IP addresses keep who is who, and whose host is in whose domain."""
    made = Pseudonyms()
    text = made.text("<anna@a.example> via mx.a.example [203.0.113.9]; <bert@b.example>, anna@A.example, 203.0.113.9, 203.0.113.10, bert@a.example")
    assert text == (
        "<user1@example.com> via host1.example.com [192.0.2.1]; <user2@example.net>, user1@example.com, 192.0.2.1, 192.0.2.2, user3@example.com"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail-ed1-f12.google.com", "mx1.google.com"),
        ("googlemail.com", "googlemail.com"),
        ("MAILER-DAEMON@googlemail.com", "MAILER-DAEMON@googlemail.com"),
        ("MAILER-DAEMON@tenant.onmicrosoft.com", "MAILER-DAEMON@mx1.onmicrosoft.com"),
        ("someone@gmail.com", "user1@example.com"),
        ("postmaster@firm.example", "postmaster@example.com"),
        ("owner-news@firm.example", "owner-user1@example.com"),
        ("bounces+anna=a.example@lists.b.example", "bounces+user1=example.com@host1.example.net"),
        ("127.255.255.254 and ::1", "127.255.255.254 and ::1"),
        ("[2001:db8:7::9]", "[2001:db8::1]"),
        ("9.2.0.192.in-addr.arpa", "mx1.in-addr.arpa"),
        ("localhost", "localhost"),
        ("550 5.1.1 size 52428", "550 5.1.1 size 52428"),
    ],
)
def test_what_is_public_stays_and_what_is_anybodys_goes(text, expected):
    """Providers' servers, roles and codes stay; people at providers, tenants and IP addresses in names don't."""
    assert expected == Pseudonyms().text(text)


@pytest.mark.parametrize(
    ("written", "words", "expected"),
    [
        ("https://firm.example/u/anna?token=9#top", (), "https://host1.example.com/"),
        ("https://support.google.com/mail/?p=NoSuchUser&u=anna", ("p=nosuchuser",), "https://mx1.google.com/p=NoSuchUser"),
        ("http://www.spamhaus.org/query/bl?ip=203.0.113.9", ("www.spamhaus.org/query/bl?ip",), "http://www.spamhaus.org/query/bl?ip"),
        ("firm.example/a", (), "example.com/"),
    ],
)
def test_of_a_url_only_what_a_rule_knows_stays(written, words, expected):
    """Path and query go, but for the words that decided."""
    assert re.sub("host1[.]", "", expected) == re.sub("host1[.]", "", Pseudonyms(words).url(written))


def test_a_block_list_keeps_its_name():
    """The host of a list that a rule knows keeps the list's name, and nothing before it."""
    assert Pseudonyms(("zen.spamhaus.org",)).host("9.113.0.203.zen.spamhaus.org") == "mx1.zen.spamhaus.org"
    assert Pseudonyms(("mailbox",)).host("mailbox.firm.example") == "host1.example.com"


def test_an_id_keeps_its_shape_and_nothing_else():
    """Digits become digits, letters letters of the same case, hexadecimal stays so; it depends on the place alone, not on the id."""
    made, other = Pseudonyms(), Pseudonyms()
    first, second = made.id("4F2B11C003A"), made.id("1abCDe-0001Xy-3Z")
    assert re.fullmatch(r"\d[A-F]\d[A-F]\d{2}[A-F]\d{3}[A-F]", first)
    assert re.fullmatch(r"\d[a-z]{2}[A-Z]{2}[a-z]-\d{4}[A-Z][a-z]-\d[A-Z]", second)
    assert other.id("9A0C99D111E") == first
    assert made.id("4F2B11C003A") == first
    assert made.message_id("<4F2B11C003A@pc.firm.example>") == f"<{first}@host1.example.com>"


def test_a_long_number_is_invented():
    """A customer's number or a telephone's goes; what is as short as a size stays."""
    assert Pseudonyms().text("ticket 20240117 of 1024") != "ticket 20240117 of 1024"
    assert re.fullmatch(r"ticket \d{8} of 1024", Pseudonyms().text("ticket 20240117 of 1024"))


def test_names_are_replaced_between_the_particulars():
    """A name is replaced whole, over a line's end, and never inside another word."""
    made = Pseudonyms()
    made.names = {"Ines Sample": made.name("Ines Sample")}
    assert made.text("Ines\nSample, Ines Samples, ines.sample@a.example") == "Anna Example, Ines Samples, user1@example.com"
    assert len({made.name(f"Person {number}") for number in range(60)}) == 60


@pytest.mark.parametrize(("local", "expected"), [("MAILER-DAEMON", True), ("postmaster", True), ("sympa", True), ("support", True), ("anna", False)])
def test_a_role_is_nobody(local, expected):
    """Mail systems and offices are no people."""
    assert is_role(local) is expected
