import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bounces
from bounces import advise
from bounces.errors import SettingsError
from bounces.frames import frame
from bounces.incidents import COLUMNS, find, incidents
from bounces.model import Action, Event, Kind, Permanence, Reason
from bounces.partial import merge, partial
from bounces.repairs import markdown, repairs
from bounces.summarize import report

START = datetime(2026, 3, 10, 8, tzinfo=UTC)
LISTED = "554 5.7.1 Client host [192.0.2.25] blocked using zen.spamhaus.org"


def refusal(number, reason=Reason.IP_BLOCKED, hours=0.0, said=LISTED, kind=Kind.FAILURE, **fields):
    """Make a refusal as the policy judges it."""
    row = advise.load().rows[reason]
    recipient = fields.pop("recipient", f"reader{number}@example.com")
    return Event(
        event_id=f"{number:016x}", origin=f"inbox.mbox#{number}", kind=kind, action=Action.FAILED, recipient=recipient,
        domain=recipient.partition("@")[2], reason=reason, permanence=Permanence.PERMANENT, blame=row.blame, diagnostic_code=said,
        bounce_type="hard" if Permanence.PERMANENT in row.hard else "soft", recommended_action=row.recommended_action[Permanence.PERMANENT],
        received_at=None if hours is None else START + timedelta(hours=hours), **fields,
    )  # fmt: skip


def alive(number, recipient, hours, kind=Kind.AUTO_REPLY):
    """Make an event that shows that a mailbox takes mail."""
    return Event(
        f"{number:016x}", f"inbox.mbox#{number}", kind, recipient=recipient, domain="example.com", received_at=START + timedelta(hours=hours)
    )


def unknown(numbers, hours=0.0):
    """Make failures that call recipients unknown."""
    return [refusal(number, Reason.USER_UNKNOWN, hours + number / 1000, "550 5.1.1 user unknown") for number in numbers]


def test_a_wave_is_one_incident_with_all_that_is_told_of_it():
    """Provider, cause, our address, first, last, recipients, what to do and where."""
    table = incidents(frame([refusal(number, hours=number) for number in range(5)]))
    assert list(table.columns) == list(COLUMNS)
    assert len(table) == 1
    row = table.iloc[0]
    assert (row["provider"], row["reason"], row["cause"], row["ips"]) == ("example.com", "ip_blocked", "Spamhaus", "192.0.2.25")
    assert (row["recipients"], row["failures"], row["believed"]) == (5, 5, True)
    assert (row["first_seen"], row["last_seen"]) == (START, START + timedelta(hours=4))
    assert row["page"] == "https://check.spamhaus.org/"
    assert row["advice"].startswith("Our sending IP address 192.0.2.25 is on the block list of Spamhaus")
    assert row["diagnostic_code"] == LISTED


@pytest.mark.parametrize(
    ("events", "count"),
    [
        ([refusal(number) for number in range(4)], 0),
        ([refusal(number, recipient="one@example.com") for number in range(9)], 0),
        ([refusal(number, hours=25 * number) for number in range(9)], 0),
        ([refusal(number, hours=number + 100 * (number > 4)) for number in range(10)], 2),
        ([refusal(number, hours=None) for number in range(5)], 0),
        ([refusal(number, kind=Kind.DELAY) for number in range(5)], 1),
        ([refusal(number, Reason.MAILBOX_FULL) for number in range(9)], 0),
        ([refusal(number, recipient=f"a@host{number}.example") for number in range(9)], 0),
        ([refusal(number, recipient=f"a@host{number}.example", provider="google") for number in range(9)], 1),
        ([], 0),
    ],
)
def test_what_makes_a_wave(events, count):
    """Five recipients at one provider, for one cause on our side, no further apart than a day."""
    assert len(incidents(frame(events))) == count


def test_victims_of_an_outage_are_not_called_dead():
    """A provider that calls unknown who took mail before is not believed, of anybody in that wave."""
    events = frame([*unknown(range(10)), *(alive(100 + number, f"reader{number}@example.com", -24) for number in range(3))])
    table = incidents(events)
    assert (table["reason"].tolist(), table["believed"].tolist(), table["recipients"].tolist()) == (["user_unknown"], [False], [10])
    recipients = report(events)
    assert set(recipients["recommended_action"]) == {"review"}
    assert set(recipients["bounce_type"]) == {"soft"}
    assert recipients["hard"].sum() == 0
    assert set(recipients["incident"]) == set(table["incident"])


@pytest.mark.parametrize(
    "events",
    [
        unknown(range(20)),
        [*unknown(range(20)), *(alive(100 + number, f"reader{number}@example.com", -24) for number in range(2))],
        [*unknown(range(20)), *(alive(100 + number, f"reader{number}@example.com", -24) for number in range(3))],
        [*unknown([0]), *unknown([1], 3), *unknown([2], 6), *(alive(100 + number, f"reader{number}@example.com", -24) for number in range(3))],
    ],
)
def test_some_who_left_make_no_outage(events):
    """Mailboxes are closed all the time: it takes three who took mail, a fifth of the wave, within hours."""
    table = report(frame(events))
    dead = table[table["reason"] == "user_unknown"]
    assert set(dead["recommended_action"]) == {"remove"}


def test_a_refusal_read_twice_counts_once_and_the_order_makes_no_difference():
    """Incidents come from a merge that is associative, commutative and idempotent."""
    events = [refusal(number, hours=number) for number in range(8)]
    whole = incidents(frame(events))
    parts = [partial(frame(events[start : start + 3])) for start in (0, 2, 5)]
    random.Random(1).shuffle(parts)
    merged = merge(merge(parts[0], parts[1]), parts[2], parts[0])
    pd.testing.assert_frame_equal(find(merged, advise.load()).table, whole)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(list(Reason)), st.floats(0, 500), st.sampled_from([Kind.FAILURE, Kind.DELAY]), st.booleans()), max_size=40))
def test_whatever_comes_no_victim_of_ours_is_taken_off(rows):
    """Any mailbox has incidents, of which none counts more refusals than there are, and a member of an incident of ours is never removed."""
    made = [refusal(number, reason, hours if dated else None, kind=kind) for number, (reason, hours, kind, dated) in enumerate(rows)]
    events = frame(made)
    table, recipients = incidents(events), report(events)
    assert table["failures"].sum() <= len(made)
    for name, reason in zip(table["incident"], table["reason"], strict=True):
        members = recipients[recipients["incident"] == name]
        assert set(members["recommended_action"]) & {"remove", "correct_address"} == set(), reason


def test_repairs_are_all_causes_on_our_side_the_most_mail_first():
    """Also what is no wave; what recipients are to blame for is not ours."""
    events = frame([*unknown([50]), refusal(60, Reason.TLS_REQUIRED, said="530 5.7.0 Must issue STARTTLS"), *(refusal(n) for n in range(3))])
    table = repairs(events)
    assert table["reason"].tolist() == ["ip_blocked", "tls_required"]
    assert table["failures"].tolist() == [3, 1]


def test_the_page_of_repairs_names_causes_addresses_and_a_reply():
    """Markdown for whoever runs the servers; nothing of a reply becomes a link or a table cell."""
    evil = "554 5.7.1 [x](https://evil.example) | <img src=x> `rm`\n# blocked using zen.spamhaus.org 192.0.2.25"
    page = markdown(repairs(frame([refusal(number, said=evil) for number in range(3)])))
    assert "## 1. ip_blocked: Spamhaus (refusals: 3)" in page
    assert "- Our addresses that were named: 192.0.2.25" in page
    assert "| example.com | 3 | 3 | 2026-03-10 08:00 | 2026-03-10 08:00 |" in page
    assert [line for line in page.splitlines() if "evil.example" in line and not line.startswith("    ")] == []
    assert markdown(repairs(frame([]))) == "# What to mend on our side\n\nNo mail was refused for a cause on our side.\n"


def test_the_sample_shows_both_kinds():
    """samples/wave.mbox holds a wave for a block list, an outage, and two refusals that are neither."""
    events = bounces.read(Path(__file__).parent.parent / "samples" / "wave.mbox")
    waves = bounces.incidents(events)
    assert waves["provider"].tolist() == ["example.com", "example.net"]
    assert waves["reason"].tolist() == ["ip_blocked", "user_unknown"]
    assert waves["believed"].tolist() == [True, False]
    assert bounces.repairs(events)["reason"].tolist() == ["ip_blocked", "message_too_large"]
    assert (bounces.report(events)["recommended_action"] == "remove").sum() == 0


def test_tables_that_were_read_back_are_taken():
    """Times without a zone are UTC, 550.0 is 550, an index may repeat; and a column that is missing is named."""
    events = frame([refusal(number, reply_code="554") for number in range(5)])
    back = events.assign(received_at=events["received_at"].dt.tz_localize(None), reply_code=events["reply_code"].astype("float64"))
    again = pd.concat([back, back])
    assert len(incidents(again)) == 1
    assert set(report(again)["reply_code"]) == {"554"}
    with pytest.raises(SettingsError, match="no column 'retry_after'"):
        report(events.drop(columns="retry_after"))


def test_several_addresses_of_ours_are_listed_and_the_advice_names_none():
    """The sentence is about all of them."""
    table = incidents(frame([refusal(number, said=LISTED.replace(".25]", f".{number}]")) for number in range(1, 13)]))
    assert table["ips"].tolist() == ["; ".join(f"192.0.2.{number}" for number in range(1, 13))]
    assert "Our sending IP address is on the block list" in table["advice"].iloc[0]


def test_a_guess_makes_no_incident():
    """What only the statistics of words tell is nothing to write to a provider about."""
    assert incidents(frame([refusal(number, rule="opinion.ip-blocked") for number in range(9)])).empty


def test_a_policy_may_blame_the_sender_for_the_unknown(tmp_path):
    """Whatever it blames, an event is in one incident."""
    file = tmp_path / "mine.toml"
    file.write_text('[user_unknown]\nblame = "sender"\n', encoding="utf-8")
    sample = Path(__file__).parent.parent / "samples" / "wave.mbox"
    events = bounces.read(sample, policy=str(file))
    assert bounces.report(events, policy=str(file))["incident"].nunique() == 2


def test_the_victims_of_an_outage_are_told_so():
    """Their advice is the incident's."""
    events = frame([*unknown(range(10)), *(alive(100 + number, f"reader{number}@example.com", -24) for number in range(3))])
    assert set(report(events)["advice"]) == set(incidents(events)["advice"])
