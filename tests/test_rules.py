import tomllib
from pathlib import Path

import pytest

from bounces import providers, rules
from bounces.classify import classify
from bounces.errors import RuleError
from bounces.model import Attempt, Reason
from bounces.rules.match import DEAD, RuleSet

SHIPPED = (*rules.shipped(), *rules.languages())
RULES = RuleSet(rules.shipped(), rules.languages)


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
    files = sorted(folder.rglob("*.toml"))
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


def test_each_server_that_a_rule_names_is_a_known_providers():
    """The name of a server that no provider has is not believed: a rule for it would never be asked."""
    named = {pattern for rule in SHIPPED for pattern in rule.remote_mta}
    assert named
    assert {pattern for pattern in named if providers.provider(None, pattern.replace("*.", "mx1.")) is None} == set()


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


# the IANA registry's details that tell a failure, without the class; x.0.0 and x.1.0 tell nothing
REGISTRY = """
    1.1 1.2 1.3 1.4 1.6 1.7 1.8 1.10 2.0 2.1 2.2 2.3 2.4 3.0 3.1 3.2 3.3 3.4 3.5 4.0 4.1 4.2 4.3 4.4 4.5 4.6 4.7 4.8 5.0 5.1 5.2
    5.3 5.4 5.5 5.6 6.0 6.1 6.2 6.3 6.5 6.6 6.7 6.8 6.9 6.10 7.0 7.1 7.2 7.3 7.4 7.5 7.6 7.7 7.8 7.9 7.10 7.11 7.12 7.13 7.14 7.15
    7.16 7.17 7.18 7.19 7.20 7.21 7.22 7.23 7.24 7.25 7.26 7.27 7.28 7.29 7.30
""".split()


@pytest.mark.parametrize("detail", REGISTRY)
def test_the_registry_is_complete(detail):
    """Every enhanced code of the registry has a rule that decides it when it stands alone, for both classes of failure."""
    told = {status: classify(Attempt(status=status), RULES).rule for status in (f"4.{detail}", f"5.{detail}")}
    assert [status for status, rule in told.items() if not (rule or "").startswith("enhanced.")] == []


WORDING = tomllib.loads((Path(rules.__file__).parent.parent / "wording.toml").read_text(encoding="utf-8"))
OPENING = ("failed", "delayed", "retrying", "digest", "automatic", "delivered", "succeeded", "contact")


@pytest.mark.parametrize("language", sorted(set(WORDING["failed"])))
def test_what_opens_a_notice_calls_nobody_dead(language):
    """Words that say that a mail did not arrive, beside a recipient's label and address, say nothing of why."""
    labels = [
        label
        for name in ("recipient", "addressee")
        for label in WORDING[name].get(language, ())
        if not label.startswith(("invalid", "bad", "undeliverable", "mailbox", "account", "user"))
    ]
    for phrase in (phrase for name in OPENING for phrase in WORDING[name].get(language, ())):
        words = phrase.replace(" * ", " ").replace("*", "")
        for text in (words, *(f"{words} {label}: a@example.com" for label in labels), *(f"{label}: a@example.com {words}" for label in labels)):
            assert classify(Attempt(diagnostic_code=text), RULES).reason not in DEAD, text
