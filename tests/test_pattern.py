import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import bounces
from bounces.pattern import Late, late

MODULES = [module.name for module in pkgutil.walk_packages(bounces.__path__, "bounces.") if not module.name.endswith("__main__")]


def late_ones(value):
    """Return the late patterns that a constant holds."""
    return [value] if isinstance(value, Late) else [one for each in value for one in late_ones(each)] if isinstance(value, tuple | list) else []


@pytest.mark.parametrize("name", MODULES)
def test_every_late_pattern_is_one(name):
    """What is compiled at its first use has no flaw that shows only then."""
    for value in vars(importlib.import_module(name)).values():
        for pattern in late_ones(list(value.values()) if isinstance(value, dict) else value):
            assert isinstance(pattern.compiled, re.Pattern)


def test_the_walk_finds_patterns():
    """There are late patterns to look at, and modules that hold them."""
    assert "bounces.formats.exim" in MODULES
    assert late_ones(importlib.import_module("bounces.address").VERP)
    assert sum(path.read_text(encoding="utf-8").count("late(") for path in Path(bounces.__file__).parent.rglob("*.py")) > 100


@pytest.mark.parametrize("pattern", [r"(?P<code>[245])\d\d", rb"(?P<code>[245])\d\d"])
def test_a_late_pattern_is_used_as_any(pattern):
    """It has what a compiled pattern has, and isn't compiled for its source."""
    one = late(pattern, re.ASCII if isinstance(pattern, str) else 0)
    assert (one.pattern, "compiled" in vars(one)) == (pattern, False)
    text = "x 550" if isinstance(pattern, str) else b"x 550"
    assert one.search(text).span() == (2, 5)
    assert one.groupindex == {"code": 1}
    assert one.flags == re.compile(pattern, re.ASCII if isinstance(pattern, str) else 0).flags
    with pytest.raises(AttributeError):
        _ = one.no_such_name


def test_a_late_pattern_costs_nothing_once_it_is_used():
    """Its methods are the compiled pattern's own, and held: no call goes through us."""
    one = late("x")
    assert one.match("x") is not None
    assert vars(one)["match"] == one.compiled.match
