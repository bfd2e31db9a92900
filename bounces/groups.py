"""Rows of events as they come, or a DataFrame, in; Arrow tables of bounded size out, all of one schema."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from bounces.model import Event

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

ROWS = 20_000  # rows in memory at once, and in a row group of Parquet
STEP = 1_000  # rows that are Python's objects at once: these are many times as large


def of_events(names: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> tuple[pa.Schema, Iterator[pa.Table]]:
    """Return rows of events, as they come, as Arrow tables; `names` are those of the columns."""
    types = {"datetime | None": pa.timestamp("us", "UTC"), "tuple[str, ...]": pa.list_(pa.string())}
    schema = pa.schema([(name, types.get(Event.__annotations__.get(name, ""), pa.string())) for name in names])
    few = iter(lambda: list(islice(rows, STEP)), [])
    steps = (pa.record_batch([list(map(storable, column)) for column in zip(*step, strict=True)], schema) for step in few)
    groups = iter(lambda: list(islice(steps, max(ROWS // STEP, 1))), [])
    return schema, (pa.Table.from_batches(group).combine_chunks() for group in groups)


def of_frame(frame: pd.DataFrame) -> tuple[pa.Schema, Iterator[pa.Table]]:
    """Return a frame as Arrow tables of Parquet's plain types."""
    frame = frame.reset_index(drop=all(name is None for name in frame.index.names))
    for name, kind in frame.dtypes.items():
        if kind == "object":  # other text is UTF-8 already
            frame[name] = frame[name].map(storable)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    plain = dict.fromkeys(("dictionary", "null", "large_string"), pa.string()) | {"timestamp": pa.timestamp("us", "UTC")}
    plain |= dict.fromkeys(("list", "large_list"), pa.list_(pa.string()))
    kinds = (re.split(r"[<\[]", str(kind))[0] for kind in table.schema.types)
    # the metadata let pandas read Int64 as Int64; but it can't read the names that it gives to Arrow's own types
    metadata = {"pandas": re.sub(rb'"numpy_type": "[^"]*\[pyarrow\]"', b'"numpy_type": "object"', table.schema.metadata[b"pandas"])}
    schema = pa.schema(zip(table.column_names, map(plain.get, kinds, table.schema.types), strict=True), metadata)
    return schema, (table.slice(start, ROWS).combine_chunks().cast(schema, safe=False) for start in range(0, table.num_rows, ROWS))


def storable(value: Any) -> Any:
    """Return a value that Arrow can hold."""
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", "\ufffd", value)  # UTF-8 holds no lone surrogates
    return [storable(part) for part in value] if isinstance(value, (list, tuple)) else value
