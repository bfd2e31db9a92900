import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bounces.analyze import classify
from bounces.frames import frame
from bounces.summarize import report

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines() if line.startswith("bounces ")]


@pytest.fixture
def folder(tmp_path):
    """Make a folder that holds the samples, as a clone does."""
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    return tmp_path


def run(command, folder):
    """Run a command of the README in a folder."""
    words = shlex.split(command)
    return subprocess.run([str(Path(sys.executable).with_name(words[0])), *words[1:]], cwd=folder, capture_output=True, text=True, check=False)


def test_there_are_commands():
    """The README shows each command."""
    assert {command.split()[1] for command in COMMANDS} == {"report", "events", "explain", "classify", "rules", "unknown", "code"}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_runs(command, folder):
    """What the README shows works as it stands, and writes what it names."""
    done = run(command, folder)
    assert (done.returncode, done.stderr) == (0, "")
    for path in re.findall(r"(?:-o|--events|--unrecognized|--repairs) (\S+)", command):
        assert (folder / path).stat().st_size


def test_the_first_command_prints_what_the_readme_shows(folder):
    """The summary in the README is what the program prints."""
    first = next(block for kind, block in BLOCKS if kind == "sh")
    command = first.rpartition("&& ")[2].replace(".venv/bin/", "").strip()
    shown = next(block for kind, block in BLOCKS if kind == "text")
    assert run(command, folder).stdout.strip() == shown.strip()


def test_the_incidents_are_what_the_readme_shows(folder):
    """The text below the command for waves is what it prints."""
    command = next(command for command in COMMANDS if "wave.mbox" in command)
    shown = next(block for kind, block in BLOCKS if kind == "text" and block.startswith("Incidents"))
    assert shown.strip() in run(command, folder).stdout


def test_the_rule_of_the_readme_is_the_sample():
    """The rule that the README shows is the one it checks."""
    shown = next(block for kind, block in BLOCKS if kind == "toml" and block.startswith("[[rule]]"))
    assert shown == (ROOT / "samples" / "rules.toml").read_text(encoding="utf-8")


def test_codes_compared_are_what_the_readme_shows(folder):
    """In English and in French."""
    for command, start in (("bounces code 220 552", "220 and 552"), ("bounces code --lang fr 452 552", "Différences")):
        assert command in COMMANDS
        shown = next(block for kind, block in BLOCKS if kind == "text" and block.startswith(start))
        assert shown.strip() in run(command, folder).stdout


def test_the_python_of_the_readme_runs(folder):
    """The library's examples work as they stand."""
    block = next(block for kind, block in BLOCKS if kind == "python")
    done = subprocess.run([sys.executable, "-c", block], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_rule_and_the_policy_of_the_readme_are_valid(folder):
    """The TOML examples load."""
    rule, policy = (block for kind, block in BLOCKS if kind == "toml")
    (folder / "rule.toml").write_text(rule, encoding="utf-8")
    (folder / "policy.toml").write_text(policy, encoding="utf-8")
    done = run('bounces classify --rules rule.toml --policy policy.toml "550 The person you are writing to has retired"', folder)
    assert done.returncode == 0
    assert "moved" in done.stdout


TABLE = [[cell.strip() for cell in line.strip("|").split("|")] for line in README.splitlines() if re.match(r"\| [245]\d\d ", line)]


@pytest.mark.parametrize("row", TABLE, ids=[row[0][:30] for row in TABLE])
def test_the_table_of_replies_is_true(row):
    """Each reply of the table, typed as it stands, gives the row."""
    reply, reason, permanence, by_list, by_rfc, action = row
    found, literal = classify(reply), classify(reply, policy="rfc")
    assert [found.reason, found.permanence, found.bounce_type, literal.bounce_type, found.recommended_action] == [
        reason,
        permanence,
        by_list,
        by_rfc,
        action,
    ]


def test_every_column_is_explained():
    """The README names each column of both tables."""
    empty = frame([])
    named = set(re.findall(r"`([a-z_ \n]+)`", README.replace("` `", "`, `")))
    words = {word for group in named for word in group.split()}
    assert [name for name in (*empty.columns, *report(empty).columns) if name not in words] == []


def test_there_is_a_table_of_replies():
    """The walk over the README finds it."""
    assert len(TABLE) >= 8
