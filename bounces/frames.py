"""Events in, a DataFrame out: a row for each recipient of each message."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from bounces import analyze
from bounces.crosswalk import crosswalk, reason_column
from bounces.fields import kept_column
from bounces.jobs import cut
from bounces.model import Action, Blame, BounceType, Confidence, Event, Kind, Permanence, Reason, RecipientSource, RecommendedAction
from bounces.settings import checked
from bounces.sources import chunks as plan

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence
    from pathlib import Path

TIME = "datetime64[us, UTC]"
WORDS = {
    "kind": Kind,
    "action": Action,
    "recipient_source": RecipientSource,
    "reason": Reason,
    "permanence": Permanence,
    "bounce_type": BounceType,
    "blame": Blame,
    "recommended_action": RecommendedAction,
    "confidence": Confidence,
}
CATEGORIES = {name: pd.CategoricalDtype([str(word) for word in words]) for name, words in WORDS.items()}
LISTS = pd.ArrowDtype(pa.list_(pa.string()))
EVENT_COLUMNS: dict[str, Any] = {
    each.name: CATEGORIES.get(each.name) or (TIME if each.name.endswith(("_at", "_after")) else LISTS if each.name == "defects" else "str")
    for each in fields(Event)
    if each.name != "kept"
}


def frame(
    events: Iterable[Event], keep_headers: Sequence[str] = (), names: Sequence[str] = (), *, only: Container[str] = EVENT_COLUMNS
) -> pd.DataFrame:
    """Return events as a DataFrame: one row each, the columns of `Event`, one for each header field that was kept, one for each of `names`.

    Closed vocabularies are categories, times datetime64[us, UTC], `defects` lists of strings, all else strings; the same columns and
    dtypes for an empty mailbox. Absent is NA. `only` are the columns of `Event` that are wanted.
    """
    rows = list(events)
    columns = {name: _column([getattr(row, name) for row in rows], dtype) for name, dtype in EVENT_COLUMNS.items() if name in only}
    kept = {kept_column(name): _column([row.kept[number] for row in rows], "str") for number, name in enumerate(keep_headers)}
    called = {reason_column(name): _column([crosswalk(row, name) for row in rows], "str") for name in names}
    return pd.DataFrame(columns | kept | called)


def _column(values: list[Any], dtype: Any) -> Any:
    """Make a column; lone surrogates, which Arrow can't hold, are replaced."""
    if dtype == TIME:
        return pd.Series(pd.DatetimeIndex([value and value.replace(tzinfo=None) for value in values], dtype="datetime64[us]").tz_localize("UTC"))
    if dtype == "str":
        values = [value if value is None or value.isascii() else value.encode("utf-8", "replace").decode() for value in values]
    if dtype is LISTS:
        values = [[one.encode("utf-8", "replace").decode() for one in value] for value in values]
    return pd.Series(values, dtype=dtype)


def read(  # noqa: PLR0913  (the settings of a run, each by its name)
    *sources: str | Path,
    policy: str = "list",
    rules: Iterable[str] = (),
    verp: Iterable[str] = (),
    keep_headers: Iterable[str] = (),
    names: Iterable[str] = (),
    jobs: int | str = 1,
) -> pd.DataFrame:
    """Read mail and return its events: a DataFrame with a row for each recipient of each message, as `frame` makes it.

    A source is an mbox, a Maildir, a message, a folder or an archive of these, any of them compressed, or a URL of one. `policy` and
    `rules` decide; `verp` are templates of our own return paths ("bounces+{local}={domain}@example.org"), `keep_headers` names of header
    fields of the returned message: each is a column, "X-Campaign-Id" `returned_x_campaign_id`; `names` are systems whose words for the
    reason are columns, too, "sisimai" `reason_sisimai` (see `bounces.crosswalk`); `jobs` is how many processes read, "auto" as many as
    pay: a script needs its `if __name__ == "__main__":` for more than one. Raise SourceError for a source that isn't there, PolicyError,
    RuleError or SettingsError for an option that isn't valid.
    """
    settings = checked(policy, rules, verp, keep_headers, names)
    chunks = (chunk for source in sources for chunk in plan(str(source), size=cut(jobs)))
    return frame(analyze.found(chunks, settings, jobs), settings.keep_headers, settings.names)
