import ast
import pickle
import re
from pathlib import Path

import pytest

from bounces import advise, language
from bounces.language import Said, catalogue, default, number, say
from bounces.model import Reason, RecommendedAction
from bounces.reference.site import NAMES

PACKAGE = Path(language.__file__).parent


def spoken():
    """Return what the program says in English: what it hands to `say`, `Said` and `Line`, sentences of policies, words of templates."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"say", "Said", "Line"} and node.args:
                for constant in ast.walk(node.args[0]):
                    if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                        found.add(constant.value.strip())
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and path.name in SPEAKING:
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                if isinstance(target, ast.Name) and target.id in SPEAKING[path.name]:
                    values = [value for each in ast.walk(node.value) if isinstance(each, ast.Dict) for value in each.values] or [node.value]
                    found |= {
                        one.value for value in values for one in ast.walk(value) if isinstance(one, ast.Constant) and isinstance(one.value, str)
                    }
        if path.name == "signs.py":
            text = path.read_text(encoding="utf-8")
            found |= set(re.findall(r'Sign\(\s*[-+]?\w+,\s*"([^"]+)"', text))
    for path in PACKAGE.rglob("*.html"):
        found |= set(re.findall(r'say\("([^"]+)"\)', path.read_text(encoding="utf-8")))
    policy = advise.load()
    found |= {policy.advice[action] for action in RecommendedAction} | {text for row in policy.rows.values() for text in row.advice.values()}
    return {text for text in found if re.search("[A-Za-z]{2}", text)} - {*Reason, *NAMES}


# constants that are handed to `say` by name
SPEAKING = {
    "advise.py": {"UNKNOWN"},
    "incidents.py": {"UNBELIEVED"},
    "summary.py": {"NOUNS", "OUTSIDE"},
    "page.py": {"CLASS", "TO_DO"},
    "compare.py": {"KINDS"},
    "__init__.py": {"CLASSES", "SAID"},
    "particulars.py": {"LENGTHS"},
}


def test_french_says_all_that_english_does_and_nothing_else():
    """Each sentence of the program is in the catalogue, and each of the catalogue's is still said."""
    english, french = spoken(), catalogue("fr")
    assert len(english) > 150
    assert english - set(french) == set()
    assert set(french) - english == set()


def test_no_french_is_english():
    """A sentence that is the same in both is not translated; single words may be."""
    assert [text for text, told in catalogue("fr").items() if text == told and " " in text and "minute" not in text] == []


def test_what_is_filled_in_is_the_same_in_both():
    """A place that a translation leaves out, or makes up, would lose what stands in it."""
    places = re.compile(r"\{\w+\}")
    for text, told in catalogue("fr").items():
        assert sorted(set(places.findall(text))) == sorted(set(places.findall(told))), text


def test_french_is_typeset_as_french():
    """No plain space stands before : ; ! ?, and quotation marks are « »."""
    for told in catalogue("fr").values():
        assert not re.search(r" [:;!?»]|« ", told), told
        assert '"' not in told, told


def test_a_sentence_keeps_what_fills_it_in():
    """Said is English text, goes through pickle, and comes out in another language."""
    said = Said("{first} and {last}", first="SPF", last="DKIM")
    again = pickle.loads(pickle.dumps(said))
    assert (said, again, say(again, "fr"), say("no such sentence", "fr")) == ("SPF and DKIM", "SPF and DKIM", "SPF et DKIM", "no such sentence")


def test_what_strangers_wrote_is_no_template():
    """Braces in what is filled in stay."""
    assert say(Said("rule {rule}", rule="{x} {0}"), "fr").endswith("{x} {0}")


@pytest.mark.parametrize(
    ("setting", "lang"), [("fr_FR.UTF-8", "fr"), ("fr", "fr"), ("en_GB.UTF-8", "en"), ("C.UTF-8", "en"), ("de_DE", "en"), ("", "en")]
)
def test_the_language_is_that_of_the_locale(monkeypatch, setting, lang):
    """LC_ALL wins over LANG; a language that we do not speak is English."""
    monkeypatch.setenv("LC_ALL", setting)
    monkeypatch.setenv("LANG", "C")
    assert default() == lang


def test_numbers_are_set_as_the_language_does():
    """Thousands have a comma in English, a thin space in French."""
    assert (number(1234567, "en"), number(1234567, "fr")) == ("1,234,567", "1\u202f234\u202f567")
