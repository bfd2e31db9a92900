import json

import pytest

from bounces import mime
from bounces.anonymize.pseudonyms import Pseudonyms
from bounces.anonymize.rewrite import message


def rewritten(text, **fields):
    """Return a message, and the copy of it as it is read."""
    header = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in fields.items())
    return mime.parse(message(mime.parse(f"{header}\n{text}".encode()), Pseudonyms()))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("MAILER-DAEMON@mx.firm.example (Mail Delivery System)", "Mail Delivery System <MAILER-DAEMON@host1.example.com>"),
        ('"Acme Mail Delivery Subsystem" <mailer-daemon@firm.example>', "Mail Delivery Subsystem <mailer-daemon@example.com>"),
        ("Ines Brandt <ines@firm.example>", "<user1@example.com>"),
        ("MAILER-DAEMON", "MAILER-DAEMON"),
        ("<>", "<>"),
        ("Ines Brandt", "user1"),
    ],
)
def test_of_the_sender_a_mail_systems_name_stays(written, expected):
    """From keeps what tells a mail system, and nothing of a person or a company."""
    assert expected == rewritten("text", From=written).headers.get("From")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Undeliverable: Your invoice for March", "Undeliverable"),
        ("Undelivered Mail Returned to Sender", "Undelivered Mail Returned to Sender"),
        ("Nicht zustellbar: Rechnung", "Nicht zustellbar"),
        ("Your invoice", "Example"),
    ],
)
def test_of_the_subject_what_tells_a_notice_stays(written, expected):
    """What follows is somebody's own."""
    assert expected == rewritten("text", Subject=written).headers.get("Subject")


def test_fields_that_tell_nothing_are_dropped():
    """Only what tells a notice is kept."""
    kept = rewritten(
        "text",
        Return_Path="<>",
        Auto_Submitted="auto-replied",
        X_Mailer="Firm 7",
        Received="from a by b",
        Precedence="bulk",
        Message_Id="<a@b.example>",
    )
    assert {name for name, _ in kept.headers.fields} == {
        "Return-Path", "Auto-Submitted", "Precedence", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
    }  # fmt: skip


def test_a_labelled_subject_in_the_text_goes():
    """Whatever the language of the label."""
    copy = rewritten("Subject: Our secret\n  件名：ご予約の確認\nBetreff = Geheim\n\nThe subject: is not one", From="<>")
    assert copy.text.split("\n")[:3] == ["Subject: Example subject", "  件名：Example subject", "Betreff = Example subject"]


def test_a_notification_stays_json_and_loses_what_does_not_tell():
    """Amazon's JSON keeps the fields of the delivery."""
    told = {
        "notificationType": "Bounce",
        "bounce": {"bouncedRecipients": [{"emailAddress": "anna@firm.example", "diagnosticCode": "550 5.1.1 anna@firm.example"}], "feedbackId": "x"},
        "mail": {"source": "ines@b.example", "headers": [{"name": "Subject", "value": "secret"}], "destination": ["anna@firm.example"]},
    }
    copy = json.loads(rewritten(json.dumps(told), From="no-reply@sns.amazonaws.com").text)
    assert copy["bounce"] == {"bouncedRecipients": [{"emailAddress": "user1@example.com", "diagnosticCode": "550 5.1.1 user1@example.com"}]}
    assert set(copy["mail"]) == {"source", "destination"}
