import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounces.folding import fold
from bounces.phrases import FEW, Phrases, flaw, ways


def said(text, *phrases):
    """Return which phrases a text says."""
    return [phrases[number] for number, _ in Phrases(phrases).found(fold(text))]


@pytest.mark.parametrize(
    ("text", "phrase", "found"),
    [
        ("Mailbox full", "mailbox full", True),
        ("MAILBOX\n  FULL", "mailbox full", True),
        ("mail-box full", "mail box full", True),
        ("mailboxfull", "mailbox full", False),
        ("the mailboxes", "mailbox", False),
        ("the mailboxes", "mailbox*", True),
        ("submailbox", "mailbox", False),
        ("submailbox", "*mailbox", True),
        ("user bob unknown", "user * unknown", True),
        ("users are unknown", "user* unknown", True),
        ("the submailbox is full", "the *mailbox", True),
        ("unknown user", "user * unknown", False),
        ("user " + "x" * 70 + " unknown", "user * unknown", False),
        ("Empfänger ungültig", "empfanger ungultig", True),
        ("Empfa\u0308nger", "empfänger", True),
        ("n’a pas été remis", "n'a pas ete remis", True),
        ("寛件失敗", "失敗", True),
        (
            "ไม่สามารถส่งได้",
            "ไม่สามารถส่ง",
            True,
        ),
        (
            "\u200fفشل \u200fالتسليم",
            "فشل التسليم",
            True,
        ),
        ("", "x", False),
    ],
)
def test_a_phrase_is_found_whatever_its_spelling(text, phrase, found):
    """Case, accents, hyphens, line breaks and marks of direction make no difference; whole words do, where a script has words."""
    assert said(text, phrase) == ([phrase] if found else [])


def test_phrases_come_in_their_order_with_their_places():
    """Each phrase once, by number, with the spans of its parts."""
    phrases = Phrases(["b", "a * b"])
    assert list(phrases.found("a x b")) == [(0, ((4, 5),)), (1, ((0, 1), (4, 5)))]
    assert list(Phrases([]).found("a")) == []


@given(st.text(max_size=80))
def test_folding_twice_changes_nothing(text):
    """A folded text is as phrases are compared with it."""
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet="ab", max_size=40), st.sets(st.text(alphabet="ab", min_size=1, max_size=12), max_size=40))
def test_words_that_begin_alike_are_told_apart(text, words):
    """However many begin as others do, or are how others begin: those are found that stand in the text, by the automaton, too."""
    phrases = Phrases([f"*{word}*" for word in sorted(words)])
    found = [sorted(words)[number] for number, _ in phrases.found(text)]
    assert found == [word for word in sorted(words) if word in text]
    phrases._asked = FEW
    assert found == [sorted(words)[number] for number, _ in phrases.found(text)]


@given(st.text(alphabet="ab *", max_size=200))
def test_any_text_and_phrase_go_together(text):
    """Whatever stands in a text, or a user's phrase, is no error."""
    assert isinstance(said(text, "a * b", "ab*", "*a"), list)


def test_time_is_linear_in_the_text():
    """Ten times the text costs about ten times the time, also where each word begins a phrase."""
    phrases = Phrases(["a * b", "a * a * b", "a*"])

    def seconds(size):
        text = "a " * size
        started = time.perf_counter()
        list(phrases.found(text))
        return time.perf_counter() - started

    assert min(seconds(50_000) for _ in range(3)) < 30 * min(seconds(5_000) for _ in range(3)) + 0.05


@pytest.mark.parametrize(
    ("phrase", "text", "says"),
    [
        ("(mailbox|account) * (full|over * quota)", "your account is over its quota", True),
        ("(mailbox|account) * (full|over * quota)", "the mailbox of anna is full", True),
        ("(mailbox|account) * (full|over * quota)", "quota over account", False),
        ("no (such|valid) (user|mailbox)", "no valid mailbox", True),
        ("no (such|valid) (user|mailbox)", "no mailbox", False),
        ("recipient(s) unknown", "recipient(s) unknown", True),
        ("(a|(b|c) d) e", "c d e", True),
        ("*box* full", "the mailboxes are full", True),
        ("邮箱", "ip邮箱", True),
        ("ip", "该ip地址", True),
    ],
)
def test_a_group_is_either_of_its_words(phrase, text, says):
    """With gaps inside, one group beside another, and nested; parentheses without a choice are literal."""
    assert bool(said(text, phrase)) is says


def test_the_vowels_of_thai_are_no_accents():
    """The word "เติม" is to add, "เต็ม" is full; only tones go, as accents do."""
    assert fold("เติม") != fold("เต็ม")
    assert fold("naïve ΆΛΦΑ") == "naive αλφα"


@pytest.mark.parametrize(
    "phrase",
    [
        ".*",
        "user.*unknown",
        "user.+",
        r"\d",
        r"user\.name",
        "[a-z]+",
        "[^a-z]",
        "[tss04]+",
        "(user)+",
        "(a|b)?",
        "^user",
        "unknown$",
        "(^|a) b",
        "a{2,}",
    ],
)
def test_what_looks_like_a_regular_expression_is_told(phrase):
    """A phrase is plain words; the sentence says what to write instead."""
    assert f"{phrase!r} looks like a regular expression" in flaw(phrase)
    assert '"(one|another)" for either' in flaw(phrase)


@pytest.mark.parametrize(
    ("phrase", "sentence"),
    [
        *((phrase, "out of place") for phrase in ("(a|b", "a|b", "a|b)", "(a)(b|c)", "((a)|b) c", ")a|b(")),
        *((phrase, "a * inside a word") for phrase in ("x* *y", "a*b", "(a|b)*c", "a*(b|c)", "a ** b")),
        *((phrase, "no word where one should stand") for phrase in ("", "*", "* * *", "(a|) * b", "a * (b|)", "\u0301", ".")),
        *((phrase, "more than 20,000 ways") for phrase in ("(a|b)" * 20, "(a|b)" * 20_000, "(a|" * 500 + "b" + ")" * 500)),
    ],
)
def test_what_can_never_be_found_is_told(phrase, sentence):
    """A choice that is none, an open end against an open start, nothing between two gaps, more ways than are ever needed."""
    assert sentence in flaw(phrase)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        *(
            (phrase, phrase)
            for phrase in ("[TSS04]", "recipient(s) unknown", "who is?", "$5 to go", "RBL+", "(S3140)", "<@>: gone", "busy (", "?p=Gone")
        ),
        ("x* * *y", "xa by"),
        ("(is|) full", "full"),
        ("(a|b) * (full|over * quota)*", "b over its quotas"),
    ],
)
def test_what_servers_write_is_plain(phrase, text):
    """Brackets without a choice, question marks and links are words like others."""
    assert flaw(phrase) is None
    assert said(text, phrase) == [phrase]


@given(st.text(alphabet="ab|()* .@", max_size=30))
def test_a_phrase_without_a_flaw_is_found_in_what_it_says(phrase):
    """Whatever the flaws leave, each way to say it is found: "a(* @|)" is in "a @" in both."""
    if flaw(phrase) is None:
        for way in ways(phrase):
            for part in range(max(map(len, way))):
                text = " . ".join(words[part % len(words)].replace("*", "") for words in way)
                assert set(said(text, phrase)) == {phrase}


def test_several_threads_may_ask_at_once():
    """What finds the words is made once it pays, and nobody gets it half made."""
    phrases = Phrases([f"mailbox{number} full" for number in range(3000)])
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: list(phrases.found(f"the mailbox{number} full")), range(200)))
    assert [number for ((number, _),) in found] == list(range(200))
