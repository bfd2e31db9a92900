"""Rows of events as they come, or DataFrames, in; Arrow tables of bounded size out, all of one schema."""

from __future__ import annotations

import re
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from bounces.model import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd

ROWS = 5_000  # rows in memory at once, and in a row group of Parquet
STEP = 1_000  # rows that are Python's objects at once: these are many times as large


def of_events(names: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> tuple[pa.Schema, Iterator[pa.Table]]:
    """Return rows of events, as they come, as Arrow tables; `names` are those of the columns."""
    types = {"datetime | None": pa.timestamp("us", "UTC"), "tuple[str, ...]": pa.list_(pa.string())}
    schema = pa.schema([(name, types.get(Event.__annotations__.get(name, ""), pa.string())) for name in names])
    few = iter(lambda: list(islice(rows, STEP)), [])
    steps = (pa.record_batch([list(map(storable, column)) for column in zip(*step, strict=True)], schema) for step in few)
    groups = iter(lambda: list(islice(steps, max(ROWS // STEP, 1))), [])
    return schema, (pa.Table.from_batches(group) for group in groups)


def of_frames(frames: Iterable[pd.DataFrame]) -> tuple[pa.Schema, Iterator[pa.Table]]:
    """Return frames, at least one and all of the same columns and dtypes, as Arrow tables of Parquet's plain types."""
    coming = map(_table, frames)
    first = next(coming)
    plain = dict.fromkeys(("dictionary", "null", "large_string"), pa.string()) | {"timestamp": pa.timestamp("us", "UTC")}
    plain |= dict.fromkeys(("list", "large_list"), pa.list_(pa.string()))
    kinds = (re.split(r"[<\[]", str(kind))[0] for kind in first.schema.types)
    # the metadata let pandas read Int64 as Int64; but it can't read the names that it gives to Arrow's own types
    metadata = {"pandas": re.sub(rb'"numpy_type": "[^"]*\[pyarrow\]"', b'"numpy_type": "object"', first.schema.metadata[b"pandas"])}
    schema = pa.schema(zip(first.column_names, map(plain.get, kinds, first.schema.types), strict=True), metadata)
    return schema, (table.cast(schema, safe=False) for table in _regrouped(chain([first], coming)))


def _table(frame: pd.DataFrame) -> pa.Table:
    """Return a frame as a table; a named index becomes columns."""
    frame = frame.reset_index(drop=all(name is None for name in frame.index.names))
    for name, kind in frame.dtypes.items():
        if kind == "object":  # other text is UTF-8 already
            frame[name] = frame[name].map(storable)
    return pa.Table.from_pandas(frame, preserve_index=False)


def _regrouped(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the rows of tables in tables of ROWS rows, however they came."""
    held: list[pa.Table] = []
    for table in tables:
        held = [pa.concat_tables([*held, table])]
        for start in range(0, held[0].num_rows - ROWS + 1, ROWS):
            yield held[0].slice(start, ROWS).combine_chunks()
        held = [held[0].slice(held[0].num_rows // ROWS * ROWS)]
    if held and held[0].num_rows:
        yield held[0].combine_chunks()


def storable(value: Any) -> Any:
    """Return a value that Arrow can hold."""
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", "\ufffd", value)  # UTF-8 holds no lone surrogates
    return [storable(part) for part in value] if isinstance(value, (list, tuple)) else value
