"""The fallback, for software nobody has heard of: addresses and the reasons near them, in a message that is a notice by its signs."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from bounces import address, signs
from bounces.entries import LONGEST, described, has_code
from bounces.folding import fold
from bounces.mentions import Mention, Standing, mentions
from bounces.pattern import late
from bounces.wording import Shown, is_label, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bounces.model import Attempt, Message

BROKEN = late(r"(?<=[\w.-])[ \t]*\n[ \t]*@(?=[\w-]+\.)|(?<=\w)@[ \t]*\n[ \t]*(?=[\w-]+\.[\w-])")  # an address over two lines
NAMED = late(r"[\"'>]*\s*(?:\(|:|\Z)")  # Anna Example (mailbox is full)
MOST = 100  # addressees whose names are looked for
WORDS = 12  # letters that are enough to say something
SHORT = 40  # characters of a line that may end a letter


def claims(message: Message) -> bool:
    """Say whether the signs are enough that the message is a notice."""
    return signs.is_notice(message)


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for each address that failed, with what stands beside it.

    Who names no address and returns nothing, or returns another notice, only writes like a mail system, or passes one on.
    """
    text = BROKEN.sub("@", _letter(message.text))
    found = tuple(sorted((*mentions(text), *_names(message, text)), key=attrgetter("line")))
    recipients = _recipients(message, found)
    if message.returned is not None and signs.is_notice_itself(message.returned):
        return
    if not recipients and message.returned is not None:
        yield described(None, text)
    beside = _beside(text, found, recipients)
    if not any(map(has_code, beside.values())):
        beside = _with_what_all_share(text, found, recipients, beside)
    for recipient in recipients:
        yield described(recipient, beside.get(recipient.lower(), ""))


def _letter(text: str) -> str:
    """Return a text up to where the letter ends; what stands below is whoever wrote it."""
    end = 0
    for line in text.split("\n"):
        words = fold(line).strip(" ,.!:")
        heads = (words, words.partition(" ")[0], words.partition(",")[0]) if len(words) <= SHORT else ()
        if line.rstrip() == "--" or any(is_label(head, Shown.SIGNATURE) for head in heads):
            return text[:end] if text[:end].strip() else text
        end += len(line) + 1
    return text


def _recipients(message: Message, every: Sequence[Mention]) -> tuple[str, ...]:
    """Choose the addresses that failed: those the header names, else entries of the text, else those the returned message was sent to."""
    sent = dict.fromkeys(one.lower() for one in signs.sent_to(message))
    writers = [(message.headers, ("To", "From", "Reply-To")), (message.returned, ("From", "Sender", "Return-Path", "Reply-To"))]
    own = {one.lower() for headers, names in writers if headers for name in names for one in address.all_of(headers.get(name))} - set(sent)
    found = [mention for mention in every if mention.address not in own]
    found = [mention for mention in found if not mention.role or mention.address in sent] or found
    entries = dict.fromkeys(mention.address for mention in found if mention.standing is Standing.ENTRY)
    failed = address.all_of(message.headers.get("X-Failed-Recipients"))
    if failed and (not entries or any(one.lower() in entries for one in failed)):
        return failed
    confirmed = [mention.address for mention in found if mention.address in sent and mention.standing is not Standing.ADDRESSEE]
    if len(sent) == 1 and confirmed:
        return tuple(sent)
    alone, named = ([mention.address for mention in found if mention.standing is one] for one in (Standing.ALONE, Standing.SENTENCE))
    chosen = entries or _addressees(found) or confirmed or alone or named
    return tuple(dict.fromkeys(chosen)) or (tuple(sent) if len(sent) == 1 else ())


def _names(message: Message, text: str) -> Iterator[Mention]:
    """Yield those addressees whom lines of the text begin with by display name or local part: some systems know no more."""
    known = dict([*signs.names(message.returned)[:MOST], *((one.rpartition("@")[0], one) for one in signs.sent_to(message)[:MOST])])
    line = 0
    for words in text.split("\n"):
        start = words.lstrip(" \t*-'\"<").lower()
        for name, one in known.items() if "@" not in words else ():
            if start.startswith(name.lower()) and NAMED.match(start, len(name)):
                yield Mention(one.lower(), line, line + len(words), Standing.ENTRY)
                break
        line += len(words) + 1


def _addressees(found: Sequence[Mention]) -> list[str]:
    """Return whom the notice sums up as addressees, each on a line of its own; a line with several tells whom it went to, not who failed."""
    addressees = [mention for mention in found if mention.standing is Standing.ADDRESSEE]
    lines = [mention.line for mention in addressees]
    return [mention.address for mention in addressees if lines.count(mention.line) == 1]


def _beside(text: str, every: Sequence[Mention], recipients: Sequence[str]) -> dict[str, str]:
    """Return the lines that belong to each recipient: from those that name it up to those that name another.

    Addresses that stand one below the other share what follows; where nothing does, what stands before.
    """
    wanted = {one.lower() for one in recipients}
    failed = [mention for mention in every if mention.address in wanted]
    named = [one for before, one in zip([None, *failed], failed, strict=False) if before is None or before.address != one.address]
    starts = [*(mention.line for mention in named[1:]), len(text)]
    found: dict[str, str] = {}
    waiting: list[Mention] = []
    told = 0
    for mention, start in zip(named, starts, strict=False):
        waiting.append(mention)
        end = max(start, mention.end)
        said = text[mention.line : min(end, mention.line + LONGEST)]
        if not _says(said) and end < len(text):
            continue
        said = said if _says(said) else text[told : waiting[0].line].rstrip().rpartition("\n\n")[2] + "\n" + said
        for one in waiting:
            found[one.address] = f"{found[one.address]}\n{said}"[:LONGEST] if one.address in found else said
        waiting, told = [], end
    return found


def _with_what_all_share(text: str, found: Sequence[Mention], recipients: Sequence[str], beside: dict[str, str]) -> dict[str, str]:
    """Add to what stands beside the recipients a reply that stands before all of them; of the only one the whole text tells."""
    if len(recipients) == 1:
        return {recipients[0].lower(): text}
    head = text[: min((one.line for one in found if one.address in beside), default=0)]
    return {one: f"{head}\n{said}" for one, said in beside.items()} if has_code(head) else beside


def _says(text: str) -> bool:
    """Say whether a text has words beside its addresses, and not only whom to ask."""
    for one, _, _ in address.in_text(text):
        text = text.replace(one, " ")
    text = "\n\n".join(part for part in text.split("\n\n") if Shown.CONTACT not in shown(part) or has_code(part))
    return sum(map(str.isalpha, text)) >= WORDS or any("\u2e80" <= char <= "\ud7ff" for char in text)
