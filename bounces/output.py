"""DataFrames or Events in, file out, whole or not at all; the path's suffix says the type, "-" is CSV on stdout.

Text comes from strangers. No cell of CSV or XLSX can run as a formula: `guard` puts a ' before text that could, and characters that
can't be printed become U+FFFD. JSON and Parquet hold the text as it is; only lone surrogates, which no UTF-8 holds, become U+FFFD.

Reading a CSV back: an empty cell is absent, or empty text, which only JSON and Parquet tell apart, and `unguard` takes the ' away:
`pandas.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])`, then `column.map(unguard, na_action="ignore")`. Times are UTC in
whole seconds, "2026-01-31T12:00:00Z" (in Parquet microseconds); a list is joined by "; " in CSV and XLSX.
"""

from __future__ import annotations

import errno
import gzip
import json
import math
import os
import re
import stat
import sys
from contextlib import closing, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from itertools import chain, repeat
from operator import attrgetter
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any, cast

from bounces.crosswalk import crosswalk, reason_column
from bounces.errors import OutputError, SourceError
from bounces.fields import kept_column
from bounces.model import Event
from bounces.pattern import late
from bounces.wholefile import explained, located, probe, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pandas as pd
    import pyarrow as pa

TYPES = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".json", ".json.gz", ".parquet", ".xlsx")
JSON = (".json", ".json.gz", ".jsonl", ".jsonl.gz")
STDOUT = ("-", "/dev/stdout")
SHEET_ROWS = 1_048_575  # what Excel holds below the header
LONG = frozenset({"recipient", "final_recipient", "advice", "diagnostic_code", "origin", "subject", "template"})  # wide columns of XLSX
FIELDS = tuple(name for name in Event.__annotations__ if name != "kept")

# before a formula a spreadsheet may skip spaces, controls, characters without width; text from <r> to </r> xlsxwriter writes as raw XML
BLANK = r"[\s\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]"
RISKY = late(rf"'*+(?:[\t\r\n]|{BLANK}*+[=+\-@＝＋－＠﹦﹢﹣﹫−]|<r>)")
UNPRINTABLE = late("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
BARE = late("[\x80-\x9f\ud800-\udfff]")  # what JSON leaves unescaped: controls that a terminal may obey, lone surrogates
PLAIN = re.compile(r"(?:[0-9A-Za-z][ !#-+\--~]*)?")  # what most cells are: text that stands in CSV as it is
QUOTED = r'[",\r\n]'  # text that needs quotes, and text that may need more; for RE2, too
ODD = r"^[^0-9A-Za-z]|[^\t\r\n -~]"
ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, default=lambda value: _text(value))  # noqa: PLW0108  (it stands below)


def write(table: pd.DataFrame | Iterable[pd.DataFrame], path: str | os.PathLike[str]) -> None:
    """Write a frame as a file of the type that the path's suffix names; a named index becomes columns, another is left out.

    A table may come in slices, at least one, all of the same columns and dtypes: few are held at once. Categories are written as text. Raises
    OutputError for path or disk, ValueError for a column of mixed types or a name that comes twice.
    """
    import pandas as pd  # noqa: PLC0415

    from bounces import groups  # noqa: PLC0415  (it loads pyarrow)

    with _opened(path) as (file, kind):
        schema, parts = groups.of_frames([table] if isinstance(table, pd.DataFrame) else table)
        if kind == ".parquet":
            _write_parquet(file, schema, parts)
        elif kind == ".csv" and len(schema) > 1:
            steps = (part.slice(start, groups.STEP) for part in parts for start in range(0, part.num_rows, groups.STEP))
            file.writelines(chain([_csv_line(schema.names)], map(_csv_lines, steps)))
        else:
            rows = chain.from_iterable(zip(*(column.to_pylist() for column in part.columns), strict=True) for part in parts)
            _write_rows(file, kind, schema.names, rows)


def write_events(events: Iterable[Event], path: str | os.PathLike[str], keep_headers: Sequence[str] = (), names: Sequence[str] = ()) -> int:
    """Write events as they come, in constant memory, and return how many; only Parquet loads pyarrow, which loads pandas.

    `keep_headers` are the header fields that the events were told to keep, `names` the systems whose words for the reason are added.
    Errors as in `write`, and as in `reading`; then no file is left.
    """
    written, fields = 0, attrgetter(*FIELDS)
    columns = (*FIELDS, *map(kept_column, keep_headers), *map(reason_column, names))

    def rows() -> Iterator[tuple[Any, ...]]:
        nonlocal written
        for written, event in enumerate(reading(events), 1):  # noqa: B007  (it is returned)
            yield (*fields(event), *event.kept, *(crosswalk(event, name) for name in names))

    with _opened(path) as (file, kind):
        if kind == ".parquet":
            from bounces import groups  # noqa: PLC0415  (it loads pyarrow)

            _write_parquet(file, *groups.of_events(columns, rows()))
        else:
            _write_rows(file, kind, columns, rows())
    return written


@contextmanager
def records(path: str | os.PathLike[str]) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Open a file of `JSON` for a block, and yield what appends an object to it; "-" is an array on stdout. Errors as in `write`."""
    with _opened(path, JSON) as (file, kind), _objects(file, kind) as append:

        def explaining(record: dict[str, Any]) -> None:
            with explained(path):  # here, for another file's block may be open, too
                append(record)

        yield explaining


def reading(events: Iterable[Event]) -> Iterator[Event]:
    """Yield events. What they raise passes, but an OSError becomes a SourceError: it would pass for an error of the output."""
    try:
        yield from events
    except OSError as error:
        raise SourceError(f"reading stopped, nothing was written: {error}") from error


def check(path: str | os.PathLike[str], types: Sequence[str] = TYPES) -> None:
    """Raise OutputError if a path can't be written: not one of the types, no such folder, no permission. Leaves nothing behind."""
    with explained(path):
        if place := _target(path, types)[1]:
            probe(place)


def guard(text: str) -> str:
    """Return text that no spreadsheet runs as a formula: after a ' if it could be one, even behind blanks or another '."""
    return f"'{text}" if RISKY.match(text) else text


def unguard(text: str) -> str:
    """Return what `guard` was given: strip one leading ' when what follows (after further ') starts with a dangerous character."""
    return text[1:] if text.startswith("'") and RISKY.match(text) else text


def _write_rows(file: IO[bytes], kind: str, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    if kind == ".xlsx":
        _write_sheet(file, names, rows)
    elif kind == ".csv":
        file.writelines(map(_csv_line, chain([names], rows)))
    else:
        with _objects(file, kind) as append:
            for row in rows:
                append(dict(zip(names, row, strict=True)))


@contextmanager
def _objects(file: IO[bytes], kind: str) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Yield what appends an object to a file of JSON lines, or to the array that a file of JSON holds."""
    lines = kind == ".jsonl"
    starts = repeat(b"") if lines else chain([b"[\n"], repeat(b",\n"))

    def append(record: dict[str, Any]) -> None:
        file.write(next(starts) + _json(record) + (b"\n" if lines else b""))

    yield append
    if not lines:
        file.write(b"[\n]\n" if next(starts) == b"[\n" else b"\n]\n")


def _json(record: dict[str, Any]) -> bytes:
    try:
        text = ENCODER.encode(record)
    except ValueError:  # a number that JSON doesn't know
        text = ENCODER.encode({name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in record.items()})
    return (text if text.isascii() else BARE.sub(lambda odd: f"\\u{ord(odd[0]):04x}" if odd[0] < "\xa0" else "\ufffd", text)).encode()


def _csv_line(row: Sequence[Any]) -> bytes:
    line = ",".join(map(_csv_cell, row))
    return f"{line}\n".encode() if line else b'""\n'  # readers skip an empty line


def _csv_cell(value: Any) -> str:
    text = _text(value)
    if isinstance(value, (int, float)) or PLAIN.fullmatch(text):
        return text
    text = _harmless(text)
    return '"' + text.replace('"', '""') + '"' if re.search(QUOTED, text) else text


def _harmless(text: str) -> str:
    return guard(UNPRINTABLE.sub("\ufffd", text))


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{(value if value.tzinfo is UTC else _utc(value)).isoformat()[:19]}Z"  # what follows the seconds is cut off
    return "" if value is None else "; ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _utc(value: datetime) -> datetime:
    """Return a time as Excel wants it: whole seconds of UTC, without a time zone."""
    return (value.astimezone(UTC) if value.tzinfo else value).replace(microsecond=0, tzinfo=None)


def _csv_lines(part: pa.Table) -> bytes:
    """Return the rows of a table as `_csv_line` would, but column by column: many times as fast."""
    import pyarrow as pa  # noqa: PLC0415  (like all of these: slow to import)
    import pyarrow.compute as pc  # noqa: PLC0415

    text, columns = pa.large_string(), []
    nothing, quote, comma, zulu = (pa.scalar(piece, text) for piece in ("", '"', ",", "Z"))
    for column in (column.combine_chunks() for column in part.columns):
        if pa.types.is_integer(column.type):
            cells = column.cast(text)
        elif pa.types.is_timestamp(column.type):
            seconds = column.cast(pa.timestamp("s", "UTC"), safe=False).cast(pa.timestamp("s"))  # without a zone thirty times faster
            cells = pc.binary_join_element_wise(pc.replace_substring(seconds.cast(text), " ", "T"), zulu, nothing)
        elif pa.types.is_string(column.type):
            cells = column.cast(text)
            split, odd = (pc.fill_null(pc.match_substring_regex(cells, sign), fill_value=False) for sign in (QUOTED, ODD))
            spelled = pa.array(map(_csv_cell, cells.filter(odd).to_pylist()), text)
            doubled = pc.replace_substring(cells.filter(split), '"', '""')
            cells = pc.replace_with_mask(cells, split, pc.binary_join_element_wise(quote, doubled, quote, nothing))
            cells = pc.replace_with_mask(cells, odd, spelled)
        else:
            cells = pa.array(map(_csv_cell, column.to_pylist()), text)
        columns.append(pc.fill_null(cells, ""))
    return "\n".join([*pc.binary_join_element_wise(*columns, comma).to_pylist(), ""]).encode()


def _write_sheet(file: IO[bytes], names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Write a workbook of one sheet, with a bold header that stays in sight and a filter."""
    from xlsxwriter.workbook import FileCreateError, Workbook  # noqa: PLC0415

    number = 0
    with TemporaryDirectory(prefix="bounces-") as folder:
        book = Workbook(f"{folder}/workbook", {"constant_memory": True, "tmpdir": folder, "default_date_format": "yyyy-mm-dd hh:mm:ss"})
        book.use_zip64()
        sheet = book.add_worksheet("events" if "event_id" in names else "recipients" if "recipient" in names else None)
        with closing(sheet.row_data_fh):  # xlsxwriter closes it only when all goes well
            for column, name in enumerate(names):
                sheet.set_column(column, column, 40 if name in LONG else 20)
                sheet.write_string(0, column, _harmless(name), book.add_format({"bold": True}))
            for number, row in enumerate(rows, 1):
                if number > SHEET_ROWS:
                    raise OSError(errno.EFBIG, f"Excel holds {SHEET_ROWS:,} rows and there are more; write .csv or .parquet instead")
                for column, value in enumerate(row):
                    _write_cell(sheet, number, column, value)
            sheet.freeze_panes(1, 0)
            sheet.autofilter(0, 0, number, max(len(names) - 1, 0))
            try:
                book.close()
            except FileCreateError as error:
                raise error.args[0] from None  # the OSError
        with Path(folder, "workbook").open("rb") as workbook:  # written aside: xlsxwriter makes noise when the disk is full
            copyfileobj(workbook, file)


def _write_cell(sheet: Any, row: int, column: int, value: Any) -> None:
    """Write a value by its type, never by what its text looks like: nothing becomes a formula or a link."""
    if isinstance(value, datetime) and value.year >= 1900:  # Excel knows no earlier date
        sheet.write_datetime(row, column, _utc(value))
    elif isinstance(value, (int, float)) and math.isfinite(value):
        sheet.write_number(row, column, value)
    elif value is not None:
        sheet.write_string(row, column, _harmless(_text(value)))


def _write_parquet(file: IO[bytes], schema: pa.Schema, parts: Iterable[pa.Table]) -> None:
    from pyarrow import parquet  # noqa: PLC0415

    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for part in parts:
            writer.write_table(part)


@contextmanager
def _opened(path: str | os.PathLike[str], types: Sequence[str] = TYPES) -> Iterator[tuple[IO[bytes], str]]:
    """Open a path for a block, and yield the file with its type; what was there stays unless the block ends well."""
    with explained(path):
        kind, place = _target(path, types)
        with whole(place) if place else nullcontext(sys.stdout.buffer) if path in STDOUT else Path(path).open("wb") as file:
            with gzip.GzipFile("", "wb", 6, file, 0) if kind.endswith(".gz") else nullcontext(file) as stream:
                yield cast("IO[bytes]", stream), kind.removesuffix(".gz")
            file.flush()


def _target(path: str | os.PathLike[str], types: Sequence[str]) -> tuple[str, Path | str | None]:
    """Return a file's type and place; a URL stays a text; the place of stdout, devices and FIFOs, which are written directly, is None.

    These have the first of the types when their names tell none.
    """
    place = Path(path)
    kind = next((known for known in types if place.name.lower().endswith(known)), None)
    if path in STDOUT or place.is_fifo() or place.is_char_device():
        return kind or types[0], None
    with suppress(FileNotFoundError):
        if stat.S_ISDIR(place.stat().st_mode):
            raise OSError(errno.EISDIR, "")
        if not os.access(place, os.W_OK):
            raise OSError(errno.EACCES, "")
    if kind is None:
        what = "unknown file type" if types is TYPES else "this format is not written as"
        raise OutputError(f"{path}: {what} {place.suffix!r}; known are {', '.join(types)}")
    return kind, located(path)
