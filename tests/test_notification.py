import json

import pytest

from bounces import notification, sources
from bounces.analyze import analyze
from bounces.model import Raw
from bounces.settings import Settings

BOUNCE = {
    "notificationType": "Bounce",
    "bounce": {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": "anna@example.net", "diagnosticCode": "smtp; 550 5.1.1 unknown"}]},
    "mail": {
        "source": "news@example.org",
        "destination": ["anna@example.net"],
        "headers": [{"name": "Subject", "value": "News"}, {"name": "X-Campaign-Id", "value": "spring"}],
    },
}
COMPLAINT = {
    "eventType": "Complaint",
    "complaint": {"complainedRecipients": [{"emailAddress": "anna@example.net"}], "complaintFeedbackType": "abuse"},
    "mail": {"destination": ["anna@example.net"]},
}


def in_envelope(told):
    """Put a notification in the envelope of SNS."""
    return json.dumps({"Type": "Notification", "Message": json.dumps(told)}, indent=2)


@pytest.mark.parametrize("wrap", [json.dumps, in_envelope])
@pytest.mark.parametrize("header", ["", "From: no-reply@sns.amazonaws.com\nSubject: AWS Notification Message\n\n"])
def test_a_notification_is_read_with_and_without_envelope_and_header(wrap, header):
    """As S3 keeps it, as SNS posts it, and as SNS mails it."""
    (event,) = analyze(Raw("x", (header + wrap(BOUNCE)).encode()), Settings(keep_headers=("X-Campaign-Id",)))
    assert (event.kind, event.recipient, event.reply_code, event.status, event.reason) == (
        "failure",
        "anna@example.net",
        "550",
        "5.1.1",
        "user_unknown",
    )
    assert (event.sender, event.subject, event.kept) == ("news@example.org", "News", ("spring",))


@pytest.mark.parametrize("wrap", [json.dumps, in_envelope])
def test_a_complaint_is_one(wrap):
    """With the type that the provider gave."""
    (event,) = analyze(Raw("x", wrap(COMPLAINT).encode()))
    assert (event.kind, event.recipient, event.feedback_type) == ("complaint", "anna@example.net", "abuse")


def test_a_rejection_names_its_recipients_by_the_mail():
    """SES found a virus: nobody was written to."""
    told = {"eventType": "Reject", "reject": {"reason": "Bad content"}, "mail": {"destination": ["anna@example.net", "ben@example.net"]}}
    events = analyze(Raw("x", json.dumps(told).encode()))
    assert [(event.kind, event.recipient) for event in events] == [("failure", "anna@example.net"), ("failure", "ben@example.net")]


def test_a_file_of_json_is_mail_when_it_is_a_notification(tmp_path):
    """A folder as S3 has it: notifications are read, other JSON is passed over and told."""
    (tmp_path / "1.json").write_text(in_envelope(BOUNCE), encoding="utf-8")
    (tmp_path / "2.json").write_text('{"name": "a package"}', encoding="utf-8")
    skipped = []
    chunks = list(sources.chunks(str(tmp_path), skipped=lambda origin, _: skipped.append(origin)))
    assert [event.recipient for chunk in chunks for raw in sources.read(chunk) for event in analyze(raw)] == ["anna@example.net"]
    assert [one.rpartition("/")[2] for one in skipped] == ["2.json"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"notificationType": ""}', '{"Message": "{"}', '{"eventType": "Open"}', "{" * 50_000, "notificationType"]
)
def test_what_is_no_notification_is_none(text):
    """Whatever looks like JSON is read without an error."""
    assert notification.kind(notification.read(text)) in {"", "open"}


def test_a_reduced_notification_tells_of_the_delivery_alone():
    """Fields of the message, and whatever else nobody needs, are left out; texts are changed, numbers are not."""
    told = {"bounce": {"bouncedRecipients": [{"emailAddress": "a", "x": 1}], "timestamp": 7}, "mail": {"headers": [], "destination": ["a", "b"]}}
    assert notification.reduced(told, str.upper) == {
        "bounce": {"bouncedRecipients": [{"emailAddress": "A"}], "timestamp": 7},
        "mail": {"destination": ["A", "B"]},
    }
