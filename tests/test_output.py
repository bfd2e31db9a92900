import csv
import gzip
import io
import json
import os
import re
import stat
import subprocess
import sys
import tempfile
import threading
import weakref
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bounces import groups, output
from bounces.errors import OutputError, SourceError
from bounces.model import Action, Event, Kind, Reason

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
TYPES = [".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".json", ".json.gz", ".parquet", ".xlsx"]
ARRAYS = {".json", ".json.gz"}
NAMES = [field.name for field in fields(Event) if field.name != "kept"]
HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1",
    "\u00a0=1",
    "\u200b=1",
    "\ufeff=1",
    "＝1",
    "＠SUM(A1)",
    "'=1",
    "''=1",
    "' =1",
    "'",
    "it's",
    "a=1",
    'say "hi", you',
    "two\nlines",
    "carriage\rreturn",
    "two\r\nlines",
    "semi;colon",
    " padded ",
    "NA",
    "null",
    "https://example.com/",
    "internal:Sheet1!A1",
    "00123",
    "1e5",
    "_x0041_",
    "<b>&amp;</b>",
    "<r>",
    "<r><t>x</t></r>",
    "<r></t></is></c><c r='B2'><f>1+1</f></c><c><is><t></r>",
    "почта 😀",
]
EVENTS = [
    Event(
        event_id="1",
        origin="in.mbox#1",
        kind=Kind.FAILURE,
        action=Action.FAILED,
        recipient="user@example.com",
        reply_code="552",
        diagnostic_code='552 "full", twice',
        reason=Reason.MAILBOX_FULL,
        received_at=NOON,
        defects=("no boundary", "8-bit header"),
    ),
    Event(event_id="2", origin="in.mbox#2", kind=Kind.UNREADABLE),
]


def frame_of(values, name="text"):
    """Return a frame with a text column and a number beside it."""
    return pd.DataFrame({name: pd.array(values, dtype="string[pyarrow]"), "events": range(len(values))})


def typed_frame():
    """Return a frame with every kind of column that the recipients' table has."""
    return pd.DataFrame(
        {
            "recipient": pd.array(["a@example.com", "b@example.com", None], dtype="str"),
            "reason": pd.Categorical(["mailbox_full", None, "user_unknown"]),
            "reply_code": pd.array(["552", None, "550"], dtype="string[pyarrow]"),
            "events": pd.array([3, None, 10_000_000], dtype="Int64"),
            "days": [1, 2, 3],
            "last_seen": pd.Series([NOON, None, NOON + timedelta(microseconds=5)], dtype="datetime64[us, UTC]"),
            "defects": pd.Series([("one", "two"), (), None], dtype=object),
            "lists": pd.Series([["one"], [], None], dtype=pd.ArrowDtype(pa.list_(pa.string()))),
        }
    )


def read_csv(path):
    """Return the rows of a CSV, the header first."""
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.reader(io.StringIO(text.decode(), newline="")))


def read_sheet(path):
    """Return the rows of a workbook's one sheet, the header first."""
    book = openpyxl.load_workbook(path)
    assert len(book.sheetnames) == 1
    return [list(row) for row in book.active.iter_rows(values_only=True)]


def left(folder):
    """Return the names of what is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_frame_reads_back_from_csv(tmp_path):
    """Integers, categories, times and lists have one spelling each; absent is an empty cell."""
    output.write(typed_frame(), str(tmp_path / "r.csv"))
    expected = (
        "recipient,reason,reply_code,events,days,last_seen,defects,lists\n"
        "a@example.com,mailbox_full,552,3,1,2026-01-31T12:00:00Z,one; two,one\n"
        "b@example.com,,,,2,,,\n"
        ",user_unknown,550,10000000,3,2026-01-31T12:00:00Z,,\n"
    )
    assert expected == (tmp_path / "r.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".jsonl.gz"])
def test_a_frame_reads_back_from_json(tmp_path, suffix):
    """JSON keeps lists and integers, and an absent value is null."""
    path = tmp_path / f"r{suffix}"
    output.write(typed_frame(), str(path))
    text = gzip.decompress(path.read_bytes()).decode() if suffix.endswith(".gz") else path.read_text(encoding="utf-8")
    rows = json.loads(text) if suffix == ".json" else [json.loads(line) for line in text.splitlines()]
    assert list(typed_frame().columns) == list(rows[0])
    assert list(rows[0].values()) == ["a@example.com", "mailbox_full", "552", 3, 1, "2026-01-31T12:00:00Z", ["one", "two"], ["one"]]
    assert list(rows[1].values()) == ["b@example.com", None, None, None, 2, None, [], []]
    assert list(rows[2].values()) == [None, "user_unknown", "550", 10_000_000, 3, "2026-01-31T12:00:00Z", None, None]


def test_a_frame_reads_back_from_parquet(tmp_path):
    """Parquet has plain types, and pandas reads the integers back as Int64."""
    path = tmp_path / "r.parquet"
    output.write(typed_frame(), str(path))
    text, lists = pa.string(), pa.list_(pa.string())
    assert [text, text, text, pa.int64(), pa.int64(), pa.timestamp("us", "UTC"), lists, lists] == pq.read_schema(path).types
    again = pd.read_parquet(path)
    assert [str(again[name].dtype) for name in ("events", "days", "last_seen")] == ["Int64", "int64", "datetime64[us, UTC]"]
    assert list(again.iloc[0])[:4] == ["a@example.com", "mailbox_full", "552", 3]
    assert pd.Timestamp(NOON + timedelta(microseconds=5)) == again["last_seen"][2]
    assert pq.read_table(path)["defects"].to_pylist() == [["one", "two"], [], None]


def test_a_frame_reads_back_from_xlsx(tmp_path):
    """A sheet has numbers, dates and text as such, a bold header that stays in sight, a filter and widths."""
    path = tmp_path / "r.xlsx"
    output.write(typed_frame(), str(path))
    rows = read_sheet(path)
    noon = NOON.replace(tzinfo=None)
    assert list(typed_frame().columns) == rows[0]
    assert ["a@example.com", "mailbox_full", "552", 3, 1, noon] == rows[1][:6]
    assert rows[1][6:] == ["one; two", "one"]
    assert rows[2][:6] == ["b@example.com", None, None, None, 2, None]
    assert isinstance(rows[1][3], int)
    sheet = openpyxl.load_workbook(path).active
    assert (sheet.title, sheet.freeze_panes, sheet.auto_filter.ref) == ("recipients", "A2", "A1:H4")
    assert sheet["A1"].font.bold
    assert not sheet["A2"].font.bold
    assert sheet["F2"].number_format == "yyyy-mm-dd hh:mm:ss"
    assert sheet.column_dimensions["A"].width > sheet.column_dimensions["B"].width > 15


@pytest.mark.parametrize("suffix", TYPES)
def test_events_are_written_and_counted(tmp_path, suffix):
    """Each type takes events as they come, with Event's fields in order, and says how many there were."""
    path = tmp_path / f"e{suffix}"
    assert output.write_events(iter(EVENTS), str(path)) == 2
    if suffix.startswith((".csv", ".xlsx")):
        rows = read_sheet(path) if suffix == ".xlsx" else read_csv(path)
        assert rows[0] == NAMES
        row = dict(zip(NAMES, rows[1], strict=True))
        assert (row["kind"], row["reason"], row["reply_code"], row["defects"]) == ("failure", "mailbox_full", "552", "no boundary; 8-bit header")
        assert (NOON.replace(tzinfo=None) if suffix == ".xlsx" else "2026-01-31T12:00:00Z") == row["received_at"]
        assert (None if suffix == ".xlsx" else "") == row["provider"]
    elif suffix == ".parquet":
        rows = pq.read_table(path).to_pylist()
        assert (
            list(rows[0]), rows[0]["kind"], rows[0]["received_at"], rows[0]["defects"],
        ) == (NAMES, "failure", NOON, ["no boundary", "8-bit header"])  # fmt: skip
    else:
        text = (gzip.decompress(path.read_bytes()) if suffix.endswith(".gz") else path.read_bytes()).decode()
        rows = json.loads(text) if suffix in ARRAYS else [json.loads(line) for line in text.splitlines()]
        assert (
            list(rows[0]), rows[0]["kind"], rows[0]["received_at"], rows[0]["defects"], rows[0]["provider"],
        ) == (NAMES, "failure", "2026-01-31T12:00:00Z", ["no boundary", "8-bit header"], None)  # fmt: skip
        assert rows[1]["defects"] == []
    assert [f"e{suffix}"] == left(tmp_path)


def test_parquet_of_events_has_one_schema(tmp_path, monkeypatch):
    """The types don't depend on what is absent, and rows stand in groups."""
    monkeypatch.setattr(groups, "ROWS", 2)
    monkeypatch.setattr(groups, "STEP", 1)
    paths = [tmp_path / name for name in ("none.parquet", "one.parquet", "five.parquet")]
    for number, path in zip((0, 1, 5), paths, strict=True):
        assert number == output.write_events(iter(EVENTS[1:] * number), str(path))
    assert len({str(pq.read_schema(path)) for path in paths}) == 1
    assert pq.ParquetFile(paths[2]).num_row_groups == 3
    assert pa.timestamp("us", "UTC") == pq.read_schema(paths[0]).field("sent_at").type
    assert pa.list_(pa.string()) == pq.read_schema(paths[0]).field("defects").type


def test_absent_and_empty_text_stay_apart_in_parquet(tmp_path):
    """From events and from frames; in CSV both are an empty cell, as documented."""
    made = [Event("1", "a", Kind.DELIVERY, subject=""), Event("2", "b", Kind.DELIVERY)]
    for suffix in (".parquet", ".csv", ".jsonl"):
        output.write_events(made, str(tmp_path / f"e{suffix}"))
        output.write(frame_of(["", None]), str(tmp_path / f"f{suffix}"))
    assert pq.read_table(tmp_path / "e.parquet")["subject"].to_pylist() == pq.read_table(tmp_path / "f.parquet")["text"].to_pylist() == ["", None]
    assert pd.read_parquet(tmp_path / "f.parquet")["text"].isna().tolist() == [False, True]
    assert [json.loads(line)["subject"] for line in (tmp_path / "e.jsonl").read_text(encoding="utf-8").splitlines()] == ["", None]
    assert read_csv(tmp_path / "f.csv") == [["text", "events"], ["", "0"], ["", "1"]]


def test_a_group_of_rows_is_made_of_small_steps(monkeypatch):
    """A group is there as soon as its rows have come, and no row more is read."""
    monkeypatch.setattr(groups, "ROWS", 4)
    monkeypatch.setattr(groups, "STEP", 2)
    read = []
    _, parts = groups.of_events(["event_id"], ((str(number),) for number in range(11) if not read.append(number)))
    assert [(part.num_rows, len(read)) for part in parts] == [(4, 4), (4, 8), (3, 11)]


@pytest.mark.parametrize("suffix", TYPES)
def test_nothing_is_a_table_without_rows(tmp_path, suffix):
    """No events, and a frame without rows, make a valid file with its header."""
    events, frame = tmp_path / f"e{suffix}", tmp_path / f"f{suffix}"
    assert output.write_events(iter(()), str(events)) == 0
    output.write(typed_frame().iloc[:0], str(frame))
    for path, names in ((events, NAMES), (frame, list(typed_frame().columns))):
        if suffix.startswith(".csv"):
            assert [names] == read_csv(path)
        elif suffix == ".xlsx":
            assert [names] == read_sheet(path)
        elif suffix == ".parquet":
            assert (names, 0) == (pq.read_schema(path).names, pq.read_table(path).num_rows)
        else:
            data = gzip.decompress(path.read_bytes()) if suffix.endswith(".gz") else path.read_bytes()
            assert json.loads(data) == [] if suffix in ARRAYS else data == b""


def test_columns_without_any_value(tmp_path):
    """A column in which everything is absent is text in Parquet and empty in CSV."""
    frame = pd.DataFrame({"a": pd.Series([None, None], dtype=object), "b": [1, 2], "c": pd.Series([[], []], dtype=object)})
    output.write(frame, str(tmp_path / "f.parquet"))
    output.write(frame, str(tmp_path / "f.csv"))
    assert [pa.string(), pa.int64(), pa.list_(pa.string())] == pq.read_schema(tmp_path / "f.parquet").types
    assert (tmp_path / "f.csv").read_text(encoding="utf-8") == "a,b,c\n,1,\n,2,\n"


def test_one_column_has_no_empty_lines(tmp_path):
    """An absent cell alone in its line is quoted: readers skip empty lines."""
    output.write(pd.DataFrame({"recipient": ["a@example.com", None]}), str(tmp_path / "r.csv"))
    assert (tmp_path / "r.csv").read_text(encoding="utf-8") == 'recipient\na@example.com\n""\n'


def test_many_parts_make_one_table(tmp_path, monkeypatch):
    """A frame is written part by part, and no row is lost or out of order; also where its columns are in many chunks."""
    monkeypatch.setattr(groups, "ROWS", 7)
    frame = pd.concat([frame_of([f"user{number}", None, "=1"]) for number in range(20)], ignore_index=True)
    for suffix in TYPES:
        output.write(frame, str(tmp_path / f"f{suffix}"))
    expected = [(text if pd.notna(text) else None, number) for text, number in zip(frame["text"], frame["events"], strict=True)]
    rows = read_csv(tmp_path / "f.csv")[1:]
    assert [(output.guard(text or ""), str(number)) for text, number in expected] == [tuple(row) for row in rows]
    assert expected == [tuple(json.loads(line).values()) for line in (tmp_path / "f.jsonl").read_text(encoding="utf-8").splitlines()]
    assert expected == [tuple(row.values()) for row in pq.read_table(tmp_path / "f.parquet").to_pylist()]
    assert len(expected) + 1 == len(read_sheet(tmp_path / "f.xlsx"))


@pytest.mark.parametrize("suffix", TYPES)
def test_a_table_may_come_in_slices(tmp_path, monkeypatch, suffix):
    """However it is cut, the file is the same, and so are its groups of rows; empty slices make no difference."""
    monkeypatch.setattr(groups, "ROWS", 7)
    frame = pd.concat([frame_of(["a", None, "=1"])] * 6, ignore_index=True).assign(kind=pd.Categorical(["x", "y"] * 9))
    whole, sliced = tmp_path / f"whole{suffix}", tmp_path / f"sliced{suffix}"
    output.write(frame, whole)
    output.write((frame.iloc[low:high] for low, high in ((0, 0), (0, 1), (1, 5), (5, 5), (5, len(frame)))), sliced)
    if suffix == ".parquet":
        assert pq.read_table(whole).equals(pq.read_table(sliced))
        assert pq.ParquetFile(whole).num_row_groups == pq.ParquetFile(sliced).num_row_groups > 1
    elif suffix == ".xlsx":
        assert read_sheet(whole) == read_sheet(sliced)
    elif suffix.endswith(".gz"):
        assert gzip.decompress(whole.read_bytes()) == gzip.decompress(sliced.read_bytes())
    else:
        assert whole.read_bytes() == sliced.read_bytes()


def test_a_named_index_becomes_a_column(tmp_path):
    """What an analyst grouped by is in the file; a nameless index says nothing and is left out."""
    frame = pd.DataFrame({"domain": ["b.example", "a.example", "a.example"], "events": [1, 2, 3]})
    output.write(frame.groupby("domain").sum(), str(tmp_path / "g.csv"))
    output.write(frame[frame["events"] > 1], str(tmp_path / "f.csv"))
    assert (tmp_path / "g.csv").read_text(encoding="utf-8") == "domain,events\na.example,5\nb.example,1\n"
    assert (tmp_path / "f.csv").read_text(encoding="utf-8") == "domain,events\na.example,2\na.example,3\n"


def test_numbers_are_numbers(tmp_path):
    """A negative number is no formula; what JSON can't say is null, and Excel gets it as text."""
    frame = pd.DataFrame({"a": [-1.5, float("inf")], "b": pd.array([-3, None], dtype="Int64"), "c": pd.Categorical([-7, 8])})
    for suffix in (".csv", ".jsonl", ".xlsx"):
        output.write(frame, str(tmp_path / f"f{suffix}"))
    assert read_csv(tmp_path / "f.csv") == [["a", "b", "c"], ["-1.5", "-3", "'-7"], ["inf", "", "8"]]
    first, second = (json.loads(line, parse_constant=pytest.fail) for line in (tmp_path / "f.jsonl").read_text(encoding="utf-8").splitlines())
    assert (first, second) == ({"a": -1.5, "b": -3, "c": "-7"}, {"a": None, "b": None, "c": "8"})
    assert read_sheet(tmp_path / "f.xlsx")[1:] == [[-1.5, -3, "'-7"], ["inf", None, "8"]]


def test_times_are_utc_seconds(tmp_path):
    """Other zones, naive times and fractions come to one spelling, from events and from frames; Parquet keeps the fraction."""
    elsewhere = datetime(2026, 1, 31, 14, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    old = datetime(1601, 1, 1, tzinfo=UTC)
    event = Event(event_id="1", origin="o", kind=Kind.FAILURE, sent_at=elsewhere, received_at=NOON.replace(tzinfo=None), retry_after=old)
    output.write_events([event], str(tmp_path / "e.csv"))
    output.write_events([event], str(tmp_path / "e.xlsx"))
    output.write_events([event], str(tmp_path / "e.parquet"))
    row = dict(zip(*read_csv(tmp_path / "e.csv"), strict=True))
    assert (row["sent_at"], row["received_at"], row["retry_after"]) == ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z", "1601-01-01T00:00:00Z")
    row = dict(zip(*read_sheet(tmp_path / "e.xlsx"), strict=True))
    assert (datetime(2026, 1, 31, 12), "1601-01-01T00:00:00Z") == (row["sent_at"], row["retry_after"])  # noqa: DTZ001
    row = pq.read_table(tmp_path / "e.parquet").to_pylist()[0]
    assert (elsewhere, NOON, old) == (row["sent_at"], row["received_at"], row["retry_after"])
    frame = pd.DataFrame({"a": pd.to_datetime([elsewhere]).tz_convert("Asia/Tokyo"), "b": pd.to_datetime([NOON.replace(tzinfo=None)])})
    output.write(frame, str(tmp_path / "f.csv"))
    assert (tmp_path / "f.csv").read_text(encoding="utf-8") == "a,b\n2026-01-31T12:00:00Z,2026-01-31T12:00:00Z\n"


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".json"])
def test_events_and_frames_are_written_alike(tmp_path, suffix):
    """The streaming writer and the one for frames agree to the byte, on hostile text, too."""
    texts = [*HOSTILE, None, "\x1b[31mred", "\x9b31m", "nul\x00", "del\x7f", "\ufffe"]
    events = [Event(event_id=str(number), origin="o", kind=Kind.FAILURE, subject=text, sent_at=NOON) for number, text in enumerate(texts)]
    rows = [{name: getattr(event, name) for name in NAMES} for event in events]
    frame = pd.DataFrame(rows, columns=NAMES).astype({"sent_at": "datetime64[us, UTC]", "subject": "str", "kind": "category"})
    output.write_events(events, str(tmp_path / f"e{suffix}"))
    output.write(frame, str(tmp_path / f"f{suffix}"))
    assert (tmp_path / f"e{suffix}").read_bytes() == (tmp_path / f"f{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_no_hostile_cell_is_a_formula_and_each_reads_back(tmp_path, suffix):
    """Guarded, no cell starts dangerously; unguarded, it is what it was."""
    path = tmp_path / f"f{suffix}"
    output.write(frame_of(HOSTILE), str(path))
    cells = [row[0] for row in (read_csv if suffix == ".csv" else read_sheet)(path)[1:]]
    if suffix == ".xlsx":  # xlsxwriter spells them as Excel does
        cells = [re.sub(r"_x([0-9A-F]{4})_", lambda code: chr(int(code[1], 16)), cell) for cell in cells]
    assert [cell for cell in cells if cell.lstrip()[:1] in tuple("=+-@＝＋－＠")] == []
    assert [output.unguard(cell) for cell in cells] == HOSTILE


def test_a_sheet_has_only_text_where_text_was(tmp_path):
    """No formula, no link and no raw XML comes out of text, in cells and in the header."""
    path = tmp_path / "f.xlsx"
    output.write(frame_of(HOSTILE, name="<r><t>=1</t></r>"), str(path))
    sheet = openpyxl.load_workbook(path).active
    assert {"inlineStr", "s"} >= {cell.data_type for cell in sheet["A"]}
    assert [cell for cell in sheet["A"] if cell.hyperlink] == []
    assert (len(HOSTILE) + 1, 2) == (sheet.max_row, sheet.max_column)
    assert sheet["A1"].value == "'<r><t>=1</t></r>"


def test_pandas_reads_the_csv_back_as_documented(tmp_path):
    """The recipe of the module's docstring gives every text again, and absent where it was absent."""
    output.write(frame_of([*HOSTILE, None]), str(tmp_path / "f.csv"))
    again = pd.read_csv(tmp_path / "f.csv", dtype=str, keep_default_na=False, na_values=[""], lineterminator="\n")
    texts = again["text"].map(output.unguard, na_action="ignore")
    assert list(texts[:-1]) == HOSTILE
    assert texts.isna().iloc[-1]


def test_what_cannot_be_printed_is_replaced_in_csv_and_xlsx(tmp_path):
    """Control characters would break a sheet or drive a terminal: U+FFFD; tab and line end stay. JSON escapes them."""
    text = "a\x00b\x1b[2Jc\x7fd\x9be\tf\ng"
    for suffix in (".csv", ".xlsx", ".jsonl", ".parquet"):
        output.write(frame_of([text]), str(tmp_path / f"f{suffix}"))
    assert "a�b�[2Jc�d�e\tf\ng" == read_csv(tmp_path / "f.csv")[1][0] == read_sheet(tmp_path / "f.xlsx")[1][0]
    raw = (tmp_path / "f.jsonl").read_text(encoding="utf-8")
    assert text == json.loads(raw)["text"]
    assert set() == {"\x00", "\x1b", "\x9b"} & set(raw)
    assert text == pq.read_table(tmp_path / "f.parquet")["text"][0].as_py()


@pytest.mark.parametrize("suffix", TYPES)
def test_lone_surrogates_crash_nothing(tmp_path, suffix):
    """What UTF-8 can't hold is replaced, in text and in lists, from events and from frames."""
    event = Event(event_id="1", origin="o", kind=Kind.FAILURE, subject="a\ud800", defects=("b\udcff",))
    frame = pd.DataFrame({"subject": pd.Series(["a\ud800", None], dtype=object), "defects": pd.Series([["b\udcff"], None], dtype=object)})
    for path in (tmp_path / f"e{suffix}", tmp_path / f"f{suffix}"):
        if path.name.startswith("e"):
            output.write_events([event], str(path))
        else:
            output.write(frame, str(path))
        if suffix == ".parquet":
            row = pq.read_table(path).to_pylist()[0]
        elif suffix in (".csv", ".csv.gz", ".xlsx"):
            header, first, *_ = read_sheet(path) if suffix == ".xlsx" else read_csv(path)
            row = dict(zip(header, first, strict=True))
            row["defects"] = [row["defects"]]
        else:
            text = (gzip.decompress(path.read_bytes()) if suffix.endswith(".gz") else path.read_bytes()).decode()
            row = json.loads(text)[0] if suffix in ARRAYS else json.loads(text.splitlines()[0])
        assert (row["subject"], row["defects"]) == ("a�", ["b�"])


TRICKY = st.text(alphabet=st.one_of(st.sampled_from("'=+-@ \t\r\n＝\u200b\x00<r>a\"',;"), st.characters()))


@given(TRICKY)
def test_unguard_undoes_guard(text):
    """Reading back is exact, for any text."""
    assert text == output.unguard(output.guard(text))


@given(TRICKY)
def test_guarded_text_never_starts_dangerously(text):
    """Neither at once nor after blanks; and text that was safe is left alone."""
    guarded = output.guard(text)
    assert guarded.lstrip()[:1] not in tuple("=+-@＝＋－＠")
    assert guarded[:1] not in tuple("\t\r\n")
    assert guarded in (text, "'" + text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(TRICKY.filter(lambda text: text and not output.UNPRINTABLE.search(text)), min_size=1, max_size=5))
def test_any_text_reads_back_from_csv(tmp_path, texts):
    """Column by column and row by row, any text comes out of a CSV as it went in."""
    output.write(frame_of(texts), str(tmp_path / "f.csv"))
    events = [Event(event_id="1", origin="o", kind=Kind.FAILURE, subject=text) for text in texts]
    output.write_events(events, str(tmp_path / "e.csv"))
    assert texts == [output.unguard(row[0]) for row in read_csv(tmp_path / "f.csv")[1:]]
    assert texts == [output.unguard(row[NAMES.index("subject")]) for row in read_csv(tmp_path / "e.csv")[1:]]


@pytest.mark.parametrize("suffix", TYPES)
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, suffix, error):
    """An iterator that fails after the first events changes nothing on the disk, nor in the folder for temporary files."""
    path, scratch = tmp_path / "out" / f"e{suffix}", tmp_path / "scratch"
    path.parent.mkdir()
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    path.write_bytes(b"old")

    def failing():
        yield from EVENTS
        raise error

    with pytest.raises(error):
        output.write_events(failing(), str(path))
    assert (path.read_bytes(), left(path.parent), left(scratch)) == (b"old", [path.name], [])


def test_a_file_does_not_appear_before_it_is_complete(tmp_path):
    """While events come, the old file stands and the new one has another name."""
    path = tmp_path / "e.jsonl"
    path.write_bytes(b"old")

    def looking():
        yield EVENTS[0]
        assert path.read_bytes() == b"old"
        assert len(left(tmp_path)) == 2

    output.write_events(looking(), str(path))
    assert (left(tmp_path), json.loads(path.read_bytes())["event_id"]) == (["e.jsonl"], "1")


def test_an_unreadable_source_is_not_blamed_on_the_output(tmp_path):
    """An OSError out of the events says that reading failed."""

    def failing():
        yield EVENTS[0]
        raise PermissionError(13, "Permission denied", "in.mbox")

    with pytest.raises(SourceError, match=r"in\.mbox"):
        output.write_events(failing(), str(tmp_path / "e.csv"))
    assert left(tmp_path) == []


def test_a_new_file_has_the_permissions_of_the_umask(tmp_path):
    """It is no private file, as temporary files are; one that replaces another keeps its mode."""
    old = os.umask(0o027)
    try:
        output.write_events(EVENTS, str(tmp_path / "e.csv"))
        assert stat.S_IMODE((tmp_path / "e.csv").stat().st_mode) == 0o640
        for mode in (0o600, 0o666):
            (tmp_path / "e.csv").chmod(mode)
            output.write_events(EVENTS, str(tmp_path / "e.csv"))
            assert mode == stat.S_IMODE((tmp_path / "e.csv").stat().st_mode)
    finally:
        os.umask(old)


@pytest.mark.parametrize("exists", [True, False])
def test_a_symbolic_link_stays(tmp_path, exists):
    """What it points to is replaced, in its own folder, or made."""
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "e.jsonl", tmp_path / "latest.jsonl"
    if exists:
        target.write_bytes(b"old")
    link.symlink_to(target)
    output.write_events(EVENTS, str(link))
    assert link.is_symlink()
    assert len(target.read_bytes().splitlines()) == 2
    assert (left(tmp_path / "far"), left(tmp_path)) == (["e.jsonl"], ["far", "latest.jsonl"])


def test_minus_is_csv_on_stdout(capsysbinary):
    """Frames and events go to stdout as CSV."""
    output.write(typed_frame()[["recipient", "days"]], "-")
    assert capsysbinary.readouterr().out == b"recipient,days\na@example.com,1\nb@example.com,2\n,3\n"
    assert output.write_events(EVENTS, "/dev/stdout") == 2
    assert len(capsysbinary.readouterr().out.splitlines()) == 3


def test_devices_and_fifos_are_written_directly(tmp_path):
    """They aren't replaced by files; one without a known suffix gets CSV."""
    output.write_events(EVENTS, "/dev/null")
    assert not Path("/dev/null").is_file()
    fifo, got = tmp_path / "pipe", []
    os.mkfifo(fifo)
    output.check(str(fifo))
    reader = threading.Thread(target=lambda: got.append(fifo.read_bytes()))
    reader.start()
    output.write_events(EVENTS, str(fifo))
    reader.join(10)
    assert len(got[0].splitlines()) == 3
    assert fifo.is_fifo()


@pytest.mark.parametrize("suffix", TYPES)
def test_a_full_disk_is_a_sentence(tmp_path, suffix):
    """The user reads what to do, for every type; nothing is raised at exit or when objects are collected."""
    link = tmp_path / f"e{suffix}"
    link.symlink_to("/dev/full")
    with pytest.raises(OutputError, match=rf"^{re.escape(str(link))}: the disk is full; "):
        output.write_events(EVENTS * 1000, str(link))


def test_a_reader_that_stops_is_no_error_of_the_output(tmp_path):
    """BrokenPipeError goes through, so that `bounces ... | head` can end in silence."""
    fifo = tmp_path / "pipe.csv"
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: fifo.open("rb").close())
    reader.start()
    with pytest.raises(BrokenPipeError):
        output.write_events(EVENTS * 10_000, str(fifo))
    reader.join(10)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("no/such/e.csv", "folder does not exist; create it or choose another path"),
        ("file.csv/e.csv", "folder does not exist; create it or choose another path"),
        ("folder", "is a folder; add a file name"),
        ("folder.csv", "is a folder; add a file name"),
        ("e.xls", "unknown file type '.xls'; known are .csv, .csv.gz, .jsonl, .jsonl.gz, .json, .json.gz, .parquet, .xlsx"),
        ("e.parquet.gz", "unknown file type '.gz'; known are"),
        ("e", "unknown file type ''; known are"),
        ("loop.csv", "Too many levels of symbolic links"),
        ("x" * 300 + ".csv", "File name too long"),
    ],
)
def test_a_path_that_cannot_be_written_is_known_before_the_work(tmp_path, name, sentence):
    """`check` and the writers say the same, naming the path, and leave nothing behind."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file.csv").touch()
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    before = left(tmp_path)
    events = (pytest.fail(str(number)) for number in range(1))
    for attempt in (output.check, lambda path: output.write_events(events, path), lambda path: output.write(typed_frame(), path)):
        with pytest.raises(OutputError, match=rf"^{re.escape(f'{tmp_path / name}: {sentence}')}"):
            attempt(str(tmp_path / name))
    assert before == left(tmp_path)


def test_check_passes_what_can_be_written_and_leaves_nothing(tmp_path):
    """A new file, one that is there, stdout, a device."""
    (tmp_path / "old.csv").write_bytes(b"old")
    for path in (*(str(tmp_path / f"new{suffix}") for suffix in TYPES), str(tmp_path / "OLD.CSV"), str(tmp_path / "old.csv"), "-", "/dev/null"):
        output.check(path)
    assert (left(tmp_path), (tmp_path / "old.csv").read_bytes()) == (["old.csv"], b"old")


def test_a_file_that_may_not_be_written_is_left_alone(tmp_path, monkeypatch):
    """Replacing would get round a write protection; root has to be told that there is one."""
    (tmp_path / "e.csv").write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda *_: False)
    for attempt in (output.check, lambda path: output.write_events(EVENTS, path)):
        with pytest.raises(OutputError, match="no permission to write it"):
            attempt(str(tmp_path / "e.csv"))
    assert (tmp_path / "e.csv").read_bytes() == b"old"


def test_a_sheet_that_is_too_long_is_refused(tmp_path, monkeypatch):
    """Excel would lose the rest of the rows: the sentence names types that hold them, and no file appears."""
    assert output.SHEET_ROWS + 1 == 1_048_576
    monkeypatch.setattr(output, "SHEET_ROWS", 3)
    assert output.write_events((EVENTS * 2)[:3], str(tmp_path / "fits.xlsx")) == 3
    with pytest.raises(OutputError, match=r"long\.xlsx: Excel holds 3 rows and there are more; write \.csv or \.parquet instead"):
        output.write_events(EVENTS * 2, str(tmp_path / "long.xlsx"))
    assert left(tmp_path) == ["fits.xlsx"]


def test_a_long_cell_fits_a_sheet(tmp_path):
    """A cell of Excel holds 32,767 characters; the rest is cut, without a warning."""
    output.write(frame_of(["x" * 40_000]), str(tmp_path / "f.xlsx"))
    assert len(read_sheet(tmp_path / "f.xlsx")[1][0]) == 32_767


def test_a_path_may_be_a_path(tmp_path):
    """Notebooks have Path objects."""
    output.check(tmp_path / "e.CSV")
    assert output.write_events(EVENTS, tmp_path / "e.CSV") == 2
    assert len(read_csv(tmp_path / "e.CSV")) == 3


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "json", "xlsx"])
def test_streaming_needs_neither_pandas_nor_pyarrow(tmp_path, suffix):
    """Importing the module loads no library for tables, and streaming to any type but Parquet none that is slow."""
    code = (
        "import sys; from bounces import output; from bounces.model import Event, Kind; "
        "assert not {'pandas', 'pyarrow', 'xlsxwriter'} & set(sys.modules); "
        f"output.write_events([Event('1', 'o', Kind.FAILURE)], {str(tmp_path / f'e.{suffix}')!r}); "
        "print(sorted({'pandas', 'pyarrow', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert (tmp_path / f"e.{suffix}").exists()


def test_streaming_holds_one_event_at_a_time(tmp_path):
    """Memory doesn't grow with events: an event is gone when the second next one comes."""

    class Traced(Event):
        __slots__ = ("__weakref__",)

    alive = []

    def events():
        for number in range(200):
            event = Traced(str(number), "o", Kind.FAILURE)
            alive.append(weakref.ref(event))
            yield event
            del event
            assert sum(ref() is not None for ref in alive) <= 2

    for suffix in (".jsonl", ".csv", ".json", ".xlsx"):
        alive.clear()
        assert output.write_events(events(), str(tmp_path / f"e{suffix}")) == 200
