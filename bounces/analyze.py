"""Mail in, Events out: the only module that knows the whole pipeline."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from hashlib import blake2b
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from bounces import address, advise, codes, mime, providers, sources
from bounces import decode as decoding
from bounces import jobs as working
from bounces.classify import classify as judge
from bounces.fields import date_time
from bounces.model import (
    Action,
    Advice,
    Attempt,
    Chunk,
    Classification,
    Confidence,
    Event,
    Headers,
    Kind,
    Message,
    Notice,
    Permanence,
    Raw,
    Reason,
    RecommendedAction,
    Verdict,
)
from bounces.newaddress import new_address
from bounces.recipient import best, doubt
from bounces.rulecheck import rule_set
from bounces.settings import Settings, checked
from bounces.signs import once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

# feedback that is no complaint about a message (RFC 5965, section 7.3; RFC 6430; RFC 6591)
FEEDBACK = {"not-spam": None, "auth-failure": Reason.AUTH_FAILURE, "dmarc": Reason.AUTH_FAILURE, "virus": Reason.VIRUS_DETECTED}
PLAIN = Settings()
FAILURES = {Kind.FAILURE, Kind.DELAY}
ANSWERS = {Kind.COMPLAINT, Kind.AUTO_REPLY}  # in them nothing has been attempted
BATCH = 500  # events that cross between processes at once


class Trace(NamedTuple):
    """What each stage made of a message: of each attempt of the notice a verdict (None where nothing failed) and an event."""

    message: Message
    notice: Notice
    verdicts: tuple[Verdict | None, ...]
    events: tuple[Event, ...]


def events(  # noqa: PLR0913  (the settings of a run, each by its name)
    source: str | Path,
    *,
    policy: str = "list",
    rules: Iterable[str] = (),
    verp: Iterable[str] = (),
    keep_headers: Iterable[str] = (),
    skipped: Callable[[str, str], None] | None = None,
    jobs: int | str = 1,
) -> Iterator[Event]:
    """Yield an event for each recipient of each message in a source, in the order of the source; every message yields at least one.

    A source is an mbox, a Maildir, a message, a folder or an archive of these, any of them compressed, a URL of one, or "-" for standard
    input. `policy` is "list", "rfc" or a policy file, `rules` are rule files beside our own, `verp` templates of our own return paths
    ("bounces+{local}={domain}@example.org"), `keep_headers` names of header fields of the returned message, whose values come as `kept`;
    `skipped` is told (origin, why) of each file in a folder that is no mail; `jobs` is how many processes read, "auto" as many as pay (see
    `bounces.workers`). Raise SourceError when the source isn't there or holds no mail, PolicyError, RuleError or SettingsError when another
    option isn't valid.
    """
    settings = checked(policy, rules, verp, keep_headers)
    yield from found(sources.chunks(str(source), size=working.cut(jobs), skipped=skipped), settings, jobs, skipped)


def found(chunks: Iterable[Chunk], settings: Settings, jobs: int | str = 1, skipped: Callable[[str, str], None] | None = None) -> Iterator[Event]:
    """Yield the events of chunks in their order, read by so many processes; `skipped` is told of what is no mail."""
    work = partial(_batches, settings, 1 if jobs == 1 else BATCH)
    for one in chain.from_iterable(working.results(chunks, work, working.settled(jobs))):
        if isinstance(one, Event):
            yield one
        elif skipped is not None:
            skipped(one.origin, one.skipped or "")


def _batches(settings: Settings, size: int, raws: Iterable[Raw]) -> Iterator[list[Event | Raw]]:
    """Yield the events of messages, so many at once, and what is no message."""
    batch: list[Event | Raw] = []
    for raw in raws:
        batch += [raw] if raw.skipped else analyze(raw, settings)
        if len(batch) >= size:
            yield batch
            batch = []
    yield batch


def messages(source: str | Path, settings: Settings, *, skipped: Callable[[str, str], None] | None = None) -> Iterator[tuple[Raw, tuple[Event, ...]]]:
    """Yield each message of a source with its events."""
    for chunk in sources.chunks(str(source), skipped=skipped):
        for raw in sources.read(chunk, skipped=skipped):
            yield raw, analyze(raw, settings)


def analyze(raw: Raw, settings: Settings = PLAIN) -> tuple[Event, ...]:
    """Return the events of one message: one for each recipient, or one that says it isn't a notice or can't be read."""
    found = trace(raw, settings)
    return tuple({event.event_id: event for event in (found.events if isinstance(found, Trace) else (found,))}.values())


def trace(raw: Raw, settings: Settings = PLAIN) -> Trace | Event:
    """Return what each stage made of a message; of one that can't be read there is only the event that says so."""
    if not raw.data or raw.data.isspace():
        return Event(_identity(raw.origin), raw.origin, Kind.UNREADABLE, defects=raw.defects or ("the message is empty",))
    message = mime.parse(raw.data)
    notice = decoding.decode(message, settings.verp)
    frame = _context(raw, message, notice, settings)
    if notice.kind is Kind.UNRECOGNIZED:
        return Trace(message, notice, (), (frame((), Kind.UNRECOGNIZED),))
    judged = [_judged(attempt, frame, message, notice, settings) for attempt in notice.attempts]
    return Trace(message, notice, tuple(verdict for verdict, _ in judged), tuple(event for _, event in judged))


def classify(text: str, remote_mta: str | None = None, *, policy: str = "list", rules: Iterable[str] = ()) -> Classification:
    """Say what one SMTP reply means: `classify("552 5.2.2 mailbox full").reason` is `mailbox_full`.

    `text` is the reply as the server gave it to RCPT, multi-line or not; `remote_mta` the server's name, when it is known. The answer's
    fields are those of the events; see `Classification`.
    """
    reply = codes.find(text)
    if reply.reply_code is None and (success := codes.find(text, success=True)).reply_code:
        policy_row = advise.load(policy).rows[Reason.UNKNOWN]
        return Classification(
            text=text,
            reply_code=success.reply_code,
            status=success.status,
            reason=Reason.UNKNOWN,
            permanence=Permanence.UNKNOWN,
            bounce_type=None,
            blame=policy_row.blame,
            recommended_action=RecommendedAction.NONE,
            rule=None,
            confidence=Confidence.HIGH,
        )
    attempt = Attempt(status=reply.status, reply_code=reply.reply_code, diagnostic_code=text, remote_mta=remote_mta, command="RCPT")
    verdict = judge(attempt, rule_set(tuple(map(str, rules))))
    advice = advise.advise(verdict, advise.load(policy))
    return Classification(
        text=text,
        reply_code=reply.reply_code,
        status=reply.status,
        reason=verdict.reason,
        permanence=verdict.permanence,
        bounce_type=advice.bounce_type,
        blame=advice.blame,
        recommended_action=advice.recommended_action,
        rule=verdict.rule,
        confidence=verdict.confidence,
        contradictions=verdict.contradictions,
    )


def verdict_on(attempt: Attempt, reporting_mta: str | None, settings: Settings) -> Verdict:
    """Judge one attempt: the server that spoke is the remote MTA, or the reporting one, or else whoever serves the recipient's domain."""
    domain = address.domain(attempt.final_recipient)
    host = attempt.remote_mta or (None if attempt.reply_code else reporting_mta)
    return judge(attempt, rule_set(settings.rules), host if providers.provider(None, host) else domain or host)


def _judged(attempt: Attempt, frame: Callable[..., Event], message: Message, notice: Notice, settings: Settings) -> tuple[Verdict | None, Event]:
    """Judge one attempt and put its event together."""
    found = best(attempt, message, len(notice.attempts), settings.verp)
    recipient, source = (found.address, found.source) if found else (None, None)
    kind = notice.kind if notice.kind in ANSWERS else decoding.KINDS[attempt.action or Action.FAILED]
    policy = advise.load(settings.policy)
    verdict = verdict_on(attempt, notice.reporting_mta, settings) if kind in FAILURES else None
    if verdict is None:
        answers = _answers(kind, notice.feedback_type, policy)
    else:
        doubtful = doubt(recipient, attempt.final_recipient, message, by_words=notice.format == "prose") is not None
        advice = advise.advise(verdict, policy, kind, doubtful=doubtful)
        answers = _judgement(kind, verdict, advice, attempt, message)
    event = frame(
        (recipient, attempt.final_recipient, attempt.action, attempt.status, attempt.diagnostic_code),
        kind,
        action=None if kind in ANSWERS else attempt.action,
        recipient=recipient,
        recipient_source=source,
        final_recipient=attempt.final_recipient,
        suggestion=attempt.suggestion or (new_address(attempt.diagnostic_code or "", recipient) if answers.get("reason") is Reason.MOVED else None),
        domain=address.domain(recipient),
        provider=providers.provider(address.domain(recipient), attempt.remote_mta),
        reply_code=attempt.reply_code,
        status=attempt.status,
        diagnostic_code=None if kind in ANSWERS else attempt.diagnostic_code,
        remote_mta=attempt.remote_mta,
        command=attempt.command,
        **answers,
    )
    return verdict, event


def _answers(kind: Kind, feedback_type: str | None, policy: advise.Policy) -> dict[str, object]:
    """Return what the policy says where nothing has failed."""
    reason = {Kind.COMPLAINT: FEEDBACK.get(feedback_type or "", Reason.COMPLAINT), Kind.AUTO_REPLY: Reason.AUTO_REPLY}.get(kind)
    if reason is None:
        return {"recommended_action": RecommendedAction.NONE}
    row = policy.rows[reason]
    return {"reason": reason, "blame": row.blame, "recommended_action": row.recommended_action[Permanence.UNKNOWN]}


def _judgement(kind: Kind, verdict: Verdict, advice: Advice, attempt: Attempt, message: Message) -> dict[str, object]:
    """Return what rules and policy say of a failure or a delay."""
    when = received_at(message)
    retry = attempt.will_retry_until if kind is Kind.DELAY else when + timedelta(days=advice.retry_days) if when and advice.retry_days else None
    return {
        "reason": verdict.reason,
        "permanence": Permanence.TRANSIENT if kind is Kind.DELAY else verdict.permanence,
        "bounce_type": advice.bounce_type,
        "blame": advice.blame,
        "recommended_action": advice.recommended_action,
        "retry_after": retry,
        "rule": verdict.rule,
        "confidence": verdict.confidence,
    }


def _context(raw: Raw, message: Message, notice: Notice, settings: Settings) -> Callable[..., Event]:
    """Return a maker of events with the fields that all of a message's events share."""
    original = message.returned or (message.headers if notice.kind is Kind.UNRECOGNIZED else Headers())
    senders = address.all_of(original.get("Return-Path")) or address.all_of(original.get("From"))
    shared = {
        "format": notice.format,
        "reporting_mta": notice.reporting_mta,
        "feedback_type": notice.feedback_type,
        "sender": senders[0] if senders else None,
        "message_id": original.get("Message-Id"),
        "subject": original.get("Subject"),
        "list_id": _list_id(original.get("List-Id")),
        "sent_at": date_time(original.get("Date")),
        "received_at": received_at(message),
        "defects": raw.defects + message.defects,
        "kept": tuple([original.get(name) for name in settings.keep_headers]),
    }
    fingerprint = _identity(_fingerprint(message))

    def event(parts: tuple[str | None, ...], kind: Kind, **fields: object) -> Event:
        return Event(_identity(fingerprint, *parts), raw.origin, kind, **(shared | fields))  # type: ignore[arg-type]

    return event


def _list_id(value: str | None) -> str | None:
    """Return the identifier in a List-Id (RFC 2919): in angle brackets, else the last word."""
    _, _, identifier = (value or "").partition("<")
    return identifier.partition(">")[0] or next(reversed((value or "").split()), None)


@once
def received_at(message: Message) -> datetime | None:
    """Return when the notice arrived, in UTC: by its topmost Received field, else by its Date."""
    received = message.headers.get("Received")
    return (date_time(received.rpartition(";")[2]) if received and ";" in received else None) or date_time(message.headers.get("Date"))


def _fingerprint(message: Message) -> str:
    """Return what stays the same of a message wherever it is read from."""
    headers = message.headers
    named = [headers.get(name) or "" for name in ("Message-Id", "Date", "From", "Subject")]
    return "\n".join([*named, " ".join(message.text.split())])


def _identity(*parts: str | None) -> str:
    """Return a stable id: 16 hex digits over what identifies a notice and a recipient."""
    return blake2b("\0".join([part or "" for part in parts]).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
