"""A multipart that isn't clean in, its leaves out, as the standard library's email package (compat32) reads it: slow, but it bears anything."""

from __future__ import annotations

import email
import email.message
import email.policy
from typing import TYPE_CHECKING, Any

from bounces.fields import FOLD, content_type, parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST_BOUNDARY = 200  # RFC 2046, section 5.1.1, allows 70
DEEPEST = 40  # boundaries that a multipart may declare


class _Node(email.message.Message):
    """A message whose parts are read by our own notion of a Content-Type, and that doesn't descend into embedded messages."""

    def get_content_type(self) -> str:
        """Return "text/plain" for all that is no multipart: the parser then takes its body as it is."""
        kind = content_type(self.content_header())
        return kind if kind.startswith("multipart/") else "text/plain"

    def get_content_maintype(self) -> str:
        """Return the type's first half."""
        return self.get_content_type().partition("/")[0]

    def get_boundary(self, failobj: Any = None) -> Any:
        """Return the declared boundary, however it is written."""
        return (parameter(self.content_header(), "boundary") or "").rstrip()[:LONGEST_BOUNDARY] or failobj

    def content_header(self) -> str:
        """Return the unfolded Content-Type field."""
        return FOLD.sub(" ", str(self.get("Content-Type", "")))


def leaves(boundary: bytes, body: bytes, inner: Callable[[str, bytes], bytes | None]) -> Iterator[tuple[str, str, bytes, str]]:
    """Yield the type, Content-Type, bytes and transfer encoding of each leaf. Raise RecursionError where they lie too deep.

    `inner` returns the boundary that really parts a multipart, by its Content-Type and its body, or None.
    """
    if body.lower().count(b"boundary") > DEEPEST:
        raise RecursionError  # or each line would be compared with each boundary
    stack = [_read(boundary, body)]
    while stack:
        node = stack.pop()
        payload: Any = node.get_payload()
        if isinstance(payload, list):
            stack.extend(reversed(payload))
            continue
        header, raw = node.content_header(), payload.encode("latin-1")
        kind = content_type(header)
        found = inner(header, raw) if kind.startswith("multipart/") else None
        if found and (again := _read(found, raw)).is_multipart():
            stack.append(again)
        else:
            kind = "text/plain" if kind.startswith("multipart/") else kind
            yield kind, header, raw, str(node.get("Content-Transfer-Encoding", ""))


def _read(boundary: bytes, body: bytes) -> Any:
    """Parse a multipart's body into a _Node, under a header of our own that no reader misunderstands; as Latin-1 each character is a byte."""
    header = b'Content-Type: multipart/mixed; boundary="' + boundary.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"\n\n'
    return email.message_from_string((header + body).decode("latin-1"), _class=_Node, policy=email.policy.compat32)
