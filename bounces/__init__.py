"""Reads bounce messages and says, per recipient, what failed, why, and what to do.

import bounces

events = bounces.read("mail.mbox")      # a DataFrame, a row for each recipient of each message
recipients = bounces.report(events)     # a row for each recipient
waves = bounces.incidents(events)       # a row for each wave of refusals
bounces.classify("552 5.2.2 mailbox full").recommended_action
print(bounces.code("552").meaning)
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bounces.analyze import classify, events
    from bounces.crosswalk import crosswalk
    from bounces.errors import BouncesError, OutputError, PolicyError, RuleError, SettingsError, SourceError
    from bounces.explain import explain
    from bounces.frames import read
    from bounces.incidents import incidents
    from bounces.model import Classification, Event
    from bounces.reference import code, code_table
    from bounces.reference.compare import compare
    from bounces.repairs import repairs
    from bounces.summarize import report
    from bounces.unknown import unknown

__version__ = "0.1.0"
__all__ = [
    "BouncesError",
    "Classification",
    "Event",
    "OutputError",
    "PolicyError",
    "RuleError",
    "SettingsError",
    "SourceError",
    "classify",
    "code",
    "code_table",
    "compare",
    "crosswalk",
    "events",
    "explain",
    "incidents",
    "read",
    "repairs",
    "report",
    "unknown",
]

# where each public name lives; imported when it is first used, so that `import bounces` costs nothing and leaves pandas out
_HOMES = {
    "BouncesError": "errors",
    "Classification": "model",
    "Event": "model",
    "OutputError": "errors",
    "PolicyError": "errors",
    "RuleError": "errors",
    "SettingsError": "errors",
    "SourceError": "errors",
    "classify": "analyze",
    "code": "reference",
    "code_table": "reference",
    "compare": "reference.compare",
    "crosswalk": "crosswalk",
    "events": "analyze",
    "explain": "explain",
    "incidents": "incidents",
    "read": "frames",
    "repairs": "repairs",
    "report": "summarize",
    "unknown": "unknown",
}


class _Package(ModuleType):
    """Keeps `bounces.classify` the function when the import system would bind the module of that name."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    """Import a public name from its module; `bounces.cluster` is a module itself."""
    if name == "cluster":
        return import_module("bounces.cluster")
    if name not in _HOMES:
        raise AttributeError(f"module 'bounces' has no attribute {name!r}")
    value = getattr(import_module(f"bounces.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
