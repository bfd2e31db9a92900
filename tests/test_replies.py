import tomllib
from pathlib import Path

import pytest

from bounces.analyze import classify
from bounces.model import Reason, RecommendedAction

REPLIES = tomllib.loads(Path(__file__).with_name("replies.toml").read_text(encoding="utf-8"))["reply"]
OFF = {RecommendedAction.REMOVE, RecommendedAction.CORRECT_ADDRESS}


@pytest.fixture(scope="module")
def judged():
    """Return each reply with what is made of it."""
    return [(reply, classify(reply["text"], reply.get("remote_mta"))) for reply in REPLIES]


def test_the_replies_are_well_formed():
    """Each names reasons that there are, and its source; no text stands twice."""
    assert len({reply["text"] for reply in REPLIES}) == len(REPLIES) > 1400
    for reply in REPLIES:
        assert set(reply["reason"]) <= set(Reason)
        assert reply["reason"]
        assert reply["source"]


def test_the_reason_of_nearly_all_is_right(judged):
    """What the rules do not know yet is less than a twentieth."""
    wrong = [(reply["text"], str(found.reason)) for reply, found in judged if found.reason not in reply["reason"]]
    assert len(wrong) < len(REPLIES) / 20, wrong


def test_nobody_alive_is_taken_off_for_a_wrong_reason(judged):
    """The error that costs most: an address that may live is removed, and not even the reason is right."""
    assert [
        (reply["text"], str(found.reason))
        for reply, found in judged
        if not reply["dead"] and found.recommended_action in OFF and found.reason not in reply["reason"]
    ] == []


def test_few_dead_addresses_stay(judged):
    """Of those that one reply proves dead, hardly one is kept."""
    kept = [reply["text"] for reply, found in judged if reply["dead"] and found.recommended_action not in OFF]
    assert len(kept) <= 0.025 * sum(reply["dead"] for reply in REPLIES), kept
