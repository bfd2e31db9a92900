"""What bounces.sources promises: every message of every kind of source once, as it was written, and nothing touched."""

# the house writes `assert expected == actual`; names that are not UTF-8 are easier as str
# ruff: noqa: PTH104, PTH108, PTH110, PTH118, PTH119, PTH123, PTH202, PTH208, SIM300

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import pickle
import re
import socket
import subprocess
import sys
import threading
import time
import zipfile
from types import SimpleNamespace

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bounces.errors import SourceError
from bounces.model import Raw
from bounces.sources import archives, chunks, files, maildir, mbox, plan, read

DATE = b"Thu Apr 29 23:34:45 2010"
SEPARATOR = b"From MAILER-DAEMON " + DATE
ONE = b"Subject: one\n\nfirst\n"
TWO = b"Subject: two\n\nsecond\n"
BOX = SEPARATOR + b"\n" + ONE + b"\n" + SEPARATOR + b"\n" + TWO + b"\n"
COMPRESS = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
}
every_compression = pytest.mark.parametrize("compress", COMPRESS.values(), ids=COMPRESS)
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def raws(source, **options):
    return [raw for chunk in chunks(str(source), **options) for raw in read(chunk)]


def contents(source, **options):
    return [raw.data for raw in raws(source, **options)]


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def zipped(members, method=zipfile.ZIP_DEFLATED):
    """Return a zip archive of members by name."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def quoted(message):
    """Write a message as mboxrd does."""
    return SEPARATOR + b"\n" + re.sub(rb"(?m)^(>*From )", rb">\1", message) + b"\n"


# mbox


def test_mbox_numbers_its_messages(tmp_path):
    """The messages of an mbox come in order, without separator and the empty line after them, numbered from 1."""
    box = write(tmp_path / "inbox", BOX)
    assert [Raw(f"{box}#1", ONE), Raw(f"{box}#2", TWO)] == raws(box)


def test_mbox_with_one_message_has_no_number(tmp_path):
    """The only message of an mbox has the path alone as its origin."""
    box = write(tmp_path / "inbox", SEPARATOR + b"\n" + ONE + b"\n")
    assert [Raw(str(box), ONE)] == raws(box)


@pytest.mark.parametrize("quoting", [b">", b">>", b">>>"])
def test_quoting_is_undone_by_one(tmp_path, quoting):
    """Of the marks before 'From ' at the start of a line one is taken away; elsewhere they stay."""
    box = write(tmp_path / "inbox", BOX.replace(b"first", quoting + b"From me\n" + b" >From him >From her"))
    assert [b"Subject: one\n\n" + quoting[1:] + b"From me\n >From him >From her\n", TWO] == contents(box)


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_every_line_end_splits_and_stays(tmp_path, newline):
    """LF, CRLF and bare CR mailboxes split alike, quoting is undone, and a message keeps its line ends."""
    text = BOX.replace(b"second", b"second\n>From x")
    expected = [message.replace(b"\n", newline) for message in (ONE, TWO.replace(b"second", b"second\nFrom x"))]
    assert expected == contents(write(tmp_path / "inbox", text.replace(b"\n", newline)))


def test_lf_separators_between_crlf_messages(tmp_path):
    """A mailbox of CRLF messages whose own lines end in LF splits, and only its own empty line goes."""
    one, two = ONE.replace(b"\n", b"\r\n"), TWO.replace(b"\n", b"\r\n")
    assert [one, two] == contents(write(tmp_path / "inbox", SEPARATOR + b"\n" + one + b"\n" + SEPARATOR + b"\n" + two + b"\n"))


@pytest.mark.parametrize(
    "separator",
    [
        b"From a@example.com Thu Apr 29 23:34:45 2010",
        b"From - Thu Apr 29 23:34:45 2010",
        b"From MAILER-DAEMON Mon 1 Jan 2015 00:00:00 +0900",
        b"From MAILER-DAEMON Fri Jan 1 00:0:00 2015",
        b"From MAILER-DAEMON  Sun Sep  7 21:40:07 2008",
        b"From <> Thu Apr 29 23:45:10 2008",
        b"From uucp Fri Nov 21 23:34 PST 1993 remote from host",
        b"From a@example.com Thu Apr 29 23:34:45 +0200 2010",
        b"From a@example.com Thu, 29 Apr 2010 23:34:45 +0200",
        b"From a@example.com  2012-04-29 23:34:45",
        b"From a@example.com  2012-04-29T23:34:45Z",
        b'From "John Q. Public"@example.com Thu Apr 29 23:34:45 2010',
        b"From a@example.com 29 Apr 2010 23:34:45",
    ],
)
def test_separators_of_many_writers(tmp_path, separator):
    """A blank line, a 'From ' line with a date in any usual order, and a field below make a separator."""
    assert [ONE, TWO] == contents(write(tmp_path / "inbox", separator + b"\n" + ONE + b"\n" + separator + b"\n" + TWO + b"\n"))


@pytest.mark.parametrize(
    "text",
    [
        b"\n\nFrom here on, it gets cold\nand colder",
        b"\n\nFrom here on, it gets cold\nNote: colder still",
        b"\n\nFrom a@example.com Mon Jan  1 10:00:00 2010\nsaid that it is cold",
        b"\n\nFrom a@example.com Mon Jan  1 10:00:00 2010\n\nFields: none above",
        b"\n\nFrom a@example.com Mon Jan  1 10:00:00 2010\nhttp://example.com",
        b"\n\nFrom a@example.com\nSubject: no date above",
        b"From the cold on 29 Apr 2010 10:00\nSubject: half a date and no blank line",
        b"\n\nFrom a@example.com Mon Jan  1 10:00:00 2010",
        b"\n\nFrom " + b"x" * 2000 + b" Mon Jan  1 10:00:00 2010\nSubject: too long a line",
        b"\n\n From a@example.com Mon Jan  1 10:00:00 2010\nSubject: indented",
    ],
)
def test_a_from_line_in_the_text_does_not_split(tmp_path, text):
    """A 'From ' line without a date, without a field below, or without both of a blank line and a full date belongs to the text."""
    one = ONE + text + b"\n"
    assert [one, TWO] == contents(write(tmp_path / "inbox", SEPARATOR + b"\n" + one + b"\n" + SEPARATOR + b"\n" + TWO))


def test_a_separator_after_a_truncated_message(tmp_path):
    """Without a blank line above, a separator with a full date and a field below still begins a message."""
    assert [b"Subject: one\n\nfir\n", TWO] == contents(write(tmp_path / "inbox", BOX.replace(b"first\n\n", b"fir\n")))


def test_content_length_is_not_trusted(tmp_path):
    """A wrong Content-Length changes nothing."""
    one = b"Content-Length: 100000\n" + ONE
    assert [one, TWO] == contents(write(tmp_path / "inbox", SEPARATOR + b"\n" + one + b"\n" + SEPARATOR + b"\n" + TWO))


def test_a_message_without_content_is_counted(tmp_path):
    """A mailbox that ends after a separator holds a message that is empty and says so."""
    assert [Raw(str(tmp_path / "inbox"), b"", ("empty message",))] == raws(write(tmp_path / "inbox", SEPARATOR + b"\n\n"))


def test_bytes_before_the_mailbox(tmp_path):
    """A byte order mark and empty lines before the first separator don't hide a mailbox."""
    assert [ONE, TWO] == contents(write(tmp_path / "inbox", b"\xef\xbb\xbf\r\n\n" + BOX))
    assert [ONE, TWO] == contents(write(tmp_path / "inbox.gz", gzip.compress(b"\xef\xbb\xbf\r\n\n" + BOX)))


def test_an_empty_file_is_an_empty_mailbox(tmp_path):
    """A file of no bytes, or of empty lines, is a mailbox without messages."""
    assert [] == list(chunks(str(write(tmp_path / "spool", b""))))
    assert [] == list(chunks(str(write(tmp_path / "spool", b"\n\r\n"))))


messages = st.lists(
    st.lists(st.sampled_from([b"From ", b">", b"\n", b"\r\n", b"\n\n", b"Subject: x", b"\0", b"\xff", b"a", SEPARATOR, DATE]), max_size=12).map(
        lambda parts: b"Subject: x\n" + b"".join(parts) + b"\n"
    ),
    min_size=1,
    max_size=8,
)


@quick
@given(messages)
def test_what_is_written_as_mboxrd_is_read_back(tmp_path, written):
    """Whatever the messages hold, writing them with mboxrd quoting and reading the file gives them back."""
    assert written == contents(write(tmp_path / "inbox", b"".join(map(quoted, written))))


boxes = st.lists(st.sampled_from([SEPARATOR, b"From x", b"\n", b"\n\n", b"\r\n", b"\r", b"Subject: x", b"text", b">From ", b" "]), max_size=60)


@quick
@given(boxes.map(b"".join), st.integers(1, 300))
def test_ranges_read_apart_are_the_whole(tmp_path, text, size):
    """Cut at any size and read range by range, a mailbox gives the same messages as in one go, and the ranges leave no gap."""
    box = str(write(tmp_path / "inbox", SEPARATOR + b"\nSubject: x\n" + text))
    planned = list(chunks(box, size=size))
    apart = [raw for chunk in reversed(planned) for raw in reversed(list(read(pickle.loads(pickle.dumps(chunk)))))]
    assert raws(box) == apart[::-1]
    assert [0, *[chunk.end for chunk in planned]] == [*[chunk.start for chunk in planned], os.path.getsize(box)]


@quick
@given(boxes.map(b"".join), st.integers(1, 3000))
def test_where_blocks_end_does_not_matter(text, size):
    """A separator that lies across two blocks of the file is judged as in one."""
    text = SEPARATOR + b"\nSubject: x\n" + text
    blocks = [text[at : at + size] for at in range(0, len(text), size)]
    assert list(mbox.split([text], b"\n")) == list(mbox.split(blocks, b"\n"))


def test_ranges_are_cut_near_the_size(tmp_path):
    """An mbox is cut at the first separator after the size asked for."""
    box = write(tmp_path / "inbox", b"".join(quoted(b"Subject: x\n\n" + b"x" * 900 + b"\n") for _ in range(100)))
    planned = list(chunks(str(box), size=10_000))
    assert 10 == len(planned)
    assert all(10_000 <= chunk.end - chunk.start < 11_000 for chunk in planned[:-1])
    assert [1, 12, 23] == [chunk.first for chunk in planned[:3]]
    assert len(pickle.dumps(planned[0])) < 1000


def test_mail_that_comes_meanwhile_is_left(tmp_path):
    """What is appended to a mailbox after the planning is not read."""
    box = write(tmp_path / "inbox", BOX)
    planned = list(chunks(str(box)))
    box.write_bytes(BOX + BOX)
    assert [ONE, TWO] == [raw.data for chunk in planned for raw in read(chunk)]


def test_a_mailbox_that_is_truncated_meanwhile(tmp_path):
    """A mailbox that has become shorter since the planning costs a defect, at its end and in the ranges that are gone."""
    box = write(tmp_path / "inbox", BOX)
    first, second = chunks(str(box), size=1)
    box.write_bytes(BOX[:-80])
    assert [Raw(f"{box}#2", b"", ("cannot be read: the file became shorter while it was read",))] == list(read(second))
    box.write_bytes(BOX[:60])
    cut, rest = read(first)
    assert Raw(f"{box}#1", BOX[44:60], (mbox.CUT_OFF,)) == cut
    assert Raw(f"{box}#2", b"", ("cannot be read: the file became shorter while it was read",)) == rest


def test_a_mailbox_that_is_rewritten_meanwhile(tmp_path):
    """A range that begins in the middle of a message, since the mailbox was rewritten, is not taken for a message."""
    box = write(tmp_path / "inbox", BOX)
    _, second = chunks(str(box), size=1)
    box.write_bytes(BOX.replace(b"one", b"longer"))
    assert Raw(f"{box}#2", b"", ("cannot be read: the mailbox changed while it was read",)) == next(read(second))


def test_a_mailbox_that_vanishes_meanwhile(tmp_path):
    """A mailbox that is gone when a range is read costs a defect."""
    box = write(tmp_path / "inbox", BOX)
    (chunk,) = chunks(str(box))
    box.unlink()
    assert [Raw(f"{box}#1", b"", ("cannot be read: No such file or directory",))] == list(read(chunk))


# single messages


@pytest.mark.parametrize("before", [b"", b">From x " + DATE + b"\n", b"\xef\xbb\xbf", b"\n\r\n"])
@pytest.mark.parametrize("name", ["message.eml", "message", "message.json"])
def test_a_message_is_known_by_its_content(tmp_path, name, before):
    """A file that begins with a header field is one message whatever its name; a stray separator or empty lines before it go."""
    assert [Raw(str(tmp_path / name), ONE)] == raws(write(tmp_path / name, before + ONE))


def test_a_message_is_not_split_or_unquoted(tmp_path):
    """Without a separator in its first line a file is one message, unchanged."""
    text = ONE + b"\n>From me\n\n" + BOX
    assert [Raw(str(tmp_path / "message"), text)] == raws(write(tmp_path / "message", text))


@pytest.mark.parametrize("content", [b"Odd-Name: x\nTo: y\n\ntext", b"Subject:no space\n\n", b"Received: x\r\rtext", b"X-A: \0\xff\n\n"])
def test_a_message_may_begin_with_any_field(tmp_path, content):
    """The first line is a field, and one of the header's is a message's."""
    assert [content] == contents(write(tmp_path / "message", content))


def test_text_with_colons_is_no_mail(tmp_path):
    """A list of users, or a README with notes, is named as what it is not."""
    for content in (b"root:x:0:0:root:/root:/bin/sh\nbin:x:1:1\n", b"Note: read this\nOwner: us\n\ntext"):
        with pytest.raises(SourceError, match="not mail"):
            raws(write(tmp_path / "users", content))


def test_a_large_message_is_cut(tmp_path, monkeypatch):
    """A message beyond the limit is cut there with a defect, alone, in a mailbox and compressed; the next one is whole."""
    monkeypatch.setattr(mbox, "LARGEST", 3 << 20)
    large = b"Subject: x\n\n" + b"x" * (5 << 20) + b"\n"
    box = SEPARATOR + b"\n" + large + b"\n" + SEPARATOR + b"\n" + TWO + b"\n"
    [alone] = raws(write(tmp_path / "message", large))
    assert Raw(alone.origin, large[: 3 << 20], (mbox.TOO_LARGE,)) == alone
    for content in (box, gzip.compress(box), b"".join([SEPARATOR, b"\n", large, b"\n", SEPARATOR, b"\n", TWO])):
        first, second = raws(write(tmp_path / "inbox", content))
        assert (large[: len(first.data)], (mbox.TOO_LARGE,)) == (first.data, first.defects)
        assert 0 <= (3 << 20) - len(first.data) < 100
        assert (TWO, ()) == (second.data, second.defects)
    assert "message larger than 64 MiB, cut" == mbox.TOO_LARGE


# Maildir


def maildir_with(folder, *names, cur=True):
    """Make a Maildir in which each message's text is its name without flags."""
    for sub in ("cur", "new"):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    for name in names:
        write(folder / ("cur" if cur else "new") / name, b"Subject: x\n\n" + re.split("[:;!]2,", name)[0].encode() + b"\n")
    return folder


def bodies(some):
    return [raw.data.split(b"\n\n", 1)[-1].strip().decode() for raw in some]


def test_maildir_reads_cur_and_new(tmp_path):
    """A Maildir's messages are those in cur and new; tmp, hidden files and an IMAP server's own files are none, whatever they hold."""
    folder = maildir_with(maildir_with(tmp_path / "Maildir", "1.host:2,S"), "2.host", cur=False)
    for name in ("tmp/3.host", "dovecot.index.log", "dovecot-uidlist", "subscriptions", "cur/.hidden", "sieve-draft.eml"):
        write(folder / name, ONE)
    assert ["1.host", "2.host"] == bodies(raws(folder))
    assert [f"{folder}/cur/1.host:2,S", f"{folder}/new/2.host"] == [raw.origin for raw in raws(folder)]


def test_maildir_subfolders(tmp_path):
    """Maildir++ subfolders (.Sent, .a.b) and Maildirs in ordinary subfolders are read too."""
    folder = maildir_with(tmp_path / "Maildir", "top")
    for name in (".Sent", ".a.b", "fs", "deep/er"):
        maildir_with(folder / name, "in" + name.replace("/", "."))
    write(folder / ".not-a-maildir" / "1.eml", ONE)
    assert ["top", "in.Sent", "in.a.b", "indeep.er", "infs"] == bodies(raws(folder))


def test_an_empty_maildir_is_an_empty_mailbox(tmp_path):
    """A Maildir without messages is no error, also in a folder."""
    maildir_with(tmp_path / "box" / "Maildir")
    assert [] == raws(tmp_path / "box" / "Maildir")
    assert [] == raws(tmp_path / "box")


@pytest.mark.parametrize("moved", ["cur/1.host:2,", "cur/1.host:2,RS", "cur/1.host;2,S", "cur/1.host!2,S"])
def test_a_message_that_moves_is_found_again(tmp_path, moved):
    """A message that goes from new to cur, or changes its flags, before it is read is read where it is, under its first origin."""
    folder = maildir_with(tmp_path / "Maildir", "1.host", "2.host", cur=False)
    planned = list(chunks(str(folder)))
    (folder / "new/1.host").rename(folder / moved)
    (folder / "new/2.host").rename(folder / "cur/2.host:2,S")
    found = [raw for chunk in planned for raw in read(chunk)]
    assert ["1.host", "2.host"] == bodies(found)
    assert [f"{folder}/new/1.host", f"{folder}/new/2.host"] == [raw.origin for raw in found]


def test_a_message_that_moves_twice_is_found_again(tmp_path):
    """What was seen of a Maildir is looked at again when it has become old."""
    folder = maildir_with(tmp_path / "Maildir", "1.host", "2.host", cur=False)
    (chunk,) = chunks(str(folder))
    for name in ("1.host", "2.host"):
        (folder / "new" / name).rename(folder / "cur" / f"{name}:2,")
    reading = read(chunk)
    found = [next(reading)]
    (folder / "cur/2.host:2,").rename(folder / "cur/2.host:2,S")
    assert ["1.host", "2.host"] == bodies([*found, *reading])


def test_a_message_that_vanishes_is_counted(tmp_path):
    """A message that is gone is a Raw that says so, and the others are read."""
    folder = maildir_with(tmp_path / "Maildir", "1.host", "2.host")
    planned = list(chunks(str(folder)))
    (folder / "cur/1.host").unlink()
    first, second = [raw for chunk in planned for raw in read(chunk)]
    assert Raw(f"{folder}/cur/1.host", b"", ("vanished while reading",)) == first
    assert ["2.host"] == bodies([second])


def test_many_vanished_messages_cost_one_listing(tmp_path, monkeypatch):
    """A Maildir is listed once for all the messages of a chunk that are gone, not once for each."""
    folder = maildir_with(tmp_path / "Maildir", *(f"{number}.host" for number in range(100)))
    (chunk,) = chunks(str(folder))
    for path in chunk.paths:
        os.unlink(path)
    listed = []
    monkeypatch.setattr(maildir, "messages", lambda folder: listed.append(folder) or [])
    assert 100 == len(list(read(chunk)))
    assert 1 == len(listed)


def test_a_message_that_moves_during_the_listing_is_read_once(tmp_path, monkeypatch):
    """A message that goes from new to cur between the listing of the two is one message."""
    folder = maildir_with(tmp_path / "Maildir", "1.host", "2.host", cur=False)
    scandir = os.scandir

    def listing(place):
        if os.path.basename(place) == "cur" and os.path.exists(folder / "new/1.host"):
            os.rename(folder / "new/1.host", folder / "cur/1.host:2,S")
        return scandir(place)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", listing)
        found = maildir.messages(str(folder))
    assert [f"{folder}/cur/1.host:2,S", f"{folder}/new/2.host"] == found


def test_a_message_that_one_listing_misses_is_read(tmp_path, monkeypatch):
    """A message renamed while cur is listed, so that the listing leaves it out, is read all the same."""
    folder = maildir_with(tmp_path / "Maildir", "1.host:2,S")
    scandir, listed = os.scandir, []

    def listing(place):
        listed.append(place)
        return scandir(folder / "new" if listed.count(place) == 1 else place)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", listing)
        found = maildir.messages(str(folder))
    assert [f"{folder}/cur/1.host:2,S"] == found


def test_two_files_with_one_name_are_two_messages(tmp_path):
    """Two files that differ in their flags only, and are both there, are both read."""
    folder = maildir_with(maildir_with(tmp_path / "Maildir", "1.host:2,S"), "1.host", cur=False)
    assert ["1.host", "1.host"] == bodies(raws(folder))


def test_a_file_of_a_maildir_is_one_message(tmp_path):
    """Whatever a file in cur or new looks like, it is one message: with a stray separator, without fields, or empty."""
    folder = maildir_with(tmp_path / "Maildir")
    for name, content in (("1", BOX), ("2", b"no field\n"), ("3", b"")):
        write(folder / "cur" / name, content)
    expected = [(BOX[44:], ()), (b"no field\n", ()), (b"", ("empty message",))]
    assert expected == [(raw.data, raw.defects) for raw in raws(folder)]


@every_compression
def test_a_maildir_of_compressed_messages(tmp_path, compress):
    """A Maildir may hold compressed messages beside others, as Dovecot writes them."""
    folder = maildir_with(tmp_path / "Maildir", "1")
    write(folder / "cur/2,S=12:2,S", compress(TWO))
    assert [b"Subject: x\n\n1\n", TWO] == contents(folder)


# folders


def test_a_folder_of_everything(tmp_path):
    """A folder gives single messages, mailboxes, Maildirs, compressed or not, below it, sorted by path."""
    for name, content in (("b/x", ONE), ("b.mbox", BOX), ("a.eml", ONE), ("c.mbox.gz", gzip.compress(BOX)), ("d.xz", lzma.compress(TWO))):
        write(tmp_path / name, content)
    maildir_with(tmp_path / "e", "mail")
    write(tmp_path / "f", ONE)
    expected = ["a.eml", "b.mbox#1", "b.mbox#2", "b/x", "c.mbox.gz#1", "c.mbox.gz#2", "d.xz", "e/cur/mail", "f"]
    assert [f"{tmp_path}/{name}" for name in expected] == [raw.origin for raw in raws(tmp_path)]
    assert [ONE, ONE, TWO, ONE, ONE, TWO, TWO, b"Subject: x\n\nmail\n", ONE] == contents(tmp_path)


@pytest.mark.parametrize("given_as", ["samples", "./samples", "samples/", ".", "../{}/samples"])
def test_origins_are_the_path_as_given(tmp_path, monkeypatch, given_as):
    """An origin is the path as it was given, joined with the path below it, while a chunk's own paths hold in any working directory."""
    write(tmp_path / "samples" / "inbox", BOX)
    write(tmp_path / "samples" / "x.eml", ONE)
    monkeypatch.chdir(tmp_path)
    source = given_as.format(tmp_path.name)
    below = os.path.join(source, "samples") if source == "." else source
    planned = list(chunks(source))
    monkeypatch.chdir("/")
    expected = [os.path.join(below, name) for name in ("inbox#1", "inbox#2", "x.eml")]
    assert expected == [raw.origin for chunk in planned for raw in read(chunk)]


def test_files_that_are_not_mail_are_named(tmp_path):
    """What isn't mail in a folder is skipped, each with the reason."""
    write(tmp_path / "x.eml", ONE)
    for name, content in (
        ("README.txt", b"Note: this is a text\nFrom: here\n"[:21]),
        ("a.json", b'{"a": 1}'),
        ("b.png", b"\x89PNG\r\n\x1a\n\0"),
        ("c.zip", zipped({"word/document.xml": b"<xml>"})),
        ("d.log", b"2010-04-29T23:34:45: connect from a\n"),
        ("e.txt", b"From here on, it gets cold\n"),
        ("f.tar.gz", gzip.compress(b"x" * 1000)),
        (".DS_Store", ONE),
        (".git/HEAD", ONE),
    ):
        write(tmp_path / name, content)
    (tmp_path / "gone").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    skipped = []
    assert [ONE] == contents(tmp_path, skipped=lambda origin, reason: skipped.append((os.path.relpath(origin, tmp_path), reason)))
    reasons = dict.fromkeys(("README.txt", "a.json", "b.png", "d.log", "e.txt", "f.tar.gz"), "not mail")
    reasons |= {"c.zip": "an archive without mail", ".DS_Store": "hidden", ".git": "hidden"}
    assert reasons | {"gone": "a link that leads nowhere", "pipe": "not a regular file"} == dict(skipped)


def test_skipped_files_are_logged(tmp_path, caplog):
    """Without a callback, what is skipped is in the log."""
    write(tmp_path / "x.eml", ONE)
    write(tmp_path / "a.json", b"{}")
    with caplog.at_level("INFO", logger="bounces"):
        list(chunks(str(tmp_path)))
    assert [f"{tmp_path}/a.json: skipped: not mail"] == [record.getMessage() for record in caplog.records]


def test_links_do_not_lead_in_circles(tmp_path):
    """A link to a folder above, or to one that was read, is skipped by name; a link to itself leads nowhere."""
    write(tmp_path / "a" / "x.eml", ONE)
    (tmp_path / "a" / "up").symlink_to("..")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "self").symlink_to("self")
    skipped = []
    assert [f"{tmp_path}/a/x.eml"] == [raw.origin for raw in raws(tmp_path, skipped=lambda *what: skipped.append(what))]
    again = "a link to a folder that is read already"
    assert [("a/up", again), ("b", again), ("self", "a link that leads nowhere")] == sorted(
        (os.path.relpath(origin, tmp_path), reason) for origin, reason in skipped
    )


def test_many_files_make_several_chunks(tmp_path, monkeypatch):
    """Single messages are chunked by number, in order, and read apart they are the whole."""
    monkeypatch.setattr(plan, "FILES", 4)
    names = [f"{number:02}.eml" for number in range(10)]
    for name in names:
        write(tmp_path / "mail" / name, b"Subject: " + name.encode() + b"\n\n")
    maildir_with(tmp_path / "mail" / "zz", *names)
    planned = list(chunks(str(tmp_path / "mail")))
    assert [4, 4, 4, 4, 4] == [len(chunk.paths) for chunk in planned]
    assert sorted(path for chunk in planned for path in chunk.paths) == [path for chunk in planned for path in chunk.paths]
    assert 20 == len(raws(tmp_path / "mail"))


def test_names_that_are_not_utf8(tmp_path):
    """A file whose name is not UTF-8 is read, alone and in a folder."""
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xe9.eml")
    with open(path, "wb") as file:
        file.write(ONE)
    assert [Raw(path, ONE)] == raws(path)
    assert [Raw(path, ONE)] == raws(tmp_path)
    with open(path, "wb") as file:
        file.write(COMPRESS["zstd"](ONE))
    assert [Raw(path, ONE)] == raws(path)


def test_what_cannot_be_read_is_counted(tmp_path, monkeypatch):
    """A file or a folder below the source that can't be opened is a Raw that says why."""
    for name in ("a/x.eml", "b.eml", "c.eml"):
        write(tmp_path / name, ONE)
    scandir, opened = os.scandir, open

    def refuse(call, name):
        def wrapper(path, *rest, **options):
            if os.path.basename(path) == name:
                raise PermissionError(13, "Permission denied", path)
            return call(path, *rest, **options)

        return wrapper

    monkeypatch.setattr(os, "scandir", refuse(scandir, "a"))
    monkeypatch.setattr("builtins.open", refuse(opened, "b.eml"))
    found = raws(tmp_path)
    monkeypatch.undo()
    assert [
        Raw(f"{tmp_path}/a", b"", ("cannot be read: Is a directory",)),
        Raw(f"{tmp_path}/b.eml", b"", ("cannot be read: Permission denied",)),
        Raw(f"{tmp_path}/c.eml", ONE),
    ] == found


# compression


@every_compression
def test_compressed_files(tmp_path, compress):
    """Compressed mailboxes and messages are known by their first bytes, not by name, and read like others."""
    assert [Raw(f"{tmp_path}/a#1", ONE), Raw(f"{tmp_path}/a#2", TWO)] == raws(write(tmp_path / "a", compress(BOX)))
    assert [Raw(f"{tmp_path}/b", ONE)] == raws(write(tmp_path / "b", compress(ONE)))
    assert [] == raws(write(tmp_path / "c", compress(b"")))


@every_compression
def test_concatenated_members(tmp_path, compress):
    """Members or frames one after the other are one stream, wherever it was cut."""
    assert [ONE, TWO] == contents(write(tmp_path / "a", compress(BOX[:70]) + compress(b"") + compress(BOX[70:])))


def test_zstd_with_skippable_frames(tmp_path):
    """A zstd file may begin with a skippable frame."""
    assert [ONE, TWO] == contents(write(tmp_path / "a", b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + COMPRESS["zstd"](BOX)))


def noise(number):
    """Return a mailbox of messages that don't compress, and the messages."""
    written = [b"Subject: %d\n\n" % n + os.urandom(3000).hex().encode() + b"\n" for n in range(number)]
    return b"".join(map(quoted, written)), written


@every_compression
def test_a_truncated_archive(tmp_path, compress):
    """Of a truncated mailbox all messages up to the cut are read; the last says that it is cut, and one stands for the rest."""
    box, written = noise(400)
    packed = compress(box)
    found = raws(write(tmp_path / "a", packed[: len(packed) * 2 // 3]))
    whole = len(found) - 2
    assert whole > 100
    assert written[:whole] == [raw.data for raw in found[:whole]]
    assert (mbox.CUT_OFF,) == found[-2].defects
    assert written[whole].startswith(found[-2].data)
    assert b"" == found[-1].data
    assert re.match(r"cannot be read: the \w+ data is damaged or cut off after \d+ unpacked bytes: ", found[-1].defects[0])
    assert [f"{tmp_path}/a#{number}" for number in range(1, len(found) + 1)] == [raw.origin for raw in found]


@every_compression
def test_a_damaged_member(tmp_path, compress):
    """What follows a whole member and isn't one is told, and nothing of the whole member is lost."""
    first, second, rest = raws(write(tmp_path / "a", compress(BOX) + b"garbage that is no member"))
    assert [ONE, TWO] == [first.data, second.data]
    assert (mbox.CUT_OFF,) == second.defects
    assert "data is damaged" in rest.defects[0]


@every_compression
def test_a_truncated_message(tmp_path, compress):
    """Of a truncated compressed message the beginning is read, with a defect; if there is none the Raw is empty and says why."""
    message = ONE + os.urandom(300_000).hex().encode()
    packed = compress(message)
    [raw] = raws(write(tmp_path / "a", packed[: len(packed) // 2]))
    assert message.startswith(raw.data)
    assert (mbox.CUT_OFF, True) == (raw.defects[0], "cut off after" in raw.defects[1]) if raw.data else "cut off" in raw.defects[0]
    [raw] = raws(write(tmp_path / "a", packed[:14]))
    assert (b"", True) == (raw.data, raw.defects[0].startswith("cannot be read: the "))


@every_compression
def test_a_bomb_is_not_unpacked(tmp_path, compress, monkeypatch):
    """A message that unpacks to far more than the limit is cut there, and no more is unpacked."""
    monkeypatch.setattr(mbox, "LARGEST", 1 << 20)
    unpacked = []
    gathered = archives._gathered
    monkeypatch.setattr(archives, "_gathered", lambda blocks, size: (unpacked.append(len(b)) or b for b in gathered(blocks, size)))
    [raw] = raws(write(tmp_path / "a", compress(ONE + bytes(50 << 20))))
    assert (1 << 20, (mbox.TOO_LARGE,)) == (len(raw.data), raw.defects)
    assert sum(unpacked) < 4 << 20


def test_xz_that_asks_for_too_much_memory(tmp_path, monkeypatch):
    """An xz file that needs more memory than any preset is refused with the reason."""
    monkeypatch.setattr(archives, "MEMORY", 1 << 20)
    [raw] = raws(write(tmp_path / "a", lzma.compress(ONE)))
    assert "Memory usage limit" in raw.defects[0]


def test_a_damaged_archive_in_a_folder(tmp_path):
    """A damaged archive in a folder is counted, and the files after it are read."""
    write(tmp_path / "a.gz", gzip.compress(ONE)[:10])
    write(tmp_path / "b.eml", TWO)
    damaged, whole = raws(tmp_path)
    assert (f"{tmp_path}/a.gz", b"") == (damaged.origin, damaged.data)
    assert TWO == whole.data


# standard input and pipes


@pytest.fixture
def standard_input(monkeypatch):
    """Return a function that sets what standard input holds."""
    return lambda content: monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))


@pytest.mark.parametrize("compress", [bytes, *COMPRESS.values()], ids=["plain", *COMPRESS])
def test_standard_input(standard_input, compress):
    """Standard input is "-": a mailbox or a message, compressed or not; its chunks can be read late, and apart."""
    standard_input(compress(BOX))
    planned = list(chunks("-", size=1))
    assert [Raw("-#1", ONE), Raw("-#2", TWO)] == [raw for chunk in planned for raw in read(chunk)]
    standard_input(compress(ONE))
    assert [Raw("-", ONE)] == raws("-")


def test_standard_input_without_mail(standard_input):
    """Empty standard input is an empty mailbox; other bytes are an error that names it."""
    standard_input(b"")
    assert [] == raws("-")
    standard_input(b"\0\1\2")
    with pytest.raises(SourceError, match=r"^-: not mail; give a mailbox"):
        raws("-")


def test_closed_standard_input(monkeypatch):
    """Closed standard input is an error that says so."""
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SourceError, match="standard input is closed"):
        raws("-")


def test_the_copy_of_standard_input_is_deleted(tmp_path):
    """When the program ends, nothing of standard input is left, and a forked worker that ends earlier doesn't delete it."""
    code = (
        "import os, sys\nfrom bounces.sources import chunks, read\nplanned = list(chunks('-'))\n"
        "child = os.fork()\nif not child: sys.exit()\nos.waitpid(child, 0)\n"
        "print([raw.origin for chunk in planned for raw in read(chunk)], len(os.listdir(os.environ['TMPDIR'])))"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], input=BOX, capture_output=True, check=True, env=environment)
    assert "['-#1', '-#2'] 1" == done.stdout.decode().strip()
    assert [] == os.listdir(tmp_path)


def test_a_named_pipe(tmp_path):
    """A pipe, as a shell's <(...) gives, is read like standard input, under its own name."""
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(BOX,))
    writer.start()
    assert [Raw(f"{tmp_path}/pipe#1", ONE), Raw(f"{tmp_path}/pipe#2", TWO)] == raws(tmp_path / "pipe")
    writer.join()


# what the user can put right


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            "image.eml",
            b"\x89PNG\r\n\x1a\n\0\0",
            r"image\.eml: not mail; give a mailbox \(mbox or Maildir\), a message \(\.eml\) or a folder",
        ),
        ("box.zip", zipped({"image": b"\x89PNG"}), r"box\.zip: an archive without mail; give a mailbox"),
        ("text", b"From here on, it gets cold\n", r"text: not mail; "),
        ("tar.gz", gzip.compress(b"\0" * 99), r"tar\.gz: not mail; "),
    ],
)
def test_a_file_that_is_not_mail(tmp_path, name, content, sentence):
    """A named file that isn't mail is an error that names it and says what would do."""
    with pytest.raises(SourceError, match=sentence):
        raws(write(tmp_path / name, content))


@pytest.mark.parametrize("name", ["missing", "", "nul\0x", "x" * 5000], ids=["missing", "empty", "nul", "long"])
def test_a_path_that_is_not_there(tmp_path, monkeypatch, name):
    """A path that leads nowhere is an error that names it."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=f"^'?{name[:3]}.*; check the path"):
        raws(name)


def test_a_folder_without_mail(tmp_path):
    """A folder that holds no mail is an error, empty or not."""
    with pytest.raises(SourceError, match="holds no mail; give a mailbox"):
        raws(tmp_path)
    write(tmp_path / "README.txt", b"# text\n")
    with pytest.raises(SourceError, match="holds no mail; give a mailbox"):
        raws(tmp_path)


def test_a_socket_or_device(tmp_path):
    """A socket or a device is neither a file nor a folder, and is not opened."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        for path in (tmp_path / "s", "/dev/null"):
            with pytest.raises(SourceError, match="neither a file nor a folder"):
                raws(path)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_no_permission(tmp_path, monkeypatch, kind):
    """A named file or folder that may not be read is an error that says so."""

    def refuse(path, *_, **__):
        raise PermissionError(13, "Permission denied", path)

    source = write(tmp_path / "x" / "inbox", BOX)
    monkeypatch.setattr(*(("builtins.open", refuse) if kind == "file" else (os, "scandir", refuse)))
    with pytest.raises(SourceError, match="cannot be read: Permission denied; check its permissions"):
        raws(source if kind == "file" else source.parent)


# the rest


def snapshot(folder):
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_mode, None if path.is_dir() else path.read_bytes()) for path in folder.rglob("*")}


def test_reading_changes_nothing(tmp_path):
    """After reading, every file has its name, its time and its bytes."""
    write(tmp_path / "inbox", BOX)
    write(tmp_path / "inbox.zst", COMPRESS["zstd"](BOX))
    write(tmp_path / "x.eml", ONE)
    maildir_with(maildir_with(tmp_path / "Maildir", "1.host"), "2.host", cur=False)
    before = snapshot(tmp_path)
    assert 7 == len(raws(tmp_path))
    assert before == snapshot(tmp_path)
    for path in tmp_path.rglob("*"):
        path.chmod(0o500)
    assert 7 == len(raws(tmp_path))


@pytest.mark.parametrize(
    "text",
    [
        b"\nFrom " * 200_000,
        b"\n\nFrom x" * 200_000,
        b"\n" + b">" * 2_000_000,
        (b"\n" + b">" * 2000) * 1000 + b">From ",
        b"From " * 400_000,
        b"\0" * 2_000_000,
        b"\r" * 2_000_000,
        b"\nFrom " + b" Mon" * 400_000,
        (b"\n\nFrom " + b" Mon Jan 1 2010" * 60 + b"\nSubject: x") * 2000,
        (b"\n" + b"a" * 90) * 20_000,
    ],
    ids=range(10),
)
def test_hostile_text_takes_no_longer(tmp_path, text):
    """Two megabytes made to be slow are read in time linear in their size, as a mailbox and as a message."""
    began = time.process_time()
    raws(write(tmp_path / "box", SEPARATOR + b"\nSubject: x\n" + text))
    raws(write(tmp_path / "message", b"Subject: x\n" + text))
    assert time.process_time() - began < 3


def test_heavy_libraries_are_not_imported(tmp_path):
    """Reading mail imports neither pandas nor, without zstd, pyarrow."""
    write(tmp_path / "inbox.gz", gzip.compress(BOX))
    code = (
        "import sys\nfrom bounces.sources import chunks, read\nassert [raw for chunk in chunks(sys.argv[1]) for raw in read(chunk)]\n"
        "print({'pandas', 'pyarrow', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, check=True)
    assert b"set()" == done.stdout.strip()


def test_every_file_is_read_by_whole_or_by_range(tmp_path):
    """A whole file that turns out to be a mailbox is numbered like one that was planned in ranges."""
    box = write(tmp_path / "inbox", BOX)
    assert raws(box) == list(files.read(str(box), str(box), {}))
