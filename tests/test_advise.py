import pytest

from bounces import advise
from bounces.analyze import classify
from bounces.errors import PolicyError
from bounces.model import BounceType, Confidence, Kind, Permanence, Reason, RecommendedAction, Verdict
from bounces.particulars import Particulars

# the case this project grew from: reply, reason, permanence, bounce_type by list and by rfc, recommended_action
TABLE = [
    ("452 4.2.2 mailbox full", "mailbox_full", "transient", "soft", "soft", "retry_later"),
    ("552 5.2.2 mailbox full", "mailbox_full", "permanent", "soft", "hard", "other_channel"),
    ("552 5.2.2 The recipient's inbox is out of storage space and inactive", "mailbox_inactive", "permanent", "hard", "hard", "remove"),
    ("452 4.3.1 insufficient system storage", "system_full", "transient", "soft", "soft", "retry_later"),
    ("552 5.3.4 message size exceeds fixed limit", "message_too_large", "permanent", "soft", "hard", "fix_message"),
    ("552 5.2.3 message length exceeds administrative limit", "message_too_large", "permanent", "soft", "hard", "fix_message"),
    ("552 5.7.0 blocked because its content presents a potential security issue", "content_rejected", "permanent", "soft", "hard", "fix_message"),
    ("552 too many recipients", "too_many_recipients", "transient", "soft", "soft", "retry_later"),
    ("552 1 mailbox not found", "user_unknown", "permanent", "hard", "hard", "remove"),
]  # fmt: skip


@pytest.mark.parametrize(("reply", "reason", "permanence", "by_list", "by_rfc", "action"), TABLE, ids=[row[0][:30] for row in TABLE])
def test_552_beside_452(reply, reason, permanence, by_list, by_rfc, action):
    """Each row of the design's table, under both policies."""
    found = classify(reply)
    assert (found.reason, found.permanence, found.bounce_type, found.recommended_action) == (reason, permanence, by_list, action)
    assert classify(reply, policy="rfc").bounce_type == by_rfc


def verdict(reason, permanence=Permanence.PERMANENT, confidence=Confidence.HIGH):
    return Verdict(reason=reason, permanence=permanence, rule=None, confidence=confidence)


@pytest.mark.parametrize("reason", Reason)
def test_nobody_is_removed_on_a_transient_reply_or_on_low_confidence(reason):
    """A 4yz never makes an address dead by itself, and neither does a guess."""
    policy = advise.load()
    for one in (verdict(reason, Permanence.TRANSIENT), verdict(reason, confidence=Confidence.LOW)):
        advice = advise.advise(one, policy)
        if reason is not Reason.COMPLAINT or one.confidence is Confidence.LOW:
            assert advice.recommended_action is not RecommendedAction.REMOVE
        assert advice.bounce_type == "soft"


@pytest.mark.parametrize("reason", Reason)
def test_what_is_blamed_on_others_never_removes(reason):
    """Only a failure blamed on the recipient or its domain can cost an address its place."""
    row = advise.load().rows[reason]
    actions = set(row.recommended_action.values()) | ({row.escalation.recommended_action} if row.escalation else set())
    if row.blame not in {"recipient", "recipient_domain"}:
        assert RecommendedAction.REMOVE not in actions
        assert not row.hard


def test_a_delay_has_no_bounce_type():
    """Nothing has failed yet, so there is nothing to do."""
    advice = advise.advise(verdict(Reason.MAILBOX_FULL, Permanence.TRANSIENT), advise.load(), Kind.DELAY)
    assert (advice.bounce_type, advice.recommended_action) == (None, "none")


def test_every_action_that_a_policy_can_give_has_its_sentence():
    """Each reason has advice of its own for each action it recommends, unless a person must look."""
    policy = advise.load()
    missing = [
        (reason, action)
        for reason, row in policy.rows.items()
        for action in {*row.recommended_action.values(), *([row.escalation.recommended_action] if row.escalation else [])}
        if action not in row.advice and action is not RecommendedAction.REVIEW
    ]
    assert missing == []


def test_a_policy_file_changes_what_it_names_and_keeps_the_rest(tmp_path):
    """A user's file extends the list policy by default."""
    file = tmp_path / "strict.toml"
    file.write_text('[mailbox_full]\nhard = ["permanent"]\nrecommended_action = "remove"\n', encoding="utf-8")
    ours, theirs = advise.load(), advise.load(str(file))
    assert theirs.rows[Reason.MAILBOX_FULL].recommended_action[Permanence.PERMANENT] == "remove"
    assert theirs.rows[Reason.MAILBOX_FULL].blame == ours.rows[Reason.MAILBOX_FULL].blame
    assert theirs.rows[Reason.USER_UNKNOWN] == ours.rows[Reason.USER_UNKNOWN]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[mailbox_ful]\n", "unknown key 'mailbox_ful'"),
        ('[mailbox_full]\nrecommended_action = "delete"\n', "delete"),
        ('[mailbox_full]\nrecommended_action = { permanent = "remove" }\n', "says nothing for transient"),
        ('[mailbox_full]\nhard = "permanent"\n', "hard is a list"),
        ("[mailbox_full]\nescalation = { failures = 3 }\n", "escalation needs days"),
        ("[[mailbox_full]]\n", "must be a table"),
        ("mailbox_full = [", "not valid TOML"),
        ('extends = "nosuch"', "neither one of"),
        ("extends = 5", "extends names another policy"),
        ('[mailbox_full]\nhard = [["x"]]\n', "hard is a list"),
        ("[mailbox_full]\nretry_days = inf\n", "retry_days must be"),
        ("[mailbox_full]\nretry_days = 0\n", "retry_days must be"),
        ("[advice]\nremove = 5\n", "must be a sentence"),
        ('[mailbox_full.advice]\nremove = "See {url}."\n', "nothing fills in {url}"),
        ('[mailbox_full]\nescalation = { failures = "x", days = 1, recommended_action = "remove" }\n', "mailbox_full"),
    ],
)
def test_a_bad_policy_is_told_with_its_file(tmp_path, text, sentence):
    """The sentence names the file and what is wrong."""
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        advise.load(str(file))
    assert "mine.toml" in str(caught.value)
    assert sentence in str(caught.value)


def test_an_unknown_policy_is_told_with_those_there_are():
    """The sentence names the policies that ship."""
    with pytest.raises(PolicyError, match="list, rfc"):
        advise.load("strictest")


def test_who_forwards_is_not_removed_for_the_one_that_failed():
    """Mail for a role or a list of people goes on to several: when one is gone, a person looks."""
    dead = Verdict(Reason.USER_UNKNOWN, Permanence.PERMANENT, "test.x", Confidence.HIGH)
    assert advise.advise(dead, advise.load()).recommended_action is RecommendedAction.REMOVE
    advice = advise.advise(dead, advise.load(), doubtful=True)
    assert (advice.recommended_action, advice.bounce_type) == (RecommendedAction.REVIEW, BounceType.HARD)


def test_a_sentence_says_no_more_than_is_known():
    """A part in brackets stands only where what it wants filled in is known, else what follows its bar."""
    policy = advise.load()
    listed = Particulars(ip="192.0.2.1", blocklist="Spamhaus", page="https://check.spamhaus.org/")
    assert policy.sentence(Reason.IP_BLOCKED, RecommendedAction.FIX_SENDER, listed) == (
        "Our sending IP address 192.0.2.1 is on the block list of Spamhaus: find the cause and ask for its removal at "
        "https://check.spamhaus.org/; the address is fine."
    )
    assert policy.sentence(Reason.IP_BLOCKED, RecommendedAction.FIX_SENDER, Particulars()) == (
        "Our sending IP address is on a block list: find the cause and ask for its removal; the address is fine."
    )


@pytest.mark.parametrize("reason", Reason)
def test_every_sentence_reads_with_and_without_particulars(reason):
    """No bracket, bar or brace is left, whatever is known."""
    policy = advise.load()
    everything = Particulars(**{name: f"({name})" for name in Particulars.__slots__})
    for action in RecommendedAction:
        for known in (Particulars(), everything):
            assert not set("[]{}|") & set(policy.sentence(reason, action, known))


def test_a_policys_own_sentence_may_name_what_is_not_known(tmp_path):
    """Outside brackets a word stands in for what the reply does not tell."""
    file = tmp_path / "mine.toml"
    file.write_text('[mailbox_full.advice]\nretry_later = "Write to {domain} in {wait}."\n', encoding="utf-8")
    assert advise.load(str(file)).sentence(Reason.MAILBOX_FULL, RecommendedAction.RETRY_LATER, Particulars()) == "Write to the recipient in a while."
