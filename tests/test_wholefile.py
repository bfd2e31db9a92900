from contextlib import contextmanager
from pathlib import Path

import pytest

from bounces import sources, wholefile
from bounces.errors import OutputError

MESSAGE = b"Subject: a\n\nFrom here on\n>From there\n"


def test_an_mbox_reads_back_what_was_written(tmp_path):
    """Lines that begin with From are quoted, once more where they were."""
    with wholefile.mbox(tmp_path / "m.mbox") as append:
        append(MESSAGE)
        append(MESSAGE)
    found = [raw.data for chunk in sources.chunks(str(tmp_path / "m.mbox")) for raw in sources.read(chunk)]
    assert found == [MESSAGE, MESSAGE]


def test_a_full_disk_is_told_of_the_mbox_and_not_of_another_file_that_is_open(tmp_path, monkeypatch):
    """What goes wrong while a message is appended names the mbox."""

    @contextmanager
    def full(_place):
        with Path("/dev/full").open("wb", buffering=0) as file:
            yield file

    monkeypatch.setattr(wholefile, "whole", full)
    with wholefile.mbox(tmp_path / "m.mbox") as append, pytest.raises(OutputError, match=r"m\.mbox: the disk is full"), wholefile.explained("other"):
        append(MESSAGE)
