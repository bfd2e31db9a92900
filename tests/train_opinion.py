"""Make bounces/opinion.json of the rules' examples: `python tests/train_opinion.py`; with --measure, tell what such a model is worth.

Run it after many rules have changed. A reply's pieces (bounces.opinion.pieces), each 1 / sqrt(their number), are multiplied by a weight for
each reason: multinomial logistic regression, fitted by Adam on all examples at once, from zero, so that it comes out the same each time.
Only pieces that several rules' examples have are kept.

The measure holds rules back, a tenth at a time, and judges their examples where no specific rule is left to decide: by the rules that
remain, and by a model that saw neither those examples nor any nearly the same.
"""

import json
import random
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

import numpy as np

from bounces import codes, opinion, rules
from bounces.classify import classify
from bounces.model import Attempt, Reason
from bounces.rules import OPINION, PROVIDER_CODE
from bounces.rules.match import DEAD, RuleSet, normalise

FILE = Path(opinion.__file__).with_name("opinion.json")
PIECES = 5500  # so many are kept, those that most rules' examples have
STEPS, RATE, DECAY = 100, 0.1, 1e-5
CLIP = 99.95  # the percentile of the weights' sizes that the largest weight of the file stands for
WORDING = tomllib.loads(FILE.with_name("wording.toml").read_text(encoding="utf-8"))
TELL_NOTHING = (
    "undelivered", "failed", "delayed", "retrying", "digest", "automatic", "challenge", "daemon", "delivered", "succeeded", "contact", "recipient",
    "addressee", "sender", "sent_by", "signature",
)  # fmt: skip
FOLDS, ALIKE = 10, 0.6  # examples that share more of their pieces than this are nearly the same


def read(text):
    """Return what classify hands to the opinion: a reply's normalised text, its status and its reply code."""
    own = codes.find(text)
    return normalise(text[own.start :] if own.reply_code else text), own.status, own.reply_code


def examples(every):
    """Yield the pieces, the reason, the rule and the weight of each example; one with codes also without them, at half the weight."""
    for rule in every:
        for text in rule.examples:
            said, status, reply_code = read(text)
            yield opinion.pieces(said, status, reply_code), rule.reason, rule.id, 1.0
            if (status or reply_code) and opinion.WORD.search(said):
                yield opinion.pieces(said, None, None), rule.reason, rule.id, 0.5


def nothings():
    """Yield the words of notices that tell nothing of why, as examples of no reason."""
    for phrase in (phrase for name in TELL_NOTHING for phrases in WORDING[name].values() for phrase in phrases):
        yield opinion.pieces(normalise(phrase.replace("*", "")), None, None), Reason.UNKNOWN, "wording", 0.5


def train(learned):
    """Return the file of a model that learned from examples, and from what tells nothing."""
    learned = [*learned, *nothings()]
    having = defaultdict(set)
    for told, _, rule, _ in learned:
        for piece in told:
            having[piece].add(rule)
    kept = sorted((piece for piece in having if len(having[piece]) > 1), key=lambda piece: (-len(having[piece]), piece))[:PIECES]
    reasons = sorted({reason for _, reason, _, _ in learned})
    weights, bias = fit(
        matrix([told for told, _, _, _ in learned], kept),
        np.eye(len(reasons), dtype=np.float32)[[reasons.index(reason) for _, reason, _, _ in learned]],
        np.array([weight for _, _, _, weight in learned], np.float32),
    )
    scale = float(np.percentile(abs(weights), CLIP)) / opinion.LARGEST
    steps = np.clip(np.rint(weights / scale), -opinion.LARGEST, opinion.LARGEST).astype(int) + opinion.ZERO
    rows = {piece: "".join(map(chr, row)) for piece, row in sorted(zip(kept, steps.tolist(), strict=True))}
    told = {"reasons": reasons, "bias": [round(float(one), 3) for one in bias], "scale": round(scale, 5), "pieces": rows}
    return json.dumps(told, ensure_ascii=False, indent=0, separators=(",", ":")) + "\n"


def matrix(replies, kept):
    """Return a row for each reply, a column for each piece."""
    column = {piece: number for number, piece in enumerate(kept)}
    table = np.zeros((len(replies), len(kept)), np.float32)
    for row, told in zip(table, replies, strict=True):
        for piece in told & column.keys():
            row[column[piece]] = (opinion.CODED if piece.startswith("#") else 1) / np.sqrt(len(told))
    return table


def fit(table, truth, weight):
    """Return the weights of each piece for each reason, and of each reason alone."""
    table = np.hstack([table, np.ones((len(table), 1), np.float32)])
    weight = (weight / weight.sum())[:, None]
    found = np.zeros((table.shape[1], truth.shape[1]), np.float32)
    mean, spread = np.zeros_like(found), np.zeros_like(found)
    for step in range(1, STEPS + 1):
        scores = table @ found
        shares = np.exp(scores - scores.max(1, keepdims=True))
        slope = table.T @ (weight * (shares / shares.sum(1, keepdims=True) - truth)) + DECAY * found
        mean = 0.9 * mean + 0.1 * slope
        spread = 0.99 * spread + 0.01 * slope**2
        found -= RATE * (mean / (1 - 0.9**step)) / (np.sqrt(spread / (1 - 0.99**step)) + 1e-8)
    return found[:-1], found[-1]


def measure(every):
    """Yield of each example held back whether it is of a language's rule, its reason, what the rules say, what the model, and how surely."""
    every = sorted(every, key=lambda rule: rule.id)
    random.Random(0).shuffle(every)
    foreign = {rule.id for rule in rules.languages()}
    for fold in range(FOLDS):
        rest = [rule for number, rule in enumerate(every) if number % FOLDS != fold]
        without = RuleSet([rule for rule in rest if rule.id not in foreign], [rule for rule in rest if rule.id in foreign].copy)
        judged = []
        held = [(rule, text) for rule in every[fold::FOLDS] if rule.tier >= PROVIDER_CODE for text in rule.examples]
        for rule, text in held:
            host = rule.remote_mta[0].replace("*.", "mx1.") if rule.remote_mta else None
            verdict = classify(Attempt(diagnostic_code=text), without, host)
            if not verdict.evidence or verdict.evidence[0].tier < OPINION:
                judged.append((rule, verdict.reason, opinion.pieces(*read(text))))
        seen = (one for one in examples(rest) if not any(len(one[0] & told) > ALIKE * len(one[0] | told) for _, _, told in judged))
        model = opinion.parse(train(seen))
        for rule, by_rules, told in judged:
            by_model, chance = max(model.chances(told).items(), key=lambda one: one[1])
            if by_model is not Reason.UNKNOWN:
                yield rule.id in foreign, rule.reason, by_rules, by_model, chance


def report(judged):
    """Tell, for English and for the other languages, what the rules and the model are right in, by how sure the model is."""
    judged = list(judged)
    for foreign, sure in ((foreign, sure) for foreign in (False, True) for sure in (0.0, 0.5, 0.6, 0.7, opinion.SURE, 0.9)):
        told = [(reason, by_rules, by_model) for language, reason, by_rules, by_model, chance in judged if language is foreign and chance >= sure]
        right = [sum(one[0] is one[who] for one in told) for who in (1, 2)]
        dead = [sum(one[who] in DEAD and one[0] not in DEAD for one in told) for who in (1, 2)]
        lost = sum(reason is by_rules is not by_model for reason, by_rules, by_model in told)
        sys.stdout.write(
            f"{'languages' if foreign else 'English':9} sure {sure:.1f}: {len(told):4} told; right: rules {right[0]:3}, model {right[1]:3};"
            f" spoilt {lost:2}; a living address called dead: rules {dead[0]}, model {dead[1]}\n"
        )


if __name__ == "__main__":
    shipped = (*rules.shipped(), *rules.languages())
    if "--measure" in sys.argv:
        report(measure(shipped))
    else:
        FILE.write_text(train(examples(shipped)), encoding="utf-8")
