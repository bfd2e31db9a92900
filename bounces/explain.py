"""One message in, an account of every stage out: who claimed it, where each field stood, which rule decided, what contradicts it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bounces import address, advise, decode, mime, signs
from bounces.analyze import Settings, analyze, recipient_of, verdict_of
from bounces.model import Event, Kind, Message, Notice, Raw

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bounces.model import Attempt, Headers

FIELDS = ("action", "final_recipient", "original_recipient", "status", "reply_code", "diagnostic_code", "remote_mta", "command")


@dataclass(frozen=True, slots=True)
class Explanation:
    """What each stage made of a message; `str()` is the account for a person, `events` are the rows it came to."""

    message: Message
    notice: Notice
    claimers: tuple[str, ...]
    events: tuple[Event, ...]
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.lines)


def explain(data: bytes, *, policy: str = "list", rules: Iterable[str] = ()) -> Explanation:
    """Explain one message, given as bytes: every stage, from its parts to the advice. Raise PolicyError or RuleError for a bad file."""
    settings = Settings(policy, tuple(map(str, rules)))
    message = mime.parse(data)
    notice = decode.decode(message)
    claimers = decode.claimers(message)
    events = analyze(Raw("-", data), settings)
    lines = [*_message_lines(message), *_notice_lines(message, notice, claimers)]
    for number, attempt in enumerate(notice.attempts, 1):
        lines += ["", f"Recipient {number} of {len(notice.attempts)}", *_attempt_lines(attempt, message, notice, settings)]
    return Explanation(message, notice, claimers, events, tuple(lines))


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


def _notice_lines(message: Message, notice: Notice, claimers: tuple[str, ...]) -> Iterator[str]:
    """Tell whether it is a notice, and which format read it."""
    yield ""
    yield "Notice"
    found = {
        "sent by a mail system": signs.from_daemon(message),
        "null return path": signs.return_path(message) == "<>",
        "declares itself automatic": signs.is_automatic(message),
        "subject": signs.subject_tells(message),
        "returned to its sender": signs.returned_to_its_sender(message),
        f"{message.content_type}, report-type {message.report_type}": message.report_type,
    }
    told = [name if sign is True or name.startswith("multipart") else f"{name} says {sign!r}" for name, sign in found.items() if sign]
    yield _line("signs", "; ".join(told) or "none")
    yield _line("claimed by", ", ".join(claimers) or "no special format")
    yield _line("read by", notice.format or "nobody")
    yield _line("kind", notice.kind)
    if notice.kind is Kind.UNRECOGNIZED:
        yield _line("", "there is not enough evidence that this message reports on a delivery")


def _attempt_lines(attempt: Attempt, message: Message, notice: Notice, settings: Settings) -> Iterator[str]:
    """Tell each field and where it stood, the recipient's candidates, the verdict and the advice."""
    for name in FIELDS:
        value = getattr(attempt, name)
        if value is not None:
            yield _line(name, str(value), _place(str(value), message))
    candidates = recipient_of(attempt, message, len(notice.attempts))
    for number, (candidate, source) in enumerate(candidates):
        yield _line("recipient" if number == 0 else "  passed over", candidate, source.replace("_", " "))
    if notice.kind in {Kind.COMPLAINT, Kind.AUTO_REPLY, Kind.DELIVERY}:
        return
    verdict = verdict_of(attempt, notice, settings)
    yield _line("reason", verdict.reason, f"rule {verdict.rule}" if verdict.rule else "no rule knew it")
    for other in verdict.evidence:
        yield _line(
            "  winner" if other is verdict.evidence[0] else "  also",
            f"{other.rule} says {other.reason}",
            f'text "{other.matched}"' if other.matched else "code",
        )
    for contradiction in verdict.contradictions:
        yield _line("  against", contradiction)
    yield _line("permanence", verdict.permanence)
    yield _line("confidence", verdict.confidence)
    policy = advise.load(settings.policy)
    advice = advise.advise(verdict, policy, decode.KINDS[attempt.action] if attempt.action else notice.kind)
    yield _line("bounce_type", advice.bounce_type or "none: nothing has failed yet", f"policy {policy.name}")
    yield _line("blame", advice.blame)
    yield _line("to do", advice.recommended_action)
    domain = address.domain(candidates[0][0]) if candidates else None
    yield _line("", policy.sentence(verdict.reason, advice.recommended_action, domain=domain, provider=None))


def _place(value: str, message: Message) -> str:
    """Say where a value stands in the message: a field for machines, the header, a line of the text, or the returned header."""
    groups = [(f"group {number}", group) for number, group in enumerate(message.delivery_status)]
    for where, headers in [*groups, ("header", message.headers)]:
        if name := _field(headers, value):
            return f"{name} ({where})"
    for number, line in enumerate(message.text.split("\n"), 1):
        if value.lower()[:60] in line.lower():
            return f"text, line {number}"
    if message.returned and (name := _field(message.returned, value)):
        return f"{name} (returned message)"
    return "text" if value.split(maxsplit=1)[0] in message.text else "from the rest"


def _field(headers: Headers, value: str) -> str | None:
    """Return the name of the first field that holds a value."""
    return next((name for name, text in headers.fields if value.lower() in text.lower()), None)


def _line(label: str, value: str, note: str = "") -> str:
    """Lay out one line; strangers' control characters are made visible."""
    text = f"  {label:<20}{value}" + (f"  <- {note}" if note else "")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
