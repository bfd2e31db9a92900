"""RFC 3464, by any software: 'Content-Type: multipart/report; report-type=delivery-status'."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bounces import address, codes, signs
from bounces.entries import beside, described, untold
from bounces.fields import date_time
from bounces.model import Action, Attempt, Headers
from bounces.pattern import late
from bounces.wording import Shown, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.model import Message

# smtp; 550 5.1.1 User unknown
TYPED = re.compile(r"\s*([A-Za-z][\w.+-]{0,30})\s*;\s*(.*)", re.DOTALL)
RULE = late(r"-{4,}")
# 550 permanent failure for one or more recipients (user@example.com:blocked, another@example.com:550 5.1.1 User unknown)
RESULT = late(r"(?<=[(,\s])([^\s(),:;<>@]+@[^\s(),:;<>@]+):")
ACTIONS = {"fail": Action.FAILED, "delay": Action.DELAYED, "deliver": Action.DELIVERED, "relay": Action.RELAYED, "expand": Action.EXPANDED}


def claims(message: Message) -> bool:
    """Say whether the message has a group of fields for a recipient, and is a notice and no talk about one."""
    return any(_is_recipient(group) for group in message.delivery_status) and (
        message.report_type == "delivery-status" or signs.is_from_system(message) or signs.is_notice(message)
    )


def decode(message: Message) -> Iterator[Attempt]:
    """Yield an attempt for each group; the text for people fills what the fields don't say."""
    attempts = [_attempt(part) for group in message.delivery_status for part in _split(group) if _is_recipient(part)]
    names = {(attempt.final_recipient or attempt.original_recipient or "").lower() for attempt in attempts} - {""}
    said = beside(message.text, names)
    for attempt in attempts:
        text = said.get((attempt.final_recipient or attempt.original_recipient or "").lower(), "")
        told = described(None, text, asked := untold(attempt))
        if len(names) == 1 and text != message.text and (missing := {name for name in asked if getattr(told, name) is None} - {"diagnostic_code"}):
            told = told.filled(described(None, message.text, frozenset(missing)))
        if attempt.diagnostic_code is None and not (told.reply_code or told.status):
            told = told._replace(diagnostic_code=_said(text))
        yield _with_cause(attempt, told).filled(told)


def _is_recipient(group: Headers) -> bool:
    return bool(group.all("Final-Recipient") or group.all("Original-Recipient") or (group.all("Action") and group.all("Status")))


def _split(group: Headers) -> Iterator[Headers]:
    """Split a group in which several recipients' fields follow one another without the blank line."""
    if len(group.all("Final-Recipient")) < 2 and len(group.all("Original-Recipient")) < 2:
        yield group
        return
    fields: list[tuple[str, str]] = []
    for name, value in group.fields:
        if name.lower() in {"final-recipient", "original-recipient"} and any(name.lower() == other.lower() for other, _ in fields):
            yield Headers(tuple(fields))
            fields = []
        fields.append((name, value))
    yield Headers(tuple(fields))


def _attempt(group: Headers) -> Attempt:
    """Read a group's fields (RFC 3464, section 2.3)."""
    status = codes.find_status(group.get("Status") or "")
    kind, diagnostic = _typed(_diagnostic(group, status))
    # QUIRK: Exchange 2003 puts the server's reply here (samples/exchange/smtp-communication-problem.eml).
    diagnostic = diagnostic or group.get("X-Supplementary-Info") or _comment(group.get("Status"))
    action = (group.get("Action") or "").partition(";")[0].split("(")[0].strip().lower()
    told = next((one for word, one in ACTIONS.items() if action.startswith(word)), None)
    original, final = address.parse(group.get("Original-Recipient")), address.parse(group.get("Final-Recipient"))
    # QUIRK: Sendmail tells the alias in RFC 3464's field, and whom it stands for here (samples/sendmail/alias-expanded.eml).
    actual = address.parse(group.get("X-Actual-Recipient"))
    if actual and final and actual.lower() != final.lower():
        original, final = original or final, actual
    # QUIRK: Barracuda gives the results of all as the reply to each (samples/barracuda/several-results.eml).
    diagnostic = _own_result(diagnostic, final)
    reply = codes.find(diagnostic or "", success=told in {Action.DELIVERED, Action.RELAYED, Action.EXPANDED})
    return Attempt(
        final_recipient=final or original,
        original_recipient=original,
        action=told,
        # what the server said in its own reply is nearer the cause than what the reporting system made of it
        status=reply.status if reply.status and not codes.is_bare(reply.status) else status or reply.status,
        reply_code=reply.reply_code,
        diagnostic_code=codes.plain(diagnostic) if diagnostic else None,
        diagnostic_type=kind,
        remote_mta=_host(group.get("Remote-MTA")),
        will_retry_until=date_time(group.get("Will-Retry-Until")),
    )


def _own_result(diagnostic: str | None, recipient: str | None) -> str | None:
    """Return a reply with the recipient's own result only, where it lists those of several."""
    results = list(RESULT.finditer(diagnostic)) if diagnostic and diagnostic.count("@") > 1 else []
    own = next((number for number, result in enumerate(results) if recipient and result.group(1).lower() == recipient.lower()), None)
    if diagnostic is None or own is None or len(results) < 2:
        return diagnostic
    end = results[own + 1].start() if own + 1 < len(results) else len(diagnostic)
    return diagnostic[: results[0].start()] + diagnostic[results[own].start() : end].rstrip(" ,)")


def _diagnostic(group: Headers, status: str | None) -> str | None:
    """Return the diagnostic that has the status, or else the last: some systems list those of all attempts."""
    told = group.all("Diagnostic-Code")
    return next((one for one in told if status and status in one), told[-1] if told else None)


def _typed(value: str | None) -> tuple[str | None, str | None]:
    """Split "smtp; 550 …" into type and text."""
    match = TYPED.match(value or "")
    if match is None:
        return None, value
    return match.group(1).lower(), match.group(2).strip() or None


def _comment(value: str | None) -> str | None:
    """Return the comment of "5.1.1 (user unknown)": some systems tell the reason there."""
    return (value or "").partition("(")[2].rstrip(") ") or None


def _host(value: str | None) -> str | None:
    """Return the host of "dns; mx.example.com (192.0.2.1)", or the address when there is no name."""
    words = (_typed(value)[1] or "").replace("(", " ").replace("[", " ").replace(">", " ").replace("<", " ").split()
    return words[0].rstrip(".,;:])") or None if words else None


def _said(text: str) -> str | None:
    """Return the first paragraph without the lines that only part it from others, or comfort the sender."""
    paragraph = text.lstrip(" \t\n:>").partition("\n\n")[0]
    lines = [line for line in paragraph.split("\n") if not RULE.search(line) and Shown.RETRYING not in shown(line)]
    return codes.plain(" ".join(lines)) or None


def _with_cause(attempt: Attempt, told: Attempt) -> Attempt:
    """Give an attempt that only says that time ran out, or only that it failed, what the text for people tells more exactly."""
    if codes.is_bare(attempt.status) and told.status and told.status[0] == (attempt.status or "")[0]:
        return attempt._replace(status=told.status)
    if not codes.is_expiry(attempt.status) or not told.reply_code or not told.status or codes.is_expiry(told.status):
        return attempt
    said = told.diagnostic_code or ""
    cause = f"{attempt.diagnostic_code or attempt.status}; {said[codes.find(said).start :]}"
    return attempt._replace(status=told.status, reply_code=told.reply_code, diagnostic_code=cause)
