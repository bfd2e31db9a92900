"""Attempt in, Verdict out: why a delivery failed, by the rules in `rules/*.toml`.

Precedence is computed from how exact a rule's conditions are, never from the order of files: a provider's text, text with a code,
text, a provider's code, a registered enhanced code, a lone word, a statistical opinion, generic text, a bare code. What the winner
contradicts is recorded, not hidden.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from bounces import address, codes
from bounces.hedges import ITSELF, hedge
from bounces.language import Said
from bounces.mentions import mentions
from bounces.model import Attempt, Confidence, Evidence, Permanence, Reason, Verdict
from bounces.pattern import late
from bounces.rules import CODE, OPINION, PROVIDER_CODE, TEXT, TOKEN
from bounces.rules.match import BARE, DEAD, LONGEST, RuleSet, normalise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# the commands before the first recipient is named, and after the last
BEFORE, AFTER = frozenset({"CONNECT", "HELO", "EHLO", "LHLO", "STARTTLS", "AUTH", "MAIL"}), frozenset({"DATA", "BDAT"})

# 553 5.1.3 <user@example.com>: invalid address
ABOUT = late(r"(?:smtp;)?[\d\s.-]*<?([^\s<>@]{1,64}@[^\s<>@:]{1,255})>?", re.IGNORECASE)
SENDERS = frozenset({"1.7", "1.8", "7.27"})  # RFC 3463, section 3.2, and RFC 7505: the codes for a sender's address
SENDER_REPLY = "517"  # Courier's, for a sender whose domain can't take mail
# RFC 4954, section 6, RFC 2554 and RFC 5248, section 2.4: the account is the one that logs in to send
LOGIN = frozenset({"432", "525", "534", "535", "538"})
# what a queue manager writes before the words of a server, and before those of a program that it ran: they tell, and it only where they don't
# (a "host x does not exist" is none of a "host x said: 553 example.org does not exist", nor is what qmail gives up on out of time)
QUOTING = late(
    r"\bSMTP error from remote (?:mail server|mailer|server|host)\b(?: after (?:pipelined )?(?:RCPT|MAIL) (?:TO|FROM):<[^<>\s]{0,320}>:?)?"
    r"|>>> (?:RCPT|MAIL) (?:TO|FROM):\s?<[^<>\s]{0,320}>|\bLMTP server error:|\brefused to talk to me:|\bdelivery temporarily suspended:"
    r"|\bhost \S{1,255} ?\[[^\]\s]{1,64}\](?: said:|:(?= ?[245]\d\d\b))"
    r"|(?:\bdoes not like recipient\.\s{1,3})?\bremote (?:mail )?(?:host|server) (?:said:|(?:returned|replied|responded)(?= ?['\":]))"
    r"|(?<=\S)\s{1,3}giving up on [\w.:]{1,255}\s{0,9}\Z",
    re.IGNORECASE,
)
RUNNING = late(
    r"(?:\b(?:permission denied|(?:temporary|internal) failure|service unavailable|data format error|internal software error|system error"
    r"|system resource problem|input/output error|can't create (?:user )?output file|local configuration error|remote protocol error"
    r"|command (?:died with (?:status|signal) \d+|time limit exceeded)(?:: \"[^\"]*\")?)\. ?)?\bcommand output:(?=\s*\S)",
    re.IGNORECASE,
)
# words without which there is nothing of that, for it is searched in every reply
QUOTED = (
    "smtp error from remote", "lmtp server error:", "refused to talk to me:", "delivery temporarily suspended:", "said:", "server re", "host re",
    "giving up on ", ">>> ",
)  # fmt: skip
RAN = "command output:"
NAMING = ("in reply to", "after", "response to", "sender verif", "sender address rej")
# which command a queue manager says was refused; what a server quotes that it asked about the sender comes down to the same
MAILED = late(
    r"\b(?:in reply to|after(?: pipelined)?|response to) (?:the )?MAIL(?: FROM)?\b|\bsender verif(?:y|ication) (?:fail|callout|error)"
    r"|\bsender address rejected:",
    re.IGNORECASE,
)
LATE = late(r"\b(?:in reply to|after(?: pipelined)?|response to) (?:the )?(?:end of data|DATA command)\b", re.IGNORECASE)


def classify(attempt: Attempt, rules: RuleSet, host: str | None = None) -> Verdict:
    """Say why an attempt failed. `host` is the server that spoke or the domain it serves, where that is not the attempt's remote MTA."""
    said = attempt.diagnostic_code or ""
    own = codes.find(said)
    start = own.start if own.reply_code else 0
    told = _Told(
        _spoken(said, start),
        normalise(said[start:]),
        attempt.status or own.status,
        attempt.reply_code or own.reply_code,
        rules.fitting(host or attempt.remote_mta),
        _refused(said) or attempt.command,
    )
    verdict, doubtful = _judged(rules, told)
    if verdict.reason in DEAD and own.status not in {None, told.status} and not codes.is_bare(own.status):
        by_server = _judged(rules, told._replace(status=own.status))  # a report's Status may be what its writer makes of any refusal
        verdict, doubtful = by_server if by_server[0].reason not in DEAD else (verdict, doubtful)
    if doubtful or (other := _other(verdict, attempt)) is None:
        return verdict
    return replace(verdict, confidence=Confidence.LOW, contradictions=(other, *verdict.contradictions))


class _Told(NamedTuple):
    """What a reply tells, whoever it is about: its words, those that count first; all of them; its codes; and who gave it to which command."""

    spoken: tuple[str, ...]
    text: str
    status: str | None
    reply_code: str | None
    servers: frozenset[str]
    command: str | None


@lru_cache(maxsize=1 << 12)  # about 2 KB each
def _judged(rules: RuleSet, told: _Told) -> tuple[Verdict, bool]:
    """Return why a delivery failed, and whether that is in doubt; replies differ in little but addresses, so most have been judged before."""
    status, reply_code = told.status, told.reply_code
    evidence = tuple(_possible(_heard(rules, told), status))
    if reply_code is None and evidence and evidence[0].reason in ITSELF:
        evidence = _of_any_failure(rules, told) or evidence
    winner = evidence[0] if evidence else None
    reason = winner.reason if winner else Reason.UNKNOWN
    if reason in DEAD:
        reason = _of_the_sender(told) or reason
    contradictions = tuple(_contradictions(evidence, status, reply_code))
    doubt = _stage(winner, told) or hedge(evidence, told.text, reply_code)
    verdict = Verdict(
        reason=reason,
        permanence=_permanence(reason, reply_code, status),
        rule=winner.rule if winner else None,
        confidence=Confidence.LOW if doubt else _confidence(evidence, contradictions),
        evidence=evidence,
        contradictions=(doubt, *contradictions) if doubt else contradictions,
    )
    return verdict, doubt is not None


@lru_cache(maxsize=64)
def _refused(said: str) -> str | None:
    """Return which command a queue manager says was refused, if not RCPT; several recipients may share a text."""
    lower = said[:LONGEST].lower()
    if not any(word in lower for word in NAMING):
        return None
    return "MAIL" if MAILED.search(said, 0, LONGEST) else "DATA" if LATE.search(said, 0, LONGEST) else None


@lru_cache(maxsize=64)
def _spoken(said: str, start: int) -> tuple[str, ...]:
    """Return the words of a server or a program; those with what quotes them; and, if what ran the program was left out, with that, too."""
    words, quoted = said[start : start + LONGEST], said[:LONGEST]
    lower = quoted.lower()
    if any(word in lower for word in QUOTED):
        words, quoted = (QUOTING.sub(" ", one) for one in (words, quoted))
    texts = (RUNNING.sub(" ", words), RUNNING.sub(" ", quoted), quoted) if RAN in lower else (words, quoted)
    return tuple(dict.fromkeys(map(normalise, dict.fromkeys(texts))))


def _heard(rules: RuleSet, told: _Told) -> tuple[Evidence, ...]:
    """Return what a server's own words tell; where they tell nothing, what those of the system that quotes it do."""
    best: tuple[Evidence, ...] = ()
    for text in told.spoken:
        if best and (best[0].tier >= CODE or (best[0].matched and RUNNING.search(text))):
            break
        found = rules.evidence(text, told.status, told.reply_code, told.servers)
        best = max(best, found, key=lambda evidence: evidence[0].tier if evidence else 0)
    return best


def _of_any_failure(rules: RuleSet, told: _Told) -> tuple[Evidence, ...]:
    """Return what words without a code tell as those of a failure, temporary or not, if the recipient lives by them, else nothing."""
    read = [tuple(_possible(_heard(rules, told._replace(reply_code=code)), told.status)) for code in ("450", "550")]
    return read[1] if all(one and one[0].matched and one[0].tier > TEXT and one[0].reason not in DEAD for one in read) else ()


def _possible(evidence: Iterable[Evidence], status: str | None) -> Iterator[Evidence]:
    """Yield the evidence but for a network that failed, where a server answers that its policy is why: "550 5.7.1 Connection refused"."""
    return (one for one in evidence if one.reason is not Reason.NETWORK_ERROR or not (status or "").startswith("5.7."))


def _of_the_sender(told: _Told) -> Reason | None:
    """Return what a dead address means where a command or a code tells that it is the sender's, and None where none does."""
    if told.reply_code in LOGIN and "recipient" not in told.spoken[-1]:
        return Reason.AUTH_REQUIRED
    if told.command == "MAIL" or (told.status or "")[2:] in SENDERS or told.reply_code == SENDER_REPLY:
        return Reason.BAD_SENDER_ADDRESS  # in reply to MAIL, the only address that was named so far
    return None


def _stage(winner: Evidence | None, told: _Told) -> Said | None:
    """Return what the stage of the dialogue says against a dead recipient.

    An unknown user is refused at RCPT. Filters say "user unknown", too, once they have seen the content, so without an address code a
    reply to anything else, or to nobody knows what, is not enough to call an address dead.
    """
    if winner is None or winner.reason not in DEAD:
        return None
    if _of_the_sender(told._replace(command=None)):
        return Said("{code} is about the sender", code=told.status or told.reply_code)
    if told.command in BEFORE:
        return Said("refused after {command}, before any recipient was named", command=told.command)
    sure = (told.status or "")[2:].startswith(("1.", "2.1")) or winner.tier > TEXT
    if winner.reason is not Reason.USER_UNKNOWN or sure or not told.reply_code or told.command == "RCPT":
        return None
    return Said(
        "the server had accepted the recipient, and refused only after DATA" if told.command in AFTER else "nothing tells that RCPT was refused"
    )


def _other(verdict: Verdict, attempt: Attempt) -> Said | None:
    """Return that the reply is about somebody else: the sender, or another recipient whose answer a system gives for all of them.

    Of a closed mailbox a reply may name others all the same, whom to write to instead: there only the address that it begins with counts.
    """
    reason = verdict.evidence[0].reason if verdict.evidence else None
    if reason not in DEAD or attempt.final_recipient is None:
        return None
    said = attempt.diagnostic_code or ""
    named = _named(said) if reason is Reason.USER_UNKNOWN else address.all_of(about.group(1)) if (about := ABOUT.match(said)) else ()
    ours = [one for one in (attempt.final_recipient, attempt.original_recipient) if one]
    if not named or any(not address.is_anothers(one, other) for one in ours for other in named):
        return None
    return Said("the reply names {other}, and not the recipient", other=named[0])


@lru_cache(maxsize=64)
def _named(said: str) -> tuple[str, ...]:
    """Return the addresses that a reply names; several recipients may share it."""
    return tuple(mention.address for mention in mentions(said))


def _permanence(reason: Reason, reply_code: str | None, status: str | None) -> Permanence:
    """Return what the server said, by the codes alone."""
    # QUIRK: RFC 5321 4.5.3.1.10 says that RFC 821 listed 552 for too many recipients by mistake, and to treat it as temporary.
    if reason is Reason.TOO_MANY_RECIPIENTS and reply_code == "552":
        return Permanence.TRANSIENT
    return codes.permanence(reply_code, status)


def _contradictions(evidence: Sequence[Evidence], status: str | None, reply_code: str | None) -> Iterator[Said]:
    """Yield a sentence for each thing that speaks against the verdict."""
    if status and reply_code and status[0] != reply_code[0]:
        yield Said("reply {reply} and status {status} disagree on the class", reply=reply_code, status=status)
    if not evidence:
        return
    winner = evidence[0]
    for other in _others(evidence):
        yield Said("{other} says {else_}, {rule} says {reason}", other=other.rule, else_=other.reason, rule=winner.rule, reason=winner.reason)


def _others(evidence: Sequence[Evidence]) -> Iterable[Evidence]:
    """Return the specific evidence for other reasons than the winner's, one for each reason."""
    winner = evidence[0]
    specific = (one for one in evidence if one.reason is not winner.reason and (one.tier >= TOKEN or (one.tier not in BARE and not one.matched)))
    return {one.reason: one for one in reversed(list(specific))}.values()


def _confidence(evidence: Sequence[Evidence], contradictions: Sequence[str]) -> Confidence:
    """Weigh a verdict: see `Confidence` for what the levels mean."""
    if not evidence:
        return Confidence.LOW
    winner = evidence[0]
    agreed = any(one.reason is winner.reason and not one.matched and one.tier >= CODE for one in evidence)
    alive = (one for one in _others(evidence) if one.reason not in DEAD)
    if (
        winner.reason in DEAD
        and not agreed
        and any(one.tier >= min(winner.tier, TOKEN if one.matched and winner.tier <= TEXT else winner.tier) for one in alive)
    ):
        return Confidence.LOW  # two texts, or a text and a token, one of them of a live address, and no code to tell: nobody is removed on that
    if winner.tier >= PROVIDER_CODE:
        return Confidence.MEDIUM if contradictions else Confidence.HIGH
    return Confidence.LOW if winner.tier <= OPINION or winner.matched else Confidence.MEDIUM
