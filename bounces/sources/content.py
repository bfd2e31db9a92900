"""A file's first bytes in, what it holds and where that begins out; names and suffixes don't count."""

from __future__ import annotations

import re
from enum import Enum, auto
from itertools import takewhile
from typing import TYPE_CHECKING

from bounces.pattern import late
from bounces.sources import mbox

if TYPE_CHECKING:
    from collections.abc import Iterator

# a byte order mark and empty lines that an export or an editor left there
PREAMBLE = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*+")
SEPARATOR = re.compile(rb">?From [^\r\n]{0,998}(?:\r\n|\r|\n)")
# a README may begin with "Note: …", a list of users with "root:x"; mail has one of these
NAMES = frozenset(
    b"apparently-to arc-authentication-results arc-message-signature arc-seal authentication-results auto-submitted bcc cc "
    b"content-description content-disposition content-transfer-encoding content-type date delivered-to delivery-date "
    b"dkim-signature domainkey-signature envelope-to errors-to from in-reply-to list-id list-unsubscribe mailing-list "
    b"message-id mime-version original-recipient precedence received received-spf references reply-to resent-date resent-from "
    b"resent-message-id resent-sender resent-to return-path sender subject thread-index thread-topic to".split()
)
# a notification of Amazon SES, as SNS delivers it or S3 keeps it
NOTIFICATION = late(rb"\s*\{(?=[^\x00]{0,4000}?(?:notificationType|eventType))")
FOREIGN = {
    b"!BDN": "an Outlook data file (PST); export its messages as .eml or mbox first",
    b"\xd0\xcf\x11\xe0": "an Outlook message (MSG); save it as .eml first",
}


class Content(Enum):
    """What a file or a folder holds."""

    EMPTY = auto()
    MBOX = auto()
    MESSAGE = auto()
    MAILDIR = auto()
    ARCHIVE = auto()
    OTHER = auto()


def recognize(head: bytes) -> Content:
    """Return what a file with these first bytes holds."""
    if not head.strip():
        return Content.EMPTY
    if is_zip(head) or is_tar(head):
        return Content.ARCHIVE
    if is_mbox(head):
        return Content.MBOX
    is_mail = NOTIFICATION.match(head) is not None or any(name in NAMES or name.startswith(b"x-") for name in _names(head))
    return Content.MESSAGE if is_mail else Content.OTHER


def is_zip(head: bytes) -> bool:
    """Say whether a file with these first bytes is a zip archive."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))  # the latter is an empty one


def is_tar(head: bytes) -> bool:
    """Say whether a file with these first bytes is a tar archive (POSIX or GNU)."""
    return head[257:262] == b"ustar" and b"\0" in head[:512]


def is_mbox(head: bytes) -> bool:
    """Say whether a file with these first bytes is an mbox."""
    return mbox.opens(head[mbox_start(head) :], mbox.line_end(head))


def describe(head: bytes) -> str:
    """Return what a file with these first bytes is, where it isn't mail that can be read there."""
    if is_zip(head) or is_tar(head):
        return "an archive in another; unpack it first"
    return next((what for magic, what in FOREIGN.items() if head.startswith(magic)), "not mail")


def mbox_start(head: bytes) -> int:
    """Return where an mbox's first separator stands."""
    start = PREAMBLE.match(head)
    assert start, "an empty preamble matches too"
    return start.end()


def message_start(head: bytes) -> int:
    """Return where a message's first field stands, after a stray separator; 0 if there is no field."""
    start = mbox_start(head)
    separator = SEPARATOR.match(head, start)
    start = separator.end() if separator else start
    return start if mbox.FIELD.match(head, start) else 0


def _names(head: bytes) -> Iterator[bytes]:
    """Yield the names of the fields that a message begins with, in lower case; nothing if its first line isn't a field."""
    lines = head[message_start(head) :].splitlines()
    if not mbox.FIELD.match(lines[0]):
        return
    for line in takewhile(bool, lines):
        if field := mbox.FIELD.match(line):
            yield field.group()[:-1].lower()
