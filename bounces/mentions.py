"""Text in, the addresses that it mentions out, and how each stands there: in a list, as an addressee, or in a sentence."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from bounces import address
from bounces.folding import fold
from bounces.pattern import late
from bounces.wording import Shown, is_label, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

NEAR = 200  # characters around an address that tell its role
MOST = 500  # addresses of one text that are looked at
FOLDED = 40  # characters of a line that goes on below
MOST_WORDS = 4  # of the words before an address that may tell whose it is

# * Anna Example <user@example.com>
BULLET = late(r"\s*[•*·–-]\s+[^<>()@:\n]{1,60}[<(]\Z")
# Recipients: user@example.com; another@example.com
LISTED = late(r"(?:[^\s<>,;()\"'@]+@[^\s<>,;()\"'@]+[>\"']*\s*[,;]\s*[<\"']*)+\Z")
MARKS = " \t>*•·|\"'«»„“”‘’‚「『【(<[-–:：=.#"
PART = late(r"[(,;，、；（]")
NUMBER = late(r"^\d{1,3}(?:[.)]\s*|$)")
# what an address in a list is followed by: the end of the line, or a mark, or the time; no words of the sentence that it is part of
CLOSED = late(r"[>\"'»”’」』】)\],;:.]*(?:\t|  |\s*\|)|[>\"'»”’」』】)\],;:.]*\s*(?:\n|\Z|[:：;(\[<=–—-]|\.\.\.|on \w|am \w|[Ff]or )")
FINISHED = late(r"[>\"')\]]*[.,]")  # a sentence goes on, or ends
CELL = late(r"[>\"')\]]*(?:\t|  |\s*\|)")  # the rest of a table's row
SENTENCE = late(r"[.!?。！？]\s|\n\s*\n|[:：]\s*\n")
NEGATION = late(
    r"\b(?:not|nicht|pas|no|não|non|niet|nie|ne\w*|не|inte|ikke|ei|nem|nu|δεν|không|tidak|لم|لا|לא)\b|n't\b|ません|ない|没|未|无法|無法|않|못|ไม่",
    re.IGNORECASE,
)
# support@, postmaster@ …: who answers questions, and seldom is a subscriber
ROLE = late(
    r"(?:postmaster|mailer-?daemon|abuse|help(?:-?desk)?|service-?desk|support|admin(?:istrator)?|it-?(?:support|help|service)|hostmaster|webmaster|noc"
    r"|no-?reply|security|sac|kundtjanst|kundservice|kundeservice|asiakaspalvelu|klantenservice|ugyfelszolgalat|atendimento|suport|pod+rska|obsluha"
    r"|bok|destek|care|soporte|suporte|supporto|assistenza|assistance|hilfe|ayuda|ajuda|aide|pomoc|podpora|hjelp|hjälp|kundenservice)@",
    re.IGNORECASE,
)


class Standing(Enum):
    """How an address stands in a text."""

    ENTRY = auto()  # in a list, or behind a recipient's label
    ADDRESSEE = auto()  # behind "To:", as a notice sums up the message it is about
    ALONE = auto()  # behind another label
    SENTENCE = auto()


class Mention(NamedTuple):
    """An address in the text: where its line begins and where it ends, how it stands there, and whether it is a help desk's by its name."""

    address: str
    line: int
    end: int
    standing: Standing
    role: bool = False


def mentions(text: str) -> Iterator[Mention]:
    """Yield the addresses of a text that could be recipients: no sender's, and none to ask for help."""
    for found, start, end in address.in_text(text)[:MOST]:
        line = text.rfind("\n", 0, start) + 1
        before = LISTED.sub("", text[max(line, start - NEAR) : start])
        label, colon = _label(before)
        told = (label, colon) if label else _label(text[max(0, line - NEAR) : line].rstrip("\n").rpartition("\n")[2])
        if _is_senders(*told):
            continue
        standing = _standing(text, before, line, end)
        role = ROLE.match(found) is not None
        asked = _is_asked_above(text, line) if standing is Standing.ENTRY else role or _is_contact(text, start, end)
        if asked or _has_it(text, start, end):
            continue
        yield Mention(found.lower(), line, end, standing, role)


def _standing(text: str, before: str, line: int, end: int) -> Standing:
    """Say how an address stands behind what is `before` it on its line."""
    label, colon = _label(before)
    if BULLET.match(before) or is_label(label, Shown.RECIPIENT):
        return Standing.ENTRY
    if colon and is_label(label, Shown.ADDRESSEE):
        return Standing.ADDRESSEE
    if not CLOSED.match(text, end):
        return Standing.SENTENCE
    if before.strip(MARKS + "0123456789)"):
        labelled = before.rstrip(" \t<\"'").endswith((":", "："))
        return (Standing.ENTRY if before.endswith("<") else Standing.ALONE) if labelled else Standing.SENTENCE
    above = text[max(0, line - NEAR) : line].rstrip("\n").rpartition("\n")[2].strip() if text[max(0, line - 2) : line] != "\n\n" else ""
    folded = len(above) > FOLDED and above[-1] not in ":.;!?>)：。" and FINISHED.match(text, end)
    return Standing.SENTENCE if folded else Standing.ENTRY


def _label(before: str) -> tuple[str, bool]:
    """Return what stands on the line before an address, folded and without marks, up to its colon if there is one; and whether there is."""
    head, colon, tail = re.sub("[：=]", ":", before).rpartition(":")
    named = colon and (not tail.strip() or "<" in tail)  # From: Anna Example <
    words = head if named or (colon and not tail.strip(MARKS)) else before
    return fold(NUMBER.sub("", PART.split(words.rstrip(MARKS))[-1].strip(MARKS), count=1)).strip(), bool(colon)


def _is_senders(label: str, colon: bool) -> bool:  # noqa: FBT001
    """Say whether a label tells that the address is another one's than the recipient's."""
    words = label.split()[-MOST_WORDS:]
    ends = [" ".join(words[number:]).strip(MARKS) for number in range(len(words))]
    return any(is_label(one, Shown.SENT_BY) or (colon and is_label(one, Shown.SENDER)) for one in ends)


def _has_it(text: str, start: int, end: int) -> bool:
    """Say whether the sentence tells that an address has the message: some notices name those, too."""
    before, after = text[max(0, start - NEAR) : start].rpartition("\n")[2], SENTENCE.split(text[end : end + NEAR], maxsplit=1)[0]
    told = shown(before + (after.partition("\n")[0] if CELL.match(after) else after))
    return Shown.DELIVERED in told and not ({Shown.FAILED, Shown.UNDELIVERED} & set(told) or NEGATION.search(before + after))


def _is_asked_above(text: str, line: int) -> bool:
    """Say whether the sentence that ends with a colon right above an address tells to write to it: "please contact the owners:"."""
    above = text[max(0, line - NEAR) : line].rstrip(" \t\n:：")
    if not re.fullmatch(r"[ \t]*[:：][ \t]*\n", text[max(0, line - NEAR) : line][len(above) :]):
        return False
    told = shown(SENTENCE.split(above)[-1])
    return Shown.CONTACT in told and not {Shown.FAILED, Shown.UNDELIVERED} & set(told)


def _is_contact(text: str, start: int, end: int) -> bool:
    """Say whether the sentence tells to write to an address: the words stand before it, or right after."""
    before = SENTENCE.split(text[max(0, start - NEAR) : start])[-1]
    after = SENTENCE.split(text[end : end + NEAR // 4], maxsplit=1)[0]
    return "mailto:" in before[-8:] or Shown.CONTACT in shown(before) or Shown.CONTACT in shown(after.partition("\n")[0])
