"""What bounces promises of a Dask cluster, with a real scheduler, two worker processes and an S3 server on loopback."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from dataclasses import astuple
from functools import partial
from itertools import permutations
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

pytest.importorskip("distributed", reason="a cluster needs bounces[cluster]: pip install 'bounces[test]'")
pytest.importorskip("s3fs", reason="mail at URLs needs bounces[s3] and moto: pip install 'bounces[test]'")

import daskcluster
import objectstore
from deadlyrun import Deadly, Impatient

import bounces as library
from bounces import advise, cluster, run, sources, workers
from bounces.cluster import client, folder, plan, work
from bounces.errors import ClusterError, OutputError, SourceError
from bounces.frames import frame, read
from bounces.model import Chunk
from bounces.partial import merge
from bounces.settings import checked

SAMPLES = Path(__file__).parent.parent / "samples"
MAIL = tuple(str(SAMPLES / name) for name in ("inbox.mbox", "Maildir", "wave.mbox"))
# aiohttp, botocore and distributed leave sockets to the garbage collector when a loop ends
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module", name="store")
def _store():

    with objectstore.s3() as store:
        yield store


@pytest.fixture(scope="module", name="dask")
def _dask(store, tmp_path_factory):  # noqa: ARG001  (the workers inherit what leads to the store)
    with daskcluster.started(tmp_path_factory.mktemp("dask"), workers=2) as dask:
        yield dask


def bounces(*words, **options):
    """Run the program."""
    return subprocess.run([sys.executable, "-m", "bounces", *map(str, words)], capture_output=True, text=True, check=False, **options)


def many(path, count=1500):
    """Write an mbox of many notices, all different, to hundreds of recipients, some of whom are in waves."""
    notices = [notice.read_text(encoding="latin-1").rstrip("\n") for notice in sorted(SAMPLES.glob("postfix/*.eml"))]
    chance = random.Random(1)
    with path.open("w", encoding="latin-1") as file:
        for number in range(count):
            text = chance.choice(notices).replace("anna", f"anna{chance.randrange(count // 2)}").replace("Subject: ", f"Subject: {number} ", 1)
            file.write(f"From MAILER-DAEMON Thu Jan  1 00:00:00 2026\n{text}\n\n")
    return path


def assert_same(one, other):
    """Hold that two summaries are one."""
    assert astuple(one.tally) == astuple(other.tally)
    assert_frame_equal(recipients(one), recipients(other))
    for name in ("incidents", "repairs", "failures"):
        assert_frame_equal(getattr(one, name), getattr(other, name))


def recipients(found):
    """Return the recipients' table of a summary."""
    return pd.concat(found.recipients, ignore_index=True)


def test_the_command_writes_the_same_bytes(dask, tmp_path):
    """Tables, pages, events, what is printed: with files for rules and policy, which the workers are sent, and every other option."""
    (tmp_path / "policy.toml").write_text('[mailbox_full]\nhard = ["permanent"]\n', encoding="utf-8")
    options = (
        "--rules", SAMPLES / "rules.toml", "--policy", tmp_path / "policy.toml", "--verp", "b.*.{local}#{domain}@example.org",
        "--keep-header", "List-Id", "--names", "sisimai", "--lang", "fr", "--since", "2026-03-02", "--until", "2027-01-01",
    )  # fmt: skip
    done = {}
    for name, where in (("here", ()), ("there", ("--cluster", dask.address))):
        (tmp_path / name).mkdir()
        files = ("-o", "r.csv", "-o", "r.parquet", "--events", "e.jsonl", "--unrecognized", "u.mbox", "--repairs", "m.md")
        done[name] = bounces("report", *MAIL, SAMPLES, *options, *files, *where, cwd=tmp_path / name)
    assert (done["here"].returncode, done["here"].stdout, done["here"].stderr) == (
        done["there"].returncode, done["there"].stdout, done["there"].stderr,
    )  # fmt: skip
    for name in ("r.csv", "r.parquet", "e.jsonl", "u.mbox", "m.md"):
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes()
        assert (tmp_path / "here" / name).stat().st_size


@pytest.mark.parametrize(("limit", "size"), [(None, 30_000), (25_000, 100_000)])
def test_parts_are_the_same_as_a_whole(dask, tmp_path, monkeypatch, limit, size):
    """Split by recipient, once or again and again, or not at all: waves whose victims lie in several parts are found, and all else is the same."""
    monkeypatch.setattr(plan.sources, "chunks", partial(sources.chunks, size=size))
    scope = run.Scope((*MAIL, str(many(tmp_path / "m", 200)), "nosuch"))
    told = []
    there = cluster.report(scope, dask.address, limit=limit, seen=lambda count, _: told.append(count))
    here = run.report(scope)
    assert_same(here, there)
    assert len(here.incidents) >= 2
    assert sum(told) == here.tally.messages
    assert here.tally.bad_sources


def test_what_a_part_is_split_into_is_all_of_it(tmp_path):
    """Nobody is in two parts, and together they are the whole, whatever the order."""
    whole = work.read(work.order(run.Reader(run.Scope(()), part=True)), *sources.chunks(str(many(tmp_path / "m", 200))))
    parts = [one for part in work.split(whole, 0) for one in work.split(part, 1)]
    names = [name for part in parts for name in part.part.latest["recipient"]]
    assert len(parts) == 64
    assert sorted(names) == list(whole.part.latest["recipient"])
    assert max(len(part.part.latest) for part in parts) < len(names) / 5
    joined = merge(*(part.part for part in reversed(parts)))
    assert_frame_equal(joined.latest, whole.part.latest, check_categorical=False)
    for name in ("outcomes", "examples"):
        one, other = (getattr(part, name).sort_values("event_id", ignore_index=True) for part in (joined, whole.part))
        assert_frame_equal(one, other, check_categorical=False)


def test_a_worker_that_is_killed_midway(dask, tmp_path, monkeypatch):
    """What it had done is done again: nothing is lost, nothing counts twice, byte for byte."""
    monkeypatch.setattr(plan.sources, "chunks", partial(sources.chunks, size=50_000))
    scope = run.Scope((str(many(tmp_path / "m", 400)), MAIL[2]))
    victim, told = dask.worker(), []
    from distributed import Client

    with Client(dask.address, set_as_default=False) as watcher:
        watcher.wait_for_workers(3, timeout=60)

        def seen(count, _):
            told.append(count)
            mine = watcher.run(os.getpid)  # who works, by address
            if victim.pid in mine.values() and len(told) >= 5:
                address = next(address for address, pid in mine.items() if pid == victim.pid)
                if watcher.has_what()[address]:  # it holds results that are still wanted
                    victim.send_signal(signal.SIGKILL)
                    victim.wait()

        there = cluster.report(scope, dask.address, seen=seen, limit=60_000)
    assert victim.returncode == -signal.SIGKILL
    here = run.report(scope)
    assert_same(here, there)
    assert sum(told) == here.tally.messages
    recipients(here).to_csv(tmp_path / "here.csv")
    recipients(there).to_csv(tmp_path / "there.csv")
    assert (tmp_path / "here.csv").read_bytes() == (tmp_path / "there.csv").read_bytes()


def test_a_message_that_ends_what_reads_it_costs_itself_only(dask, tmp_path, monkeypatch):
    """It is counted as unreadable with a sentence; workers and all other messages live on."""
    (tmp_path / "m").write_bytes(
        b"".join(b"From a@example.com Thu Jan  1 00:00:00 2026\nSubject: x\n\n%s\n\n" % text for text in (b"a", b"DEADLY", b"b"))
    )
    monkeypatch.setattr(run, "Reader", Deadly)
    found = cluster.report(run.Scope((str(tmp_path / "m"), MAIL[0])), dask.address)
    assert found.tally.unreadable == [(f"{tmp_path / 'm'}#2", "cannot be read: the process that read it ended")]
    monkeypatch.undo()
    assert found.tally.messages == 3 + run.report(run.Scope(MAIL[:1])).tally.messages
    assert all(process.poll() is None for process in dask.processes[:3])


def test_a_message_that_never_ends_costs_itself_only(tmp_path, monkeypatch):
    """What reads it is ended, and not the worker of Dask's: all else is read."""
    (tmp_path / "m").write_bytes(
        b"".join(b"From a@example.com Thu Jan  1 00:00:00 2026\nSubject: x\n\n%s\n\n" % text for text in (b"a", b"ENDLESS", b"b"))
    )
    monkeypatch.setattr(run, "Reader", Impatient)
    with daskcluster.started(tmp_path, workers=1) as dask:
        found = cluster.report(run.Scope((str(tmp_path / "m"),)), dask.address)
        assert all(process.poll() is None for process in dask.processes)
    assert found.tally.unreadable == [(f"{tmp_path / 'm'}#2", workers.HUNG.format(limit=1.0))]
    assert found.tally.messages == 3


def test_a_chunk_that_ends_the_workers_themselves_is_given_up(tmp_path, monkeypatch):
    """The scheduler gives up on it, a nanny starts the worker anew, one message that can't be read stands for it, and the rest is read."""
    (tmp_path / "m").write_bytes(b"From a@example.com Thu Jan  1 00:00:00 2026\nSubject: x\n\nDISASTROUS\n\n")
    monkeypatch.setattr(run, "Reader", Deadly)
    environment = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    with daskcluster.started(tmp_path, workers=1, nanny=True, **environment) as dask:
        found = cluster.report(run.Scope((str(tmp_path / "m"),)), dask.address)
    ((origin, why),) = found.tally.unreadable
    assert (origin, found.tally.messages) == (str(tmp_path / "m"), 1)
    assert why.startswith("cannot be read: the workers that did it ended")


def test_mail_in_a_bucket_and_parts_into_another(dask, store, tmp_path):
    """Workers read objects by themselves and write Parquet parts, with a mark at the end; a folder that holds something is refused."""
    store.clear()
    notices = {f"notices/{number:04}": (SAMPLES / "postfix" / "user-unknown.eml").read_bytes().replace(b"Subject: ", b"Subject: %d " % number, 1)
               for number in range(40)}  # fmt: skip
    store.put("my-bucket", **notices, **{"notices/box": (SAMPLES / "wave.mbox").read_bytes(), "notices/note.png": b"\x89PNG"})
    store.put("my-reports", other=b"")
    command = next(
        line for line in (SAMPLES.parent / "README.md").read_text(encoding="utf-8").splitlines() if "--cluster tcp://scheduler:8786 -o" in line
    )
    words = command.replace("tcp://scheduler:8786", dask.address).split()[1:]
    done = bounces(*words, "-o", f"{tmp_path}/parts/", "-o", tmp_path / "r.csv")
    assert done.returncode == 0, done.stderr
    local = bounces("report", "s3://my-bucket/notices/", "-o", tmp_path / "here.csv", "-o", tmp_path / "here.parquet")
    assert (local.stdout, local.stderr) == (done.stdout, done.stderr)
    assert (tmp_path / "here.csv").read_bytes() == (tmp_path / "r.csv").read_bytes()
    assert store.keys("my-reports") == ["2026-03-01/_SUCCESS", "2026-03-01/part-00000.parquet", "other"]
    assert store.get("my-reports", "2026-03-01/part-00000.parquet") == (tmp_path / "here.parquet").read_bytes()
    assert_frame_equal(pd.read_parquet(tmp_path / "parts"), pd.read_parquet(tmp_path / "here.parquet"))
    again = bounces(*words)
    assert (again.returncode, again.stdout) == (2, "")
    assert "s3://my-reports/2026-03-01/: holds _SUCCESS already" in again.stderr


def test_parts_hold_each_recipient_once(dask, tmp_path):
    """Each part is sorted; the client has only what the summary needs."""
    scope = run.Scope((*MAIL, str(many(tmp_path / "m", 300))))
    parts = f"{tmp_path}/parts/"
    found = cluster.report(scope, dask.address, folders=[parts], table=False, limit=30_000)
    here = recipients(run.report(scope))
    assert len(list(Path(parts).glob("part-*.parquet"))) > 1
    table = pd.concat(map(pd.read_parquet, sorted(Path(parts).glob("part-*.parquet"))))
    expected = here.astype(dict.fromkeys(here.select_dtypes("category"), "str"))
    assert_frame_equal(table.sort_values("recipient", ignore_index=True), expected, check_dtype=False)
    assert list(recipients(found)) == ["recommended_action"]
    assert recipients(found)["recommended_action"].value_counts().to_dict() == here["recommended_action"].value_counts().to_dict()


def test_parts_of_a_run_that_fails_are_removed(dask, store, tmp_path, monkeypatch):
    """No mark, no part, near or far."""
    store.clear()
    store.put("out", other=b"")

    def full(_, parts):
        assert parts == 1
        assert (tmp_path / "parts" / "part-00000.parquet").exists()
        assert store.keys("out") == ["other", "part-00000.parquet"]
        raise OutputError("no room")

    monkeypatch.setattr(folder, "finish", full)
    monkeypatch.setattr(folder, "check", lambda _: None)
    with pytest.raises(OutputError, match="no room"):
        cluster.report(run.Scope(MAIL), dask.address, folders=[f"{tmp_path}/parts/", "s3://out/"])
    assert list((tmp_path / "parts").iterdir()) == []
    assert store.keys("out") == ["other"]


def test_a_folder_that_the_workers_do_not_share_is_told(tmp_path):
    """The mark says that all parts are there, so it isn't written where they aren't."""
    folder.begin(f"{tmp_path}/out/")
    (tmp_path / "out" / "part-00000.parquet").touch()
    (tmp_path / "out" / ".bounces-0123.part").touch()
    with pytest.raises(OutputError, match=r"has no part-00001\.parquet"):
        folder.finish(f"{tmp_path}/out/", 2)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["part-00000.parquet"]
    folder.finish(f"{tmp_path}/out/", 1)
    assert (tmp_path / "out" / "_SUCCESS").exists()


def test_a_policy_is_sent_with_those_that_it_extends(tmp_path):
    """Whatever they are called where the run is started, and though the copies are gone: then they are written anew."""
    base, own = tmp_path / "base.toml", tmp_path / "own.toml"
    base.write_text('[mailbox_full]\nhard = ["permanent"]\n', encoding="utf-8")
    own.write_text(f"extends = '{base}'\n[user_unknown]\nhard = []\n", encoding="utf-8")
    told = work.order(run.Reader(run.Scope((), checked(str(own)))))
    expected = advise.load(str(own)).rows
    for file in (base, own):
        file.unlink()
    for _ in range(2):
        copy = told.settings().policy
        assert (advise.load(copy).rows, Path(copy).exists()) == (expected, True)
        Path(copy).unlink()
        advise.load.cache_clear()


def test_a_worker_of_another_version_is_told(monkeypatch):
    """It may join when the run has begun."""
    told = work.order(run.Reader(run.Scope(())))
    monkeypatch.setattr(work, "__version__", "9.9")
    with pytest.raises(ClusterError, match=r"bounces 9\.9"):
        work.read(told, Chunk(("x",), ("x",)))


def test_a_folder_that_holds_something_is_refused(tmp_path):
    """So is a file in its place; a folder that is not there is made later."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "part-00007.parquet").touch()
    (tmp_path / "file").touch()
    folder.check(f"{tmp_path}/new/")
    for name, why in (("full", "part-00007.parquet already"), ("file", "is a file"), ("no/where", "does not exist")):
        with pytest.raises(OutputError, match=why):
            folder.check(f"{tmp_path}/{name}/")
    assert not (tmp_path / "new").exists()


def test_events_for_a_notebook(dask, tmp_path):
    """A dask.dataframe of the columns and dtypes of bounces.read, lazily: with a client, and without."""
    from distributed import Client

    options = {"keep_headers": ["List-Id"], "names": ["sisimai"], "rules": [SAMPLES / "rules.toml"]}
    expected = read(*MAIL, **options)
    lazy = library.cluster.events([*MAIL], **options)
    assert dict(lazy.dtypes) == dict(expected.dtypes)
    assert lazy.npartitions == 3
    assert_frame_equal(lazy.compute(scheduler="sync").reset_index(drop=True), expected)
    with Client(dask.address):
        assert_frame_equal(lazy.compute().reset_index(drop=True), expected)
        counts = lazy["reason"].value_counts().compute()
    assert counts.to_dict() == expected["reason"].value_counts().to_dict()
    (tmp_path / "empty").touch()
    assert_frame_equal(library.cluster.events(tmp_path / "empty").compute(scheduler="sync"), frame([]))


def test_what_other_machines_can_not_read_is_refused(tmp_path):
    """Standard input and pipes, before anybody is asked."""
    os.mkfifo(tmp_path / "pipe")
    for source in ("-", str(tmp_path / "pipe")):
        with pytest.raises(SourceError, match="workers of a cluster cannot read it; give a URL"):
            cluster.report(run.Scope((source,)), "tcp://127.0.0.1:9")
        with pytest.raises(SourceError, match="workers of a cluster"):
            cluster.events(source)
    done = bounces("report", MAIL[0], "--cluster", "tcp://127.0.0.1:9", "--jobs", "2")
    assert (done.returncode, "leave it out" in done.stderr) == (2, True)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://x", "127.0.0.1"])
def test_a_scheduler_that_is_not_there(monkeypatch, address):
    """One sentence, soon."""
    monkeypatch.setattr(client, "CONNECTING", 1.0)
    with pytest.raises(ClusterError, match=rf"^{address}: no scheduler answers there: .+; start one with"):
        cluster.report(run.Scope(MAIL), address)


def test_a_scheduler_without_workers(tmp_path, monkeypatch):
    """It is waited for a while, then told."""
    monkeypatch.setattr(client, "PATIENCE", 1.0)
    with daskcluster.started(tmp_path) as dask, pytest.raises(ClusterError, match=r"has no workers; start some with `dask worker tcp://127"):
        cluster.report(run.Scope(MAIL), dask.address)


def test_a_cluster_that_goes_away(tmp_path, monkeypatch):
    """Workers that leave and do not come back, or a scheduler that ends, end the run with a sentence."""
    monkeypatch.setattr(client, "PATIENCE", 1.0)
    monkeypatch.setattr(plan.sources, "chunks", partial(sources.chunks, size=20_000))
    scope = run.Scope((str(many(tmp_path / "m")),))
    with daskcluster.started(tmp_path) as dask:
        monkeypatch.setattr(client, "CONNECTING", 2.0)
        for victim in (1, 0):
            worker = dask.worker()
            client_patience(monkeypatch, 60.0)

            def seen(*_, victim=dask.processes[-1] if victim else dask.processes[0]):
                client_patience(monkeypatch, 1.0)
                victim.send_signal(signal.SIGKILL)

            with pytest.raises(ClusterError, match="has no workers" if victim else "the scheduler"):
                cluster.report(scope, dask.address, seen=seen)
            worker.kill()


def client_patience(monkeypatch, seconds):
    """Set how long workers are waited for."""
    monkeypatch.setattr(client, "PATIENCE", seconds)


def test_workers_with_another_version_are_told(dask, monkeypatch):
    """Before anything is read."""
    monkeypatch.setattr(client, "__version__", "9.9")
    with pytest.raises(ClusterError, match=r"this worker has bounces .*, and here it is 9\.9; install the same"):
        cluster.report(run.Scope(MAIL), dask.address)


def test_ctrl_c_cancels_the_work(dask, tmp_path):
    """No trace, no file, and the scheduler has nothing left of it."""
    from distributed import Client

    with (tmp_path / "m").open("wb") as file:
        file.writelines([many(tmp_path / "some").read_bytes()] * 20)
    words = [sys.executable, "-m", "bounces", "report", tmp_path / "m", "-o", tmp_path / "r.csv", "--cluster", dask.address]
    with Client(dask.address, set_as_default=False) as watcher, subprocess.Popen(words, stderr=subprocess.PIPE) as process:
        while not any(watcher.processing().values()):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode not in {0, None}
        assert b"Traceback" not in err
        assert not (tmp_path / "r.csv").exists()
        left = {"anything"}
        while left:
            left = watcher.run_on_scheduler(lambda dask_scheduler: {str(key) for key in dask_scheduler.tasks if "bounces" in str(key)})


@pytest.mark.parametrize("statement", ["import bounces.cli", "import bounces; bounces.read('samples/inbox.mbox')", "import bounces.cluster"])
def test_dask_stays_out_until_it_is_needed(statement):
    """It costs a second."""
    script = f"import sys; {statement}; print(sorted({{'dask', 'distributed'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=SAMPLES.parent)
    assert done.stdout.strip() == "[]"


def test_a_package_that_is_missing():
    """Without the extra the error says what to install."""
    script = (
        "import sys; sys.modules['distributed'] = sys.modules['dask'] = None\nfrom bounces.cli import main\nimport bounces\n"
        "try:\n    bounces.cluster.events('samples/inbox.mbox')\nexcept bounces.BouncesError as error:\n    print(error)\n"
        "main(['report', 'samples/inbox.mbox', '--cluster', 'tcp://127.0.0.1:9'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=SAMPLES.parent)
    assert done.returncode == 2
    assert done.stdout.strip() == "bounces.cluster needs bounces[cluster]: pip install 'bounces[cluster]'"
    assert done.stderr.strip() == "bounces: --cluster needs bounces[cluster]: pip install 'bounces[cluster]'"


def test_what_is_told_to_workers_is_small():
    """Neither the sources nor the files of ours go along."""
    order = work.order(run.Reader(run.Scope(MAIL, checked()), part=True))
    assert (order.reader.scope.sources, order.files) == ((), ())


def test_partial_reports_merge_in_any_order(tmp_path):
    """Of a notice that stands in several mailboxes the least origin is told, whichever was read first."""
    text = (SAMPLES / "wave.mbox").read_bytes()
    for name in ("m1", "m2", "m10"):
        (tmp_path / name).write_bytes(text)
    order = work.order(run.Reader(run.Scope(()), part=True))
    parts = [work.read(order, chunk).part for name in ("m1", "m2", "m10") for chunk in sources.chunks(str(tmp_path / name))]
    tables = [merge(*some).latest for some in permutations(parts)] + [merge(parts[2], merge(parts[1], parts[0])).latest]
    for table in tables[1:]:
        assert_frame_equal(table, tables[0], check_categorical=False)
    assert {origin.rpartition("#")[0] for origin in tables[0]["origin"]} == {str(tmp_path / "m1")}
