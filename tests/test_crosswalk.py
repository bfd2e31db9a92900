import json
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import bounces
from bounces import advise, output
from bounces.crosswalk import SYSTEMS, known, reason_column, words
from bounces.errors import SettingsError
from bounces.model import Event, Kind, Permanence, Reason

ROOT = Path(__file__).parent.parent
INBOX = ROOT / "samples" / "inbox.mbox"
FULL = Event("1", "in.mbox#1", Kind.FAILURE, reason=Reason.MAILBOX_FULL, permanence=Permanence.PERMANENT)

# the words that each system documents, at the addresses that crosswalk.toml gives
DOCUMENTED = {
    "sisimai": """authfailure badreputation blocked contenterror delivered emailtoolarge expired failedstarttls feedback filtered hasmoved hostunknown
        mailboxfull mailererror networkerror norelaying notaccept notcompliantrfc onhold policyviolation ratelimited rejected requireptr
        securityerror spamdetected suppressed suspend syntaxerror systemerror systemfull undefined userunknown vacation virusdetected""".split(),
    "sparkpost": "1 10 20 21 22 23 24 25 30 40 50 51 52 53 54 60 70 80 90 100".split(),
    "kumomta": """InvalidRecipient DNSFailure SpamBlock SpamContent ProhibitedAttachment RelayDenied AutoReply TransientFailure Subscribe Unsubscribe
        ChallengeResponse BadConfiguration BadConnection BadDomain ContentRelated InactiveMailbox InvalidSender MessageExpired NoAnswerFromHost
        PolicyRelated ProtocolErrors QuotaIssues RelayingIssues RoutingErrors SpamRelated VirusRelated AuthenticationFailed TooManyRecipients
        Uncategorized Reception Delivery Bounce Expiration AdminBounce OOB Feedback""".split(),
    "sendgrid": [
        *("Invalid Address", "Technical Failure", "Content", "Reputation", "Frequency or Volume Too High", "Mailbox Unavailable", "Unclassified"),
        *"processed deferred delivered bounce dropped open click spamreport unsubscribe group_unsubscribe group_resubscribe".split(),
    ],
    "postmark": """HardBounce Transient Unsubscribe Subscribe AutoResponder AddressChange DnsError SpamNotification OpenRelayTest Unknown SoftBounce
        VirusNotification ChallengeVerification BadEmailAddress SpamComplaint ManuallyDeactivated Unconfirmed Blocked SMTPApiError InboundError
        DMARCPolicy TemplateRenderingFailed""".split(),
}
# the words by which a system takes an address out of use
DEADLY = {
    "sparkpost": {"10", "30", "90"},
    "kumomta": {"InvalidRecipient", "BadDomain", "InactiveMailbox"},
    "sendgrid": {"Invalid Address", "dropped", "spamreport"},
    "postmark": {"HardBounce", "BadEmailAddress", "SpamComplaint", "ManuallyDeactivated"},
}


def run(*command):
    """Run the command as a user does."""
    done = subprocess.run([str(Path(sys.executable).with_name("bounces")), *map(str, command)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_reason_has_a_word_that_the_system_documents(system):
    """All forty reasons have a word for each permanence, and no word is made up."""
    table = words(system)
    assert set(table) == set(Reason)
    assert [dict.fromkeys(Permanence) | found for found in table.values()] == list(table.values())
    assert {word for found in table.values() for word in found.values()} - set(DOCUMENTED[system]) == set()


@pytest.mark.parametrize("system", DEADLY)
def test_a_word_that_costs_an_address_its_place_stands_for_a_hard_failure_only(system):
    """Where a system removes an address on a word, the list policy calls the failure hard, or the address has complained."""
    rows = advise.load("list").rows
    removed = [(reason, one) for reason, found in words(system).items() for one, word in found.items() if word in DEADLY[system]]
    assert removed
    assert [(reason, one) for reason, one in removed if reason is not Reason.COMPLAINT and one not in rows[reason].hard | suppressed(reason)] == []


def suppressed(reason):
    """Return the permanences under which an address is out of use in the system already."""
    return set(Permanence) if reason is Reason.SUPPRESSED else set()


def test_the_file_names_a_source_for_each_system_and_nothing_else():
    """Each table follows a comment with an address; the file has the systems that are offered."""
    text = (files("bounces") / "crosswalk.toml").read_text(encoding="utf-8")
    heads = re.split(r"^\[(\w+)\]$", text, flags=re.MULTILINE)
    assert tuple(heads[1::2]) == SYSTEMS
    for before in heads[:-1:2]:
        assert "https://" in before.rpartition("\n\n")[2]


@pytest.mark.parametrize(
    ("reply", "sisimai", "sparkpost", "kumomta", "sendgrid", "postmark"),
    [
        ("550 5.1.1 user unknown", "userunknown", "10", "InvalidRecipient", "Invalid Address", "HardBounce"),
        ("450 4.1.1 user unknown", "userunknown", "20", "TransientFailure", "Mailbox Unavailable", "SoftBounce"),
        ("552 5.2.2 mailbox full", "mailboxfull", "22", "QuotaIssues", "Mailbox Unavailable", "SoftBounce"),
        ("554 5.7.1 Client host blocked using zen.spamhaus.org", "blocked", "51", "SpamBlock", "Reputation", "Blocked"),
        ("what is this", "undefined", "1", "Uncategorized", "Unclassified", "Unknown"),
    ],
)
def test_a_reply_has_its_word_in_each_system(reply, sisimai, sparkpost, kumomta, sendgrid, postmark):
    """`bounces.crosswalk` takes what `bounces.classify` returns."""
    found = bounces.classify(reply)
    assert [sisimai, sparkpost, kumomta, sendgrid, postmark] == [bounces.crosswalk(found, system) for system in SYSTEMS]


def test_what_has_no_reason_has_no_word():
    """A delivery failed for no reason; a complaint, which has no permanence, has one."""
    assert bounces.crosswalk(Event("1", "o", Kind.DELIVERY), "postmark") is None
    assert bounces.crosswalk(Event("1", "o", Kind.COMPLAINT, reason=Reason.COMPLAINT), "postmark") == "SpamComplaint"


def test_a_system_that_nobody_knows_is_an_error():
    """Its sentence names those that are known, whether there is a reason or not."""
    sentence = "'mailgun': .*sisimai, sparkpost, kumomta, sendgrid, postmark"
    for event in (FULL, Event("1", "o", Kind.DELIVERY)):
        with pytest.raises(SettingsError, match=sentence):
            bounces.crosswalk(event, "mailgun")
    with pytest.raises(SettingsError, match=sentence):
        bounces.read(INBOX, names=["mailgun"])
    assert known(["postmark", "sisimai", "postmark"]) == ("postmark", "sisimai")


def test_frames_have_the_columns_in_the_order_of_the_names():
    """`read` and `report` add one column of text for each name, after all others; without names there is none."""
    events = bounces.read(INBOX, keep_headers=["List-Id"], names=["sparkpost", "sisimai"])
    recipients = bounces.report(events, names=["postmark"])
    assert list(events)[-3:] == ["returned_list_id", "reason_sparkpost", "reason_sisimai"]
    assert list(recipients)[-2:] == ["returned_list_id", "reason_postmark"]
    assert {str(events["reason_sisimai"].dtype), str(recipients["reason_postmark"].dtype)} == {"str"}
    assert [name for name in bounces.report(events) if name.startswith("reason_")] == []
    assert (events["reason_sparkpost"].isna() == events["reason"].isna()).all()
    unknown = recipients[(recipients["reason"] == "user_unknown") & (recipients["permanence"] == "permanent")]
    assert set(unknown["reason_postmark"]) == {"HardBounce"}


def test_an_empty_mailbox_has_the_columns_too():
    """Names and dtypes don't depend on the mail."""
    from bounces.frames import frame
    from bounces.summarize import report

    assert str(frame([], names=["sisimai"]).dtypes["reason_sisimai"]) == "str"
    assert str(report(frame([]), names=["sisimai"]).dtypes["reason_sisimai"]) == "str"


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".json", ".parquet", ".xlsx"])
def test_every_type_of_file_has_the_columns(tmp_path, suffix):
    """Events that are streamed have them, with the words as text."""
    path = tmp_path / f"e{suffix}"
    output.write_events([FULL], path, names=["sparkpost", "kumomta"])
    if suffix == ".xlsx":
        head, row = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
        found = dict(zip(head, row, strict=True))
    elif suffix in {".csv", ".parquet"}:
        found = (pd.read_csv(path, dtype=str) if suffix == ".csv" else pd.read_parquet(path)).iloc[0].to_dict()
    else:
        found = json.loads(path.read_text(encoding="utf-8").strip("[]\n"))
    assert list(found)[-2:] == ["reason_sparkpost", "reason_kumomta"]
    assert (found["reason_sparkpost"], found["reason_kumomta"]) == ("22", "QuotaIssues")


def test_the_commands_add_the_columns(tmp_path):
    """`--names` adds them to the recipients, to the events of a report and to `events`, and to the lines of `classify`."""
    column = reason_column("sendgrid")
    assert run("report", INBOX, "-o", tmp_path / "r.csv", "--events", tmp_path / "e.csv", "--names", "sendgrid")[0] == 0
    assert run("events", INBOX, "-o", tmp_path / "f.csv", "--names", "sendgrid")[0] == 0
    tables = [pd.read_csv(tmp_path / name) for name in ("r.csv", "e.csv", "f.csv")]
    assert [set(table[column].dropna()) - set(DOCUMENTED["sendgrid"]) for table in tables] == [set(), set(), set()]
    assert min(table[column].count() for table in tables) > 20
    code, out, _ = run("classify", "--names", "sendgrid", "--names", "sparkpost", "--format", "jsonl", "552 5.2.2 mailbox full")
    assert (code, json.loads(out)[column], json.loads(out)["reason_sparkpost"]) == (0, "Mailbox Unavailable", "22")
    code, out, _ = run("classify", "--names", "sendgrid", "--names", "sparkpost", "552 5.2.2 mailbox full")
    assert (code, "called: Mailbox Unavailable (sendgrid), 22 (sparkpost)" in out) == (0, True)


def test_a_name_that_nobody_knows_is_wrong_usage():
    """One line that names those that are known, exit code 2; the help names them, too."""
    code, out, err = run("classify", "--names", "mailgun", "550 user unknown")
    assert (code, out) == (2, "")
    assert all(system in err for system in SYSTEMS)
    assert all(system in run("events", "--help")[1] for system in SYSTEMS)
