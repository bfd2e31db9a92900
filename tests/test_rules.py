import tomllib
from pathlib import Path

import pytest

from bounces import providers, rulecheck, rules
from bounces.classify import classify
from bounces.model import Attempt, Reason
from bounces.rules import check
from bounces.rules.match import DEAD, RuleSet

FOLDER = Path(rules.__file__).parent
FILES = [check.parse(path.read_text(encoding="utf-8"), path.name) for path in sorted(FOLDER.rglob("*.toml"))]
TABLES = [(table, rule) for file in FILES for table, rule in file.tables if rule]
SHIPPED = [rule for _, rule in TABLES]
CODES = [rule for rule in rules.shipped() if rule.id.startswith(("enhanced.", "reply."))]
RULES = RuleSet(rules.shipped(), rules.languages)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_file_is_valid(file):
    """What users' files are checked for holds for ours: no key or reason that isn't known, no phrase that can't be found."""
    assert file.problems == ()


@pytest.mark.parametrize(("table", "rule"), TABLES, ids=[rule.id for rule in SHIPPED])
def test_each_rule_decides_its_examples_and_can_by_each_phrase(table, rule):
    """A rule, or a phrase of one, that another shadows or that never matches fails here, and a counter-example that reaches its rule."""
    assert list(rulecheck.unreached(rule, table, RULES)) == []


def test_all_files_are_read_in_a_run():
    """The rules of a run are those of the files, and those for codes, which are made of the code reference's data."""
    assert len(FILES) > 50
    codes = {rule.id for rule in CODES}
    assert len(codes) > 100
    assert {rule.id for rule in (*rules.shipped(), *rules.languages())} == {rule.id for rule in SHIPPED} | codes


@pytest.mark.parametrize("rule", CODES, ids=lambda rule: rule.id)
def test_each_code_is_decided_by_its_own_rule(rule):
    """Where it stands alone, whichever its class."""
    assert {text: classify(Attempt(diagnostic_code=text), RULES).rule for text in rule.examples} == dict.fromkeys(rule.examples, rule.id)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("550 5.1.1 <a@example.com> too many recipients this hour", "enhanced.x-1-1"),
        ("552 5.1.1 mailbox is full", "enhanced.x-1-1"),
        ("550 5.7.1 No such user!", "enhanced.x-7-1"),
        ("550 5.7.1 Unable to relay for a@example.com", "enhanced.x-7-1"),
        ("552 too many recipients", "reply.552-mailbox-full"),
        ("552 Message too large", "reply.552-mailbox-full"),
        ("452 4.5.3 Too many recipients", "reply.452-system-full"),
    ],
)
def test_a_text_beats_a_code(text, rule):
    """What the words say is more than what the code does."""
    assert rule in {one.id for one in CODES}
    assert classify(Attempt(diagnostic_code=text), RULES).rule != rule


def test_ids_name_their_file_and_are_unique():
    """The part of an id before the dot is the file that holds it."""
    for file in FILES:
        found = [rule.id for _, rule in file.tables if rule]
        assert found
        assert [ident for ident in found if ident.partition(".")[0] != file.name.removesuffix(".toml")] == []
    assert len({rule.id for rule in SHIPPED}) == len(SHIPPED)


def test_every_reason_is_reachable():
    """Each of the forty reasons is told by a rule, or by the kind of the message."""
    by_kind = {Reason.AUTO_REPLY, Reason.COMPLAINT, Reason.UNKNOWN}
    assert {rule.reason for rule in (*SHIPPED, *CODES)} | by_kind == set(Reason)


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


def test_a_token_is_true_or_false():
    """What a rule says of its lone words is checked as the rest is."""
    text = '[[rule]]\nid = "x.y"\ntext = "dmarc"\ntoken = {}\nreason = "auth_failure"\nsource = "ours"\nexamples = ["dmarc"]\n'
    assert check.parse(text.format("true"), "x.toml").problems == ()
    assert [line for line, _ in check.parse(text.format('"yes"'), "x.toml").problems] == [4]
