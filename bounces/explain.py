"""One message in, an account of every stage out: who read it, where each field stood, which rule decided, what contradicts it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bounces import advise, signs
from bounces.analyze import Trace, trace
from bounces.language import Said, say, spoken
from bounces.model import Event, Kind, Raw
from bounces.particulars import particulars, suggested
from bounces.printable import printable
from bounces.recipient import candidates, doubt
from bounces.rules import OPINION
from bounces.settings import Settings, checked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bounces.model import Attempt, Evidence, Message, Notice, Verdict

FIELDS = ("action", "final_recipient", "original_recipient", "status", "reply_code", "diagnostic_code", "remote_mta", "command")
# the fields of RFC 3464 that hold them
STANDARD = {
    "action": ("Action",),
    "final_recipient": ("Final-Recipient",),
    "original_recipient": ("Original-Recipient",),
    "status": ("Status", "Diagnostic-Code"),
    "reply_code": ("Diagnostic-Code",),
    "diagnostic_code": ("Diagnostic-Code", "Status"),
    "remote_mta": ("Remote-MTA",),
}
JUDGED = {Kind.FAILURE, Kind.DELAY}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the account: a label, a value, and a note on it. What is `Said` is words, all else data, the same in any language."""

    label: str = ""
    value: str | None = None
    note: str = ""
    before: str = ""

    def laid_out(self, lang: str) -> str:
        """Return the line in a language; what comes from strangers is made harmless to a terminal."""
        value, note = (say(one, lang) if isinstance(one, Said) else one for one in (self.value, self.note))
        label = self.label[: -len(self.label.lstrip()) or None] + say(self.label.strip(), lang) if self.label[:1] == " " else say(self.label, lang)
        return printable(label if value is None else f"  {label:<20}{self.before}{value}" + (f"  <- {note}" if note else ""))


@dataclass(frozen=True, slots=True)
class Explanation:
    """What each stage made of a message; `str()` is the account for a person, `events` are the rows it came to."""

    events: tuple[Event, ...]
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.lines)


def explain(data: bytes, *, policy: str = "list", rules: Iterable[str] = (), verp: Iterable[str] = (), lang: str = "en") -> Explanation:
    """Explain one message, given as bytes: every stage, from its parts to the advice, in English ("en") or French ("fr").

    Options and errors are those of `bounces.events`; SettingsError for another language.
    """
    settings, lang = checked(policy, rules, verp), spoken(lang)
    found = trace(Raw("-", data), settings)
    lines = [Line("Message"), *_account(found, settings, lang)] if isinstance(found, Trace) else [Line("Message"), *_unread(found)]
    return Explanation(found.events if isinstance(found, Trace) else (found,), tuple(line.laid_out(lang) for line in lines))


def _unread(found: Event) -> Iterator[Line]:
    """Tell why a message can't be read."""
    yield Line("kind", found.kind)
    yield Line("defect", "; ".join(found.defects))


def _account(found: Trace, settings: Settings, lang: str) -> Iterator[Line]:
    """Tell of each stage."""
    yield from _message_lines(found.message)
    yield from _notice_lines(found.message, found.notice)
    for number, attempt in enumerate(found.notice.attempts):
        event, verdict = found.events[number], found.verdicts[number]
        yield Line()
        yield Line(Said("Recipient {number} of {count}", number=number + 1, count=len(found.events)))
        yield from _attempt_lines(attempt, event, found, settings)
        yield from _verdict_lines(event, verdict, found.message, advise.load(settings.policy), lang)


def _message_lines(message: Message) -> Iterator[Line]:
    """Tell what the message is made of."""
    for name in ("From", "To", "Subject", "Date"):
        yield Line(name, message.headers.get(name) or Said("(absent)"))
    parts = ", ".join(message.part_types) or message.content_type
    yield Line("parts", Said("{parts} (HTML only)", parts=parts) if message.html else parts)
    yield Line("returned", Said("{count} header fields", count=len(message.returned.fields)) if message.returned else Said("nothing"))
    for defect in message.defects:
        yield Line("defect", defect)


def _notice_lines(message: Message, notice: Notice) -> Iterator[Line]:
    """Tell whether it is a notice, by which signs, and which format read it."""
    yield Line()
    yield Line("Notice")
    found = tuple(signs.evidence(message))
    for sign in found:
        yield Line("" if sign is not found[0] else "signs", Said(sign.what), before=f"{sign.weight:+d} ")
    together = Said("{sum}, and {enough} make a notice", sum=sum(sign.weight for sign in found), enough=signs.ENOUGH)
    yield Line("  together" if found else "signs", together)
    yield Line("read by", notice.format or Said("nobody"))
    yield Line("kind", notice.kind)
    if notice.kind is Kind.UNRECOGNIZED:
        yield Line("", Said("there is not enough evidence that this message reports on a delivery"))


def _attempt_lines(attempt: Attempt, event: Event, found: Trace, settings: Settings) -> Iterator[Line]:
    """Tell each field and where it stood, and the addresses that the recipient was chosen from."""
    if event.kind in JUDGED or event.kind is Kind.DELIVERY:
        for name in FIELDS:
            value = getattr(attempt, name)
            if value is not None:
                yield Line(name, str(value), _place(name, str(value), attempt, found.message))
    told = candidates(attempt, found.message, len(found.events), settings.verp)
    for one in told:
        where = f"{one.source.replace('_', ' ')}: {one.field}"
        yield Line("recipient" if one is told[0] else "  also" if one.address == told[0].address else "  passed over", one.address, where)


def _verdict_lines(event: Event, verdict: Verdict | None, message: Message, policy: advise.Policy, lang: str) -> Iterator[Line]:
    """Tell the reason with what speaks for it and against it, and what the policy makes of it."""
    yield Line("kind", event.kind)
    if event.reason is not None:
        yield Line("reason", event.reason, Said("rule {rule}", rule=event.rule) if event.rule else Said("no rule knew it") if verdict else "")
    told: set[str] = set()
    for one in verdict.evidence if verdict else ():
        if one.rule not in told:
            said = Said("{rule} says {reason}", rule=one.rule, reason=one.reason)
            yield Line("  also" if told else "  winner", said, _ground(one))
        told.add(one.rule)
    for contradiction in verdict.contradictions if verdict else ():
        yield Line("  against", contradiction)
    if verdict and (about := doubt(event.recipient, event.final_recipient, message, by_words=event.format == "prose")):
        yield Line("  against", about)
    for name in ("permanence", "confidence", "bounce_type", "blame"):
        if (value := getattr(event, name)) is not None:
            yield Line(name, value)
    if event.recommended_action is not None:
        yield Line("to do", event.recommended_action, Said("policy {policy}", policy=policy.name))
        suggestion = suggested(event.suggestion, event.recipient, event.reason)
        known = particulars(event.diagnostic_code, event.reason, event.domain, event.provider, suggestion)
        yield Line("", policy.sentence(event.reason, event.recommended_action, known, lang))


def _ground(one: Evidence) -> Said:
    """Say what evidence rests on."""
    if one.matched:
        return Said('text "{words}"', words=one.matched)
    return Said("statistics of the words, where no rule knew better" if one.tier == OPINION else "code")


def _place(name: str, value: str, attempt: Attempt, message: Message) -> str:
    """Say where a value stands: in the field of the recipient's own group, in the header, or in a line of the text; "" if nobody can say."""
    for group in message.delivery_status:
        if attempt.final_recipient and not any(attempt.final_recipient.lower() in text.lower() for _, text in group.fields):
            continue
        for field in STANDARD.get(name, ()):
            if value.lower()[:60] in " ".join((group.get(field) or "").lower().split()):
                return field
    if name == "final_recipient" and value.lower() in (message.headers.get("X-Failed-Recipients") or "").lower():
        return "X-Failed-Recipients"
    words = re.compile(rf"(?<!\w){re.escape(value[:60])}(?!\w)", re.IGNORECASE)
    for number, line in enumerate(message.text.split("\n"), 1):
        if name != "action" and words.search(line):
            return Said("text, line {number}", number=number)
    return ""
