"""The records and closed vocabularies that pass between the stages (Raw, Message, Notice, Verdict, Advice, Event); imports nothing of ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003  (records keep their types at run time)
from enum import StrEnum
from typing import Any, NamedTuple


class Kind(StrEnum):
    """What a message is, once for each message read."""

    FAILURE = "failure"
    DELAY = "delay"
    DELIVERY = "delivery"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto_reply"
    UNRECOGNIZED = "unrecognized"
    UNREADABLE = "unreadable"


class Action(StrEnum):
    """The Action field of RFC 3464, section 2.3.3."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


class Permanence(StrEnum):
    """What the server said: RFC 5321, section 4.2.1, and the classes of RFC 3463."""

    PERMANENT = "permanent"
    TRANSIENT = "transient"
    UNKNOWN = "unknown"


class BounceType(StrEnum):
    """What a failure is for the list."""

    HARD = "hard"
    SOFT = "soft"


class Blame(StrEnum):
    """Whom a failure counts against; only the first two can cost an address its place."""

    RECIPIENT = "recipient"
    RECIPIENT_DOMAIN = "recipient_domain"
    SENDER = "sender"
    MESSAGE = "message"
    NOBODY = "nobody"


class RecommendedAction(StrEnum):
    """What to do about it."""

    REMOVE = "remove"
    CORRECT_ADDRESS = "correct_address"
    RETRY_LATER = "retry_later"
    OTHER_CHANNEL = "other_channel"
    SLOW_DOWN = "slow_down"
    FIX_SENDER = "fix_sender"
    FIX_MESSAGE = "fix_message"
    REVIEW = "review"
    NONE = "none"


class Confidence(StrEnum):
    """high: a specific text, or a provider's rule, that no code contradicts; medium: a specific code, or a text against one; low: less."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class RecipientSource(StrEnum):
    """Where `recipient` was read, best evidence first; but what names another than Original-Recipient on our own path or token wins."""

    ORIGINAL_RECIPIENT = "original_recipient"
    RETURN_PATH = "return_path"
    RETURNED_HEADER = "returned_header"
    FINAL_RECIPIENT = "final_recipient"


class Reason(StrEnum):
    """Why a delivery failed: forty causes, each with one meaning."""

    USER_UNKNOWN = "user_unknown"
    BAD_ADDRESS_SYNTAX = "bad_address_syntax"
    MOVED = "moved"
    DOMAIN_NOT_FOUND = "domain_not_found"
    DOMAIN_NO_MAIL = "domain_no_mail"
    DNS_FAILURE = "dns_failure"
    MAILBOX_FULL = "mailbox_full"
    MAILBOX_INACTIVE = "mailbox_inactive"
    MAILBOX_DISABLED = "mailbox_disabled"
    MAILBOX_UNAVAILABLE = "mailbox_unavailable"
    RECIPIENT_RATE_LIMITED = "recipient_rate_limited"
    NOT_PERMITTED = "not_permitted"
    MESSAGE_TOO_LARGE = "message_too_large"
    TOO_MANY_RECIPIENTS = "too_many_recipients"
    MESSAGE_MALFORMED = "message_malformed"
    CONTENT_REJECTED = "content_rejected"
    VIRUS_DETECTED = "virus_detected"
    SPAM_REJECTED = "spam_rejected"
    IP_BLOCKED = "ip_blocked"
    DOMAIN_BLOCKED = "domain_blocked"
    BAD_REPUTATION = "bad_reputation"
    RATE_LIMITED = "rate_limited"
    AUTH_FAILURE = "auth_failure"
    RDNS_FAILURE = "rdns_failure"
    BAD_SENDER_ADDRESS = "bad_sender_address"
    AUTH_REQUIRED = "auth_required"
    RELAY_DENIED = "relay_denied"
    POLICY_REJECTED = "policy_rejected"
    GREYLISTED = "greylisted"
    TLS_REQUIRED = "tls_required"
    SERVER_ERROR = "server_error"
    SYSTEM_FULL = "system_full"
    NETWORK_ERROR = "network_error"
    MAIL_LOOP = "mail_loop"
    DELIVERY_EXPIRED = "delivery_expired"
    PROTOCOL_ERROR = "protocol_error"
    SUPPRESSED = "suppressed"
    AUTO_REPLY = "auto_reply"
    COMPLAINT = "complaint"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A unit of work, small and picklable: a byte range of one file, the members of an archive, or a list of whole files.

    `numbered` says that the file holds several messages, so that an origin needs "#N"; `first` is the N (from 1) of the first message
    in the range, 0 if nobody counted (then "#byte=OFFSET"). `origins` are the paths or URLs as given, one for each of `paths`. `start` and
    `end` are byte offsets in the decompressed file; `members` counts an archive's from 0, to its end where that is None.
    """

    paths: tuple[str, ...]
    origins: tuple[str, ...]
    start: int = 0
    end: int | None = None
    first: int = 1
    numbered: bool = False
    members: tuple[int, int | None] | None = None


@dataclass(frozen=True, slots=True)
class Raw:
    """One message as it was read; `data` is b"" and `defects` says why when it could not be, or `skipped` why it is no message."""

    origin: str
    data: bytes
    defects: tuple[str, ...] = ()
    skipped: str | None = None


@dataclass(frozen=True, slots=True)
class Headers:
    """Header fields in order, unfolded, as (name, value); names are compared without case, encoded words are decoded."""

    fields: tuple[tuple[str, str], ...] = ()
    _values: dict[str, list[str]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, value in self.fields:
            self._values.setdefault(name.lower(), []).append(value)

    def get(self, name: str) -> str | None:
        """Return the first value of a field that isn't empty, or None."""
        values = self._values.get(name.lower())
        return (values[0] or next(filter(None, values), None)) if values else None

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a field, in order."""
        return tuple(self._values.get(name.lower(), ()))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __bool__(self) -> bool:
        return bool(self.fields)


@dataclass(frozen=True, slots=True)
class Message:
    """A notice's three parts (RFC 6522): text for people, fields for machines, what was returned.

    `text` has Unix line ends; `delivery_status` holds the per-message group first, then one group for each recipient; `returned` are
    the headers of the returned message, whether they came as a part or quoted in the text (`text` then ends before them).
    """

    headers: Headers
    text: str = ""
    html: bool = False
    content_type: str = "text/plain"
    report_type: str | None = None
    part_types: tuple[str, ...] = ()
    delivery_status: tuple[Headers, ...] = ()
    feedback_report: Headers | None = None
    disposition_notification: Headers | None = None
    returned: Headers | None = None
    defects: tuple[str, ...] = ()
    _known: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)  # what was found out about it: see `signs`


class Attempt(NamedTuple):
    """What the notice says of one recipient, as it says it. None is what it does not say."""

    final_recipient: str | None = None
    original_recipient: str | None = None
    action: Action | None = None
    status: str | None = None
    reply_code: str | None = None
    diagnostic_code: str | None = None
    diagnostic_type: str | None = None
    remote_mta: str | None = None
    command: str | None = None
    will_retry_until: datetime | None = None
    suggestion: str | None = None

    def filled(self, other: Attempt) -> Attempt:
        """Return this attempt with its gaps filled from another; nothing that stands is overwritten."""
        return Attempt._make([theirs if ours is None else ours for ours, theirs in zip(self, other, strict=True)])


class Notice(NamedTuple):
    """What a format read out of a message: what kind it is, and an attempt for each recipient."""

    kind: Kind
    format: str | None = None
    attempts: tuple[Attempt, ...] = ()
    reporting_mta: str | None = None
    feedback_type: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A rule that matched: what it says, where it stood in the text, and how exact it is."""

    rule: str
    reason: Reason
    tier: int
    matched: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a delivery failed, by the rules, with what spoke for it and against it."""

    reason: Reason
    permanence: Permanence
    rule: str | None
    confidence: Confidence
    evidence: tuple[Evidence, ...] = ()
    contradictions: tuple[str, ...] = ()


class Advice(NamedTuple):
    """What a verdict is for the list and what to do, by the policy. `retry_days` is None when a retry makes no sense."""

    bounce_type: BounceType | None
    blame: Blame
    recommended_action: RecommendedAction
    retry_days: float | None = None


@dataclass(frozen=True, slots=True)
class Classification:
    """What one SMTP reply means: the answer of `bounces.classify`."""

    text: str
    reply_code: str | None
    status: str | None
    reason: Reason
    permanence: Permanence
    bounce_type: BounceType | None
    blame: Blame
    recommended_action: RecommendedAction
    rule: str | None
    confidence: Confidence
    contradictions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One recipient in one message: the row of the events table. Times are UTC; `kept` are the fields that `Settings.keep_headers` name."""

    event_id: str
    origin: str
    kind: Kind
    action: Action | None = None
    recipient: str | None = None
    recipient_source: RecipientSource | None = None
    final_recipient: str | None = None
    suggestion: str | None = None
    domain: str | None = None
    provider: str | None = None
    reply_code: str | None = None
    status: str | None = None
    diagnostic_code: str | None = None
    reason: Reason | None = None
    permanence: Permanence | None = None
    bounce_type: BounceType | None = None
    blame: Blame | None = None
    recommended_action: RecommendedAction | None = None
    retry_after: datetime | None = None
    rule: str | None = None
    confidence: Confidence | None = None
    format: str | None = None
    reporting_mta: str | None = None
    remote_mta: str | None = None
    command: str | None = None
    sender: str | None = None
    message_id: str | None = None
    subject: str | None = None
    list_id: str | None = None
    feedback_type: str | None = None
    sent_at: datetime | None = None
    received_at: datetime | None = None
    defects: tuple[str, ...] = ()
    kept: tuple[str | None, ...] = ()
