import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounces import advise, analyze, codes, rules
from bounces.analyze import classify
from bounces.classify import classify as judge
from bounces.model import Attempt, Confidence, Permanence, Reason
from bounces.rules.match import RuleSet


def rule_set(text):
    """Make a set of rules of a TOML text."""
    return RuleSet(rules.parse(text))


def rule(ident, reason, **conditions):
    """Write one rule."""
    lines = [f'id = "test.{ident}"', f'reason = "{reason}"', 'source = "a test"', 'examples = ["x"]']
    lines += [f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}" for key, value in conditions.items()]
    return "[[rule]]\n" + "\n".join(lines) + "\n"


LADDER = [  # the more exact rule first; each must beat all below it
    rule("provider-text", "spam_rejected", remote_mta="*.example.com", text="full"),
    rule("code-text", "virus_detected", text="full", status="5.2.2"),
    rule("text", "user_unknown", text="mailbox full"),
    rule("provider-code", "not_permitted", remote_mta="*.example.com", status="5.2.2"),
    rule("code", "mailbox_full", status="5.2.2"),
    rule("generic-text", "mailbox_unavailable", text="mailbox", generic=True),
    rule("generic-code", "policy_rejected", status="x.2.*", generic=True),
    rule("reply", "server_error", reply_code="5yz"),
]


@pytest.mark.parametrize("backwards", [False, True])
def test_precedence_is_computed_from_how_exact_a_rule_is(backwards):
    """Take away the winner, and the next on the ladder wins, whatever the order of the file."""
    for number in range(len(LADDER)):
        left = LADDER[number:]
        found = judge(Attempt(diagnostic_code="552 5.2.2 mailbox full"), rule_set("".join(reversed(left) if backwards else left)), "mx.example.com")
        assert found.rule in left[0]


def test_a_code_and_a_text_that_agree_win_together():
    """Among texts the one that the code supports decides, and the other is told as a contradiction."""
    both = (
        rule("full", "mailbox_full", text="is full")
        + rule("rate", "rate_limited", text="too many messages")
        + rule("code", "mailbox_full", status="5.2.2")
    )
    found = judge(Attempt(diagnostic_code="552 5.2.2 box is full, too many messages"), rule_set(both))
    assert found.reason is Reason.MAILBOX_FULL
    assert any("rate_limited" in one for one in found.contradictions)


def test_a_dead_address_is_not_believed_when_a_text_speaks_of_a_living_one():
    """Two texts, one of them of a rate limit: confidence is low, and nobody is removed."""
    both = rule("unknown", "user_unknown", text="user unknown here") + rule("rate", "rate_limited", text="too many")
    found = judge(Attempt(diagnostic_code="550 user unknown here, too many"), rule_set(both))
    assert (found.reason, found.confidence) == (Reason.USER_UNKNOWN, Confidence.LOW)


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("550 user unknown", True),
        ("550 User  Unknown.", True),
        ("550 user-unknown", True),
        ("550 USER_UNKNOWN", True),
        ("550 user 'bob' is unknown", True),
        ("550-user\r\n550 unknown", True),
        ("550 superuser unknown", False),
        ("550 user unknowns", False),
        ("550 unknown user", False),
        ("550 user " + "x" * 80 + " unknown", False),
        ("550 user-unknown@example.com rejected", False),
    ],
)
def test_a_phrase_stands_on_whole_words(text, matches):
    """Hyphens are spaces, a gap is bounded, and the words of an address are not the server's."""
    found = judge(Attempt(diagnostic_code=text), rule_set(rule("unknown", "user_unknown", text="user * unknown")))
    assert (found.rule == "test.unknown") is matches


def test_a_star_at_a_word_leaves_its_end_open():
    """ "blacklist*" finds "blacklisted"."""
    rules_ = rule_set(rule("listed", "ip_blocked", text="blacklist*"))
    assert judge(Attempt(diagnostic_code="554 your host is blacklisted"), rules_).rule == "test.listed"
    assert judge(Attempt(diagnostic_code="554 unblacklisted"), rules_).rule is None


def test_accents_and_scripts_without_spaces():
    """A phrase is found without its accents, and inside a Japanese sentence."""
    rules_ = rule_set(rule("full", "mailbox_full", text=["boîte pleine", "容量が一杯"]))
    assert judge(Attempt(diagnostic_code="552 Boite pleine"), rules_).rule == "test.full"
    assert judge(Attempt(diagnostic_code="552 メールボックスの容量が一杯です"), rules_).rule == "test.full"


def test_the_servers_own_words_come_first():
    """What a mail system writes around a reply decides only where the reply tells nothing."""
    rules_ = rule_set(rule("unknown", "user_unknown", text="user unknown") + rule("loop", "mail_loop", text="loop detected somewhere"))
    assert judge(Attempt(diagnostic_code="loop detected somewhere, it said: 550 user unknown"), rules_).reason is Reason.USER_UNKNOWN
    assert judge(Attempt(diagnostic_code="loop detected somewhere, it said: 550 no"), rules_).reason is Reason.MAIL_LOOP


@pytest.mark.parametrize(
    ("reply", "reason", "action"),
    [
        ("550 5.1.1 <a@example.com>: Recipient address rejected: too many messages this hour", "rate_limited", "slow_down"),
        ("550 5.1.0 <b@example.org> sender rejected", "bad_sender_address", "fix_sender"),
        ("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", "ip_blocked", "fix_sender"),
        ("450 4.1.1 <a@example.com>: Recipient address rejected: unverified address", None, "retry_later"),
        ("550 Requested action not taken: mailbox unavailable", "mailbox_unavailable", "review"),
        ("550", "mailbox_unavailable", "review"),
        ("", "unknown", "review"),
    ],
)
def test_what_looks_dead_and_is_not(reply, reason, action):
    """None of these takes anybody off a list."""
    found = classify(reply)
    assert reason is None or found.reason == reason
    assert found.recommended_action == action


def test_the_classes_of_reply_and_status_may_disagree():
    """The contradiction is recorded, and the reply's class counts."""
    found = classify("552 4.2.2 mailbox full")
    assert found.permanence == "permanent"
    assert any("disagree" in one for one in found.contradictions)


@given(st.text(max_size=300))
def test_any_text_has_an_answer(text):
    """Nothing that a stranger writes breaks the classifier."""
    assert classify(text).text == text


def test_time_is_linear_in_the_length_of_a_text():
    """Twice the text takes about twice the time, and a megabyte is soon read."""
    for seed in ("user ", "550-", "a@b ", "mailbox <", "=?"):
        started = time.process_time()
        classify(seed * (1_000_000 // len(seed)))
        assert time.process_time() - started < 3


NAMES_ANOTHER = [
    ("550 5.1.1 <ben@example.com>: Recipient address rejected: User unknown", Confidence.LOW),
    ("550-Verification failed for <news@example.org>\n550 5.1.1 no such user here", Confidence.LOW),
    ("550 5.1.1 <anna@example.net>: Recipient address rejected: User unknown", Confidence.HIGH),
    ("550 5.1.1 <anna@inner.example>: Recipient address rejected: User unknown", Confidence.HIGH),
    ("550 5.1.1 User unknown", Confidence.HIGH),
    ("550 5.1.1 User unknown, please contact postmaster@example.com", Confidence.HIGH),
]


@pytest.mark.parametrize(("reply", "confidence"), NAMES_ANOTHER)
def test_a_reply_that_names_somebody_else_removes_nobody(reply, confidence):
    """Some systems give all recipients the answer about one of them, others refuse for the sender's sake: then a person looks."""
    verdict = judge(Attempt(final_recipient="anna@example.net", diagnostic_code=reply, command="RCPT"), RuleSet(rules.shipped()))
    assert (verdict.reason, verdict.confidence) == (Reason.USER_UNKNOWN, confidence)
    assert any("names" in one for one in verdict.contradictions) == (confidence is Confidence.LOW)


@pytest.mark.parametrize(
    ("status", "reply"),
    [
        ("5.1.3", "553 5.1.3 <news@example.org>: invalid address"),
        ("5.2.1", "550 5.2.1 <news@example.org>: mailbox disabled"),
        ("5.1.2", "550 5.1.2 <news@example.org>: domain not found"),
        ("5.1.7", "550 user unknown"),
        ("5.1.8", "550 5.1.8 invalid user"),
        ("5.2.1", "550 5.2.1 mailbox temporarily disabled"),
        ("5.2.1", "550 5.2.1 mailbox disabled for this sender"),
        ("5.1.1", "550 5.1.1 recipient not found in whitelist"),
        ("5.1.1", "550 5.1.1 The email account that sent this message does not exist"),
        ("5.1.1", "550 5.1.1 temporary directory lookup error, user not found"),
        ("5.1.1", "550 5.1.1 user unknown, temporary failure"),
        ("5.4.4", "5.4.4 unable to route: dns lookup failure"),
    ],
)
def test_the_senders_trouble_and_a_passing_fault_take_nobody_off(status, reply):
    """They sound like a dead recipient, and are none."""
    attempt = Attempt(
        final_recipient="anna@example.com", status=status, reply_code=codes.find(reply).reply_code, diagnostic_code=reply, command="RCPT"
    )
    assert advise.advise(judge(attempt, analyze.rule_set()), advise.load()).recommended_action not in advise.TAKES_OFF


def test_who_is_refused_after_mail_is_the_sender():
    """A reply to MAIL FROM is about the sender's address, the only one named so far, whatever its words say of an unknown user."""
    for said in ("550 user unknown", "550 5.1.1 no such user", "553 sorry, that domain does not exist"):
        found = judge(Attempt(diagnostic_code=said, command="MAIL"), analyze.rule_set())
        assert found.reason is Reason.BAD_SENDER_ADDRESS
        assert found.confidence is Confidence.LOW


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("517 Domain does not exist: example.org", Reason.BAD_SENDER_ADDRESS),
        ("501 5.7.27 Domain has null MX record", Reason.BAD_SENDER_ADDRESS),
        ("550 5.1.8 no such domain", Reason.BAD_SENDER_ADDRESS),
        ("535 5.7.8 account has been disabled", Reason.AUTH_REQUIRED),
        ("535 user unknown", Reason.AUTH_REQUIRED),
    ],
)
def test_a_code_tells_that_what_is_dead_is_the_senders(said, reason):
    """Codes that are given to a sender, or to who logs in, make what sounds like a dead recipient theirs."""
    found = judge(Attempt(diagnostic_code=said, command="RCPT"), analyze.rule_set())
    assert (found.reason, found.confidence) == (reason, Confidence.LOW)


def test_a_server_that_answers_is_no_network_that_failed():
    """A refused connection is a policy where the code says so, and the network's fault elsewhere."""
    assert classify("554 5.7.1 Connection refused").reason is Reason.POLICY_REJECTED
    assert classify("421 4.4.1 Connection refused").reason is Reason.NETWORK_ERROR


def test_a_rule_in_another_language_holds_for_its_codes_only():
    """ "Takes no mail" is a domain's with 521, and may be one recipient's without."""
    assert classify("521 Cette machine n'accepte pas de courrier").reason is Reason.DOMAIN_NO_MAIL
    assert classify("550 Le destinataire n'accepte pas de courrier").reason is not Reason.DOMAIN_NO_MAIL


def test_a_public_domain_stands_for_its_providers_servers():
    """A notice that names no server still meets the provider's rules, by the recipient's domain."""
    rules_ = rule_set(rule("x", "spam_rejected", remote_mta="*.protection.outlook.com", text="full"))
    assert judge(Attempt(diagnostic_code="550 full"), rules_, "hotmail.fr").rule == "test.x"
    assert judge(Attempt(diagnostic_code="550 full"), rules_, "hotmail.example").rule is None


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("SMTP error from remote mail server after RCPT TO:<a@example.com>: host mx.example.com: 550 Mailbox unavailable", "mailbox_unavailable"),
        ("SMTP error from remote mailer after end of data: host mx.example.com [192.0.2.1]: 550 5.7.1 Blocked by SpamAssassin", "spam_rejected"),
        ("mail.lmtp: LMTP server error: 550 5.1.1 <a@example.com> User doesn't exist: a@example.com", "user_unknown"),
        ("host mx.example.com[192.0.2.1] refused to talk to me: 421 4.7.0 too many sessions", "rate_limited"),
        ("permission denied. Command output: maildrop: maildir over quota.", "mailbox_full"),
        ('Command died with status 75: "/usr/bin/deliver". Command output: Mailbox over quota', "mailbox_full"),
        ("permission denied. Command output: x", "server_error"),
        ('Command died with status 1: "/usr/bin/deliver"', "server_error"),
        ("conversation with mx.example.com[192.0.2.1] timed out while sending end of data", "network_error"),
        ("host mx.example.com[192.0.2.1] said: 553 example.org does not exist (in reply to RCPT TO command)", "bad_sender_address"),
        (
            "SMTP error from remote mail server after RCPT TO:<a@example.com>: host mx.example.com [192.0.2.1]: 553 example.org does not exist",
            "bad_sender_address",
        ),
        ("192.0.2.1 does not like recipient. Remote host said: 553 example.org does not exist Giving up on 192.0.2.1.", "bad_sender_address"),
        ("192.0.2.1 does not like recipient.\nRemote host said: 554 Denied by policy\nGiving up on 192.0.2.1.", "policy_rejected"),
        ("Remote Server returned '550 Requested action not taken: mailbox unavailable'", "mailbox_unavailable"),
        ("Giving up on 192.0.2.1.", "delivery_expired"),
        (">>> RCPT To:<a@example.com>\n<<< 553 example.org does not exist", "bad_sender_address"),
        ("> 517 Domain does not exist: example.org.", "bad_sender_address"),
    ],
)
def test_a_queue_managers_frame_is_no_reply(said, reason):
    """What it writes around a server's words, or a program's, decides only where those tell nothing."""
    assert classify(said).reason == reason


def test_a_queue_manager_tells_which_command_was_refused():
    """After MAIL the sender is refused; after the content an unknown user is not believed."""
    assert classify("SMTP error from remote mail server after MAIL FROM:<b@example.org>: 550 domain unknown").reason is Reason.BAD_SENDER_ADDRESS
    asked = classify('550 sender verify fail for <b@example.org>: response to "RCPT TO:<b@example.org>" was: 550 5.1.1 <b@example.org> User unknown')
    assert (asked.reason, asked.confidence) == (Reason.BAD_SENDER_ADDRESS, Confidence.LOW)
    late = classify("host mx.example.com[192.0.2.1] said: 550 user unknown (in reply to end of DATA command)")
    assert (late.reason, late.confidence) == (Reason.USER_UNKNOWN, Confidence.LOW)


def test_the_servers_own_status_beats_a_reports_that_kills():
    """A report that has 5.1.1 for whatever was refused does not make a dead address of "550 5.7.606", but a server's 5.1.1 stays one."""
    refused = judge(Attempt(status="5.1.1", diagnostic_code="550 5.7.606 Access denied, banned sending IP"), analyze.rule_set())
    assert refused.reason is Reason.IP_BLOCKED
    bare = judge(Attempt(status="5.1.1", diagnostic_code="550 5.7.606"), analyze.rule_set())
    assert bare.reason is Reason.IP_BLOCKED
    assert judge(Attempt(status="5.1.1", diagnostic_code="550 5.0.0 rejected"), analyze.rule_set()).reason is Reason.USER_UNKNOWN
    assert judge(Attempt(status="5.1.1", diagnostic_code="550 5.7.1 user unknown"), analyze.rule_set()).reason is Reason.USER_UNKNOWN


def test_words_without_a_code_are_a_failures():
    """Rules for replies of failures hold for words without a code, too, where nobody would be dead by them."""
    assert classify("message sending for this account is disabled").reason is not Reason.MAILBOX_DISABLED
    assert classify("the account is disabled").reason is Reason.MAILBOX_DISABLED


def test_a_token_is_more_than_a_lone_word():
    """A lone word loses to a registered code, a token beats it, and a text beats both."""
    code = rule("code", "policy_rejected", status="5.7.3") + rule("text", "user_unknown", text="no such user")
    lone, token = (rule("word", "greylisted", text="greylist*", token=flag) for flag in (False, True))
    said = Attempt(diagnostic_code="550 5.7.3 host is greylisted")
    assert judge(said, rule_set(code + lone)).reason is Reason.POLICY_REJECTED
    assert judge(said, rule_set(code + token)).reason is Reason.GREYLISTED
    assert judge(Attempt(diagnostic_code="550 5.7.3 no such user, greylisted"), rule_set(code + token)).reason is Reason.USER_UNKNOWN


def test_a_server_that_asked_another_does_not_make_its_own_4yz_final():
    """Behind the 450 of an address that another server refused for good stands that server's 550; but who said 450 asks to try again."""
    probed = "450 4.1.1 <a@example.com>: Recipient address rejected: undeliverable address: host mx.example.net[192.0.2.1] said: 550 no such user"
    found = classify(probed)
    assert (found.reason, found.permanence) == (Reason.USER_UNKNOWN, Permanence.TRANSIENT)
    assert found.recommended_action not in advise.TAKES_OFF


def test_who_logs_in_is_disabled_unless_the_recipient_is_named():
    """525 follows a login (RFC 5248); some give it to a recipient all the same, and say so."""
    assert classify("525 5.7.13 User account disabled").reason is Reason.AUTH_REQUIRED
    assert classify("525 5.7.13 Disabled recipient address").reason is Reason.MAILBOX_DISABLED
