"""Verdict (+ history) in, Advice out: what a failure is for the list and what to do about it, by a policy file."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bounces.compiled import PACKAGE, tables
from bounces.errors import PolicyError
from bounces.language import Said, say
from bounces.model import Advice, Blame, BounceType, Confidence, Kind, Permanence, Reason, RecommendedAction
from bounces.pattern import late

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bounces.model import Classification, Verdict
    from bounces.particulars import Particulars

LONGEST_RETRY = 365  # days
KEYS = {"blame", "hard", "recommended_action", "retry_days", "escalation", "advice"}
TAKES_OFF = {RecommendedAction.REMOVE, RecommendedAction.CORRECT_ADDRESS}
# of a sentence of advice: "[ at {page}]" stands only where the page is known, "[in {wait}|tomorrow]" is else "tomorrow"
OPTIONAL, PLACE = late(r"\[([^\[\]|]*)(?:\|([^\[\]|]*))?\]"), late(r"\{(\w+)\}")
UNKNOWN = {
    "domain": "the recipient", "provider": "the provider", "ip": "ours", "blocklist": "a block list", "mechanism": "authentication",
    "limit": "a limit", "wait": "a while", "page": "the provider's pages", "suggestion": "the new address",
}  # fmt: skip
AGAIN = {RecommendedAction.RETRY_LATER, RecommendedAction.SLOW_DOWN, RecommendedAction.OTHER_CHANNEL}


class Escalation(NamedTuple):
    """What repeated failures for one reason come to: so many, the first and the last at least so many days apart."""

    failures: int
    days: int
    recommended_action: RecommendedAction
    bounce_type: BounceType | None = None


class Row(NamedTuple):
    """What a policy says of one reason."""

    blame: Blame
    hard: frozenset[Permanence]
    recommended_action: Mapping[Permanence, RecommendedAction]
    advice: Mapping[RecommendedAction, str]
    retry_days: float | None = None  # at most LONGEST_RETRY
    escalation: Escalation | None = None


class Policy(NamedTuple):
    """A row for each of the forty reasons, and a sentence for each action that a row has none for.

    `literal` says that the codes alone make a failure hard, so that doubt about the reason does not soften it.
    """

    name: str
    rows: Mapping[Reason, Row]
    advice: Mapping[RecommendedAction, str]
    literal: bool = False

    def sentence(self, reason: Reason | None, action: RecommendedAction, known: Particulars, lang: str = "en") -> str:
        """Return the advice for a person, particulars filled in; a sentence of a policy of your own stays as it is in any language."""
        row = self.rows.get(reason) if reason else None
        text = say((row.advice.get(action) if row else None) or self.advice[action], lang)
        return _filled(OPTIONAL.sub(lambda part: part[1 if _is_known(part[1], known) else 2] or "", text), known, lang)


def _is_known(part: str, known: Particulars) -> bool:
    """Say whether all that a part of a sentence wants filled in is known."""
    return all(getattr(known, name) is not None for name in PLACE.findall(part))


def _filled(text: str, known: Particulars, lang: str) -> str:
    """Return a sentence with its particulars."""
    return PLACE.sub(lambda place: say(getattr(known, place[1]) or UNKNOWN[place[1]], lang), text)


def advise(verdict: Verdict, policy: Policy, kind: Kind = Kind.FAILURE, *, doubtful: bool = False) -> Advice:
    """Say what a verdict is for the list. Nobody is removed on low confidence, or on one 4yz, whatever the policy: a person looks first.

    So one does where it is `doubtful` that it was the recipient who failed: mail may have gone on to somebody else.
    """
    row = policy.rows[verdict.reason]
    if kind is Kind.DELAY:
        return Advice(None, row.blame, RecommendedAction.NONE)
    action = row.recommended_action[verdict.permanence]
    hard = verdict.permanence in row.hard
    if action in TAKES_OFF and (verdict.confidence is Confidence.LOW or verdict.permanence is Permanence.TRANSIENT):
        action, hard = RecommendedAction.REVIEW, hard and policy.literal
    elif action in TAKES_OFF and doubtful:
        action = RecommendedAction.REVIEW  # the failure is as hard as ever
    return Advice(BounceType.HARD if hard else BounceType.SOFT, row.blame, action, row.retry_days if action in AGAIN else None)


@lru_cache(maxsize=8)
def load(name: str = "list") -> Policy:
    """Return a policy that ships with the program, by name, or one read from a file. Raise PolicyError when it isn't valid."""
    if name in _shipped():
        return _policy(name, dict(tables(f"policies/{name}.toml")))
    import tomllib  # noqa: PLC0415  (few have policies of their own)

    try:
        told = tomllib.loads(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(_shipped())
        raise PolicyError(f"policy {name!r}: neither one of {known} nor a file in UTF-8 that can be read; check the name or the path") from error
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{name}: not valid TOML: {error}") from error
    return _policy(name, told)


@cache
def _shipped() -> tuple[str, ...]:
    """Return the names of the policies that ship with the program."""
    return tuple(sorted(path.stem for path in (PACKAGE / "policies").glob("*.toml")))


def files(name: str) -> list[str]:
    """Return the files that a policy is read from, but for those that ship with the program: it may extend another one."""
    import tomllib  # noqa: PLC0415  (as above)

    found: list[str] = []
    while name not in _shipped() and name not in found:
        found.append(name)
        name = tomllib.loads(Path(name).read_text(encoding="utf-8")).get("extends", "list")
    return found


def judgement(found: Classification) -> str:
    """Return what a reply comes to, in the vocabulary's words: "mailbox_full (permanent, soft): pause"."""
    return f"{found.reason} ({', '.join(filter(None, (found.permanence, found.bounce_type)))}): {found.recommended_action}"


def against(found: Classification, lang: str) -> tuple[str, ...]:
    """Return what speaks against it, a line for each."""
    return tuple(say(Said("against: {why}", why=say(one, lang)), lang) for one in found.contradictions)


def _policy(name: str, told: dict[str, Any]) -> Policy:
    """Check a policy's tables; what it leaves out it takes from the policy it extends, by default `list`."""
    extended = told.pop("extends", None if name == "list" else "list")
    if extended is not None and not isinstance(extended, str):
        raise PolicyError(f"{name}: extends names another policy")
    try:
        base = load(extended) if extended else None
    except RecursionError:
        raise PolicyError(f"{name}: extends leads back to itself") from None
    except PolicyError as error:
        raise PolicyError(f"{name}: extends {extended!r}: {error}") from error
    every = told.pop("hard", None)
    advice = _sentences(told.pop("advice", {}), f"{name}: advice")
    _checked(told, list(Reason), name)
    rows: dict[Reason, Row] = {}
    for reason in Reason:
        table = told.get(reason.value)
        old = base.rows[reason] if base else None
        if old is None and table is None:
            raise PolicyError(f"{name}: no table for {reason}")
        row = _row(table, old, f"{name}: {reason}") if table is not None else old
        assert row is not None
        rows[reason] = row._replace(hard=_permanences(every, name)) if every is not None else row
    return Policy(name, rows, (dict(base.advice) if base else {}) | advice, literal=every is not None or bool(base and base.literal))


def _row(table: Any, old: Row | None, where: str) -> Row:
    """Make a row of a table and of what it extends."""
    _checked(table, sorted(KEYS), where)
    actions = table.get("recommended_action")
    advice = _sentences(table.get("advice", {}), f"{where}: advice")
    try:
        return Row(
            blame=Blame(table["blame"]) if "blame" in table else _needed(old, where, "blame").blame,
            hard=_permanences(table["hard"], where) if "hard" in table else old.hard if old else frozenset(),
            recommended_action=_actions(actions, where) if actions is not None else _needed(old, where, "recommended_action").recommended_action,
            retry_days=_days(table["retry_days"]) if "retry_days" in table else old.retry_days if old else None,
            escalation=_escalation(table["escalation"], where) if "escalation" in table else old.escalation if old else None,
            advice=(dict(old.advice) if old else {}) | advice,
        )
    except (ValueError, TypeError) as error:
        raise PolicyError(f'{where}: {error}; see the tables of the policy "list" for what a value looks like') from error


def _days(value: Any) -> float:
    """Read a number of days."""
    if not 0 < (days := float(value)) <= LONGEST_RETRY:
        raise ValueError(f"retry_days must be more than 0 and at most {LONGEST_RETRY}")
    return days


def _sentences(value: Any, where: str) -> dict[RecommendedAction, str]:
    """Read a sentence for each action."""
    table = _checked(value, list(RecommendedAction), where)
    if wrong := [key for key, text in table.items() if not isinstance(text, str)]:
        raise PolicyError(f"{where}: {wrong[0]} must be a sentence in quotation marks")
    for key, text in table.items():
        if strange := [name for name in PLACE.findall(text) if name not in UNKNOWN]:
            raise PolicyError(f"{where}: {key}: nothing fills in {{{strange[0]}}}; known are {', '.join(UNKNOWN)}")
    return {RecommendedAction(key): text for key, text in table.items()}


def _needed(old: Row | None, where: str, key: str) -> Row:
    """Return the row that is extended, which must be there for a key that is left out."""
    if old is None:
        raise PolicyError(f"{where}: {key} is missing")
    return old


def _actions(value: Any, where: str) -> dict[Permanence, RecommendedAction]:
    """Read one action for all permanences, or one for each."""
    if isinstance(value, str):
        return dict.fromkeys(Permanence, RecommendedAction(value))
    table = _checked(value, list(Permanence), f"{where}: recommended_action")
    if missing := [one for one in Permanence if one not in table]:
        raise PolicyError(f"{where}: recommended_action says nothing for {missing[0]}")
    return {Permanence(key): RecommendedAction(action) for key, action in table.items()}


def _escalation(value: Any, where: str) -> Escalation:
    """Read what repeated failures come to."""
    table = _checked(value, ["failures", "days", "recommended_action", "bounce_type"], f"{where}: escalation")
    if missing := {"failures", "days", "recommended_action"} - set(table):
        raise PolicyError(f"{where}: escalation needs {min(missing)}")
    kind = table.get("bounce_type")
    return Escalation(int(table["failures"]), int(table["days"]), RecommendedAction(table["recommended_action"]), BounceType(kind) if kind else None)


def _permanences(value: Any, where: str) -> frozenset[Permanence]:
    """Read the permanences under which a failure is hard."""
    if not isinstance(value, list) or not all(isinstance(one, str) and one in list(Permanence) for one in value):
        raise PolicyError(f"{where}: hard is a list of {', '.join(Permanence)}")
    return frozenset(Permanence(one) for one in value)


def _checked(table: Any, known: list[Any], where: str) -> dict[str, Any]:
    """Return a table whose keys are all known."""
    if not isinstance(table, dict):
        raise PolicyError(f"{where}: must be a table")
    if unknown := [key for key in table if key not in {str(one) for one in known}]:
        raise PolicyError(f"{where}: unknown key {unknown[0]!r}; known are {', '.join(str(one) for one in known)}")
    return table
