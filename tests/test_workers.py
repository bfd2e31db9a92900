import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import astuple
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from deadly import Unloadable, told, told_of_a_deadly_chunk
from deadlyrun import Deadly
from pandas.testing import assert_frame_equal

from bounces import jobs, run, sources, workers
from bounces.analyze import events
from bounces.errors import SettingsError, WorkerError
from bounces.frames import read
from bounces.model import Chunk, Kind, Raw

SAMPLES = Path(__file__).parent.parent / "samples"


def mbox(path, texts):
    """Write messages into an mbox, and return its chunks: one for each message or two."""
    path.write_text("".join(f"From a@example.com Thu Jan  1 00:00:00 2026\nSubject: {text}\n\n{text}\n\n" for text in texts), encoding="utf-8")
    return list(sources.chunks(str(path), size=100))


def of_all(chunks, work=told, count=2, limit=60.0):
    """Return the rows of all results, and hold that no process is left."""
    rows = [row for batch in workers.results(chunks, work, count, limit) for row in batch]
    assert multiprocessing.active_children() == []
    return rows


def test_results_come_in_the_order_of_the_source(tmp_path):
    """Two other processes work, and the first chunk takes longest."""
    rows = of_all(mbox(tmp_path / "m", ["slow", *"bcdefghijkl"]))
    assert [number for _, number, _ in rows] == [str(number) for number in range(1, 13)]
    assert len({pid for pid, _, _ in rows} - {os.getpid()}) == 2


def test_a_message_that_ends_its_worker_costs_itself_only(tmp_path):
    """Killed, crashed or out of memory, at the beginning, in the middle, at the end, twice in a chunk: all else is read, and each once."""
    path = tmp_path / "m"
    mbox(path, ["deadly: kill", "a", "b", "deadly: crash", "deadly: memory", "c", "d", "deadly: kill"])
    rows = of_all(sources.chunks(str(path)))
    assert [number for _, number, _ in rows] == [str(number) for number in range(1, 9)]
    assert [number for _, number, defects in rows if defects] == ["1", "4", "5", "8"]
    assert {defects for _, _, defects in rows} == {(), (workers.DIED,)}


def test_a_message_that_takes_too_long_costs_itself_only(tmp_path):
    """The worker is ended, and the next message is read."""
    rows = of_all(mbox(tmp_path / "m", ["a", "endless", "b"]), limit=1.0)
    assert [(number, defects) for _, number, defects in rows] == [("1", ()), ("2", (workers.HUNG.format(limit=1.0),)), ("3", ())]


def test_a_chunk_that_cannot_be_read_on_is_given_up_with_a_sentence(tmp_path):
    """Where reading itself ends the process, what came before is kept, and one message stands for the rest."""
    path = tmp_path / "m"
    mbox(path, "abcde")
    rows = of_all(sources.chunks(str(path)), told_of_a_deadly_chunk)
    assert [number for _, number, defects in rows if not defects] == ["1", "2"]
    assert [defects for _, _, defects in rows if defects] == [(workers.REST.format(last=path, why=workers.DIED),)]


def test_an_error_of_ours_is_raised_where_the_results_are_fetched(tmp_path):
    """After the results before it, with the trace of the worker, and no process is left."""
    found = workers.results(mbox(tmp_path / "m", ["a", "b", "wrong", "d"]), told, 2)
    assert [number for _, number, _ in next(found)] == ["1", "2"]
    with pytest.raises(ValueError, match="can't take") as error:
        list(found)
    assert "in told" in error.value.__notes__[0]
    assert multiprocessing.active_children() == []


def test_workers_that_cannot_start_are_one_sentence(tmp_path):
    """No endless row of new processes."""
    with pytest.raises(WorkerError, match=r"exit code 3.*--jobs 1"):
        list(workers.results(mbox(tmp_path / "m", "ab"), partial(told, Unloadable()), 2))
    assert multiprocessing.active_children() == []


def test_no_more_is_taken_than_is_in_work(tmp_path):
    """Chunks are planned as workers need them, and who stops reading results ends the workers."""
    taken = []
    chunks = mbox(tmp_path / "m", [str(number) for number in range(50)])
    found = workers.results((taken.append(chunk) or chunk for chunk in chunks), told, 2)
    next(found)
    assert len(taken) <= workers.AHEAD * 2 < len(chunks)
    assert len(multiprocessing.active_children()) == 2
    found.close()
    assert multiprocessing.active_children() == []


@pytest.fixture(name="mail")
def _mail(tmp_path):
    """Return all samples as one mbox, and a Maildir."""
    path = tmp_path / "all.mbox"
    with path.open("wb") as file:
        for sample in sorted(SAMPLES.rglob("*.eml")):
            file.write(b"From MAILER-DAEMON Thu Jan  1 00:00:00 2026\n" + sample.read_bytes().rstrip(b"\n") + b"\n\n")
    return str(path), str(SAMPLES / "Maildir"), str(SAMPLES / "wave.mbox")


def test_a_run_is_the_same_with_one_process_and_with_two(tmp_path, monkeypatch, mail):
    """Files byte for byte, tables, counts and what was passed over."""
    monkeypatch.setattr(run.sources, "chunks", partial(sources.chunks, size=200_000))
    found = {}
    for count in (1, 2):
        jsonl, mbox, json = (str(tmp_path / f"{count}.{suffix}") for suffix in ("jsonl", "mbox", "json"))
        found[count] = run.report(run.Scope(mail, jobs=count), run.Aside(jsonl, mbox, (json,)))
    for suffix in ("jsonl", "json", "mbox"):
        assert (tmp_path / f"1.{suffix}").read_bytes() == (tmp_path / f"2.{suffix}").read_bytes()
        assert (tmp_path / f"1.{suffix}").stat().st_size
    assert astuple(found[1].tally) == astuple(found[2].tally)
    assert_frame_equal(*(pd.concat(found[count].recipients) for count in (1, 2)))
    for name in ("incidents", "repairs", "failures"):
        assert_frame_equal(getattr(found[1], name), getattr(found[2], name))


def test_the_library_reads_the_same_with_two_processes():
    """Events in order, and the table; an event keeps its types on the way."""
    wave = SAMPLES / "wave.mbox"
    assert list(events(wave, jobs=2)) == list(events(wave))
    assert isinstance(next(events(wave, jobs="2")).kind, Kind)
    assert_frame_equal(read(wave, jobs="auto"), read(wave))


def test_a_run_goes_on_after_a_worker_that_died(tmp_path, monkeypatch):
    """The message is counted as unreadable, with a sentence; all others are events."""
    monkeypatch.setattr(run, "Reader", Deadly)
    mbox(tmp_path / "m", ["a", "DEADLY", "b"])
    tally = run.Tally()
    found = list(run.scan(run.Scope((str(tmp_path / "m"),), jobs=2), tally))
    assert [(event.origin.rpartition("#")[2], event.kind) for event in found] == [
        ("1", Kind.UNRECOGNIZED), ("2", Kind.UNREADABLE), ("3", Kind.UNRECOGNIZED)
    ]  # fmt: skip
    assert tally.unreadable == [(f"{tmp_path / 'm'}#2", workers.DIED)]
    assert tally.messages == 3


def test_auto_takes_one_process_where_more_do_not_pay(tmp_path, monkeypatch):
    """Little mail, or a single chunk, is read here; much by as many processes as there are cores."""
    monkeypatch.setattr(jobs, "cores", lambda: 2)
    chunks = mbox(tmp_path / "m", "abcdefgh")
    here = {pid for batch in jobs.results(chunks, told, jobs.AUTO) for pid, _, _ in batch}
    monkeypatch.setattr(jobs, "PAYS", 200)
    one = {pid for batch in jobs.results(sources.chunks(str(tmp_path / "m")), told, jobs.AUTO) for pid, _, _ in batch}
    there = [row for batch in jobs.results(chunks, told, jobs.AUTO) for row in batch]
    assert here == one == {os.getpid()}
    assert os.getpid() not in {pid for pid, _, _ in there}
    assert [number for _, number, _ in there] == list("12345678")


def test_lists_of_small_files_are_joined(tmp_path):
    """Neither the number nor the bytes of the files in a chunk grow without a bound, and their order stays."""
    for number in range(600):
        (tmp_path / f"{number:03}.eml").write_text("Subject: x\n\nx\n", encoding="utf-8")
    chunks = list(sources.chunks(str(tmp_path)))
    joined = list(jobs.gathered(chunks))
    assert (len(chunks), len(joined)) == (3, 1)
    assert [path for chunk in joined for path in chunk.paths] == [path for chunk in chunks for path in chunk.paths]
    assert [raw.origin for chunk in joined for raw in sources.read(chunk)] == [str(tmp_path / f"{number:03}.eml") for number in range(600)]


def test_archives_are_not_joined(tmp_path):
    """Two small ones that follow one another are read, both, and so is the message behind them."""
    for name in ("a.zip", "b.zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("1.eml", f"Subject: {name}\n\nx\n")
    (tmp_path / "c.eml").write_text("Subject: c\n\nx\n", encoding="utf-8")
    origins = [raw.origin for chunk in jobs.gathered(sources.chunks(str(tmp_path))) for raw in sources.read(chunk)]
    assert origins == [str(tmp_path / name) for name in ("a.zip/1.eml", "b.zip/1.eml", "c.eml")]


def test_lists_of_far_files_are_joined_when_they_were_cut_for_their_number():
    """They are small then; of another nobody knows how large its files are."""
    lists = [
        Chunk(names := tuple(f"s3://mail/{number}/{at}" for at in range(count)), names)
        for number, count in enumerate((256, 256, 256, 256, 256, 3, 3))
    ]
    assert [len(chunk.paths) for chunk in jobs.gathered(lists)] == [1024, 256, 3, 3]


@pytest.mark.parametrize(("limit", "most"), [("max 100000", 10_000), ("150000 100000", 2), ("10000 100000", 1), ("odd", 10_000)])
def test_cores_are_those_of_the_control_group(tmp_path, monkeypatch, limit, most):
    """A container with a quota has fewer than the machine."""
    (tmp_path / "cpu.max").write_text(limit, encoding="utf-8")
    monkeypatch.setattr(jobs, "CGROUPS", tmp_path)
    assert 1 <= jobs.cores() <= most


@pytest.mark.parametrize("value", ["0", "-1", "two", 0, ""])
def test_jobs_are_a_number_or_auto(value):
    """Anything else is told."""
    with pytest.raises(SettingsError, match="jobs"):
        jobs.settled(value)
    assert (jobs.settled("auto"), jobs.settled("3"), jobs.settled(2)) == ("auto", 3, 2)


def bounces(*words, **options):
    """Start the program."""
    return subprocess.Popen([sys.executable, "-m", "bounces", *words], stderr=subprocess.PIPE, start_new_session=True, **options)


def left(group):
    """Return whether a process of a group is left after some seconds."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whoever_ends_the_run_ends_its_workers(tmp_path, number):
    """Ctrl-C, which a terminal sends to all of them, TERM and KILL: no process is left, and but for KILL no file, no trace."""
    mail = tmp_path / "mail.mbox"
    mail.write_bytes((SAMPLES / "inbox.mbox").read_bytes() * 1000)
    process = bounces("events", mail, "--jobs", "2", "-o", tmp_path / "out.csv")
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size for path in tmp_path.glob(".bounces-*")) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    _, err = process.communicate()
    assert process.returncode not in {0, None}
    assert b"Traceback" not in err
    assert not left(process.pid)
    if number != signal.SIGKILL:
        assert [path.name for path in tmp_path.iterdir()] == ["mail.mbox"]


def test_standard_input_is_shared_by_its_copy(tmp_path):
    """The workers read it, and the copy is gone afterwards."""
    process = bounces("events", "-", "--jobs", "2", "-o", tmp_path / "out.jsonl", stdin=subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)})
    _, err = process.communicate((SAMPLES / "inbox.mbox").read_bytes())
    assert (process.returncode, [path.name for path in tmp_path.iterdir()]) == (0, ["out.jsonl"]), err
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8").count('"origin": "-#') == len(list(events(SAMPLES / "inbox.mbox")))


def test_what_a_worker_is_sent_is_small(tmp_path):
    """A chunk is a path and a range."""
    assert {len(pickle.dumps(chunk)) < 400 for chunk in mbox(tmp_path / "m", ["a" * 10_000] * 3)} == {True}


def test_what_can_not_be_read_lies_within_all_dates():
    """It has no date, and is told all the same."""
    reader = run.Reader(run.Scope((), since=datetime(2031, 1, 1, tzinfo=UTC)))
    (batch,) = reader([Raw("m#1", b"", (workers.DIED,)), Raw("m#2", (SAMPLES / "postfix" / "user-unknown.eml").read_bytes())])
    assert (batch.tally.unreadable, batch.tally.outside) == ([("m#1", workers.DIED)], 1)
