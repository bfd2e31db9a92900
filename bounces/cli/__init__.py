"""The command line: each command parses its words, calls one public function, and prints."""

from __future__ import annotations

from bounces.cli import codes, mail, replies  # they add their commands
from bounces.cli.group import main

__all__ = ["codes", "mail", "main", "replies"]
