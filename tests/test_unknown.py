import subprocess
import sys
from itertools import count
from pathlib import Path

import pandas as pd
import pytest

import bounces
from bounces import analyze, run
from bounces.errors import SourceError
from bounces.model import Confidence, Event, Kind, Raw, Reason
from bounces.rules import PROVIDER_CODE
from bounces.settings import Settings
from bounces.summary import unknown as listed
from bounces.unknown import Queue, by_codes, collect, frame, is_known

ROOT = Path(__file__).parent.parent
SAMPLES = sorted((ROOT / "samples").rglob("*.eml"))
PLAIN = Settings()
MODULE = sys.modules["bounces.unknown"]  # the package's own attribute is the function
COLUMNS = ["template", "count", "reply_code", "status", "reason", "domain", "domains", "provider", "origin"]


def notice(text, recipient="anna@firm.example", status="5.7.1"):
    """Return a notice in which a server said a text."""
    return (
        "From: MAILER-DAEMON@mx.example.com\nSubject: Undelivered Mail Returned to Sender\nDate: Mon, 2 Mar 2026 08:00:00 +0000\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mx.example.com\n\nFinal-Recipient: rfc822; {recipient}\nAction: failed\nStatus: {status}\n"
        f"Diagnostic-Code: smtp; {text}\n\n--b--\n"
    )


@pytest.fixture
def mail(tmp_path):
    """Make a mailbox of texts that no rule knows, and of one that a rule does."""
    texts = [
        ("550 5.7.1 <anna@firm.example>: no seat 12 at mx1.firm.example", "anna@firm.example"),
        ("550 5.7.1 <bert@firm.example>: No seat 7 at mx2.firm.example", "bert@firm.example"),
        ("554 5.7.1 <c@other.example>: no seat 1 at mx.other.example", "c@other.example"),
        ("550 5.7.1 the frobnicator is off", "d@gmail.com"),
        ("550 5.1.1 user unknown", "e@firm.example"),
        ("550 5.7.1", "f@firm.example"),
    ]
    mbox = tmp_path / "in.mbox"
    mbox.write_text("".join(f"From MAILER-DAEMON Mon Mar  2 08:00:00 2026\n{notice(*one)}\n" for one in texts))
    return mbox


def command(*words, stdin=""):
    """Run `bounces unknown` as a user does."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("bounces")), "unknown", *map(str, words)], input=stdin, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_what_counts_is_decided_as_in_the_verdict():
    """Of every sample's failure: known is what a text or a provider's rule decided, and nothing below."""
    seen = 0
    for path in SAMPLES:
        found = analyze.trace(Raw("-", path.read_bytes()))
        for event, verdict in zip(found.events, found.verdicts, strict=False) if isinstance(found, analyze.Trace) else ():
            if verdict is not None:
                seen += 1
                assert is_known(event, PLAIN) is (bool(verdict.evidence) and verdict.evidence[0].tier >= PROVIDER_CODE)
    assert seen > 300


def test_texts_are_grouped_by_their_template_the_most_frequent_first(mail):
    """Numbers, addresses and hosts make no difference, nor does the case; each group knows its codes, domains and first message."""
    found = bounces.unknown(mail)
    assert list(found.columns) == COLUMNS
    assert found["template"].tolist() == ["<address>: no seat # at <host>", "the frobnicator is off"]
    first = found.iloc[0]
    assert (first["count"], first["reply_code"], first["status"], first["domain"], first["domains"]) == (3, "550", "5.7.1", "firm.example", 2)
    assert (first["origin"], first["reason"]) == (f"{mail}#1", str(by_codes("550", "5.7.1")))
    assert found["provider"].fillna("").tolist() == ["", "google"]


def test_the_frame_has_its_dtypes_even_when_it_is_empty(mail):
    """The same columns and dtypes, whatever was found."""
    empty, full = frame([]), bounces.unknown(mail)
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()
    assert [str(kind) for kind in full.dtypes] == ["str", "int64", "str", "str", "category", "str", "int64", "str", "str"]
    assert set(full["reason"].cat.categories) == set(map(str, Reason))


def test_what_said_nothing_is_counted_apart(mail):
    """A code without words is no text to write a rule for."""
    queue = collect(run.Scope((str(mail),)), run.Tally())
    assert (queue.failures, queue.unknown, queue.wordless, queue.others) == (6, 4, 1, 0)


def test_ones_own_rules_make_a_text_known(mail, tmp_path):
    """A text that a rule file of the user's knows leaves the queue."""
    own = tmp_path / "own.toml"
    own.write_text('[[rule]]\nid = "own.seat"\ntext = ["no seat"]\nreason = "not_permitted"\nsource = "s"\nexamples = ["550 no seat 1"]\n')
    assert bounces.unknown(mail, rules=[str(own)])["template"].tolist() == ["the frobnicator is off"]


def event(text, number=0):
    return Event(
        f"{number:016x}", f"in.mbox#{number}", Kind.FAILURE, recipient=f"a@d{number}.example", domain=f"d{number}.example",
        reply_code="550", diagnostic_code=f"550 {text}", reason=Reason.UNKNOWN, confidence=Confidence.LOW,
    )  # fmt: skip


def test_what_is_held_is_bounded(monkeypatch):
    """Of more templates than fit the rarest are given up, and counted as others: hostile mail costs no memory."""
    monkeypatch.setattr(MODULE, "MOST", 10)
    queue, words = Queue(), ("".join(chr(97 + int(digit)) for digit in f"{number:05}") for number in count())
    for number in range(3):
        queue.add(event("the frobnicator is off", number), PLAIN)
    for _ in range(200):
        queue.add(event(f"zzz {next(words)}"), PLAIN)
    assert len(queue.held) <= 10
    assert queue.groups()[0].template == "the frobnicator is off"
    assert queue.unknown == queue.failures == 203
    assert queue.others == 203 - sum(group.count for group in queue.groups())


def test_the_domains_of_a_template_are_bounded():
    """Past fifty, domains are not told apart any more."""
    queue = Queue()
    for number in range(200):
        queue.add(event("the frobnicator is off", number), PLAIN)
    (group,) = queue.groups()
    assert (group.count, len(group.domains)) == (200, MODULE.MOST_VALUES)


def test_the_list_says_how_much_was_unknown(mail):
    """The last line counts; of many only the first are shown."""
    queue = collect(run.Scope((str(mail),)), run.Tally())
    assert listed(queue, 20).splitlines()[-1] == "4 of 6 failures and delays said what no specific rule knows, in 2 texts; 1 said nothing in words."
    assert "frobnicator" not in listed(queue, 1)
    assert "… and 1 more text\n" in listed(queue, 1)
    assert "firm.example and 1 more" in listed(queue, 1)


@pytest.mark.parametrize(
    ("queue", "sentence"),
    [
        (Queue(), "There were no failures."),
        (Queue(failures=3), "Every failure was known by a specific rule."),
        (Queue(failures=3, wordless=1), "Every failure was known by a specific rule, but for those that said nothing in words: 1."),
        (
            Queue(failures=9, others=4),
            "4 of 9 failures and delays said what no specific rule knows, in 0 texts and 4 times in texts too rare to be held.",
        ),
    ],
)
def test_a_queue_without_texts_says_so(queue, sentence):
    """There may be nothing to do."""
    assert sentence == listed(queue, 20)


def test_the_command_lists_and_writes(mail, tmp_path):
    """The list goes to standard output, all templates to the file; with -o - the table alone does."""
    code, out, err = command(mail, "-n", "1", "-o", tmp_path / "u.csv")
    assert (code, err) == (0, "")
    assert "   1       3  550 5.7.1   policy_rejected       firm.example and 1 more\n              <address>: no seat # at <host>\n" in out
    assert pd.read_csv(tmp_path / "u.csv")["count"].tolist() == [3, 1]
    code, out, err = command("-", "-o", "-", stdin=mail.read_text())
    assert (code, out.splitlines()[0]) == (0, ",".join(COLUMNS))
    assert "4 of 6 failures" in err


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet", ".xlsx"])
def test_every_type_of_file_is_written(mail, tmp_path, suffix):
    """By its suffix, as the other tables are."""
    assert command(mail, "-o", tmp_path / f"u{suffix}")[0] == 0
    reader = {".jsonl": lambda path: pd.read_json(path, lines=True), ".json": pd.read_json, ".parquet": pd.read_parquet, ".xlsx": pd.read_excel}
    assert reader[suffix](tmp_path / f"u{suffix}")["count"].tolist() == [3, 1]


def test_the_dates_hold(mail):
    """Only failures of those days are counted."""
    assert "There were no failures." in command(mail, "--since", "2026-04-01")[1]


def test_a_source_that_is_not_there_is_told():
    """In the library an error, in the shell a sentence."""
    with pytest.raises(SourceError, match="nowhere"):
        bounces.unknown("nowhere.mbox")
    assert command("nowhere.mbox")[0] == 2


@pytest.mark.parametrize(
    ("words", "sentence"), [(["--stub", "1"], "--into"), (["--into", "x"], "--stub"), (["--stub", "9", "--into", "x"], "choose one")]
)
def test_a_stub_needs_to_know_which_and_where(mail, tmp_path, words, sentence):
    """Number and folder need each other; a number that is none is told with how many there are."""
    words = [str(tmp_path / word) if word == "x" else word for word in words]
    code, out, err = command(mail, *words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert not (tmp_path / "x").exists()


def test_the_stub_is_written_and_loads(mail, tmp_path):
    """What is written is named, and the rule file does at once."""
    code, out, err = command(mail, "--stub", "1", "--into", tmp_path / "mine")
    assert (code, err) == (0, "")
    assert [line.partition(":")[0] for line in out.splitlines()] == [str(tmp_path / f"mine/no-seat-at.{end}") for end in ("eml", "toml")]
    assert bounces.unknown(mail, rules=[str(tmp_path / "mine/no-seat-at.toml")])["template"].tolist() == ["the frobnicator is off"]
