"""Text in, the addresses that it mentions out, and how each stands there: in a list, as an addressee, or in a sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bounces import address
from bounces.phrases import fold
from bounces.wording import Shown, is_label, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

NEAR = 200  # characters around an address that tell its role
MOST = 500  # addresses of one text that are looked at
MOST_WORDS = 4  # of the words before an address that may tell whose it is

# * Anna Example <user@example.com>
BULLET = re.compile(r"\s*[•*·–-]\s+[^<>()@:\n]{1,60}[<(]\Z")
# Recipients: user@example.com; another@example.com
LISTED = re.compile(r"(?:[^\s<>,;()\"']+@[^\s<>,;()\"']+[>\"']*\s*[,;]\s*[<\"']*)+\Z")
MARKS = " \t>*•·|\"'«»„“”‘’‚「『【(<[-–:：=.#"
PART = re.compile(r"[(,;，、；（]")
NUMBER = re.compile(r"^\d{1,3}(?:[.)]\s*|$)")
# what an address in a list is followed by: the end of the line, or a mark, or the time; no words of the sentence that it is part of
CLOSED = re.compile(r"[>\"'»”’」』】)\],;:.]*\s*(?:\n|\Z|[:：;(\[<=–—-]|\.\.\.|on \w|am \w|[Ff]or )")
SENTENCE = re.compile(r"[.!?。！？]\s|\n\s*\n|[:：]\s*\n")
# support@, postmaster@ …: who answers questions, and seldom is a subscriber
ROLE = re.compile(
    r"(?:postmaster|mailer-?daemon|abuse|help(?:-?desk)?|service-?desk|support|admin(?:istrator)?|it-?(?:support|help|service)|hostmaster|webmaster|noc"
    r"|no-?reply|security|soporte|suporte|supporto|assistenza|assistance|hilfe|ayuda|ajuda|aide|pomoc|podpora|hjelp|hjälp|kundenservice)@",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Mention:
    """An address in the text: where its line begins and where it ends, how it stands there, and whether it is a help desk's by its name."""

    address: str
    line: int
    end: int
    entry: bool
    addressee: bool
    role: bool


def mentions(text: str) -> Iterator[Mention]:
    """Yield the addresses of a text that could be recipients: no sender's, and none to ask for help."""
    for found, start, end in address.in_text(text)[:MOST]:
        line = text.rfind("\n", 0, start) + 1
        before = LISTED.sub("", text[max(line, start - NEAR) : start])
        label, colon = _label(before)
        told = (label, colon) if label else _label(text[max(0, line - NEAR) : line].rstrip("\n").rpartition("\n")[2])
        if _is_senders(*told):
            continue
        first = not NUMBER.sub("", before.strip(MARKS), count=1)
        entry = bool(BULLET.match(before) or is_label(label, Shown.RECIPIENT) or (first and CLOSED.match(text, end)))
        role = ROLE.match(found) is not None
        if not entry and (role or _is_contact(text, start, end)):
            continue
        yield Mention(found.lower(), line, end, entry, not entry and colon and is_label(label, Shown.ADDRESSEE), role)


def _label(before: str) -> tuple[str, bool]:
    """Return what stands on the line before an address, folded and without marks, up to its colon if there is one; and whether there is."""
    head, colon, tail = re.sub("[：=]", ":", before).rpartition(":")
    named = colon and "<" in tail.strip() + "<"[: not tail.strip()]  # From: Anna Example <
    words = head if named or (colon and not tail.strip(MARKS)) else before
    return fold(NUMBER.sub("", PART.split(words.rstrip(MARKS))[-1].strip(MARKS), count=1)).strip(), bool(colon)


def _is_senders(label: str, colon: bool) -> bool:  # noqa: FBT001
    """Say whether a label tells that the address is another one's than the recipient's."""
    words = label.split()[-MOST_WORDS:]
    return (colon and is_label(label, Shown.SENDER)) or any(
        is_label(" ".join(words[number:]).strip(MARKS), Shown.SENT_BY) for number in range(len(words))
    )


def _is_contact(text: str, start: int, end: int) -> bool:
    """Say whether the sentence tells to write to an address: the words stand before it, or right after."""
    before = SENTENCE.split(text[max(0, start - NEAR) : start])[-1]
    after = SENTENCE.split(text[end : end + NEAR // 4], maxsplit=1)[0].partition("\n")[0]
    return "mailto:" in before[-8:] or Shown.CONTACT in shown(before) or Shown.CONTACT in shown(after)
