import os
import sys
from pathlib import Path

import pytest

from bounces import compiled, phrases
from bounces.compiled import kept
from bounces.folding import fold
from bounces.phrases import Phrases
from bounces.rules import languages


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Keep things in a folder of the test's own, about a package that is a copy of two files of ours."""
    monkeypatch.setattr(compiled, "folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(compiled, "PACKAGE", tmp_path / "package")
    monkeypatch.setattr(compiled, "CODE", ("code.py",))
    (tmp_path / "package" / "rules").mkdir(parents=True)
    (tmp_path / "package" / "code.py").write_text("1")
    (tmp_path / "package" / "rules" / "a.toml").write_text("a")
    return tmp_path / "package"


def made(name="x"):
    """Return what is kept, and whether it was made just now."""
    calls = []
    told = kept(name, ("rules",), lambda: (calls.append(1), {"a": (1, None, ["b"])})[1])
    return told, bool(calls)


@pytest.mark.usefixtures("package")
def test_a_thing_is_made_once():
    """The second time it is read."""
    assert [made(), made()] == [({"a": (1, None, ["b"])}, True), ({"a": (1, None, ["b"])}, False)]


@pytest.mark.parametrize("name", ["rules/a.toml", "rules/b.toml", "code.py"])
def test_it_is_made_anew_when_a_source_or_the_code_changes(package, name):
    """What is kept is never stale, whatever the files' times say."""
    made()
    (package / name).write_text("c")
    os.utime(package / name, (0, 0))
    assert made()[1]
    assert not made()[1]


@pytest.mark.parametrize("damage", [b"", b"short", None])
@pytest.mark.usefixtures("package")
def test_what_is_damaged_is_made_anew(damage):
    """A file that was emptied, replaced or cut off is not believed."""
    made()
    (file,) = compiled.folder().iterdir()
    file.write_bytes(file.read_bytes()[:20] if damage is None else damage)
    assert made()[1]
    assert not made()[1]


@pytest.mark.usefixtures("package")
def test_what_can_not_be_kept_is_made_each_time():
    """A cache that can't be written costs time, and nothing else."""
    compiled.folder().write_text("no folder")
    assert [made()[1], made()[1]] == [True, True]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.usefixtures("package")
def test_what_is_another_users_is_not_believed():
    """Nobody plants rules in a cache."""
    made()
    (file,) = compiled.folder().iterdir()
    os.chown(file, 12345, -1)
    assert made()[1]


def test_the_folder_is_the_systems(monkeypatch):
    """On Linux the XDG base directory, else the one in the home."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert compiled.folder() == Path("/x/bounces")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert compiled.folder() == Path("~/.cache/bounces").expanduser()


def test_the_compiled_form_says_the_same(monkeypatch):
    """A phrase is found by its compiled form as by itself, word by word as by the automaton."""
    said = [phrase for rule in languages()[:60] for phrase in rule.text]
    texts = [fold(example) for rule in languages()[:60] for example in rule.examples]
    assert len(texts) > phrases.FEW
    first, second = Phrases(said), Phrases(table=Phrases(said).table)
    monkeypatch.setattr(phrases, "FEW", 0)
    found = [list(first.found(text)) for text in texts]
    monkeypatch.setattr(phrases, "FEW", len(texts))
    assert any(found)
    assert found == [list(second.found(text)) for text in texts]


def test_no_rule_in_another_language_names_a_server():
    """What a server's name decides is asked of the English rules only."""
    assert languages()
    assert [rule.id for rule in languages() if rule.remote_mta] == []
