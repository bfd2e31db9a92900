"""Two codes in, what sets them apart out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bounces.language import Said, say
from bounces.reference import code, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounces.reference import Code

KINDS = {2: Said("a success"), 3: Said("an answer that asks for more"), 4: Said("a failure for now"), 5: Said("a failure for good")}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two codes side by side, in one language; `differences` are sentences, the most telling first."""

    first: Code
    second: Code
    differences: tuple[str, ...]


def compare(first: str, second: str, *, lang: str = "en") -> Comparison:
    """Return what sets two codes apart: `compare("220", "552")`; basic and enhanced ones mix. Raise SettingsError as `code` does."""
    one, other = code(first, lang=lang), code(second, lang=lang)
    written = next((pair[lang] for pair in table("pairs")["pair"] if set(pair["codes"]) == {one.code, other.code}), ())
    return Comparison(one, other, (*written, *(say(sentence, lang) for sentence in _computed(one, other, by_hand=bool(written)))))


def _computed(one: Code, other: Code, *, by_hand: bool) -> Iterator[Said]:
    """Yield what the facts tell; of what somebody wrote by hand nothing is said again."""
    if one.code == other.code:
        yield Said("Both are {code}.", code=one.code)
        return
    if one.enhanced != other.enhanced:
        reply, status = (other, one) if one.enhanced else (one, other)
        yield Said(
            "{reply} is a reply code: it decides whether the sending server tries again. {status} is an enhanced code, which stands behind a reply "
            "code and says why.", reply=reply.code, status=status.code,
        )  # fmt: skip
    if by_hand:
        return
    if one.code_class != other.code_class:
        yield Said("{one} is {what}, {other} is {else_}.", one=one.code, what=KINDS[one.code_class], other=other.code, else_=KINDS[other.code_class])
    if one.enhanced and other.enhanced and one.code[1:] == other.code[1:]:
        yield Said("Both tell the same cause: {one} says that it may pass, {other} that it will not.", one=one.code, other=other.code)
    if one.stages and other.stages and set(one.stages).isdisjoint(other.stages):
        yield Said("{one} answers {stages}, {other} answers {others}.", one=one.code, stages=_or(one), other=other.code, others=_or(other))
    yield from _causes(one, other)


def _causes(one: Code, other: Code) -> Iterator[Said]:
    """Yield what each is taken for alone."""
    if one.reason and other.reason and one.reason is not other.reason:
        yield Said("Alone, {one} is taken for {reason}, {other} for {else_}.", one=one.code, reason=one.reason, other=other.code, else_=other.reason)
    elif one.reason and one.reason is other.reason:
        yield Said("Alone, either is taken for {reason}.", reason=one.reason)
    elif one.reason or other.reason:
        telling, silent = (one, other) if one.reason else (other, one)
        yield Said("Alone, {one} is taken for {reason}; {other} tells no cause.", one=telling.code, reason=telling.reason, other=silent.code)
    elif one.code_class == other.code_class:
        yield Said("Neither tells a cause alone: what they say is in their names.")


def _or(code: Code) -> str:
    return ", ".join(code.stages)
