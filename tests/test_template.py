import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bounces.anonymize.template import LONGEST, key, says_something, template, without_subject

WORDS = st.sampled_from("mailbox of is full 件名 ящик переполнен ja nein user <x> ( ) ... : # é".split())
PARTICULARS = st.sampled_from(
    [
        ("anna@example.com", "b.c@mail.example.org"),
        ("192.0.2.1", "203.0.113.250"),
        ("2001:db8::1", "2001:db8:0:1::ff"),
        ("mx1.example.com", "a.b.example.net"),
        ("https://example.com/x?y=1", "http://example.org/"),
        ("4F2B11C003A", "9AB0C1D2E3F4A5"),
        ("7", "123456"),
        ("1abCDe-0001Xy-3Z", "2zzZZz-0009Ab-Xy"),
    ]
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("550 5.1.1 <anna@example.com>: no seat 12", "<address>: no seat #"),
        ("554-5.7.1 Sorry\n554-5.7.1 mx1.example.com[192.0.2.7]\n554 5.7.1 is listed", "Sorry <host>[<ip>] is listed"),
        ("451 try again at Mon, 02 Mar 2026 08:00:00 +0100 (CET)", "try again at #"),
        ("552 used 1,024 of 2,048 bytes", "used # of # bytes"),
        ("550 Postfach von <anna@example.com> ist voll", "Postfach von <address> ist voll"),
        ("550 邮箱user@example.com不存在", "邮箱<address>不存在"),
        ("550 [TSS04] deferred", "[TSS#] deferred"),
        ("550 5.7.0 see https://example.com/why?id=9 (4F2B11C003A)", "see <url> (<id>)"),
    ],
)
def test_a_template_keeps_the_wording(text, expected):
    """What is particular is masked, the codes at the start go, the words stay, in any language."""
    assert expected == template(text)


def test_recipient_and_subject_are_particulars():
    """A local part that stands alone is masked, and so is the subject; a word of notices is neither."""
    assert template("550 no such user: anna.s", ["anna.s@example.com"]) == "no such user: <user>"
    assert template("550 user unknown", ["user@example.com"]) == "user unknown"
    assert template('550 "Spring open day" was refused', subject="Spring  open day") == '"<subject>" was refused'
    assert template("550 this is a test", subject="test") == "this is a test"
    assert without_subject("a (b) c", "(b) long enough", "X") == "a (b) c"


@given(st.lists(st.one_of(WORDS, PARTICULARS), max_size=25))
def test_texts_that_differ_in_particulars_alone_have_one_template(pieces):
    """Whoever it is about, and however many: the template is the same."""
    first, second = (" ".join(piece if isinstance(piece, str) else piece[place] for piece in pieces) for place in (0, 1))
    assert template(first) == template(second)


@given(st.text(max_size=400))
@example("<<<a@b.example>>> " * 30)
@example("x" * 500)
@example("件" * 500)
@example("550 5.1.1 " * 60)
@example("user@example.com " * 30)
def test_a_template_is_its_own_template(text):
    """Templates are idempotent, and no longer than a person reads."""
    once = template(text)
    assert template(once) == once
    assert len(once) <= LONGEST


@given(st.lists(st.one_of(st.sampled_from("quota is of bytes at line".split()), st.integers(0, 10**9)), max_size=12))
def test_masking_the_numbers_makes_no_other_template(pieces):
    """A text whose numbers are masked already has the template of the text."""
    text = "reached " + " ".join(map(str, pieces))
    assert template(text) == template(" ".join("#" if word.isdigit() else word for word in text.split()))


def test_case_and_accents_make_no_other_key():
    """Templates are grouped whatever their case."""
    assert key(template("550 Boîte PLEINE")) == key(template("552 boite pleine"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("550 5.1.1", False),
        ("550 5.1.1 <anna@example.com>", False),
        ("77", False),
        ("", False),
        ("mx.example.com #5.1.1 [192.0.2.1]", False),
        ("550 no seat", True),
        ("550 查无此人", True),
        ("550 нет", True),
    ],
)
def test_what_says_something_has_words(text, expected):
    """Codes, addresses and marks alone say nothing."""
    assert says_something(template(text)) is expected


@pytest.mark.parametrize("piece", ["a.", "a.-", "<", "# ", "550 ", "550-5.1.1 ", "a@b ", "1,"])
def test_a_long_text_costs_no_more_than_what_is_read(piece):
    """Time is bounded, whatever strangers write."""
    start = time.perf_counter()
    template(piece * 100_000)
    assert time.perf_counter() - start < 0.5
