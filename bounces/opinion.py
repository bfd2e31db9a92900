"""A reply that no rule knows well in, a statistical opinion of its reason out: a guess, by the pieces of words that rules' examples are made of.

`opinion.json` is a linear model. `tests/train_opinion.py` makes it of the rules' examples, and tells what it is worth.
"""

from __future__ import annotations

import json
import math
import struct
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from bounces.compiled import PACKAGE
from bounces.model import Reason
from bounces.pattern import late

if TYPE_CHECKING:
    from collections.abc import Mapping

# Below this an opinion is not told. Above it, of replies whose rules were held back, it is right in nine of ten, where the rules that are left
# are in one of four, and spoils nothing that they have right (`tests/train_opinion.py --measure`).
SURE = 0.8
SHORTEST, LONGEST = 3, 5  # characters of a piece
WORD = late(r"[^\W\d_]+|@")
ZERO = ord("?")  # the character that stands for a weight of nothing; those beside it stand for the weights beside it
LARGEST = 28  # as far as that goes: from "#" to "[", which JSON need not escape
CODED = 4  # how many pieces a code counts for


class Model(NamedTuple):
    """Of each piece its weights for the reasons, side by side in the 32-bit lanes of one number, so that to add pieces is to add numbers.

    Another lane, the last, has the weight of nothing, to tell what the sums of the others are more than.
    """

    reasons: tuple[Reason, ...]
    bias: tuple[float, ...]
    scale: float
    pieces: Mapping[str, int]

    def chances(self, told: frozenset[str]) -> dict[Reason, float]:
        """Return how likely each reason is for the pieces of a reply; a reply of strange pieces makes all of them alike."""
        lanes = len(self.reasons) + 1
        *sums, nothing = struct.unpack(f"<{lanes}I", sum(self.pieces.get(piece, 0) for piece in told).to_bytes(4 * lanes, "little"))
        unit = self.scale / math.sqrt(len(told) or 1)
        scores = [bias + (one - nothing) * unit for bias, one in zip(self.bias, sums, strict=True)]
        best = max(scores)
        shares = [math.exp(score - best) for score in scores]
        whole = sum(shares)
        return {reason: share / whole for reason, share in zip(self.reasons, shares, strict=True)}


def opinion(text: str, status: str | None, reply_code: str | None) -> Reason | None:
    """Return the reason that a normalised reply most likely has, or None when that is not likely enough or the reply has no words."""
    if not WORD.search(text):
        return None  # what a bare code means is the rules' to say
    chances = shipped().chances(pieces(text, status, reply_code))
    reason = max(chances, key=chances.__getitem__)
    return reason if chances[reason] >= SURE and reason is not Reason.UNKNOWN else None


def pieces(text: str, status: str | None, reply_code: str | None) -> frozenset[str]:
    """Take a normalised reply to pieces: of each word every three to five characters in a row; and the codes, their first digit apart."""
    found = {f"#{code}" for code in ((status or "")[:1], (status or "")[1:], (reply_code or "")[:1], reply_code) if code}
    for word in set(WORD.findall(text)):
        edged = f" {word} "
        for length in range(SHORTEST, LONGEST + 1):
            found.update(edged[start : start + length] for start in range(len(edged) - length + 1))
    return frozenset(found)


@cache
def shipped() -> Model:
    """Read the model that comes with the program."""
    return parse((PACKAGE / "opinion.json").read_text(encoding="utf-8"))


def parse(text: str) -> Model:
    """Read a model's file."""
    told = json.loads(text)
    rows = {
        piece: int.from_bytes(f"{row}{chr(ZERO)}".encode("utf-32-le"), "little") * (CODED if piece.startswith("#") else 1)
        for piece, row in told["pieces"].items()
    }
    return Model(tuple(map(Reason, told["reasons"])), tuple(told["bias"]), told["scale"], rows)
