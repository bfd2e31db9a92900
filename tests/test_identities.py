import pytest

from bounces.analyze import trace
from bounces.anonymize.identifiers import What
from bounces.anonymize.identities import Strictness, pseudonyms
from bounces.model import Raw

NOTICE = """\
From: "Mail System" <postmaster@firm.example>
To: "Ines Brandt" <ines@firm.example>
Subject: Undeliverable
Return-Path: <>
Received: from mailout (helo=PC-INES) by hub

Your message to Pia Sommer <pia@other.example> failed, says Firm.
A. Lindqvist was not told. User unknown: 550 5.1.1 <a.lindqvist@other.example>

--- Original message follows ---

Received: from PC-INES by hub; Mon, 2 Mar 2026 08:00:00 +0100
From: Ines Brandt <ines@firm.example>
To: "A. L." <a.lindqvist@other.example>
Subject: hello
"""


@pytest.mark.parametrize(
    ("strictness", "names", "known"),
    [
        (
            Strictness.COMPANIES,
            {"Ines Brandt", "Ines", "Brandt", "Pia Sommer", "Pia", "Sommer", "Lindqvist", "Firm", "OTHER"},
            {"pc-ines", "mailout", "hub"},
        ),
        (Strictness.PARTS, {"Ines Brandt", "Ines", "Brandt"}, {"pc-ines"}),
        (Strictness.PEOPLE, {"Ines Brandt"}, {"pc-ines"}),
    ],
)
def test_the_strictest_knows_most_names(strictness, names, known):
    """People in header fields are names always, parts of theirs, people in the text, companies and plain servers as far as is asked for."""
    made = pseudonyms(trace(Raw("-", NOTICE.encode())), strictness)
    others = {"Pia Sommer", "Lindqvist", "Firm", "OTHER", "Brandt", "Ines"} - names
    assert names <= set(made.names)
    assert not others & set(made.names)
    assert {word for word, what in made.known.items() if what is What.HOST} == known
    assert made.known["a.lindqvist"] is What.USER


def test_the_recipient_is_the_first_user():
    """Who failed is user1@example.com, whoever is named before."""
    made = pseudonyms(trace(Raw("-", NOTICE.encode())), Strictness.COMPANIES)
    assert made.address("a.lindqvist@other.example") == "user1@example.com"


def test_a_mail_systems_name_is_nobodys():
    """The notice's own From names no person."""
    made = pseudonyms(trace(Raw("-", NOTICE.encode())), Strictness.COMPANIES)
    assert not any("System" in name for name in made.names)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Von: Pia Sommer\nAn: <a@b.example>", "Pia Sommer"),
        ("宛先：山田太郎 <yamada@b.example>", "山田太郎"),
        ("To: Sommer, Pia", "Sommer, Pia"),
        ("Pia Sommer (pia@b.example) has left", "Pia Sommer"),
        ("Pia Sommer on 07/11/2007 16:20", "Pia Sommer"),
    ],
)
def test_a_name_is_known_by_where_it_stands(text, name):
    """Behind the label of a sender or an addressee, beside an address, and where Exchange has names."""
    made = pseudonyms(trace(Raw("-", f"From: <>\nSubject: Undeliverable\n\n{text}\n".encode())), Strictness.COMPANIES)
    assert name in made.names
    assert made.text(f"x{name}様, {name}!").count(name) == (0 if name > "\u0e00" else 1)
