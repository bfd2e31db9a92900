import pytest

from bounces.anonymize.hosts import owned, public


@pytest.mark.parametrize(
    ("host", "expected"),
    [("mx1.example.com", "example.com"), ("a.b.example.co.uk", "example.co.uk"), ("example.org", "example.org"), ("localhost", "localhost")],
)
def test_the_owned_domain_is_what_somebody_registered(host, expected):
    """Two labels, or three below a registry's own second level."""
    assert expected == owned(host)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("mail-ed1-f12.google.com", "google.com"),
        ("eur01.mail.protection.outlook.com", "protection.outlook.com"),
        ("mta7.am0.yahoodns.net", "yahoodns.net"),
        ("7.2.0.192.in-addr.arpa", "in-addr.arpa"),
        ("mx1.example.com", None),
        ("google.com.example.net", None),
    ],
)
def test_the_public_part_is_a_providers(host, expected):
    """What rules and providers know of a server's name, and nothing of anybody else's."""
    assert expected == public(host)
