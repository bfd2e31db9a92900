"""A text that no specific rule knew in, two files out: an anonymised sample of its message, and a rule that a person fills in."""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from bounces import analyze, codes, rules, sources
from bounces.anonymize import anonymized, template
from bounces.classify import classify
from bounces.errors import OutputError, SettingsError, SourceError
from bounces.folding import fold
from bounces.model import Attempt, Reason
from bounces.printable import printable
from bounces.rulecheck import rule_set
from bounces.rules.match import RuleSet
from bounces.wholefile import explained, whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bounces.model import Raw
    from bounces.settings import Settings
    from bounces.unknown import Group, Queue

NO_FAILURES = {Reason.UNKNOWN, Reason.AUTO_REPLY, Reason.COMPLAINT}
WIDTH = 140  # characters of a comment
WORDS, LETTERS = 10, 60  # of a phrase's part
TRIED = 8  # phrases
NAME_WORDS = 6  # of the files' name
LONGEST = 400  # characters of an example, where that is enough for the phrase
SENTENCE = re.compile(r"(?<=[.!?;])\s+|(?<=[。！？；])|…|[*|]")
EDGE = " \t.,:;!?()[]{}<>\"'«»“”„-–—=/\\。、，：；（）「」"


@dataclass(frozen=True, slots=True)
class Stub:
    """What was written: the files, whether the sample reads as the message did, and whether the rule decides its example."""

    sample: Path
    rule: Path
    same: bool
    loads: bool


def write(queue: Queue, number: int, folder: str, mail: Sequence[str], settings: Settings) -> Stub:
    """Write sample and rule for the Nth text of a queue into a folder, which is made if it isn't there.

    Raise SettingsError when there are fewer texts, SourceError when the message can't be read again, OutputError when a file is there already.
    """
    groups = queue.groups()
    if number > len(groups):
        raise SettingsError(f"--stub {number}: there {'is only 1 text' if len(groups) == 1 else f'are only {len(groups)} texts'}; choose one of them")
    group = groups[number - 1]
    raw = _found(group.origin, mail)
    copy = anonymized(raw, settings)
    place = _place(group, raw, settings)
    said = copy.events[place].diagnostic_code if copy.same else None
    masked = printable(template.of_event(copy.events[place]) if copy.same else group.template)
    name = _name(masked)
    sample, rule = Path(folder, f"{name}.eml"), Path(folder, f"{name}.toml")
    draft = _Draft(name, masked, codes.plain(printable(said or group.template)), sample, group)
    with explained(folder):
        Path(folder).mkdir(parents=True, exist_ok=True)
    for path in (sample, rule):
        if path.exists():
            raise OutputError(f"{path}: is there already, and nothing is overwritten; move it away, or choose another folder")
    text, loads = draft.written(settings)
    for path, data in ((sample, copy.data), (rule, text.encode("utf-8", "replace"))):
        with explained(path), whole(path) as file:
            file.write(data)
    return Stub(sample, rule, copy.same, loads)


def _found(origin: str, mail: Sequence[str]) -> Raw:
    """Read a message again."""
    if "-" in mail and origin.rpartition("#")[0] in {"", "-"}:
        raise SourceError("-: standard input can't be read twice; --stub needs the mail as a file")
    for source in mail:
        try:
            for chunk in sources.chunks(source, skipped=lambda *_: None):
                if {origin, origin.rpartition("#")[0]}.intersection(chunk.origins):
                    found = next((raw for raw in sources.read(chunk) if raw.origin == origin), None)
                    if found is not None:
                        return found
        except SourceError:
            continue  # the run has named it already
    raise SourceError(f"{origin}: can't be read again; was it moved?")


def _place(group: Group, raw: Raw, settings: Settings) -> int:
    """Return which recipient of a message had the text."""
    found = analyze.trace(raw, settings)
    events = found.events if isinstance(found, analyze.Trace) else (found,)
    key = template.key(group.template)
    return next((place for place, event in enumerate(events) if template.key(template.of_event(event)) == key), 0)


def _name(masked: str) -> str:
    """Return a file's name for a template: its first words, or for one in another script a number of its own."""
    words = re.findall(r"[a-z0-9]+", fold(template.PLACE.sub(" ", masked)))
    if len("".join(words)) >= template.ENOUGH:
        return "-".join(words[:NAME_WORDS])
    return f"text-{blake2b(template.key(masked).encode('utf-8', 'replace'), digest_size=4).hexdigest()}"


@dataclass(frozen=True, slots=True)
class _Draft:
    """A rule in the making: what the server said, its template, and where the sample is."""

    name: str
    masked: str
    said: str
    sample: Path
    group: Group

    def written(self, settings: Settings) -> tuple[str, bool]:
        """Return the text of the rule file, and whether its rule decides the example, through the whole set."""
        ours = rule_set(settings.rules).rules
        short = self.said if len(self.said) <= LONGEST else self.said[: self.said.rfind(" ", LONGEST // 2, LONGEST)]
        phrases = list(_phrases(self.masked))[:TRIED] or [self.said]
        decided: str | None = None
        for phrase, example in ((phrase, example) for phrase in phrases for example in dict.fromkeys((short, self.said))):
            text = self._table(phrase, example)
            every = RuleSet((*ours, *rules.parse(text)), rules.languages)
            decided = classify(Attempt(diagnostic_code=example), every).rule
            if decided == self._ident:
                return text, True
        text = self._table(phrases[0], self.said)
        return f"# The example is decided by {decided or 'no rule'}: make the text more exact before you use this file.\n{text}", False

    @property
    def _ident(self) -> str:
        return f"own.{self.name}"

    def _table(self, phrase: str, example: str) -> str:
        """Return the rule as TOML."""
        reasons = ", ".join(reason for reason in Reason if reason not in NO_FAILURES)
        listed = textwrap.fill(f"The reasons: {reasons}", WIDTH, initial_indent="# ", subsequent_indent="#   ")
        return f"""\
# What does the server mean? Put the reason in, and shorten the text to the words that tell it ("*" alone is up to 60 characters).
# The codes alone ({" ".join(filter(None, self.group.code)) or "there is none"}) say {self.group.reason}.
{listed}
[[rule]]
id = {_quoted(self._ident)}
text = [{_quoted(phrase)}]
reason = "unknown"
source = {_quoted(str(self.sample))}
examples = [{_quoted(example)}]
"""


def _quoted(text: str) -> str:
    """Return a text as a string of TOML."""
    return json.dumps(printable(text), ensure_ascii=False)


def _phrases(masked: str) -> Iterator[str]:
    """Yield phrases for a template, the most telling first: its longest stretch of words, with the next one when it is short, then others."""
    parts = [part for part in _parts(masked) if sum(map(str.isalpha, part)) >= template.ENOUGH]
    longest = sorted(parts, key=lambda part: -sum(map(str.isalpha, part)))
    if longest and len(longest[0].split()) < 3:
        yield from (f"{one} * {other}" for one, other in pairwise(parts))
    yield from longest


def _shortened(sentence: str) -> str:
    """Return as many of a sentence's first words as a phrase's part may have; of what is written without spaces, as many letters."""
    words = sentence.split()[:WORDS]
    while len(words) > 1 and len(" ".join(words)) > LETTERS:
        words.pop()
    return " ".join(words)[:LETTERS]


def _parts(masked: str) -> Iterator[str]:
    """Yield the stretches of a template between masks and between sentences, each a legal part of a phrase."""
    position = 0
    for start, end in [*((place.start(), place.end()) for place in template.PLACE.finditer(masked)), (len(masked), len(masked))]:
        for sentence in SENTENCE.split(masked[position:start]):
            part = _shortened(sentence).strip(EDGE)
            yield f"{part}*" if part and masked[start - 1 : start].isalpha() and sentence.endswith(part) and end > start else part
        position = end
