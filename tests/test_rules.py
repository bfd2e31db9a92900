import json
from pathlib import Path

import pytest

from bounces import rules
from bounces.classify import classify
from bounces.errors import RuleError
from bounces.model import Attempt, Reason
from bounces.rules.match import RuleSet

SHIPPED = rules.shipped()
RULES = RuleSet(SHIPPED)


def host_for(rule):
    """Return a server name that the rule's provider would have."""
    return rule.remote_mta[0].replace("*.", "mx1.") if rule.remote_mta else None


def decided_by(text, host=None):
    """Return the id of the rule that decides a reply, by the whole set."""
    return classify(Attempt(diagnostic_code=text), RULES, host).rule


@pytest.mark.parametrize("rule", SHIPPED, ids=lambda rule: rule.id)
def test_each_example_reaches_its_own_rule_through_the_whole_set(rule):
    """A rule that another one shadows, or that never matches, fails here."""
    host = host_for(rule)
    assert {text: decided_by(text, host) for text in rule.examples} == dict.fromkeys(rule.examples, rule.id)


@pytest.mark.parametrize("rule", [rule for rule in SHIPPED if rule.counter_examples], ids=lambda rule: rule.id)
def test_no_counter_example_reaches_its_rule(rule):
    """A counter-example is a reply that looks like the rule's and means something else."""
    host = host_for(rule)
    assert [text for text in rule.counter_examples if decided_by(text, host) == rule.id] == []


def test_ids_name_their_file_and_are_unique():
    """The part of an id before the dot is the file that holds it."""
    folder = Path(rules.__file__).parent
    files = sorted(folder.glob("*.toml"))
    assert files
    for file in files:
        found = [rule.id for rule in rules.parse(file.read_text(encoding="utf-8"), file.name)]
        assert found
        assert [ident for ident in found if ident.partition(".")[0] != file.stem] == []
    assert len({rule.id for rule in SHIPPED}) == len(SHIPPED)


def test_every_reason_is_reachable():
    """Each of the forty reasons is told by a rule, or by the kind of the message."""
    by_kind = {Reason.AUTO_REPLY, Reason.COMPLAINT, Reason.UNKNOWN}
    assert {rule.reason for rule in SHIPPED} | by_kind == set(Reason)


def test_sources_that_are_samples_exist():
    """A rule whose source is a sample names one that is there."""
    root = Path(__file__).parent.parent
    named = [rule.source for rule in SHIPPED if rule.source.startswith("samples/")]
    assert [path for path in named if not (root / path).exists()] == []


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ('id = "x.y"\nreason = "user_unknown"\nsource = "s"\ntext = "a"\nexamples = ["a"]\ncolour = "red"', "unknown key 'colour'"),
        ('id = "x.y"\nreason = "no_such"\nsource = "s"\ntext = "a"\nexamples = ["a"]', "unknown reason 'no_such'"),
        ('id = "xy"\nreason = "user_unknown"\nsource = "s"\ntext = "a"\nexamples = ["a"]', "an id is"),
        ('id = "x.y"\nreason = "user_unknown"\ntext = "a"\nexamples = ["a"]', "source is missing"),
        ('id = "x.y"\nreason = "user_unknown"\nsource = "s"\nexamples = ["a"]', "no condition"),
        ('id = "x.y"\nreason = "user_unknown"\nsource = "s"\ntext = "a"', "no examples"),
        ('id = "x.y"\nreason = "user_unknown"\nsource = "s"\nstatus = "9.9"\nexamples = ["a"]', "no code pattern"),
        ('id = "x.y"\nreason = "user_unknown"\nsource = "s"\ntext = [1]\nexamples = ["a"]', "list of strings"),
        ('id = "x.y"\nreason = "user_unknown"\nsource = "s"\nreply_code = 550\nexamples = ["a"]', "in quotation marks"),
        ('id = "x.y"\nreason = "user_unknown"\nsource = "s"\ntext = "a*b"\nexamples = ["a"]', "inside a word"),
    ],
)
def test_a_bad_rule_is_told_with_its_file_and_id(table, sentence):
    """The sentence names the file, the rule and what is wrong."""
    with pytest.raises(RuleError) as caught:
        list(rules.parse("[[rule]]\n" + table, "mine.toml"))
    assert "mine.toml" in str(caught.value)
    assert sentence in str(caught.value)


def test_a_rule_file_that_is_none_is_told():
    """Not TOML, not rules, not there: each is a RuleError that names the file."""
    for text in ("[[rule", "a = 1", "[[rules]]\nid = 'x.y'"):
        with pytest.raises(RuleError, match=r"mine\.toml"):
            list(rules.parse(text, "mine.toml"))
    with pytest.raises(RuleError, match="nowhere"):
        rules.load("/nowhere/rules.toml")


REFERENCE = Path(__file__).parent.parent.parent / "shared" / "reference" / "codes.json"


@pytest.mark.skipif(not REFERENCE.exists(), reason="the code reference is not beside this checkout")
def test_the_registry_is_complete():
    """Every enhanced code of the registry has a rule that decides it when it stands alone."""
    entries = json.loads(REFERENCE.read_text(encoding="utf-8"))["enhanced"]
    reasons = {reason.value for reason in Reason}
    wanted = {entry["code"].replace("x", "5", 1): entry["default_reason"] for entry in entries if entry["default_reason"] in reasons}
    told = {code: classify(Attempt(status=code), RULES).reason.value for code in wanted}
    assert wanted
    assert {code for code in wanted if told[code] != wanted[code]} == set()
