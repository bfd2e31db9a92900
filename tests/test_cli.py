import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parent.parent
INBOX = ROOT / "samples" / "inbox.mbox"
MAILDIR = ROOT / "samples" / "Maildir"


def bounces(*words, stdin=b"", cwd=None):
    """Run the command as a user does."""
    command = [str(Path(sys.executable).with_name("bounces")), *map(str, words)]
    done = subprocess.run(command, input=stdin, capture_output=True, check=False, cwd=cwd)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def counted(summary):
    """Return the messages read and the kinds' counts of a summary."""
    lines = summary.split("\n\n")[0].splitlines()
    return int(lines[0].split()[-1].replace(",", "")), [int(line.split()[-1].replace(",", "")) for line in lines[1:]]


def test_report_writes_recipients_and_prints_a_summary_that_adds_up(tmp_path):
    """The kinds sum to the messages read; the file has a row for each recipient."""
    code, out, err = bounces("report", INBOX, "-o", tmp_path / "r.csv", "-o", tmp_path / "r.parquet")
    total, kinds = counted(out)
    assert (code, err) == (0, "")
    assert total == sum(kinds) == INBOX.read_bytes().count(b"\nFrom ") + 1
    assert len(pd.read_csv(tmp_path / "r.csv")) == len(pd.read_parquet(tmp_path / "r.parquet")) > 5


def test_report_to_stdout_keeps_the_talk_on_stderr():
    """With -o - the table alone goes to standard output."""
    code, out, err = bounces("report", INBOX, "-o", "-")
    assert code == 0
    assert out.startswith("recipient,domain,provider,")
    assert "Messages read" in err


def test_one_bad_source_among_good_ones_is_named(tmp_path):
    """The good are reported, the bad one is named, and the exit code says so."""
    code, out, err = bounces("report", INBOX, tmp_path / "nowhere.mbox", "-o", tmp_path / "r.csv")
    assert code == 1
    assert "nowhere.mbox" in err
    assert "Messages read" in out
    assert (tmp_path / "r.csv").exists()


@pytest.mark.parametrize("command", ["report", "events"])
def test_bad_sources_alone_are_one_sentence_each_and_nothing_is_written(tmp_path, command):
    """A path that isn't there, a folder without mail, a binary file: a sentence, exit code 2, no traceback, no file."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "program").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 20)
    for name in ("nowhere", "empty", "program"):
        code, out, err = bounces(command, tmp_path / name, "-o", tmp_path / "out.csv")
        assert (code, out) == (2, "")
        assert name in err
        assert "Traceback" not in err
        assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "out.csv").exists()


def test_unwritable_output_is_told_before_the_work(tmp_path):
    """A folder that isn't there, a suffix nobody knows."""
    for path in (tmp_path / "no" / "r.csv", tmp_path / "r.docx"):
        code, _, err = bounces("report", INBOX, "-o", path)
        assert code == 2
        assert path.name in err
        assert "Traceback" not in err


@pytest.mark.parametrize(
    "words",
    [
        ["mail.mbox", "--unrecognized", "mail.mbox"],
        ["mail.mbox", "--unrecognized", "./mail.mbox"],
        ["mail.mbox", "-o", "r.csv", "-o", "./r.csv"],
        ["mail.mbox", "-o", "-", "--events", "-"],
        ["mail.mbox", "--unrecognized", "-"],
        [".", "--unrecognized", "mail.mbox"],
    ],
)
def test_no_output_replaces_mail_or_another_output(tmp_path, words):
    """A source given as an output is refused before anything is written."""
    mail = tmp_path / "mail.mbox"
    mail.write_bytes(INBOX.read_bytes())
    code, out, err = bounces("report", *words, cwd=tmp_path)
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert mail.read_bytes() == INBOX.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mail.mbox"]


@pytest.mark.parametrize("command", ["report", "events", "explain", "classify", "unknown"])
def test_help_has_an_example_on_a_line_of_its_own(command):
    """Each command shows how it is used."""
    code, out, _ = bounces(command, "--help")
    assert code == 0
    assert "\\b" not in out
    assert f"\n    bounces {command} " in out


def test_dates_select_and_everything_is_still_counted(tmp_path):
    """Messages outside the dates are counted as such; inside and outside add up to all."""
    whole, _ = counted(bounces("report", INBOX)[1])
    code, out, _ = bounces("report", INBOX, "--since", "2026-03-10", "--until", "2026-03-20", "--events", tmp_path / "e.jsonl")
    total, kinds = counted(out)
    assert (code, total, sum(kinds)) == (0, whole, whole)
    rows = [json.loads(line) for line in (tmp_path / "e.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows
    assert all("2026-03-10" <= row["received_at"][:10] < "2026-03-20" for row in rows)


def test_since_after_until_is_a_mistake():
    """Nothing could lie between."""
    code, _, err = bounces("report", INBOX, "--since", "2026-03-20", "--until", "2026-03-10")
    assert code == 2
    assert "--since" in err


def test_a_terminated_run_leaves_nothing_behind(tmp_path):
    """TERM and Ctrl-C alike: neither the file nor a part of it."""
    mail = tmp_path / "mail.mbox"
    mail.write_bytes(INBOX.read_bytes() * 500)
    for number in (signal.SIGTERM, signal.SIGINT):
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("bounces")), "events", mail, "-o", tmp_path / "out.csv"], stderr=subprocess.PIPE
        )
        deadline = time.monotonic() + 30
        while not any(path.name.startswith(".bounces-") for path in tmp_path.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(number)
        _, err = process.communicate()
        assert process.returncode not in {0, None}
        assert b"Traceback" not in err
        assert [path.name for path in tmp_path.iterdir()] == ["mail.mbox"]


def test_unrecognized_mail_is_kept_in_an_mbox_that_reads_back(tmp_path):
    """The mbox holds just the messages that are no notices, unchanged."""
    _, out, _ = bounces("report", INBOX, "--unrecognized", tmp_path / "others.mbox")
    others = next(int(line.split()[-1]) for line in out.splitlines() if "unrecognized" in line)
    again, kinds = counted(bounces("report", tmp_path / "others.mbox")[1])
    assert (again, kinds) == (others, [others])


def test_events_are_the_same_from_a_file_and_from_stdin(tmp_path):
    """Reading from standard input changes the origin and nothing else."""
    bounces("events", INBOX, "-o", tmp_path / "a.jsonl")
    bounces("events", "-", "-o", tmp_path / "b.jsonl", stdin=INBOX.read_bytes())
    first, second = ([json.loads(line) for line in (tmp_path / name).read_text(encoding="utf-8").splitlines()] for name in ("a.jsonl", "b.jsonl"))
    assert [row["origin"] for row in second][:2] == ["-#1", "-#2"]
    assert [row | {"origin": ""} for row in first] == [row | {"origin": ""} for row in second]


def test_origins_are_the_path_as_given(tmp_path):
    """A relative path stays relative, a folder's is joined with the path below it."""
    bounces("events", "samples/Maildir", "-o", tmp_path / "e.jsonl", cwd=ROOT)
    origins = [json.loads(line)["origin"] for line in (tmp_path / "e.jsonl").read_text(encoding="utf-8").splitlines()]
    assert all(origin.startswith("samples/Maildir/") and (ROOT / origin).exists() for origin in origins)


def test_reading_changes_nothing():
    """Names, sizes, times and bytes of the mail are as before."""

    def state():
        return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(MAILDIR.rglob("*")) if path.is_file()}

    before = state()
    assert before
    assert bounces("report", MAILDIR)[0] == 0
    assert state() == before


def test_explain_tells_each_stage():
    """Who read it, where the fields stood, which rule decided, what to do."""
    code, out, _ = bounces("explain", ROOT / "samples" / "postfix" / "mailbox-full-552.eml")
    assert code == 0
    for word in ("read by", "dsn", "Diagnostic-Code", "mailbox_full", "rule text.", "confidence", "other_channel"):
        assert word in out


def test_explain_tells_when_there_is_no_such_message():
    """The sentence says how many there are."""
    code, _, err = bounces("explain", INBOX, "--message", "999")
    assert code == 2
    assert str(INBOX.read_bytes().count(b"\nFrom ") + 1) in err


def test_classify_reads_words_or_lines():
    """The same answer, given as an argument or on standard input; jsonl has the promised keys."""
    _, one, _ = bounces("classify", "--format", "jsonl", "552 5.2.2 mailbox full")
    _, two, _ = bounces("classify", "--format", "jsonl", stdin=b"552 5.2.2 mailbox full\n\n")
    assert one == two
    assert list(json.loads(one)) == "text reply_code status reason permanence bounce_type blame recommended_action rule confidence".split()
    assert json.loads(one)["reason"] == "mailbox_full"


def test_strangers_do_not_reach_the_terminal(tmp_path):
    """A control sequence in a subject is made visible, not obeyed."""
    notice = (ROOT / "samples" / "postfix" / "user-unknown.eml").read_bytes().replace(b"Subject: ", b"Subject: \x1b]0;evil\x07\x1b[2J", 1)
    (tmp_path / "n.eml").write_bytes(notice)
    _, out, _ = bounces("explain", tmp_path / "n.eml")
    assert "\x1b" not in out
    assert "\x07" not in out


def test_nothing_is_drawn_where_nobody_looks():
    """Without a terminal there is no progress line."""
    assert bounces("report", INBOX)[2] == ""


def test_a_name_that_is_no_utf_8_can_be_read(tmp_path):
    """File names are bytes; a name in Latin-1 is shown as well as it can be."""
    path = os.fsencode(tmp_path) + b"/bo\xeete.eml"
    Path(os.fsdecode(path)).write_bytes((ROOT / "samples" / "postfix" / "user-unknown.eml").read_bytes())
    for suffix in ("jsonl", "csv", "parquet"):
        code, _, err = bounces("events", tmp_path, "-o", tmp_path.parent / f"out.{suffix}")
        assert (code, err) == (0, "")


CAMPAIGN = b"""From: MAILER-DAEMON@mx.example.com
To: b.7.anna#example.net@example.org
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; a@inner.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 user unknown

--b
Content-Type: text/rfc822-headers

From: news@example.org
Subject: News
X-Campaign-Id: =spring-7

--b--
"""


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".xlsx"])
@pytest.mark.parametrize("command", ["report", "events"])
def test_kept_headers_are_columns_and_templates_name_the_recipient(tmp_path, command, suffix):
    """--keep-header adds a column of the returned message's field, empty where it has none; --verp tells how our return paths are made."""
    (tmp_path / "n.eml").write_bytes(CAMPAIGN)
    words = ["--keep-header", "X-Campaign-Id", "--keep-header", "List-Id", "--verp", "b.*.{local}#{domain}@example.org"]
    out = tmp_path / f"out{suffix}"
    assert bounces(command, tmp_path / "n.eml", *words, "-o", out)[0] == 0
    reader = {".csv": pd.read_csv, ".jsonl": lambda path: pd.read_json(path, lines=True), ".parquet": pd.read_parquet, ".xlsx": pd.read_excel}
    (row,) = reader[suffix](out).to_dict("records")
    assert row["recipient"] == "anna@example.net"
    assert row["returned_x_campaign_id"] == ("'" if suffix in {".csv", ".xlsx"} else "") + "=spring-7"
    assert pd.isna(row["returned_list_id"])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--keep-header", "X-Campaign: "), "'X-Campaign: ' is no name of a header field"),
        (("--keep-header", "X-Campaign-Id", "--keep-header", "X-Campaign.Id"), "would both be column returned_x_campaign_id"),
        (("--verp", "bounces@example.org"), "'bounces@example.org' has to have {local} once"),
    ],
)
def test_a_setting_that_is_none_is_one_sentence(words, sentence):
    """What is wrong, and what a right one looks like; exit code 2."""
    code, out, err = bounces("events", INBOX, "-o", "-", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert sentence in err
    assert "write it as" in err or "keep one" in err


def test_explain_tells_who_else_it_could_have_been_sent_to(tmp_path):
    """The winner, the field that names it, and what was passed over."""
    (tmp_path / "n.eml").write_bytes(CAMPAIGN)
    _, out, _ = bounces("explain", tmp_path / "n.eml", "--verp", "b.*.{local}#{domain}@example.org")
    assert "recipient           anna@example.net  <- return path: To" in out
    assert "passed over       a@inner.example  <- final recipient: Final-Recipient" in out
