import pytest

from bounces.analyze import analyze
from bounces.model import Raw
from bounces.newaddress import new_address


@pytest.mark.parametrize(
    "text",
    [
        "551 User not local; please try <anna@example.org>",
        "My new email address is anna@example.org. Please update your records.",
        "Meine neue E-Mail-Adresse lautet: anna@example.org",
        "Ma nouvelle adresse : anna@example.org",
        "Mi nueva dirección es anna@example.org (antes anna@example.net)",
        "Мой новый адрес: anna@example.org",
        "新しいメールアドレスは anna@example.org です",
        "anna@example.net has moved to Anna@Example.Org",
    ],
)
def test_a_text_gives_the_new_address(text):
    """Servers and people say it in many languages; the old address is none."""
    assert new_address(text, "anna@example.net") == "anna@example.org"


@pytest.mark.parametrize(
    "text",
    [
        "I am away. In urgent cases write to ben@example.org",
        "My new address is anna@example.org or anna@example.com",
        "My new address follows soon.",
        "My new address is anna@example.net",
        "",
    ],
)
def test_other_texts_give_none(text):
    """A deputy is not a new address, two are none for certain."""
    assert new_address(text, "anna@example.net") is None


def test_the_new_address_is_a_suggestion_and_never_applied():
    """The event keeps the address that the list has."""
    notice = (
        "From: MAILER-DAEMON@mx.example.net\nReturn-Path: <>\nSubject: failure notice\n\n"
        "<anna@example.net>: 551 5.1.6 User not local; please try <anna.example@example.org> (in reply to RCPT TO)\n"
    )
    (event,) = analyze(Raw("x", notice.encode()))
    assert (event.recipient, event.suggestion, event.reason) == ("anna@example.net", "anna.example@example.org", "moved")
