import dataclasses
import os
import re
from collections import Counter

import pytest

from bounces import analyze
from bounces.model import Kind
from tests.benchmarks import __main__ as benchmarks
from tests.benchmarks.generate import LARGE, maildir, mbox, notices


def events(path):
    """Return the events of a mailbox, but for where they were read."""
    return [dataclasses.replace(event, origin="") for event in analyze.events(path)]


def test_a_seed_makes_the_same_notices():
    """What is measured today can be measured again; another seed makes others."""
    assert list(notices(1, 50)) == list(notices(1, 50))
    assert list(notices(1, 50)) != list(notices(2, 50))


def test_notices_are_as_long_as_they_say():
    """4.5 KB, and 130 KB that come back."""
    small, large = list(notices(1, 400)), list(notices(1, 60, LARGE))
    assert 4000 < sum(map(len, small)) / len(small) < 5000
    assert 90_000 < sum(map(len, large)) / len(large) < 150_000


def test_notices_lie_at_example_domains():
    """No address of the generator's can be anybody's."""
    texts = [notice.replace(b"=\n", b"").decode("latin-1") for notice in notices(1, 300)]
    domains = {domain.lower() for text in texts for domain in re.findall(r"[\w.+=]@((?:[\w-]+\.)+[a-z]{2,})\b", text)}
    assert domains
    assert [one for one in domains if not re.search(r"(?:^|\.)example(?:\.(?:com|net|org))?$", one)] == []


def test_each_notice_is_read_and_an_mbox_and_a_maildir_tell_the_same(tmp_path):
    """A thousand notices of mixed layouts: all are recognized, and the events don't depend on the mailbox."""
    mbox(tmp_path / "1k.mbox", 1, 1_000)
    maildir(tmp_path / "1k", 1, 1_000)
    found = events(tmp_path / "1k.mbox")
    assert found == events(tmp_path / "1k")
    kinds = Counter(event.kind for event in found)
    assert set(kinds) == {Kind.FAILURE, Kind.DELAY, Kind.COMPLAINT, Kind.AUTO_REPLY}
    assert kinds[Kind.FAILURE] > 800
    assert {event.recipient for event in found if event.recipient is None} == set()
    assert sum(event.defects != () for event in found) < 20


@pytest.mark.skipif(not benchmarks._private(os.getpid()), reason="this system doesn't tell what memory is a process's own")
def test_memory_does_not_grow_with_the_mailbox(tmp_path):
    """Three times the notices take hardly more memory; what grows is what is remembered of texts, and that is bounded."""
    for count in (1_000, 3_000):
        mbox(tmp_path / f"{count}.mbox", 1, count)
    small, large = (benchmarks.measured("events", tmp_path / f"{count}.mbox") for count in (1_000, 3_000))
    assert (small.messages, large.messages) == (1_000, 3_000)
    assert 0 < large.memory < small.memory + 30
