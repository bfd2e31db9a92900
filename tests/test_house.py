import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "bounces"
LEVELS = {
    "compiled": -1, "folding": -1, "pattern": -1, "__init__": 0, "model": 0, "errors": 0, "printable": 0,
    "plaintext": 0, "phrases": 0, "wording": 1, "fields": 1, "doubtful": 2, "notification": 1, "codes": 1, "address": 1, "opinion": 1,
    "providers": 0, "rules": 2, "sources": 2, "mime": 3, "policies": 2, "entries": 2, "mentions": 2, "tokens": 2, "newaddress": 2, "signs": 2,
    "workers": 3, "jobs": 4, "language": 1, "remote": 1, "crosswalk": 2, "particulars": 2, "advise": 3,
    "hedges": 3, "recipient": 3, "formats": 3,
    "classify": 4, "decode": 4, "rulecheck": 5, "settings": 6,
    "analyze": 7,
    "wholefile": 2, "spool": 3, "explain": 8, "frames": 8, "groups": 7, "partial": 9, "parts": 10,
    "incidents": 10, "repairs": 11, "causes": 12, "summarize": 11, "output": 8, "sisimai": 9,
    "apart": 3, "run": 13, "cluster": 14, "anonymize": 14, "unknown": 15, "stub": 16, "reference": 8,
    "summary": 17,
    "cli": 18, "__main__": 19,
}  # fmt: skip
MODULES = sorted(PACKAGE.rglob("*.py"))


def room(path):
    """Return the top-level module or folder that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path):
    """Return our own modules that a file imports, by room."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "bounces":
            rest = node.module.split(".")[1:]
            found |= {rest[0]} if rest else {alias.name for alias in node.names if alias.name != "__version__"}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("bounces.")}
    return found - {room(path)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_lower_levels(path):
    """A stage never looks back: what a module imports of ours stands below it."""
    assert MODULES
    if room(path) == "__init__":
        return
    assert {other for other in imported(path) if LEVELS[other] >= LEVELS[room(path)]} == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_says_what_it_does_and_stays_small(path):
    """Each module opens with a docstring; a module has at most about 300 lines, a format 150."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    limit = 150 if path.parent.name == "formats" else 330
    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit


def test_quirks_name_samples_that_exist():
    """A comment that bends a standard for a sample names one that is there."""
    named = [name for path in MODULES for name in re.findall(r"samples/[\w/.-]+\.eml", path.read_text(encoding="utf-8"))]
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_only_address_touches_flanker_and_only_doubtful_the_email_package():
    """The libraries' users are one module each."""
    users = {"flanker": set(), "email.message": set()}
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        for library, found in users.items():
            if re.search(rf"^\s*(?:import|from) {library}\b", text, re.MULTILINE):
                found.add(room(path))
    assert users == {"flanker": {"address"}, "email.message": {"doubtful"}}


@pytest.mark.parametrize("statement", ["import bounces", "import bounces; bounces.classify('550 5.1.1 user unknown')", "import bounces.cli"])
def test_pandas_stays_out(statement):
    """The library imports, and classifies, without pandas or pyarrow."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {statement}; print(sorted({{'pandas', 'pyarrow'}} & set(sys.modules)))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_a_small_run_stays_light(tmp_path):
    """Events of one message to JSON lines need neither pandas nor pyarrow, and --help not even the pipeline."""
    notice = ROOT / "samples" / "postfix" / "user-unknown.eml"
    words = ["events", str(notice), "-o", str(tmp_path / "x.jsonl")]
    heavy = {"pandas", "pyarrow", "flanker", "ahocorasick", "email.message", "fsspec", "tarfile"}
    for command, allowed in ((words, {"ahocorasick", "email.message"}), (["--help"], set())):
        script = f"import sys\nfrom bounces.cli import main\nmain({command!r}, standalone_mode=False)\nprint(sorted({heavy!r} & set(sys.modules)))"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert set(ast.literal_eval(done.stdout.splitlines()[-1])) <= allowed


@pytest.mark.parametrize("first", ["bounces.classify", "bounces.explain", "bounces.summarize", "bounces.unknown", "bounces.cli"])
def test_public_names_are_functions_whatever_was_imported_first(first):
    """A public function that bears its module's name stays the function."""
    script = f"import {first}, bounces; print([callable(getattr(bounces, name)) for name in bounces.__all__].count(False))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
