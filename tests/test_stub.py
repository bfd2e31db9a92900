import tomllib
from pathlib import Path

import pytest

from bounces import run, stub
from bounces.analyze import analyze as read
from bounces.anonymize.template import of_event
from bounces.errors import OutputError, SettingsError, SourceError
from bounces.model import Raw
from bounces.phrases import GAP
from bounces.settings import Settings
from bounces.unknown import collect

ROOT = Path(__file__).parent.parent
MAIL = (str(ROOT / "samples"),)
PLAIN = Settings()


@pytest.fixture(scope="module")
def queue():
    """Collect what no specific rule knows of the samples."""
    return collect(run.Scope(MAIL), run.Tally())


def test_each_text_of_the_samples_has_a_stub(queue, tmp_path):
    """Sample and rule for each: the sample reads as the message did, and the rule decides it at once; nobody is named."""
    groups = queue.groups()
    assert len(groups) > 20
    for number, group in enumerate(groups, 1):
        written = stub.write(queue, number, str(tmp_path / str(number)), MAIL, PLAIN)
        assert (written.same, written.loads) == (True, True)
        (rule,) = tomllib.loads(written.rule.read_text(encoding="utf-8"))["rule"]
        assert written.sample.stem == written.rule.stem == rule["id"].removeprefix("own.")
        assert (rule["reason"], rule["source"]) == ("unknown", str(written.sample))
        assert all(len(part) <= GAP for phrase in rule["text"] for part in phrase.split(" * "))
        events = read(Raw("-", written.sample.read_bytes()))
        assert group.code in {(event.reply_code, event.status) for event in events}
        assert any((event.diagnostic_code or "").startswith(rule["examples"][0]) for event in events)
        # raises RuleError unless the rule's example reaches it
        with_it = read(Raw("-", written.sample.read_bytes()), Settings(rules=(str(written.rule),)))
        assert rule["id"] in {event.rule for event in with_it}


def test_nothing_is_overwritten(queue, tmp_path):
    """A file that is there stays as it is, and the other one is not written either."""
    written = stub.write(queue, 1, str(tmp_path), MAIL, PLAIN)
    written.sample.unlink()
    written.rule.write_text("mine")
    with pytest.raises(OutputError, match="nothing is overwritten"):
        stub.write(queue, 1, str(tmp_path), MAIL, PLAIN)
    assert written.rule.read_text() == "mine"
    assert not written.sample.exists()


def test_a_folder_that_cannot_be_made_is_told(queue, tmp_path):
    """The sentence names it."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        stub.write(queue, 1, str(tmp_path / "file"), MAIL, PLAIN)


def test_a_number_past_the_last_is_told(queue, tmp_path):
    """With how many there are."""
    with pytest.raises(SettingsError, match=f"there are only {len(queue.groups())} texts"):
        stub.write(queue, len(queue.groups()) + 1, str(tmp_path), MAIL, PLAIN)


def test_standard_input_cannot_be_read_again(queue, tmp_path):
    """Nor can mail that has gone."""
    group = queue.groups()[0]
    group.origin, origin = "-#3", group.origin
    with pytest.raises(SourceError, match="read twice"):
        stub.write(queue, 1, str(tmp_path), ("-",), PLAIN)
    group.origin = "gone.mbox#3"
    with pytest.raises(SourceError, match="was it moved"):
        stub.write(queue, 1, str(tmp_path), ("gone.mbox", *MAIL), PLAIN)
    group.origin = origin
    assert list(tmp_path.iterdir()) == []


def made(tmp_path, text, settings=PLAIN):
    """Write the stub of a text, and return its rule and whether it loads."""
    path = tmp_path / "in.eml"
    path.write_text(
        "From: MAILER-DAEMON@mx.example.com\nSubject: Undelivered Mail Returned to Sender\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mx.example.com\n\nFinal-Recipient: rfc822; anna@firm.example\nAction: failed\nStatus: 5.0.0\n"
        f"Diagnostic-Code: smtp; {text}\n\n--b--\n",
        encoding="utf-8",
    )
    found = collect(run.Scope((str(path),), settings), run.Tally())
    assert [group.template for group in found.groups()] == [of_event(event) for event in read(Raw("-", path.read_bytes()))]
    written = stub.write(found, 1, str(tmp_path / "mine"), (str(path),), settings)
    return tomllib.loads(written.rule.read_text(encoding="utf-8"))["rule"][0], written.loads


@pytest.mark.parametrize(
    ("text", "phrase", "name"),
    [
        ("550 no seat 12 at mx1.firm.example for you", "no seat * for you", "no-seat-at-for-you"),
        ("550 the frobnicator of <anna@firm.example> is off", "the frobnicator of", "the-frobnicator-of-is-off"),
        ("550 FROB42 denies", "FROB* * denies", "frob-denies"),
        ('550 "a|b*c" the \\frob\\ \x7f is off', 'c" the \\frob\\ \N{REPLACEMENT CHARACTER} is off', "a-b-c-the-frob-is"),
        ("550 座席がありません 12", "座席がありません", None),
    ],
)
def test_the_phrase_is_what_tells_most(tmp_path, text, phrase, name):
    """The longest stretch of words, with its neighbour when it is short; legal in the language of phrases, and quoted as TOML."""
    rule, loads = made(tmp_path, text)
    assert (rule["text"], loads) == ([phrase], True)
    assert name is None or rule["id"] == f"own.{name}"


def test_a_stub_that_cannot_load_says_so(tmp_path, queue):
    """Where another rule decides whatever the phrase, the first line tells which."""
    own = tmp_path / "own.toml"
    own.write_text(
        '[[rule]]\nid = "own.frob-x"\ntext = ["frobnicator"]\nreply_code = "554"\nreason = "moved"\nsource = "s"\nexamples = ["554 frobnicator x"]\n'
    )
    assert made(tmp_path, "550 the frobnicator is off", Settings(rules=(str(own),)))[1]
    draft = stub._Draft("frob", "the frobnicator is off", "554 the frobnicator is off", tmp_path / "s.eml", queue.groups()[0])
    text, loads = draft.written(Settings(rules=(str(own),)))
    assert not loads
    assert text.startswith("# The example is decided by own.frob-x: ")
