import tomllib
from importlib.resources import files

import pytest

from bounces import wording
from bounces.folding import fold
from bounces.phrases import Phrases
from bounces.wording import LABELS, Shown, is_label, shown

TABLES = tomllib.loads((files("bounces") / "wording.toml").read_text(encoding="utf-8"))
LANGUAGES = set("de fr es pt it nl pl cs ru uk tr el hu ro sv da nb fi ja zh ko vi th id ar he".split())


def test_the_tables_are_what_words_can_show():
    """Each table has its member, and each member its table."""
    assert set(TABLES) == {str(one) for one in Shown}


@pytest.mark.parametrize(
    "name", ["undelivered", "failed", "delayed", "retrying", "automatic", "absent", "daemon", "contact", "moved", "recipient", "sender"]
)
def test_each_language_has_its_words(name):
    """English and twenty-six more, in every table that a notice needs."""
    assert LANGUAGES | {"en"} <= set(TABLES[name])


@pytest.mark.parametrize("name", TABLES)
def test_every_phrase_is_found_by_itself_alone(name):
    """A phrase, with something in each of its gaps, is found; no other of its language would find it as well, so each is needed."""
    for phrases in TABLES[name].values():
        assert len(set(map(fold, phrases))) == len(phrases)
        everything = Phrases(phrases)
        for phrase in phrases:
            text = fold(phrase.replace(" * ", " xqz ").replace("*", "xq"))
            if Shown(name) in LABELS:
                assert is_label(fold(phrase), Shown(name))
            else:
                assert [phrases[one] for one, _ in everything.found(text)] == [phrase]


@pytest.mark.parametrize(
    ("subject", "what"),
    [
        ("Undelivered Mail Returned to Sender", Shown.UNDELIVERED),
        ("Unzustellbar: Frühlingsbrief", Shown.UNDELIVERED),
        ("配信不能: お知らせ", Shown.UNDELIVERED),
        (
            "Недоставленное сообщение",
            Shown.UNDELIVERED,
        ),
        ("Delivery delayed: News", Shown.DELAYED),
        ("Automatische Antwort: News", Shown.AUTOMATIC),
        ("Änderung: Urlaub", Shown.ABSENT),
        ("7 undelivered messages pending", Shown.DIGEST),
    ],
)
def test_a_subject_shows_what_kind_of_mail_it_is(subject, what):
    """As mail systems write it."""
    assert what in shown(subject)


@pytest.mark.parametrize("subject", ["Spring news", "Lunch on Friday?", "Re: minutes of the meeting", "Rechnung 4711", "お知らせ", ""])
def test_other_subjects_show_nothing(subject):
    """Ordinary subjects have none of the words."""
    assert shown(subject) == {}


def test_only_the_beginning_of_a_long_text_is_read():
    """A notice says at once what it is."""
    assert shown("x " * wording.LONGEST + "undelivered mail") == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Undeliverable: your invoice", "Undeliverable"),
        ("Fwd: Nicht  zustellbar: Rechnung", "Nicht zustellbar"),
        ("配信不能: お知らせ", "配信不能"),
        ("Échec de remise : bonjour", "Échec remise"),
        ("Your invoice", ""),
    ],
)
def test_only_the_telling_words_of_a_text_are_left(text, expected):
    """What shows something stays as it is written, and nothing else."""
    assert expected == wording.telling(text)
