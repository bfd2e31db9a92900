"""What bounces.sources promises of zip and tar archives: a folder of files, each mail once, and no trust in what a header says."""

# the house writes `assert expected == actual`
# ruff: noqa: SIM300

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import re
import subprocess
import sys
import tarfile
import time
import zipfile

import pytest
import zstandard

from bounces.errors import SourceError
from bounces.model import Raw
from bounces.sources import chunks, mbox, members, read

SEPARATOR = b"From MAILER-DAEMON Thu Apr 29 23:34:45 2010\n"
ONE = b"Subject: one\n\nfirst\n"
TWO = b"Subject: two\n\nsecond\n"
BOX = SEPARATOR + ONE + b"\n" + SEPARATOR + TWO + b"\n"
FILES = {
    "inbox/1.eml": ONE,
    "box.mbox": BOX,
    "packed.gz": gzip.compress(TWO),
    "packed.zst": zstandard.compress(BOX),
    "image.png": b"\x89PNG\r\n\x1a\n",
    "Maildir/cur/1204680122.a.host:2,S": b"no field\n",
    "Maildir/.Sent/new/1204680123.b.host": TWO,
    "Maildir/tmp/1204680124.c.host": TWO,
    "Maildir/dovecot.index": b"\0\1",
    ".git/HEAD": ONE,
    ".git/config": ONE,
    "empty": b"",
}
EXPECTED = [
    ("inbox/1.eml", ONE),
    ("box.mbox#1", ONE),
    ("box.mbox#2", TWO),
    ("packed.gz", TWO),
    ("packed.zst#1", ONE),
    ("packed.zst#2", TWO),
    ("Maildir/cur/1204680122.a.host:2,S", b"no field\n"),
    ("Maildir/.Sent/new/1204680123.b.host", TWO),
]


def zipped(files, method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.mkdir("inbox") if sys.version_info >= (3, 12) else archive.writestr("inbox/", b"")
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def tarred(files, kind=tarfile.PAX_FORMAT):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=kind) as archive:
        folder = tarfile.TarInfo("inbox")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    return file.getvalue()


ARCHIVES = {
    "deflated zip": zipped,
    "stored zip": lambda files: zipped(files, zipfile.ZIP_STORED),
    "bzip2 zip": lambda files: zipped(files, zipfile.ZIP_BZIP2),
    "lzma zip": lambda files: zipped(files, zipfile.ZIP_LZMA),
    "pax tar": tarred,
    "GNU tar": lambda files: tarred(files, tarfile.GNU_FORMAT),
    "ustar": lambda files: tarred(files, tarfile.USTAR_FORMAT),
    "tar.gz": lambda files: gzip.compress(tarred(files)),
    "tar.bz2": lambda files: bz2.compress(tarred(files)),
    "tar.xz": lambda files: lzma.compress(tarred(files)),
    "tar.zst": lambda files: zstandard.compress(tarred(files)),
}
every_archive = pytest.mark.parametrize("pack", ARCHIVES.values(), ids=ARCHIVES)


def raws(source, skipped=None, **options):
    """Read a source as another process would: from the bytes of its chunks."""
    planned = pickle.loads(pickle.dumps(list(chunks(str(source), skipped=skipped, **options))))
    return [raw for chunk in planned for raw in read(chunk, skipped=skipped)]


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@every_archive
def test_an_archive_is_a_folder(tmp_path, pack):
    """Whatever its name, an archive is known by its content: its members are read in its order, packed ones and mailboxes too."""
    path = write(tmp_path / "mail.bin", pack(FILES))
    skipped = []
    found = raws(path, lambda *what: skipped.append(what))
    assert [(f"{path}/{name}", content) for name, content in EXPECTED] == [(raw.origin, raw.data) for raw in found]
    assert {raw.defects for raw in found} == {()}
    assert [(f"{path}/image.png", "not mail"), (f"{path}/.git", "hidden")] == skipped


@every_archive
def test_an_archive_among_other_files(tmp_path, pack):
    """In a folder an archive stands where its path sorts; one without mail is told as one file."""
    for name, content in (("a.eml", ONE), ("b", pack({"x": TWO})), ("c.eml", ONE), ("d.docx", pack({"word/document.xml": b"<xml>"}))):
        write(tmp_path / name, content)
    skipped = []
    assert ["a.eml", "b/x", "c.eml"] == [raw.origin[len(str(tmp_path)) + 1 :] for raw in raws(tmp_path, lambda *what: skipped.append(what))]
    assert [(f"{tmp_path}/d.docx", "an archive without mail")] == skipped
    with pytest.raises(SourceError, match=r"d\.docx: an archive without mail; give a mailbox"):
        raws(tmp_path / "d.docx")


def test_tar_as_tar_writes_it(tmp_path):
    """What the command tar packs is read, with names that begin with "./", long names, and links left out by name."""
    long = "x" * 90 + "/" + "y" * 150 + ".eml"
    write(tmp_path / "in" / long, ONE)
    write(tmp_path / "in" / "caf\xe9.eml", TWO)
    (tmp_path / "in" / "link").symlink_to("caf\xe9.eml")
    skipped = []
    for kind in ("gnu", "pax", "posix"):
        subprocess.run(["tar", f"--format={kind}", "--sort=name", "-czf", "mail.tgz", "-C", "in", "."], cwd=tmp_path, check=True)
        found = {
            raw.origin.removeprefix(f"{tmp_path}/mail.tgz/"): raw.data for raw in raws(tmp_path / "mail.tgz", lambda *what: skipped.append(what))
        }
        assert {long: ONE, "caf\xe9.eml": TWO} == found
    assert {(f"{tmp_path}/mail.tgz/link", "not a regular file")} == set(skipped)


def test_a_big_zip_is_read_in_parts(tmp_path):
    """A zip is planned in chunks of its members that leave no gap; a tar, which has no table of contents, in one."""
    files = {f"{number:04}.eml": b"Subject: x\n\n" + b"%d" % number * 5000 for number in range(100)}
    path = write(tmp_path / "mail.zip", zipped(files))
    planned = list(chunks(str(path), size=100_000))
    assert 1 < len(planned) <= members.PARTS + 1
    assert [0, *(chunk.members[1] for chunk in planned)] == [*(chunk.members[0] for chunk in planned), None]
    apart = [raw.data for chunk in reversed(planned) for raw in reversed(list(read(chunk)))]
    assert list(files.values()) == apart[::-1]
    assert 1 == len(list(chunks(str(write(tmp_path / "mail.tar", tarred(files))), size=100_000)))


@every_archive
def test_an_archive_in_another_is_not_opened(tmp_path, pack):
    """An archive in an archive is told, and what stands beside it is read; a zip in a gzip file is one, too."""
    skipped = []
    path = write(tmp_path / "a", pack({"b": pack({"c.eml": ONE}), "d.eml": TWO}))
    assert [Raw(f"{path}/d.eml", TWO)] == raws(path, lambda *what: skipped.append(what))
    assert [(f"{path}/b", "an archive in another; unpack it first")] == skipped
    with pytest.raises(SourceError, match="an archive in another; unpack it first"):
        raws(write(tmp_path / "z", gzip.compress(zipped({"c.eml": ONE}))))


def test_encrypted_members_are_unreadable(tmp_path):
    """A member with a password is counted, with what to do; the others are read."""
    packed = bytearray(zipped({"a.eml": ONE, "b.eml": TWO}))
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(b"a.eml", packed.index(magic)) - (30 if offset == 6 else 46) + offset] |= 1 if offset == 6 else 0
    at = packed.rindex(b"a.eml") - 46
    packed[at + 8] |= 1
    path = write(tmp_path / "mail.zip", bytes(packed))
    assert [Raw(f"{path}/a.eml", b"", (f"cannot be read: {members.ENCRYPTED}",)), Raw(f"{path}/b.eml", TWO)] == raws(path)


@every_archive
def test_a_damaged_archive(tmp_path, pack):
    """Of an archive that is cut off what came before is read where its kind allows it, and what is missing is counted."""
    files = {f"{number}.eml": b"Subject: x\n\n" + bytes(str(number), "ascii") * 20_000 for number in range(50)}
    whole = pack(files)
    *found, rest = raws(write(tmp_path / "a", whole[: len(whole) * 2 // 3]))
    assert re.search("damaged|cut off", rest.defects[0])
    assert all(content.startswith(raw.data) for raw, content in zip(found, files.values(), strict=False))
    assert [raw.data for raw in found[:-1]] == list(files.values())[: max(len(found) - 1, 0)]


def test_a_damaged_member(tmp_path):
    """A member whose bytes don't fit its checksum costs itself only."""
    packed = bytearray(zipped({"a.eml": ONE, "b.eml": TWO}, zipfile.ZIP_STORED))
    packed[packed.index(b"first")] ^= 1
    damaged, whole = raws(write(tmp_path / "a.zip", bytes(packed)))
    assert "damaged" in damaged.defects[-1]
    assert TWO == whole.data


@pytest.mark.parametrize("pack", [ARCHIVES["deflated zip"], ARCHIVES["tar.gz"]], ids=["zip", "tar.gz"])
def test_a_bomb_is_bounded(tmp_path, monkeypatch, pack):
    """A member that unpacks to far more than a message may have is cut, in bounded memory, and the next one is read."""
    monkeypatch.setattr(mbox, "LARGEST", 1 << 20)
    path = write(tmp_path / "a", pack({"a.eml": ONE + bytes(80 << 20), "b.eml": TWO}))
    first, second = raws(path)
    assert (1 << 20, (mbox.TOO_LARGE,)) == (len(first.data), first.defects)
    assert TWO == second.data


def test_headers_are_not_believed(tmp_path):
    """A tar whose headers tell of a name of gigabytes, of less than nothing, or of more than there is, is damaged there and no more."""
    whole = tarred({"a.eml": ONE, "b.eml": TWO}, tarfile.GNU_FORMAT)
    for kind, size in ((b"x", 1 << 40), (b"L", 1 << 40), (b"0", -1), (b"0", 1 << 40)):
        lie = tarfile.TarInfo("lie")
        lie.type, lie.size = kind, size
        if size < 0:
            header = bytearray(tarfile.TarInfo("lie").tobuf(tarfile.GNU_FORMAT))
            header[124:136] = b"\xff" * 12
            header[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(header))[0]
        else:
            header = bytearray(lie.tobuf(tarfile.GNU_FORMAT))
        began = time.process_time()
        first, *rest = raws(write(tmp_path / "a.tar", whole[:1536] + bytes(header) + whole[1536:]))
        assert ONE == first.data
        assert [True] * len(rest) == ["damaged" in raw.defects[-1] or "cut off" in raw.defects[-1] for raw in rest]
        assert time.process_time() - began < 2


def test_a_sparse_file_is_told(tmp_path):
    """A sparse file in a tar is left out by name, and the next one is read."""
    with (tmp_path / "a.eml").open("wb") as file:
        file.write(ONE)
        file.seek(1 << 20)
        file.write(b"x")
    write(tmp_path / "b.eml", TWO)
    for kind in ("gnu", "posix"):
        subprocess.run(["tar", f"--format={kind}", "-cSf", "mail.tar", "a.eml", "b.eml"], cwd=tmp_path, check=True)
        skipped = []
        assert [TWO] == [raw.data for raw in raws(tmp_path / "mail.tar", lambda *what, to=skipped: to.append(what[1]))]
        assert ["a sparse file"] == skipped


def test_an_empty_archive_is_told(tmp_path):
    """An archive without members is no mailbox."""
    with pytest.raises(SourceError, match="an archive without mail"):
        raws(write(tmp_path / "a.zip", zipped({})))
