import pytest

from bounces.mentions import mentions


def found(text):
    """Return the addresses of a text that could be recipients, with how each stands there."""
    return [(one.address, one.standing.name.lower()) for one in mentions(text)]


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("anna@example.net", "entry"),
        ("  <anna@example.net>:\n550 no", "entry"),
        ("1) anna@example.net - unknown", "entry"),
        ("2. anna@example.net - unknown", "entry"),
        ("• Anna Example (anna@example.net) – blocked", "entry"),
        ("Recipient: anna@example.net", "entry"),
        ("Failed addresses: <anna@example.net>", "entry"),
        ("Empfänger:  anna@example.net", "entry"),
        ("宛先   : anna@example.net", "entry"),
        ("To: anna@example.net", "addressee"),
        ("Кому: anna@example.net", "entry"),
        ("Your message to anna@example.net could not be delivered.", "sentence"),
        ("Your message to\nanna@example.net could not be delivered.", "sentence"),
        ("Saaja:   anna@example.net", "alone"),
        ("The mailbox is closed: <anna@example.net>.", "entry"),
        ("We are sorry to say that it could not be sent to\nanna@example.net.", "sentence"),
    ],
)
def test_an_address_stands_in_a_list_or_in_a_sentence(text, how):
    """At the start of a line or behind a label it is an entry; behind To it may be one; in a sentence it is only named."""
    assert found(text) == [("anna@example.net", how)]


@pytest.mark.parametrize(
    "text",
    [
        "From: news@example.org",
        "Absender: <news@example.org>",
        "差出人：news@example.org",
        "the mail you sent from <news@example.org>",
        "(envelope-from <news@example.org>)",
        "(expanded from\n    <list@example.org>)",
        "Sent: Monday\nFrom: Example News <news@example.org>",
        "Kopi:\narkiv@example.org",
        "For help please contact postmaster@example.com.",
        "For further assistance, send mail to <it@example.com>",
        "Fragen? Wenden Sie sich an hilfe@example.com",
        "お問い合わせ: info@example.com",
        "info@example.com まで連絡",
        "write to us, helpdesk@example.com, at any time",
        "Read more: https://example.com/?to=anna@example.net",
        "You are not authorized. If you have any question, please contact the list owners:\nlist-request@example.com.",
    ],
)
def test_senders_and_help_desks_are_no_recipients(text):
    """Whoever sent it, and whom to ask, is not the one who failed."""
    assert found(text) == []


def test_a_label_goes_on_over_a_list():
    """Several addresses behind one label are each an entry."""
    assert found("Recipients: anna@example.net; ben@example.net, carl@example.net") == [
        ("anna@example.net", "entry"),
        ("ben@example.net", "entry"),
        ("carl@example.net", "entry"),
    ]


def test_a_help_desk_in_a_list_is_marked():
    """An entry may be a help desk's own mailbox; who chooses may pass it over."""
    assert [one.role for one in mentions("support@example.com\nanna@example.net")] == [True, False]


def test_an_address_that_has_the_message_did_not_fail_unless_the_sentence_denies_it():
    """Some notices name those who got it, too."""
    assert found("Your message was successfully delivered to anna@example.net.") == []
    assert found("Your message was not successfully delivered to anna@example.net.") == [("anna@example.net", "sentence")]
    assert found("Die Nachricht wurde nicht erfolgreich zugestellt an anna@example.net.") == [("anna@example.net", "sentence")]
