import json
import re

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import bounces
from bounces import rules
from bounces.classify import classify
from bounces.cli import main
from bounces.codes import REPLY_CODES
from bounces.errors import SettingsError
from bounces.model import Attempt, Permanence, Reason
from bounces.reference import CODE, LISTS, code, every, page, table
from bounces.reference.compare import compare
from bounces.rulecheck import rule_set

ENHANCED = re.compile(r"x\.\d\.\d+")
# every reply code of RFC 5321 and its extensions, and of RFC 7504, with those that servers send all the same
REPLIES = """
    200 211 214 220 221 235 250 251 252 253 334 354 421 422 430 432 450 451 452 453 454 455 456 458 459 471 500 501 502 503 504 510 511 512 513
    517 521 523 524 525 530 531 533 534 535 538 540 541 550 551 552 553 554 555 556 557 571 585
""".split()
REGISTRY = """
    0.0 1.0 1.1 1.2 1.3 1.4 1.5 1.6 1.7 1.8 1.9 1.10 2.0 2.1 2.2 2.3 2.4 3.0 3.1 3.2 3.3 3.4 3.5 3.6 4.0 4.1 4.2 4.3 4.4 4.5 4.6 4.7 4.8 5.0 5.1
    5.2 5.3 5.4 5.5 5.6 6.0 6.1 6.2 6.3 6.4 6.5 6.6 6.7 6.8 6.9 6.10 7.0 7.1 7.2 7.3 7.4 7.5 7.6 7.7 7.8 7.9 7.10 7.11 7.12 7.13 7.14 7.15 7.16
    7.17 7.18 7.19 7.20 7.21 7.22 7.23 7.24 7.25 7.26 7.27 7.28 7.29 7.30
""".split()


def run(*words):
    """Run the command, and return its exit code and what it printed."""
    done = CliRunner().invoke(main, ["code", *words])
    return done.exit_code, done.output


def test_every_code_is_there_in_both_languages():
    """All reply codes, the whole registry of enhanced ones, and no field that only one language has."""
    wanted = {*REPLIES, *(f"x.{detail}" for detail in REGISTRY)}
    assert set(table("codes")) == set(table("en")) == set(table("fr")) == wanted
    for key in wanted:
        assert set(table("en")[key]) == set(table("fr")[key]), key
        assert {"name", "meaning", "when", "sender"} <= set(table("en")[key]), key


def test_the_codes_that_are_found_in_texts_are_those_of_the_reference():
    """Two places list the reply codes, and they agree; 200 is in no reply of SMTP's."""
    assert {*REPLY_CODES, "200"} == {key for key in table("codes") if key.isdigit()}


def test_no_french_is_english():
    """Each text is written twice, by hand."""
    for key, french in table("fr").items():
        english = table("en")[key]
        for name, told in french.items():
            for text in told if isinstance(told, list) else [told]:
                assert text not in (english[name] if isinstance(told, list) else [english[name]]), (key, name, text)


def test_french_is_typeset_as_french():
    """No plain space before : ; ! ? or inside « »; quotations of servers apart."""
    for key, french in table("fr").items():
        for told in french.values():
            for text in told if isinstance(told, list) else [told]:
                assert not re.search(r" [;!?»](?:\s|$)|« ", text), (key, text)


def test_what_is_related_and_where_it_is_defined():
    """Related codes exist, a code is defined in a standard or called nonstandard, and examples say it."""
    for key, facts in table("codes").items():
        assert set(facts.get("related", ())) <= set(table("codes")) - {key}, key
        assert facts.get("rfc") or facts.get("nonstandard"), key
        for example in facts.get("examples", ()):
            assert re.search(key.replace("x", "[245]").replace(".", r"\."), example), (key, example)


def test_the_rules_for_codes_are_this_data():
    """What a code means is said once: the classifier takes a lone code for the reason that its page tells."""
    told = 0
    for one in every():
        found = code(one)
        if found.reason is not None:
            attempt = Attempt(status=one) if found.enhanced else Attempt(reply_code=one)
            assert classify(attempt, rule_set()).reason is found.reason, one
            told += 1
    assert told > 150
    assert {rule.id.partition(".")[0] for rule in rules.shipped()} >= {"enhanced", "reply"}


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("one", every())
def test_each_code_has_a_page(one, lang):
    """As text and as Markdown, with all that it says, and no line of text too long for a terminal but replies as servers send them."""
    found = code(one, lang=lang)
    assert found.known
    text, marked = page.text(page.of_code(found)), page.markdown(page.of_code(found))
    for said in (found.name, *(found.stages if len(found.stages) < 10 else ()), *found.examples):
        assert said in text
        assert said in marked
    replies = {f"    {reply}" for reply in found.examples}
    assert [line for line in text.splitlines() if len(line) > page.WIDTH and line not in replies] == []


def test_a_code_is_a_success_or_a_failure():
    """By its first digit."""
    assert code("552").permanence is Permanence.PERMANENT
    assert code("4.2.2").permanence is Permanence.TRANSIENT
    assert code("250").permanence is Permanence.UNKNOWN
    assert code("552").reason is Reason.MAILBOX_FULL
    assert {Reason.MAILBOX_INACTIVE, Reason.MESSAGE_TOO_LARGE, Reason.TOO_MANY_RECIPIENTS} <= set(code("552").reasons)
    assert any(rule.id.startswith("google.") for rule in code("5.2.2").providers)


@pytest.mark.parametrize(("one", "near"), [("559", "554"), ("5.7.99", "5.7.9"), ("299", None), ("5.9.9", "5.6.9"), ("378", None)])
def test_an_undefined_code_says_what_its_digits_mean(one, near):
    """By RFC 5321 and RFC 3463, with the nearest that are defined."""
    for lang in ("en", "fr"):
        found = code(one, lang=lang)
        assert not found.known
        assert one in found.meaning
        assert near is None or near in found.related
        assert page.text(page.of_code(found))
    assert run(one)[0] == 0


@pytest.mark.parametrize("words", [["foo"], ["5٥2"], ["55"], [""], ["5.2"], ["foo", "bar"], ["999"], ["1.2.3"], []])
def test_what_is_no_code_is_told_with_an_example(words):
    """Exit code 2, and one line that shows what to write."""
    status, said = run(*words)
    assert status == 2
    assert "552" in said


@pytest.mark.parametrize(
    ("pair", "english", "french"),
    [
        (("220", "552"), "220 opens the conversation", "220 ouvre la conversation"),
        (("552", "452"), "Both are about room", "Les deux parlent de place"),
        (("552", "5.2.2"), "5.2.2 means one thing", "5.2.2 ne veut dire qu’une chose"),
        (("4.2.2", "5.2.2"), "full either way", "pleine dans les deux cas"),
    ],
)
def test_the_pairs_that_people_compare_are_written_by_hand(pair, english, french):
    """In either order, in both languages."""
    for lang, told in (("en", english), ("fr", french)):
        for first, second in (pair, pair[::-1]):
            found = compare(first, second, lang=lang)
            assert (found.first.code, found.second.code) == (first, second)
            assert any(told in one for one in found.differences)


def test_pairs_are_of_codes_that_exist_and_stand_once():
    """Each with something to say in both languages."""
    pairs = table("pairs")["pair"]
    assert len({frozenset(pair["codes"]) for pair in pairs}) == len(pairs) > 20
    for pair in pairs:
        assert len(set(pair["codes"])) == 2
        assert set(pair["codes"]) <= set(every())
        assert len(pair["en"]) == len(pair["fr"]) > 0


@given(st.sampled_from(every()), st.sampled_from(every()), st.sampled_from(["en", "fr"]))
def test_any_two_codes_compare(first, second, lang):
    """Each pair has a difference, and a page that names both."""
    found = compare(first, second, lang=lang)
    assert found.differences
    text = page.text(page.of_comparison(found))
    assert first in text
    assert second in text


@given(st.from_regex(CODE, fullmatch=True), st.sampled_from(["en", "fr"]))
def test_any_code_is_answered(one, lang):
    """Defined or not."""
    assert code(one, lang=lang).meaning


def test_a_reply_is_taken_apart():
    """Both codes, and what the reply means as a whole."""
    status, said = run("552 5.2.2 mailbox full")
    assert status == 0
    assert "552 Exceeded storage allocation" in said
    assert "5.2.2 Mailbox full" in said
    assert "mailbox_full (permanent, soft): other_channel" in said
    assert "La boîte" in run("--lang", "fr", "552", "5.2.2", "mailbox full")[1]


def test_the_list_is_narrowed_by_class_and_words():
    """A code a line; accents and case make no difference."""
    status, said = run("--list", "--class", "4", "--search", "MAILBOX full")
    assert status == 0
    assert {line[:8].strip()[0] for line in said.splitlines()} == {"4"}
    assert "4.2.2" in said
    assert "5.2.2" in run("--list", "--lang", "fr", "--search", "boite pleine")[1]
    assert len(run("--list")[1].splitlines()) == len(every())


def test_pages_are_written_by_their_suffix(tmp_path):
    """Markdown, HTML, JSON; another is told before anything is written."""
    for name in ("x.md", "x.html", "x.json"):
        assert run("552", "-o", str(tmp_path / name))[0] == 0
    assert (tmp_path / "x.md").read_text(encoding="utf-8").startswith("# 552 Exceeded storage allocation\n")
    assert (tmp_path / "x.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))["reason"] == "mailbox_full"
    assert run("452", "552", "-o", str(tmp_path / "y.json"))[0] == 0
    assert json.loads((tmp_path / "y.json").read_text(encoding="utf-8"))["second"]["code"] == "552"
    assert run("552 5.2.2 mailbox full", "-o", str(tmp_path / "z.json"))[0] == 0
    assert json.loads((tmp_path / "z.json").read_text(encoding="utf-8"))["reply"]["reason"] == "mailbox_full"
    assert run("552", "-o", str(tmp_path / "x.txt"))[0] == 2
    assert run("--list", "-o", str(tmp_path / "codes.csv"))[0] == 0
    assert len((tmp_path / "codes.csv").read_text(encoding="utf-8").splitlines()) == len(every()) + 1


def test_the_library_has_the_same():
    """`bounces.code`, `bounces.compare`, and a table for notebooks."""
    assert bounces.code("552", lang="fr").name == table("fr")["552"]["name"]
    assert bounces.compare("220", "552").differences
    codes = bounces.code_table()
    assert len(codes) == len(every())
    assert {"code", "name", "meaning", "reason", *LISTS} <= set(codes.columns)
    for wrong in ({"value": "55"}, {"value": "552", "lang": "de"}):
        with pytest.raises(SettingsError):
            bounces.code(**wrong)


def test_an_enhanced_code_is_listed_in_each_class_that_it_has():
    """2.1.5 has no failure beside it (RFC 3463, section 3.2), and what a page names as related has a page."""
    listed = set(every())
    assert {"2.0.0", "2.1.5", "4.2.2", "5.2.2"} <= listed
    assert not {"4.1.5", "5.1.5", "2.2.2"} & listed
    assert all(listed.issuperset(code(one).related) for one in listed)
