"""One message in, an account of every stage out: who read it, where each field stood, which rule decided, what contradicts it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bounces import advise, signs
from bounces.analyze import Settings, Trace, checked, trace
from bounces.model import Event, Kind, Raw
from bounces.particulars import particulars, suggested
from bounces.printable import printable
from bounces.recipient import candidates, doubt
from bounces.rules import OPINION

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
class Explanation:
    """What each stage made of a message; `str()` is the account for a person, `events` are the rows it came to."""

    events: tuple[Event, ...]
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.lines)


def explain(data: bytes, *, policy: str = "list", rules: Iterable[str] = (), verp: Iterable[str] = ()) -> Explanation:
    """Explain one message, given as bytes: every stage, from its parts to the advice. Options and errors are those of `bounces.events`."""
    settings = checked(policy, rules, verp)
    found = trace(Raw("-", data), settings)
    if not isinstance(found, Trace):
        return Explanation((found,), ("Message", _line("kind", found.kind), _line("defect", "; ".join(found.defects))))
    lines = [*_message_lines(found.message), *_notice_lines(found.message, found.notice)]
    for number, attempt in enumerate(found.notice.attempts):
        event, verdict = found.events[number], found.verdicts[number]
        lines += ["", f"Recipient {number + 1} of {len(found.events)}", *_attempt_lines(attempt, event, found, settings)]
        lines += _verdict_lines(event, verdict, found.message, advise.load(settings.policy))
    return Explanation(found.events, tuple(lines))


def _message_lines(message: Message) -> Iterator[str]:
    """Tell what the message is made of."""
    yield "Message"
    for name in ("From", "To", "Subject", "Date"):
        yield _line(name, message.headers.get(name) or "(absent)")
    parts = ", ".join(message.part_types) + (" (HTML only)" if message.html else "")
    yield _line("parts", parts or message.content_type)
    yield _line("returned", f"{len(message.returned.fields)} header fields" if message.returned else "nothing")
    for defect in message.defects:
        yield _line("defect", defect)


def _notice_lines(message: Message, notice: Notice) -> Iterator[str]:
    """Tell whether it is a notice, by which signs, and which format read it."""
    yield ""
    yield "Notice"
    found = tuple(signs.evidence(message))
    for sign in found:
        yield _line("" if sign is not found[0] else "signs", f"{sign.weight:+d} {sign.what}")
    yield _line("  together" if found else "signs", f"{sum(sign.weight for sign in found)}, and {signs.ENOUGH} make a notice")
    yield _line("read by", notice.format or "nobody")
    yield _line("kind", notice.kind)
    if notice.kind is Kind.UNRECOGNIZED:
        yield _line("", "there is not enough evidence that this message reports on a delivery")


def _attempt_lines(attempt: Attempt, event: Event, found: Trace, settings: Settings) -> Iterator[str]:
    """Tell each field and where it stood, and the addresses that the recipient was chosen from."""
    if event.kind in JUDGED or event.kind is Kind.DELIVERY:
        for name in FIELDS:
            value = getattr(attempt, name)
            if value is not None:
                yield _line(name, str(value), _place(name, str(value), attempt, found.message))
    told = candidates(attempt, found.message, len(found.events), settings.verp)
    for one in told:
        label = "recipient" if one is told[0] else "  also" if one.address == told[0].address else "  passed over"
        yield _line(label, one.address, f"{one.source.replace('_', ' ')}: {one.field}")


def _verdict_lines(event: Event, verdict: Verdict | None, message: Message, policy: advise.Policy) -> Iterator[str]:
    """Tell the reason with what speaks for it and against it, and what the policy makes of it."""
    yield _line("kind", event.kind)
    if event.reason is not None:
        yield _line("reason", event.reason, f"rule {event.rule}" if event.rule else "no rule knew it" if verdict else "")
    told: set[str] = set()
    for one in verdict.evidence if verdict else ():
        if one.rule not in told:
            yield _line("  also" if told else "  winner", f"{one.rule} says {one.reason}", _ground(one))
        told.add(one.rule)
    for contradiction in verdict.contradictions if verdict else ():
        yield _line("  against", contradiction)
    if verdict and (about := doubt(event.recipient, event.final_recipient, message, by_words=event.format == "prose")):
        yield _line("  against", about)
    for name in ("permanence", "confidence", "bounce_type", "blame"):
        if (value := getattr(event, name)) is not None:
            yield _line(name, value)
    if event.recommended_action is not None:
        yield _line("to do", event.recommended_action, f"policy {policy.name}")
        suggestion = suggested(event.suggestion, event.recipient, event.reason)
        known = particulars(event.diagnostic_code, event.reason, event.domain, event.provider, suggestion)
        yield _line("", policy.sentence(event.reason, event.recommended_action, known))


def _ground(one: Evidence) -> str:
    """Say what evidence rests on."""
    return f'text "{one.matched}"' if one.matched else "statistics of the words, where no rule knew better" if one.tier == OPINION else "code"


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
            return f"text, line {number}"
    return ""


def _line(label: str, value: str, note: str = "") -> str:
    """Lay out one line; what comes from strangers is made harmless to a terminal."""
    return printable(f"  {label:<20}{value}" + (f"  <- {note}" if note else ""))
