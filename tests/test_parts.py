import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from bounces import advise, causes, parts
from bounces.causes import shares
from bounces.errors import OutputError
from bounces.frames import frame
from bounces.incidents import find
from bounces.model import BounceType, Kind, Reason
from bounces.partial import cut, merge, partial
from bounces.parts import Parts
from bounces.repairs import found as to_mend
from bounces.repairs import mended
from bounces.spool import Spool
from bounces.summarize import finished
from tests.benchmarks import __main__ as benchmarks
from tests.test_summarize import failure, other

ROOT = Path(__file__).parent.parent
MANY = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.sampled_from([Reason.USER_UNKNOWN, Reason.MAILBOX_FULL, Reason.IP_BLOCKED, Reason.SPAM_REJECTED, None]),
        st.integers(0, 40),
        st.integers(0, 2),
    ),
    max_size=150,
)


def events(told):
    """Make events of recipients, reasons, hours and domains; without a reason, mail arrived."""
    found = []
    for number, (name, reason, hour, domain) in enumerate(told):
        recipient, kind = f"{name:x}@{domain}.example", BounceType.HARD if reason is Reason.USER_UNKNOWN else BounceType.SOFT
        event = failure(number, reason, hour / 24, recipient, bounce_type=kind) if reason else other(number, Kind.AUTO_REPLY, hour / 24, recipient)
        found.append(event)
    return found


@pytest.fixture(scope="module", autouse=True)
def small():
    """Let little be much."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, value in (
            (parts, "RUN", 12), (parts, "WAITING", 2), (parts, "PIECE", 3), (parts, "PIECES", 2), (parts, "SLICE", 4), (parts, "RUNS", 3),
            (causes, "EVENTS", 20), (causes, "MOST", 3),
        ):  # fmt: skip
            patch.setattr(module, name, value)
        yield


@settings(max_examples=20, deadline=None)
@given(told=MANY, size=st.integers(1, 40))
def test_what_waits_in_a_file_comes_to_the_same(told, size):
    """However many events come at once, the slices' recipients, incidents and repairs are those of all events; each slice follows the last."""
    known, policy = events(told), advise.load()
    whole = partial(frame(known))
    waves = find(whole, policy)
    waiting: Parts = Parts()
    for start in range(0, max(len(known), 1), size):
        waiting.add(partial(frame(known[start : start + size])))
    slices = Spool()
    for part in waiting.slices():
        slices.put(part)
    ours, mend = causes.causes(slices, policy)
    tables = [finished(part, ours.of(part.outcomes["event_id"]), policy) for part in slices]
    assert_frame_equal(finished(whole, waves, policy), pd.concat(tables, ignore_index=True))
    assert_frame_equal(waves.table, ours.table)
    assert_frame_equal(mended([to_mend(whole, policy)]), mend)
    assert all(len(table) <= parts.SLICE for table in tables)


def test_a_wave_is_found_wherever_its_recipients_are():
    """An outage and a block of many recipients, who lie in many slices: each is one incident, in one share."""
    told = [(name, Reason.IP_BLOCKED, 1, 0) for name in range(40)] + [(name, Reason.USER_UNKNOWN, 2, 1) for name in range(20)]
    whole = partial(frame(events([*told, *((name, None, 30, 1) for name in range(10))])))
    slices = Spool()
    for part in cut(whole, [0, 7, 20, len(whole.latest)]):
        slices.put(part)
    assert len(list(shares(slices))) > 1
    waves, _ = causes.causes(slices, advise.load())
    assert [*zip(waves.table["reason"], waves.table["recipients"], waves.table["believed"], strict=True)] == [
        ("ip_blocked", 40, True), ("user_unknown", 20, False),
    ]  # fmt: skip
    assert len(waves.unbelieved) == 20


def test_pieces_merge_to_what_was_cut():
    """A cut loses nothing and adds nothing."""
    whole = partial(frame(events([(name % 20, Reason.IP_BLOCKED, name, name % 3) for name in range(60)])))
    pieces = list(cut(whole, [0, 1, 1, 9, len(whole.latest)]))
    assert [len(piece.latest) for piece in pieces] == [1, 0, 8, len(whole.latest) - 9]
    merged = merge(*reversed(pieces))
    for name in ("outcomes", "latest", "suggestions", "examples"):
        assert_frame_equal(getattr(merged, name), getattr(whole, name), check_categorical=False, check_like=True)


def test_of_what_was_read_twice_one_counts():
    """A notice that is in two mailboxes is named by the least origin, in whatever parts they are read."""
    for size in (1, 2, 5, 40):
        waiting = Parts()
        known = [*events([(name, Reason.MAILBOX_FULL, 1, 0) for name in range(20)])] * 2
        known = [
            event.__class__(**{name: getattr(event, name) for name in event.__slots__} | {"origin": f"{number}"})
            for number, event in enumerate(known)
        ]
        for start in range(0, len(known), size):
            waiting.add(partial(frame(known[start : start + size])))
        origins = [origin for part in waiting.slices() for origin in part.latest["origin"]]
        assert sorted(map(int, origins)) == list(range(20))


def test_a_spool_gives_back_what_it_was_given(monkeypatch):
    """By number, and in order, however much; it takes more while it is read."""
    monkeypatch.setattr("bounces.spool.MEMORY", 100)
    things = Spool()
    for number in range(30):
        things.put([number] * number)
    assert (len(things), things.get(7)) == (30, [7] * 7)
    for number, thing in enumerate(things):
        assert thing == [number] * number
    things.put("last")
    assert things.get(30) == "last"


@pytest.mark.skipif(not benchmarks._private(os.getpid()), reason="this system doesn't tell what memory is a process's own")
def test_a_report_takes_hardly_more_memory_for_more_recipients():
    """Of four times the recipients none is held: 45,000 more take less than 15 MB more, where their table alone has more."""

    def peak(count):
        done = subprocess.run([sys.executable, "-m", "tests.growth", str(count)], capture_output=True, text=True, check=True, cwd=ROOT)
        return float(done.stdout)

    assert 0 < peak(60_000) < peak(15_000) + 15


def test_no_folder_for_temporary_files_is_no_matter_until_there_is_much(monkeypatch, tmp_path):
    """Then it is told; and what could not be written is not tried again as the file goes."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "none")])
    things = Spool()
    things.put("little")
    assert things.get(0) == "little"
    with pytest.raises(OutputError, match="temporary files"):
        things.put(b"x" * (5 << 20))
