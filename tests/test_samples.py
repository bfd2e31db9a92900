import json
from pathlib import Path

import pytest

from bounces import mime
from bounces.analyze import analyze
from bounces.decode import claimers, decode
from bounces.model import Event, Kind, Raw

SAMPLES = Path(__file__).parent.parent / "samples"
NOTICES = sorted(SAMPLES.glob("*/*.eml"))
FIELDS = [name for name in Event.__slots__ if name not in {"origin", "kept"}]
# what a person writes; --accept fills in the rest
BY_HAND = "kind action recipient final_recipient reply_code status reason permanence bounce_type blame recommended_action format".split()


def rows(data):
    """Return the events of a message as a golden holds them; the origin is where it was read, so it stays out."""
    events = analyze(Raw("-", data))
    return [{name: plain(getattr(event, name)) for name in FIELDS} for event in events]


def plain(value):
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if hasattr(value, "strftime") else list(value) if isinstance(value, tuple) else value and str(value)


def test_there_are_samples():
    """The walk finds notices, in many layouts, and each has its golden."""
    assert len(NOTICES) >= 300
    assert len({path.parent.name for path in NOTICES}) >= 90
    assert [path for path in NOTICES if not path.with_suffix(".json").exists()] == []
    assert [path for path in SAMPLES.glob("*/*.json") if not path.with_suffix(".eml").exists()] == []


@pytest.mark.parametrize("path", NOTICES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_sample_gives_its_golden(path, request):
    """What a notice says and means is what its golden has; with --accept the program fills in the rest."""
    golden = path.with_suffix(".json")
    expected, found = json.loads(golden.read_text(encoding="utf-8")), rows(path.read_bytes())
    if request.config.getoption("--accept"):
        by_hand = [{name: row[name] for name in BY_HAND if name in row} for row in expected]
        filled = [found_row | written for written, found_row in zip(by_hand, found, strict=True)]
        ordered = [{name: row[name] for name in FIELDS} for row in filled]
        golden.write_text(json.dumps(ordered, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        expected = ordered
    assert found == expected


@pytest.mark.parametrize("path", NOTICES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_line_ends_make_no_difference(path):
    """LF, CRLF and CR give the same events."""
    lf = path.read_bytes().replace(b"\r\n", b"\n")
    assert rows(lf.replace(b"\n", b"\r\n")) == rows(lf)
    assert rows(lf.replace(b"\n", b"\r")) == rows(lf)


@pytest.mark.parametrize("path", NOTICES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_sample_has_two_claimers_and_a_claim_yields_attempts(path):
    """There is no order among formats, so at most one may claim, and it must find a recipient."""
    message = mime.parse(path.read_bytes())
    claimed = tuple(claimers(message))
    assert len(claimed) <= 1
    if claimed:
        assert decode(message).attempts


def test_ordinary_mail_is_no_notice():
    """Newsletters, lists and people who quote a bounce are left alone."""
    paths = sorted((SAMPLES / "ordinary").glob("*.eml"))
    assert paths
    assert {path.stem: analyze(Raw("-", path.read_bytes()))[0].kind for path in paths} == dict.fromkeys(
        (path.stem for path in paths), Kind.UNRECOGNIZED
    )
