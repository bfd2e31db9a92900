import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from bounces import advise
from bounces.analyze import analyze
from bounces.frames import frame, read
from bounces.incidents import find
from bounces.model import Action, Blame, BounceType, Event, Kind, Permanence, Raw, Reason, RecommendedAction
from bounces.partial import merge, partial
from bounces.settings import Settings
from bounces.summarize import finished, report

START = datetime(2026, 3, 1, tzinfo=UTC)
EVENT_COLUMNS = (
    "event_id origin kind action recipient recipient_source final_recipient suggestion domain provider reply_code status diagnostic_code reason "
    "permanence bounce_type blame recommended_action retry_after rule confidence format reporting_mta remote_mta command sender message_id subject "
    "list_id feedback_type sent_at received_at defects"
).split()
RECIPIENT_COLUMNS = (
    "recipient domain provider bounce_type reason reply_code status permanence blame recommended_action advice retry_after suggestion incident "
    "events hard soft delays complaints days first_seen last_seen diagnostic_code origin"
).split()


def failure(number, reason, day=0, recipient="anna@example.com", permanence=Permanence.PERMANENT, bounce_type=BounceType.SOFT):
    """Make a failure as the policy judges it."""
    row = advise.load().rows[reason]
    return Event(
        event_id=f"{number:016x}", origin=f"inbox.mbox#{number}", kind=Kind.FAILURE, action=Action.FAILED, recipient=recipient,
        domain=recipient.partition("@")[2], reason=reason, permanence=permanence, bounce_type=bounce_type, blame=row.blame,
        recommended_action=row.recommended_action[permanence], received_at=START + timedelta(days=day),
    )  # fmt: skip


def other(number, kind, day=0, recipient="anna@example.com"):
    """Make an event that is no failure."""
    reason = {Kind.COMPLAINT: Reason.COMPLAINT, Kind.AUTO_REPLY: Reason.AUTO_REPLY}.get(kind)
    action = RecommendedAction.REMOVE if kind is Kind.COMPLAINT else RecommendedAction.NONE
    return Event(
        event_id=f"{number:016x}", origin=f"inbox.mbox#{number}", kind=kind, recipient=recipient, domain="example.com", reason=reason,
        blame=Blame.RECIPIENT if kind is Kind.COMPLAINT else None, recommended_action=action, received_at=START + timedelta(days=day),
    )  # fmt: skip


def row(*events):
    """Return the one row that events come to."""
    table = report(frame(events))
    assert len(table) == 1
    return table.iloc[0]


def test_the_columns_are_these_and_an_empty_mailbox_has_them_too():
    """Names, order and dtypes are fixed, with and without mail."""
    empty, full = frame([]), frame([failure(1, Reason.USER_UNKNOWN)])
    assert list(empty.columns) == EVENT_COLUMNS
    assert dict(empty.dtypes) == dict(full.dtypes)
    assert list(report(empty).columns) == RECIPIENT_COLUMNS
    assert dict(report(empty).dtypes) == dict(report(full).dtypes)
    assert len(report(empty)) == 0
    assert str(full["received_at"].dtype) == "datetime64[us, UTC]"


def test_the_latest_final_outcome_decides():
    """Unknown in January, delivered in March: the address is fine."""
    found = row(failure(1, Reason.USER_UNKNOWN, bounce_type=BounceType.HARD), other(2, Kind.DELIVERY, day=9))
    assert (found["recommended_action"], found["hard"], found["events"]) == ("none", 1, 2)
    assert pd.isna(found["bounce_type"])


def test_a_delay_decides_nothing_when_there_is_an_outcome():
    """A warning after a failure leaves the failure's row as it is."""
    found = row(failure(1, Reason.MAILBOX_FULL), other(2, Kind.DELAY, day=9))
    assert (found["reason"], found["delays"]) == ("mailbox_full", 1)


def test_a_complaint_stays():
    """Who complained is not mailed again, even when mail arrives later."""
    found = row(other(1, Kind.COMPLAINT), other(2, Kind.DELIVERY, day=3))
    assert (found["recommended_action"], found["complaints"]) == ("remove", 1)


def test_failures_that_others_are_to_blame_for_do_not_count():
    """A block of our IP address never counts against a recipient."""
    found = row(failure(1, Reason.IP_BLOCKED), failure(2, Reason.IP_BLOCKED, day=1), failure(3, Reason.SPAM_REJECTED, day=2))
    assert (found["events"], found["hard"], found["soft"], found["days"]) == (3, 0, 0, 0)


def test_a_domain_that_is_gone_counts():
    """Hard failures of the domain count, its soft ones do not."""
    gone = failure(1, Reason.DOMAIN_NOT_FOUND, bounce_type=BounceType.HARD)
    found = row(gone, failure(2, Reason.NETWORK_ERROR, day=-1))
    assert (found["hard"], found["soft"]) == (1, 0)


def test_a_mailbox_that_stays_full_escalates_and_one_that_empties_does_not():
    """Four failures over two weeks make it hard, unless mail arrived in between."""
    full = [failure(number, Reason.MAILBOX_FULL, day=5 * number) for number in range(4)]
    assert (row(*full)["recommended_action"], row(*full)["bounce_type"]) == ("remove", "hard")
    assert row(*full[:3])["recommended_action"] == "other_channel"
    assert row(*full, other(9, Kind.DELIVERY, day=7))["recommended_action"] == "other_channel"


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("permanence", Permanence)
def test_more_failures_never_soften_the_answer(reason, permanence):
    """Ten failures over three months come to at least what one comes to, for every reason."""
    soft = BounceType.HARD if permanence in advise.load().rows[reason].hard else BounceType.SOFT
    many = [failure(number, reason, 9 * number, permanence=permanence, bounce_type=soft) for number in range(10)]
    once, often = row(many[0])["recommended_action"], row(*many)["recommended_action"]
    assert often == once or once not in {"remove", "correct_address"}
    escalation = advise.load().rows[reason].escalation
    if escalation and once not in {"remove", "correct_address"}:
        assert often == escalation.recommended_action


def test_a_typo_is_mended_only_where_the_domain_is_dead():
    """The suggestion is for a person to confirm."""
    dead = failure(1, Reason.DOMAIN_NOT_FOUND, recipient="anna@gmial.com", bounce_type=BounceType.HARD)
    full = failure(2, Reason.MAILBOX_FULL, recipient="anna@gmial.com")
    assert row(dead)["suggestion"] == "anna@gmail.com"
    assert pd.isna(row(full)["suggestion"])


def test_a_new_address_that_was_told_before_is_still_suggested():
    """Who wrote in a vacation reply where they went has a row that says so when the old address fails."""
    told = replace(other(1, Kind.AUTO_REPLY), suggestion="anna@example.org")
    newer = replace(other(2, Kind.AUTO_REPLY, day=1), suggestion="anna@example.net")
    gone = failure(3, Reason.USER_UNKNOWN, day=7)
    assert row(told, newer, gone)["suggestion"] == "anna@example.net"
    assert row(gone, told)["suggestion"] == "anna@example.org"


def test_a_notice_that_was_read_twice_counts_once():
    """The same event from two folders is one event."""
    found = row(failure(1, Reason.MAILBOX_FULL), failure(1, Reason.MAILBOX_FULL))
    assert (found["events"], found["soft"]) == (1, 1)


EVENTS = st.lists(
    st.builds(
        lambda number, kind, reason, day, name, transient: (
            failure(
                number,
                reason,
                day,
                f"{name}@example.com",
                Permanence.TRANSIENT if transient else Permanence.PERMANENT,
                BounceType.HARD if reason is Reason.USER_UNKNOWN and not transient else BounceType.SOFT,
            )
            if kind is Kind.FAILURE
            else other(number, kind, day, f"{name}@example.com")
        ),
        st.integers(0, 10**6),
        st.sampled_from([Kind.FAILURE, Kind.FAILURE, Kind.DELAY, Kind.DELIVERY, Kind.COMPLAINT, Kind.AUTO_REPLY]),
        st.sampled_from([Reason.USER_UNKNOWN, Reason.MAILBOX_FULL, Reason.IP_BLOCKED, Reason.NETWORK_ERROR]),
        st.integers(0, 40),
        st.sampled_from("abc"),
        st.booleans(),
    ),
    max_size=25,
    unique_by=lambda event: event.event_id,
)


@settings(max_examples=40)
@given(events=EVENTS, cuts=st.lists(st.integers(0, 25), max_size=3))
def test_partial_reports_merge_to_the_same_report(events, cuts):
    """Cut the events anywhere, merge in any grouping: the report is that of all of them; merging a part twice changes nothing."""
    whole = report(frame(events))
    bounds = [0, *sorted(min(cut, len(events)) for cut in cuts), len(events)]
    parts = [partial(frame(events[low:high])) for low, high in itertools.pairwise(bounds)]
    left = right = None
    for part in parts:
        left = merge(left, part) if left else part
    for part in reversed(parts):
        right = merge(part, right) if right else part
    for merged in (left, right, merge(*parts), merge(*parts, *parts)):
        assert_frame_equal(finished(merged, find(merged, advise.load()), advise.load()), whole)


def test_reading_needs_the_settings_to_be_valid(tmp_path):
    """A wrong policy is told before any mail is read."""
    with pytest.raises(advise.PolicyError):
        read(tmp_path, policy="nosuch")
    assert Settings().policy == "list"


@pytest.mark.parametrize(
    ("feedback", "action"), [("not-spam", "none"), ("auth-failure", "fix_sender"), ("virus", "fix_message"), ("abuse", "remove")]
)
def test_only_a_complaint_about_the_message_removes_who_complained(feedback, action):
    """ "This is not spam" is praise, and a report on authentication is about the sender: neither counts as a complaint."""
    report_of = (
        f"From: fbl@example.com\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n"
        f"Content-Type: message/feedback-report\n\nFeedback-Type: {feedback}\nOriginal-Rcpt-To: anna@example.com\nVersion: 1\n\n--b--\n"
    )
    found = row(*analyze(Raw("x", report_of.encode())))
    assert (found["recommended_action"], found["complaints"]) == (action, int(feedback == "abuse"))
