import pytest

from bounces.tokens import addresses


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("<https://example.org/leave?email=anna%40example.net&list=7>", ("anna@example.net",)),
        ("<https://example.org/leave/anna@example.net/7>", ("anna@example.net",)),
        ("<https://example.org/u/YW5uYUBleGFtcGxlLm5ldA/7>, <mailto:leave@example.org>", ("anna@example.net",)),
        ("<https://example.org/u?e=YW5uYUBleGFtcGxlLm5ldA==>", ("anna@example.net",)),
        ("<mailto:leave-anna=example.net@lists.example.org?subject=unsubscribe>", ("anna@example.net",)),
        ("<mailto:leave@lists.example.org?subject=unsubscribe%20anna@example.net>", ("anna@example.net",)),
        ("<mailto:leave@lists.example.org>, <https://example.org/leave?id=0123456789abcdef>", ()),
        ("News <news.example.org>", ()),
        ("anna@example.net", ("anna@example.net",)),
        ("|bTF8MTIzfGFubmFAZXhhbXBsZS5uZXQ=|", ("anna@example.net",)),
        ("8OGn8tAUKjlvMMO4=|eyJyIjoiYW5uYUBleGFtcGxlLm5ldCJ9", ("anna@example.net",)),
        ("MTIzfmFubmFAZXhhbXBsZS5uZXR%2BPDEyM0BleGFtcGxlLm9yZz4%3D", ("anna@example.net",)),
        ("0123456789abcdef0123456789abcdef", ()),
    ],
)
def test_a_link_that_carries_an_address_gives_it(value, found):
    """Escaped, in base64 or in a return path's form; whom the link itself is sent to is nobody's subscriber."""
    assert addresses(value) == found
