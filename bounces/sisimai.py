"""Events in, the JSON that Sisimai 5 writes for bounces out, for programs that read it.

The fields are those of https://libsisimai.org/en/data/ and of the example in its README: absent is "", a time is in Unix seconds. As there,
what was delivered and automatic answers are left out. What isn't filled the way Sisimai does:

addresser          our `sender`: the envelope's, where the returned message tells it, else that of From
recipient, alias   the address that failed; the one that the list has, where a forward, our return path or Original-Recipient gives another
timestamp          when the notice arrived, else when the message was sent, else 0; timezoneoffset is always "+0000", for our times are UTC
hardbounce         our `bounce_type`, by the policy; false where a person should look first: who reads it takes addresses off by it
reason             by crosswalk.toml; of feedback reports only complaints are "feedback"
token              theirs over our timestamp; our `event_id` where no sender or no date is known
decodedby          our `format`: dsn, arf, exim …
deliverystatus     "" where the notice has none: no code is made up
diagnostictype     "SMTP" where a server answered: ours keeps no other type
origin             ours: a path, "#N" for the Nth message of a file with several
feedbackid         always ""; bogus and toxic are -1, which is what Sisimai 5.7 sets before a program rates a record itself
catch              the columns that --keep-header and --names add; null without
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from hashlib import sha1
from typing import TYPE_CHECKING, Any

from bounces import address, output
from bounces.crosswalk import crosswalk, reason_column
from bounces.fields import kept_column
from bounces.model import Action, BounceType, Event, Kind, RecommendedAction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

ACTIONS = {Kind.FAILURE: Action.FAILED, Kind.DELAY: Action.DELAYED, Kind.COMPLAINT: Action.FAILED}  # the kinds that are reported


def write_events(events: Iterable[Event], path: str, keep_headers: Sequence[str] = (), names: Sequence[str] = ()) -> None:
    """Write the bounces among events as they come, in constant memory: one file of JSON, whole or not at all. Errors as in `output`."""
    with files([path], keep_headers, names) as write:
        for event in output.reading(events):
            write(event)


@contextmanager
def files(paths: Iterable[str], keep_headers: Sequence[str] = (), names: Sequence[str] = ()) -> Iterator[Callable[[Event], None]]:
    """Open files of JSON for a block, and yield what writes an event to each of them, if it is a bounce."""
    with ExitStack() as opened:
        appends = [opened.enter_context(output.records(path)) for path in paths]

        def write(event: Event) -> None:
            if appends and (bounce := record(event, keep_headers, names)):
                for append in appends:
                    append(bounce)

        yield write


def record(event: Event, keep_headers: Sequence[str] = (), names: Sequence[str] = ()) -> dict[str, Any] | None:
    """Return an event as Sisimai's record, or None for what it reports nothing of.

    That is a delivery, an automatic answer, praise ("not-spam"), a message that is no notice, and one that names no recipient.
    """
    final = event.final_recipient
    failed = event.recipient if final is None or address.is_redacted(final) else final
    if event.kind not in ACTIONS or event.reason is None or failed is None:
        return None
    when = event.received_at or event.sent_at
    seconds = int(when.timestamp()) if when else 0
    return {
        "addresser": event.sender or "",
        "recipient": failed,
        "timestamp": seconds,
        "action": str(event.action or ACTIONS[event.kind]),
        "alias": event.recipient if event.recipient and address.canonical(event.recipient) != address.canonical(failed) else "",
        "bogus": -1,
        "catch": _added(event, keep_headers, names),
        "decodedby": event.format or "",
        "deliverystatus": event.status or "",
        "destination": address.domain(failed) or "",
        "diagnosticcode": event.diagnostic_code or "",
        "diagnostictype": "SMTP" if event.reply_code else "",
        "feedbackid": "",
        "feedbacktype": event.feedback_type or "",
        "hardbounce": event.bounce_type is BounceType.HARD and event.recommended_action is not RecommendedAction.REVIEW,
        "lhost": event.reporting_mta or "",
        "listid": event.list_id or "",
        "messageid": (event.message_id or "").strip().removeprefix("<").removesuffix(">"),
        "origin": event.origin,
        "reason": crosswalk(event, "sisimai"),
        "rhost": event.remote_mta or "",
        "replycode": event.reply_code or "",
        "command": event.command or "",
        "senderdomain": address.domain(event.sender) or "",
        "subject": event.subject or "",
        "timezoneoffset": "+0000",
        "token": token(event.sender, failed, seconds) if event.sender and when else event.event_id,
        "toxic": -1,
    }


def token(sender: str, recipient: str, seconds: int) -> str:
    r"""Return what Sisimai tells bounces apart by: SHA-1 of "\x02 sender \x1e recipient \x1e seconds \x03", without the spaces.

    Its documentation shows how; the digests in it tell that it is SHA-1.
    """
    return sha1(f"\x02{sender}\x1e{recipient}\x1e{seconds}\x03".encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def _added(event: Event, keep_headers: Sequence[str], names: Sequence[str]) -> dict[str, str | None] | None:
    """Return the values that the user asked for beside the record, by column."""
    kept = dict(zip(map(kept_column, keep_headers), event.kept, strict=True))
    return kept | {reason_column(name): crosswalk(event, name) for name in names} or None
