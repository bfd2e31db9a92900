"""What bounces promises of mail at URLs, and of files written there, against a real S3 server and others on loopback."""

# the house writes `assert expected == actual`
# ruff: noqa: SIM300

from __future__ import annotations

import gzip
import multiprocessing
import os
import pickle
import re
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest

pytest.importorskip("s3fs", reason="mail at URLs needs bounces[s3] and moto: pip install 'bounces[test]'")
pytest.importorskip("moto", reason="mail at URLs needs bounces[s3] and moto: pip install 'bounces[test]'")

import objectstore
import sftpserver

from bounces import analyze, apart, output, remote, wholefile
from bounces.errors import OutputError, SourceError
from bounces.model import Raw
from bounces.remote import trouble
from bounces.sources import archives, chunks, mbox, nth, objects, read

NOTICE = (Path(__file__).parent.parent / "samples/postfix/user-unknown.eml").read_bytes()
SEPARATOR = b"From MAILER-DAEMON Thu Apr 29 23:34:45 2010\n"
ONE = b"Subject: one\n\nfirst\n"
TWO = b"Subject: two\n\nsecond\n"
BOX = SEPARATOR + ONE + b"\n" + SEPARATOR + TWO + b"\n"
# aiohttp and botocore leave sockets to the garbage collector when a loop ends
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def _server():
    with objectstore.s3() as store:
        yield store


@pytest.fixture
def store(_server):
    """The S3 server, empty."""
    _server.clear()
    return _server


@pytest.fixture
def web():
    with objectstore.web() as served:
        yield served


def raws(source, skipped=None, **options):
    """Read a source as another process would: from the bytes of its chunks, which hold no credentials."""
    packed = pickle.dumps(list(chunks(source, skipped=skipped, **options)))
    assert b"testing" not in packed
    return [raw for chunk in pickle.loads(packed) for raw in read(chunk, skipped=skipped)]


def notice(number):
    """Return a notice that no other equals."""
    return NOTICE.replace(b"Subject: ", b"Subject: %d " % number, 1)


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def facts(source):
    """Return the events of a source, each without the base of its origin."""
    found = list(analyze.events(source))
    return [(event.origin.removeprefix(source), *(getattr(event, name) for name in output.FIELDS if name != "origin")) for event in found]


# S3


def test_thousands_of_objects(store, tmp_path):
    """A prefix as Amazon SES fills it gives the events of the same files on disk, in order, for one request an object and few more."""
    mail = {f"ses/{number:032x}": notice(number) for number in range(2000)}
    store.put("mail", **mail)
    write(tmp_path, mail)
    found = facts("s3://mail/ses")
    assert facts(str(tmp_path / "ses")) == found
    assert 2000 == len(found)
    asked = Counter(asked.method if not asked.query else "list" for asked in store.asked)
    assert 2000 <= asked["GET"] <= 2000 + objects.LOOKS
    assert 3 == asked["list"]  # two pages of a thousand, and one that told that the prefix is a folder
    assert asked["HEAD"] <= 1
    planned = list(chunks("s3://mail/ses/"))
    assert all(len(chunk.paths) <= objects.FILES for chunk in planned)
    assert max(len(pickle.dumps(chunk)) for chunk in planned) < 20_000


def test_a_big_mailbox_is_read_by_ranges(store, tmp_path):
    """60 MB of mailbox are planned from a look at each cut, then read in one range a chunk; no request asks for more than a chunk."""
    box = b"".join(SEPARATOR + notice(number) + b"\n" for number in range((60 << 20) // len(NOTICE)))
    store.put("mail", box=box)
    planned = list(chunks("s3://mail/box"))
    assert sum(asked.length for asked in store.asked if asked.method == "GET") < 1 << 20
    assert [0, *(chunk.end for chunk in planned)] == [*(chunk.start for chunk in planned), len(box)]
    assert len(planned) >= 7
    store.asked.clear()
    far = [raw for chunk in planned for raw in read(chunk)]
    assert len(store.asked) == 2 * len(planned)
    assert all(asked.range and asked.length < 10 << 20 for asked in store.asked)
    assert sum(asked.length for asked in store.asked) < len(box) + len(planned) * archives.HEAD + 1
    write(tmp_path, {"box": box})
    near = raws(str(tmp_path / "box"))
    assert [(raw.data, raw.defects) for raw in near] == [(raw.data, raw.defects) for raw in far]
    assert ["s3://mail/box#byte=0", f"s3://mail/box#byte={len(SEPARATOR + notice(0)) + 1}"] == [raw.origin for raw in far[:2]]
    assert len({raw.origin for raw in far}) == len(far)


def test_a_mailbox_is_cut_the_same_wherever_it_is_looked_at(store, monkeypatch):
    """However a far mailbox is cut, its messages and origins are the same, and a message larger than a chunk stays whole."""
    monkeypatch.setattr(remote, "WHOLE", 1)
    monkeypatch.setattr(mbox, "WINDOW", 700)
    large = b"Subject: large\n\n" + b"From here on\n" * 2000
    box = b"".join(SEPARATOR + message + b"\n" for message in [ONE, large, *map(notice, range(20)), TWO])
    store.put("mail", box=box)
    whole = raws("s3://mail/box")
    assert [ONE, large, *map(notice, range(20)), TWO] == [raw.data for raw in whole]
    for size in (1, 100, 5000, 30_000):
        assert whole == raws("s3://mail/box", size=size)


EVERYTHING = {
    "a.eml": ONE,
    "b.mbox": BOX,
    "b/x": TWO,
    "c.gz": gzip.compress(BOX),
    "d/Maildir/cur/1204680122.a.host:2,S": b"no field\n",
    "d/Maildir/new/1204680123.b.host": ONE,
    "d/Maildir/dovecot.index": b"\0\1",
    "d/Maildir/tmp/1204680124.c.host": ONE,
    "e.png": b"\x89PNG\r\n",
    ".git/HEAD": ONE,
    "f": b"",
    "odd [*?#%41] ümlaut.eml": TWO,
}


def archived(files):
    """Return the same files as a zip and as a compressed tar."""
    packed, tar = BytesIO(), BytesIO()
    with zipfile.ZipFile(packed, "w") as archive, tarfile.open(fileobj=tar, mode="w:gz") as other:
        for name, content in files.items():
            archive.writestr(name, content)
            about = tarfile.TarInfo(name)
            about.size = len(content)
            other.addfile(about, BytesIO(content))
    return {"mail.zip": packed.getvalue(), "mail.tgz": tar.getvalue()}


@pytest.mark.parametrize("limit", [remote.WHOLE, 20], ids=["at once", "one by one"])
def test_a_prefix_is_a_folder(store, tmp_path, monkeypatch, limit):
    """A prefix with folders, a Maildir, packed and foreign things gives what the same folder on disk gives, and tells what it leaves out."""
    monkeypatch.setattr(remote, "WHOLE", limit)
    write(tmp_path, EVERYTHING | archived({"in/x.eml": ONE, "in/y.mbox": BOX}))
    (tmp_path / "d/Maildir/cur").mkdir(exist_ok=True)
    store.put("bucket", **{f"p/{name}": content for name, content in (EVERYTHING | archived({"in/x.eml": ONE, "in/y.mbox": BOX})).items()})
    store.put("bucket", **{"p/folder/": b"", "other": ONE})
    near, far = [], []
    expected = [(raw.origin.removeprefix(f"{tmp_path}/"), raw.data, raw.defects) for raw in raws(str(tmp_path), lambda *what: near.append(what))]
    found = [(raw.origin.removeprefix("s3://bucket/p/"), raw.data, raw.defects) for raw in raws("s3://bucket/p", lambda *what: far.append(what))]
    byte = re.compile(r"#(?:byte=)?\d+$")
    assert [(byte.sub("#", origin), *rest) for origin, *rest in expected] == [(byte.sub("#", origin), *rest) for origin, *rest in found]
    assert 15 == len(found)
    assert {("e.png", "not mail"), (".git", "hidden")} == {(origin.removeprefix("s3://bucket/p/"), why) for origin, why in far}
    assert sorted(why for _, why in near) == sorted(why for _, why in far)


@pytest.mark.parametrize("name", ["a.eml", "b.mbox", "c.gz", "mail.zip", "mail.tgz"])
@pytest.mark.parametrize("limit", [remote.WHOLE, 20], ids=["small", "large"])
def test_one_object(store, tmp_path, monkeypatch, name, limit):
    """One object is a message, a mailbox or an archive, small or large; its messages are counted, and the Nth is found."""
    monkeypatch.setattr(remote, "WHOLE", limit)
    files = EVERYTHING | archived({"in/x.eml": ONE, "in/y.mbox": BOX})
    store.put("bucket", **{name: files[name]})
    write(tmp_path, {name: files[name]})
    expected = [raw.data for raw in raws(str(tmp_path / name))]
    assert expected == [raw.data for raw in raws(f"s3://bucket/{name}")]
    assert expected[-1] == nth(f"s3://bucket/{name}", len(expected)).data


def test_other_processes_read_the_chunks(store, monkeypatch):
    """A chunk planned here is read by another process, even one that was forked, whose credentials come from the environment as ours do."""
    monkeypatch.setattr(objects, "FILES", 2)
    store.put("mail", **{f"{number}": notice(number) for number in range(6)})
    planned = list(chunks("s3://mail"))
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as workers:
        found = list(workers.map(_messages, planned))
    assert [2, 2, 2] == [len(some) for some in found]
    assert [raw for chunk in planned for raw in read(chunk)] == [raw for some in found for raw in some]


def _messages(chunk):
    return list(read(chunk))


def test_an_object_that_vanishes(store):
    """An object that is gone when it is read is counted, and so is a mailbox; the run goes on."""
    store.put("mail", a=ONE, b=TWO, c=ONE)
    (chunk,) = chunks("s3://mail/")
    store.backend.delete_object("mail", "b")
    assert [Raw("s3://mail/a", ONE), Raw("s3://mail/b", b"", ("vanished while reading",)), Raw("s3://mail/c", ONE)] == list(read(chunk))


def test_a_server_that_fails_for_a_while(store):
    """A server that answers 503 twice and then works costs nothing but time, for objects, lists and ranges."""
    store.put("mail", **{"a/x": ONE, "a/y": TWO})
    store.troubles |= {path: [2, "503 Service Unavailable", "SlowDown"] for path in ("/mail", "/mail/a/y")}
    assert [ONE, TWO] == [raw.data for raw in raws("s3://mail/a")]
    assert [[0, "503 Service Unavailable", "SlowDown"]] * 2 == list(store.troubles.values())


def test_an_object_that_can_not_be_read(store):
    """An object that the server refuses, or never gives out, is counted with the reason, and the others are read."""
    store.put("mail", a=ONE, b=TWO, c=ONE, d=TWO)
    store.troubles |= {"/mail/b": [99, "403 Forbidden", "AccessDenied"], "/mail/c": [99, "500 Internal Server Error", "InternalError"]}
    first, refused, failed, last = raws("s3://mail")
    assert [ONE, TWO] == [first.data, last.data]
    assert (b"", "cannot be read: access denied: AccessDenied") == (refused.data, refused.defects[0])
    assert re.match(r"cannot be read: .*InternalError", failed.defects[0])


def test_a_range_that_can_not_be_read(store, monkeypatch):
    """A range of a mailbox that is gone, or shorter, is counted like a local one."""
    monkeypatch.setattr(remote, "WHOLE", 10)
    store.put("mail", box=BOX)
    planned = list(chunks("s3://mail/box", size=10))
    assert 2 == len(planned)
    store.put("mail", box=BOX[:-5])
    whole, short = [list(read(chunk)) for chunk in planned]
    assert [ONE] == [raw.data for raw in whole]
    assert "cannot be read: the file became shorter while it was read" == short[-1].defects[0]
    store.backend.delete_object("mail", "box")
    assert [("cannot be read: there is nothing there",)] == [raw.defects for raw in read(planned[1])]


@pytest.mark.parametrize("source", ["s3://nobucket", "s3://nobucket/", "s3://nobucket/mail/x.mbox", "s3://mail/nothing", "s3://mail/nothing/"])
def test_what_is_not_there(store, source):
    """A bucket or prefix that isn't there is an error that names it and says what to check."""
    store.put("mail", a=ONE)
    with pytest.raises(SourceError, match=f"^{source}: (there is nothing there; check the bucket or host, and the path|holds no mail; give)"):
        raws(source)


def test_a_prefix_without_mail(store):
    """A prefix that holds other things only is an error, as a folder is, and each of them is told."""
    store.put("mail", **{f"{number}.png": b"\x89PNG" for number in range(40)})
    skipped = []
    with pytest.raises(SourceError, match=r"^s3://mail: holds no mail; give a mailbox"):
        [raw for chunk in chunks("s3://mail") for raw in read(chunk, skipped=lambda *what: skipped.append(what))]
    assert 40 == len(skipped)
    with pytest.raises(SourceError, match=r"^s3://mail/1\.png: not mail; give a mailbox"):
        raws("s3://mail/1.png")


def test_wrong_credentials(store):
    """Credentials that the server refuses are one error that says what to set."""
    store.put("mail", **{"a/x": ONE})
    for path in ("/mail", "/mail/a", "/mail/a/x"):
        store.troubles[path] = [99, "403 Forbidden", "InvalidAccessKeyId"]
    for source in ("s3://mail/a", "s3://mail/a/", "s3://mail/a/x"):
        with pytest.raises(SourceError, match=rf"^{source}: access denied: .*; check the permissions, and the credentials: set AWS_PROFILE, or AWS_"):
            raws(source)


def bounces(*words, **environment):
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "bounces", *words], capture_output=True, text=True, check=False, env={**os.environ, **environment}, timeout=60
    )


def test_missing_credentials(store, tmp_path):
    """Without credentials the command ends with 2 and one sentence that says what to set."""
    store.put("mail", a=ONE)
    nothing = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "HOME": str(tmp_path), "AWS_CONFIG_FILE": "", "AWS_SHARED_CREDENTIALS_FILE": ""}
    done = bounces("report", "s3://mail", **nothing)
    assert 2 == done.returncode
    assert re.fullmatch(
        r"bounces: s3://mail: no valid credentials: .*; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY\n", done.stderr
    )
    assert "" == done.stdout


def test_a_server_that_is_not_there(monkeypatch):
    """A server that can't be reached is one error."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    done = bounces("report", "s3://mail")
    assert (2, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert "127.0.0.1:9" in done.stderr


def test_the_command_reads_and_writes_far_files(store):
    """The command reads one bucket and writes into another; what could not be read is named, and the exit code says so."""
    store.put("mail", **{"a.eml": NOTICE, "b.eml": notice(2), "c.png": b"\x89PNG"})
    store.put("out", other=b"x")
    store.troubles["/mail/b.eml"] = [99, "403 Forbidden", "AccessDenied"]
    done = bounces("report", "s3://mail", "-o", "s3://out/r.csv", "--events", "s3://out/deep/e.parquet", "--unrecognized", "s3://out/u.mbox")
    assert 1 == done.returncode
    assert "s3://mail/b.eml: cannot be read: access denied" in done.stderr
    assert "1 files are no mail and were passed over: s3://mail/c.png" in done.stderr
    assert ["deep/e.parquet", "other", "r.csv", "u.mbox"] == store.keys("out")
    assert b"user_unknown" in store.get("out", "r.csv")
    assert store.get("out", "deep/e.parquet").startswith(b"PAR1")


# files at URLs


def test_a_far_file_is_whole_or_not_there(store):
    """A file appears when it is complete, in the place of another; what goes wrong before leaves all as it was, and no parts."""
    store.put("out", **{"e.jsonl": b"old"})
    events = list(analyze.analyze(Raw("x", NOTICE)))

    def broken():
        yield from events
        raise SourceError("stopped")

    with pytest.raises(SourceError):
        output.write_events(broken(), "s3://out/e.jsonl")
    assert b"old" == store.get("out", "e.jsonl")
    output.write_events(events, "s3://out/e.jsonl.gz")
    output.write_events(events, "s3://out/e.jsonl")
    assert gzip.decompress(store.get("out", "e.jsonl.gz")) == store.get("out", "e.jsonl")
    output.check("s3://out/f.csv")
    wholefile.check_text("s3://out/f.md")
    assert ["e.jsonl", "e.jsonl.gz"] == store.keys("out")
    assert {} == store.backend.buckets["out"].multiparts


def test_a_large_far_file(store):
    """A file of many megabytes arrives whole."""
    content = os.urandom(1 << 20) * 12
    store.put("out", x=b"")
    with wholefile.whole("s3://out/large") as file:
        file.write(content)
    assert content == store.get("out", "large")


def test_a_place_that_can_not_be_written(store, web):
    """A bucket that isn't there, a refusal and a web server are told before anything is read."""
    store.put("out", x=b"")
    store.troubles["/out/denied.csv"] = [99, "403 Forbidden", "AccessDenied"]
    for path, sentence in (
        ("s3://nobucket/e.csv", "s3://nobucket/e.csv: there is nothing there; check the bucket or host, and the path"),
        ("s3://out/denied.csv", "s3://out/denied.csv: access denied: AccessDenied; check the permissions, and the credentials: set AWS_"),
        (f"{web[1]}/e.csv", "a web server takes no files"),
        ("s3://out/e.pdf", "unknown file type '.pdf'"),
    ):
        with pytest.raises(OutputError, match=re.escape(sentence)):
            output.check(path)
    with pytest.raises(OutputError, match=r"^s3://nobucket/e.csv: there is nothing there"):
        output.write_events([], "s3://nobucket/e.csv")


def test_mail_that_is_read_is_not_overwritten(store):
    """An output at the URL of mail that is read, or in its prefix, is refused; another name in the prefix is not."""
    store.put("mail", **{"a/x.csv": ONE, "a/y": TWO})
    for path in ("s3://mail/a/x.csv", "s3://mail/a"):
        with pytest.raises(OutputError, match="holds mail that is read from s3://mail/a"):
            apart.check_apart([path], ["s3://mail/a"])
    apart.check_apart(["s3://mail/a/new.csv", "s3://mail/b.csv"], ["s3://mail/a"])


# the web


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
@pytest.mark.parametrize("limit", [remote.WHOLE, 20], ids=["small", "large"])
def test_files_on_the_web(web, monkeypatch, ranges, limit):
    """A file on a web server is read whether it gives out ranges or not: message, mailbox, packed, archive."""
    monkeypatch.setattr(remote, "WHOLE", limit)
    site, url = web
    site.ranges = ranges
    packed = archived({"in/x.eml": ONE, "in/y.mbox": BOX})
    site.files = {"/a": ONE, "/b.mbox": BOX, "/c.gz": gzip.compress(BOX), "/m.zip": packed["mail.zip"], "/m.tgz": packed["mail.tgz"]}
    for path, expected in (("/a", [ONE]), ("/b.mbox", [ONE, TWO]), ("/c.gz", [ONE, TWO]), ("/m.zip", [ONE, ONE, TWO]), ("/m.tgz", [ONE, ONE, TWO])):
        assert expected == [raw.data for raw in raws(url + path, size=30)]


def test_a_big_mailbox_on_the_web(web):
    """A mailbox of 20 MB is read by ranges where the server gives them out, and whole where it doesn't; the messages are the same."""
    site, url = web
    site.files["/box"] = b"".join(SEPARATOR + notice(number) + b"\n" for number in range((20 << 20) // len(NOTICE)))
    far = raws(f"{url}/box")
    assert all(asked.length < 13 << 20 for asked in site.asked if asked.method == "GET")
    site.ranges = False
    assert [raw.data for raw in far] == [raw.data for raw in raws(f"{url}/box")]
    assert site.files["/box"].count(SEPARATOR) == len(far)


def test_a_page_of_links_is_a_folder(web):
    """A URL that ends in "/" is a page whose links below it are the files."""
    site, url = web
    site.files = {"/mail/": b'<html><a href="b.eml">b</a><a href="a.mbox">a</a><a href="/other">o</a>', "/mail/a.mbox": BOX, "/mail/b.eml": ONE}
    assert [f"{url}/mail/a.mbox#1", f"{url}/mail/a.mbox#2", f"{url}/mail/b.eml"] == [raw.origin for raw in raws(f"{url}/mail/")]


def test_a_web_server_in_trouble(web, monkeypatch):
    """A web server that fails twice is asked again; one that goes on, refuses, or has nothing there is an error that says so."""
    monkeypatch.setattr(trouble, "PAUSES", (0.01, 0.01))
    site, url = web
    site.files["/a"] = ONE
    site.troubles["/a"] = [2, "503 Service Unavailable"]
    assert [ONE] == [raw.data for raw in raws(f"{url}/a")]
    for status, sentence in (
        ("503 Service Unavailable", "the server answered 503"),
        ("403 Forbidden", "access denied"),
        ("404 Not Found", "there is nothing"),
    ):
        site.troubles["/a"] = [99, status]
        with pytest.raises(SourceError, match=f"^{url}/a: {sentence}"):
            raws(f"{url}/a")


# other places


def test_memory_and_file():
    """What else fsspec knows is read and written too; a file URL is a local path."""
    import fsspec

    memory = fsspec.filesystem("memory")
    for name, content in EVERYTHING.items():
        memory.pipe(f"/mail/{name}", content)
    assert 9 == len(raws("memory://mail"))
    output.write_events(analyze.events("memory://mail"), "memory://out/e.jsonl")
    assert 9 == memory.cat("/out/e.jsonl").count(b"\n")
    memory.rm("/", recursive=True)
    with pytest.raises(SourceError, match=r"^memory://mail: there is nothing there"):
        raws("memory://mail")


def test_a_folder_by_sftp(tmp_path, monkeypatch):
    """A folder on an SFTP server is read like the local one; the password comes from fsspec's configuration, and a wrong one is told."""
    import fsspec

    write(tmp_path, EVERYTHING)
    (tmp_path / "out").mkdir()
    expected = [raw.data for raw in raws(str(tmp_path))]
    with sftpserver.serving(tmp_path) as port:
        url = f"sftp://me@127.0.0.1:{port}"
        monkeypatch.setitem(fsspec.config.conf, "sftp", {"password": "wrong", "look_for_keys": False, "allow_agent": False})
        with pytest.raises(SourceError, match=rf"^{url}/: no valid credentials: .*; load a key into ssh-agent, or set FSSPEC_SFTP_"):
            raws(f"{url}/")
        fsspec.config.conf["sftp"]["password"] = sftpserver.PASSWORD
        for limit in (remote.WHOLE, 20):
            monkeypatch.setattr(remote, "WHOLE", limit)
            found = raws(f"{url}/")
            assert expected == [raw.data for raw in found]
        assert f"{url}/a.eml" == found[0].origin
        output.check(f"{url}/out/e.jsonl")
        for _ in range(2):
            output.write_events(analyze.events(f"{url}/a.eml"), f"{url}/out/e.jsonl")
        assert ["e.jsonl"] == [path.name for path in (tmp_path / "out").iterdir()]
        with pytest.raises(OutputError, match=f"^{url}/none/e.csv: there is nothing there"):
            output.check(f"{url}/none/e.csv")
        fsspec.get_filesystem_class("sftp").clear_instance_cache()


def test_a_file_url(tmp_path):
    """A file URL is the local path in it."""
    write(tmp_path, {"a b.mbox": BOX})
    assert [f"{tmp_path}/a b.mbox#1", f"{tmp_path}/a b.mbox#2"] == [raw.origin for raw in raws(f"file://{tmp_path}/a%20b.mbox")]


MISSING = """
import sys
from bounces import output, sources
from bounces.errors import BouncesError

for missing, url in (("s3fs", "s3://b/x"), ("aiohttp", "https://example.com/x"), ("x", "nosuch://x"), ("fsspec", "s3://b/x"), ("fsspec", "memory://x")):
    for name in [name for name in sys.modules if name.split(".")[0] == missing]:
        del sys.modules[name]
    sys.modules[missing] = None
    for use in (lambda: list(sources.chunks(url + ".csv")), lambda: output.check(url + ".csv")):
        try:
            use()
        except BouncesError as error:
            print(type(error).__name__, error)
"""


def test_a_package_that_is_missing():
    """Without the extra, the error says which to install, for sources and for outputs."""
    done = subprocess.run([sys.executable, "-c", MISSING], capture_output=True, text=True, check=True)
    sentences = [
        "s3://b/x.csv: needs bounces[s3]: pip install 'bounces[s3]'",
        "https://example.com/x.csv: needs bounces[http]: pip install 'bounces[http]'",
        "nosuch://x.csv: nosuch:// is nothing that fsspec knows; write s3://, gs://, az://, https:// or sftp://",
        "s3://b/x.csv: needs bounces[s3]: pip install 'bounces[s3]'",
        "memory://x.csv: needs fsspec: pip install fsspec",
    ]
    assert [f"{kind} {sentence}" for sentence in sentences for kind in ("SourceError", "OutputError")] == done.stdout.splitlines()


def test_a_password_in_a_url_is_refused():
    """A password in a URL would stand in every table: it is refused, and not repeated."""
    with pytest.raises(SourceError, match=r"^sftp://me:…@example\.com/x: holds a password, .*; take it out, and load a key into ssh-agent"):
        raws("sftp://me:secret@example.com/x")
