import gzip
import json
import subprocess
import sys
import weakref
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import bounces
from bounces import run, sisimai
from bounces.errors import OutputError, SourceError
from bounces.model import Action, BounceType, Event, Kind, Permanence, Reason, RecommendedAction
from bounces.settings import Settings

ROOT = Path(__file__).parent.parent
INBOX = ROOT / "samples" / "inbox.mbox"
# the fields of the README's example, in its order
FIELDS = """addresser recipient timestamp action alias bogus catch decodedby deliverystatus destination diagnosticcode diagnostictype feedbackid
    feedbacktype hardbounce lhost listid messageid origin reason rhost replycode command senderdomain subject timezoneoffset token toxic""".split()
EVENT = Event(
    event_id="0123456789abcdef",
    origin="in.mbox#1",
    kind=Kind.FAILURE,
    action=Action.FAILED,
    recipient="user@example.com",
    final_recipient="user@example.com",
    reason=Reason.USER_UNKNOWN,
    permanence=Permanence.PERMANENT,
    bounce_type=BounceType.HARD,
    sender="news@example.org",
    received_at=datetime(2026, 1, 31, 12, tzinfo=UTC),
)
EMPTY = dict.fromkeys(FIELDS, "") | {"bogus": -1, "toxic": -1, "catch": None, "timezoneoffset": "+0000"}
# written by hand from the samples; the tokens are those of `printf '\x02%s\x1e%s\x1e%d\x03' … | sha1sum`
GOLDEN = {
    "postfix/user-unknown.eml": {
        "addresser": "bounces@example.org",
        "recipient": "karl@example.net",
        "timestamp": 1741075215,
        "action": "failed",
        "decodedby": "dsn",
        "deliverystatus": "5.1.1",
        "destination": "example.net",
        "diagnosticcode": "550 5.1.1 <karl@example.net>: Recipient address rejected: User unknown in virtual mailbox table",
        "diagnostictype": "SMTP",
        "hardbounce": True,
        "lhost": "mail.example.org",
        "listid": "harbour.example.org",
        "messageid": "20250304080012.56033@crm.example.org",
        "reason": "userunknown",
        "rhost": "mx.example.net",
        "replycode": "550",
        "command": "RCPT",
        "senderdomain": "example.org",
        "subject": "The Harbour Letter, March 2025",
        "token": "c22ddc8d78cad126cbaea88effeb26363b231f66",
    },
    "postfix/alias-expanded.eml": {
        "addresser": "bounces@example.org",
        "recipient": "karin@example.com",
        "timestamp": 1759820416,
        "action": "failed",
        "alias": "staff@example.net",
        "decodedby": "dsn",
        "deliverystatus": "5.1.1",
        "destination": "example.com",
        "diagnosticcode": "550 5.1.1 <karin@example.com>: Recipient address rejected: User unknown in local recipient table",
        "diagnostictype": "SMTP",
        "hardbounce": False,
        "lhost": "mx.example.net",
        "listid": "harbour.example.org",
        "messageid": "20251007070012.17440@crm.example.org",
        "reason": "userunknown",
        "rhost": "mx.example.com",
        "replycode": "550",
        "command": "RCPT",
        "senderdomain": "example.org",
        "subject": "The Harbour Letter, October 2025",
        "token": "85eca21955b38879796a4538fe4ac3f78527b2f9",
    },
    "postfix/mailbox-full-delayed.eml": {
        "addresser": "bounces@example.org",
        "recipient": "lena@example.com",
        "timestamp": 1743505442,
        "action": "delayed",
        "decodedby": "dsn",
        "deliverystatus": "4.2.2",
        "destination": "example.com",
        "diagnosticcode": "452 4.2.2 <lena@example.com>: Mailbox full",
        "diagnostictype": "SMTP",
        "hardbounce": False,
        "lhost": "mail.example.org",
        "listid": "harbour.example.org",
        "messageid": "20250401070012.38007@crm.example.org",
        "reason": "mailboxfull",
        "rhost": "mx.example.com",
        "replycode": "452",
        "command": "RCPT",
        "senderdomain": "example.org",
        "subject": "The Harbour Letter, April 2025",
        "token": "b938a2a68c38ee89c3db7fd3d281f56d4f98bc6b",
    },
    "arf/opt-out.eml": {
        "addresser": "mag@magazin.example",
        "recipient": "lee.harper@cablenet.example",
        "timestamp": 1368297603,
        "action": "failed",
        "decodedby": "arf",
        "destination": "cablenet.example",
        "feedbacktype": "opt-out",
        "hardbounce": False,
        "messageid": "may@magazin.example",
        "reason": "feedback",
        "senderdomain": "magazin.example",
        "subject": "May issue",
        "token": "588d1f3b4e1a336c522dd134a96d99d9195b400b",
    },
}


def run_bounces(*command, cwd=None):
    """Run the command as a user does."""
    done = subprocess.run([str(Path(sys.executable).with_name("bounces")), *map(str, command)], capture_output=True, text=True, check=False, cwd=cwd)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", GOLDEN)
def test_a_sample_is_the_record_that_is_written_by_hand(name):
    """Each field of Sisimai's, in the order of its example; what the notice doesn't tell is empty."""
    path = f"samples/{name}"
    code, out, err = run_bounces("events", path, "--format", "sisimai", "-o", "-", cwd=ROOT)
    assert (code, err) == (0, "")
    (found,) = json.loads(out)
    assert list(found) == FIELDS
    assert EMPTY | GOLDEN[name] | {"origin": path} == found


def test_a_token_is_the_one_that_the_documentation_shows():
    """The example of Sisimai's README comes out: sender, recipient, Unix seconds."""
    assert sisimai.token("shironeko@1jo.example.org", "kijitora@example.jp", 1291954879) == "ce999a4c869e3f5e4d8a77b2e310b23960fb32ab"


@pytest.mark.parametrize(
    "event",
    [
        replace(EVENT, kind=Kind.DELIVERY, action=Action.DELIVERED, reason=None, bounce_type=None),
        replace(EVENT, kind=Kind.AUTO_REPLY, action=None, reason=Reason.AUTO_REPLY, bounce_type=None),
        replace(EVENT, kind=Kind.COMPLAINT, action=None, reason=None, bounce_type=None, feedback_type="not-spam"),
        replace(EVENT, recipient=None, final_recipient=None),
        Event("1", "in.mbox#2", Kind.UNRECOGNIZED),
        Event("1", "in.mbox#3", Kind.UNREADABLE),
    ],
    ids=["delivery", "automatic answer", "praise", "no recipient", "unrecognized", "unreadable"],
)
def test_what_is_no_bounce_is_left_out(event):
    """Deliveries and automatic answers are options there, and off; praise would pass for a complaint."""
    assert sisimai.record(EVENT) is not None
    assert sisimai.record(event) is None


def test_what_is_hard_is_ours():
    """`hardbounce` follows the policy, but not where a person should look first; and a delay has failed for nobody yet."""
    hard = replace(EVENT, recommended_action=RecommendedAction.REMOVE)
    doubtful = replace(EVENT, recommended_action=RecommendedAction.REVIEW)
    soft = replace(EVENT, bounce_type=BounceType.SOFT, recommended_action=RecommendedAction.RETRY_LATER)
    delay = replace(EVENT, kind=Kind.DELAY, action=Action.DELAYED, bounce_type=None, permanence=Permanence.TRANSIENT)
    assert [sisimai.record(event)["hardbounce"] for event in (hard, doubtful, soft, delay)] == [True, False, False, False]


def test_a_report_of_failed_authentication_is_no_complaint():
    """Only complaints are "feedback"; the type of the report stands beside."""
    found = sisimai.record(
        replace(EVENT, kind=Kind.COMPLAINT, action=None, bounce_type=None, reason=Reason.AUTH_FAILURE, feedback_type="auth-failure")
    )
    assert (found["reason"], found["feedbacktype"], found["hardbounce"]) == ("authfailure", "auth-failure", False)


def test_the_address_that_failed_is_the_recipient():
    """The list's own is the alias where it is another; a redacted one gives way to it."""
    forwarded = replace(EVENT, final_recipient="anna@forward.example")
    redacted = replace(EVENT, final_recipient="redacted@example.com")
    spelled = replace(EVENT, final_recipient="User@EXAMPLE.com")
    found = [sisimai.record(event) for event in (forwarded, redacted, spelled)]
    assert [each["recipient"] for each in found] == ["anna@forward.example", "user@example.com", "User@EXAMPLE.com"]
    assert [each["alias"] for each in found] == ["user@example.com", "", ""]
    assert [each["destination"] for each in found] == ["forward.example", "example.com", "EXAMPLE.com"]


def test_without_a_sender_or_a_date_the_token_is_the_id():
    """Half a token would make one of two bounces; a date that nobody knows is 0, the day the message was sent comes before."""
    sent = replace(EVENT, received_at=None, sent_at=datetime(2026, 1, 30, tzinfo=UTC))
    undated = replace(EVENT, received_at=None)
    assert (sisimai.record(sent)["timestamp"], sisimai.record(undated)["timestamp"]) == (1769731200, 0)
    assert {EVENT.event_id} == {sisimai.record(event)["token"] for event in (undated, replace(EVENT, sender=None))}
    assert len({sisimai.record(event)["token"] for event in (EVENT, sent, undated)}) == 3


def test_what_the_user_adds_is_caught():
    """Kept header fields and other systems' words stand in `catch`, by the names of their columns."""
    kept = replace(EVENT, kept=("spring", None))
    found = sisimai.record(kept, ["X-Campaign", "X-Batch"], ["sparkpost"])
    assert found["catch"] == {"returned_x_campaign": "spring", "returned_x_batch": None, "reason_sparkpost": "10"}


def read(path):
    """Return the records of a file."""
    text = (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()
    return json.loads(text) if ".json" in path.suffixes else [json.loads(line) for line in text.splitlines()]


def test_every_type_of_file_reads_back_the_same(tmp_path):
    """An array or a line each, compressed or not: the records of the events that are bounces, in order."""
    found = list(bounces.events(INBOX))
    expected = [record for record in map(sisimai.record, found) if record]
    assert len(found) > len(expected) > 20
    for suffix in (".json", ".jsonl", ".json.gz", ".jsonl.gz"):
        sisimai.write_events(iter(found), str(tmp_path / f"b{suffix}"))
        assert expected == read(tmp_path / f"b{suffix}")


def test_no_bounces_are_an_empty_array(tmp_path):
    """A program that reads the file finds JSON in it all the same."""
    sisimai.write_events([Event("1", "o", Kind.UNRECOGNIZED)], str(tmp_path / "b.json"))
    assert read(tmp_path / "b.json") == []


def test_hostile_text_stays_text(tmp_path):
    """What strangers wrote can't leave its string, and half a character is replaced."""
    odd = replace(EVENT, subject='"}],\n[{"\x9b\ud800', message_id="<a>b> ", sender="b\ud800@example.org")
    sisimai.write_events([odd], str(tmp_path / "b.jsonl"))
    (found,) = read(tmp_path / "b.jsonl")
    assert (found["subject"], found["messageid"]) == ('"}],\n[{"\x9b\ufffd', "a>b")


def test_a_report_writes_the_bounces_to_every_file_and_its_events_as_ever(tmp_path):
    """Several files are written on the way, beside --events; the recipients' table is not."""
    paths = [tmp_path / name for name in ("b.json", "b.jsonl.gz")]
    words = [word for path in paths for word in ("-o", path)]
    code, out, err = run_bounces("report", INBOX, "--format", "sisimai", *words, "--events", tmp_path / "e.jsonl")
    assert (code, err) == (0, "")
    assert out.startswith("Messages read")
    sisimai.write_events(bounces.events(INBOX), str(tmp_path / "events.json"))
    assert read(paths[0]) == read(paths[1]) == read(tmp_path / "events.json")
    assert [event.event_id for event in bounces.events(INBOX)] == [event["event_id"] for event in read(tmp_path / "e.jsonl")]


@pytest.mark.parametrize("command", ["report", "events"])
def test_standard_output_is_an_array(command):
    """`-o -` is JSON here, and nothing else goes there."""
    code, out, _ = run_bounces(command, INBOX, "--format", "sisimai", "-o", "-")
    assert (code, len(json.loads(out)) > 20) == (0, True)


@pytest.mark.parametrize("command", ["report", "events"])
@pytest.mark.parametrize("name", ["b.csv", "b.csv.gz", "b.parquet", "b.xlsx", "b"])
def test_another_type_is_wrong_usage(tmp_path, command, name):
    """A sentence names the types there are, the exit code is 2, and nothing is written."""
    code, out, err = run_bounces(command, INBOX, "--format", "sisimai", "-o", tmp_path / name)
    assert (code, out, list(tmp_path.iterdir())) == (2, "", [])
    assert f"{name}: this format is not written as " in err
    assert "known are .json, .json.gz, .jsonl, .jsonl.gz" in err


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    """When reading fails midway no file is left, what was there stays, and the mail is blamed."""
    (tmp_path / "a.json").write_text("old", encoding="utf-8")

    def failing():
        yield EVENT
        raise PermissionError(13, "Permission denied", "in.mbox")

    for name in ("a.json", "b.jsonl.gz"):
        with pytest.raises(SourceError, match=r"in\.mbox"):
            sisimai.write_events(failing(), str(tmp_path / name))
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == "old"


def test_the_file_that_fails_is_the_one_that_is_named(tmp_path):
    """Of several files that are open at once the full disk is told of the right one."""
    full = tmp_path / "full.jsonl"
    full.symlink_to("/dev/full")

    def fill():
        with sisimai.files([str(full), str(tmp_path / "b.json")]) as write:
            for _ in range(10_000):
                write(EVENT)

    with pytest.raises(OutputError, match=r"full\.jsonl: the disk is full"):
        fill()
    assert [path.name for path in tmp_path.iterdir()] == ["full.jsonl"]


def test_streaming_holds_one_event_at_a_time(tmp_path):
    """Memory doesn't grow with the bounces."""

    class Traced(Event):
        __slots__ = ("__weakref__",)

    alive = []

    def events():
        for number in range(200):
            event = Traced(str(number), "o", Kind.FAILURE, recipient="user@example.com", reason=Reason.MAILBOX_FULL)
            alive.append(weakref.ref(event))
            yield event
            del event
            assert sum(ref() is not None for ref in alive) <= 2

    sisimai.write_events(events(), str(tmp_path / "b.json"))
    assert len(read(tmp_path / "b.json")) == 200


def test_a_run_takes_the_policy_into_the_records(tmp_path):
    """With the literal policy a full mailbox that was refused for good is hard."""
    for policy in ("list", "rfc"):
        scope = run.Scope((str(ROOT / "samples" / "postfix" / "mailbox-full-552.eml"),), Settings(policy))
        run.report(scope, run.Aside(sisimai=(str(tmp_path / f"{policy}.json"),)))
    found = [read(tmp_path / f"{policy}.json")[0] for policy in ("list", "rfc")]
    assert [(each["reason"], each["hardbounce"]) for each in found] == [("mailboxfull", False), ("mailboxfull", True)]
