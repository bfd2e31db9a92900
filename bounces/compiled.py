"""Data files in, what is made of them out: made once, then kept in the user's cache folder, where it loads in milliseconds.

What is kept bears a digest of the files it was made of, so that it is never stale; where it can't be written, or read, it is made anew.
Nothing is executed of it: it is in the marshal format, and believed only of a file that is the user's own.
"""

from __future__ import annotations

import marshal
import os
import sys
import unicodedata
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PACKAGE = Path(__file__).parent
DIGEST = 16  # bytes of a digest: the file begins with that of what it was made of
CODE = ("codes.py", "compiled.py", "folding.py", "phrases.py", "rules/__init__.py", "wording.py")  # what makes it


def kept(name: str, sources: Iterable[str], make: Callable[[], Any]) -> Any:
    """Return what `make` makes of our own data files `sources`: what was kept of it, or else made now, and kept if that can be.

    It consists of dicts, lists, tuples, frozensets, text, bytes, numbers, booleans and None. A source is a file in the package, or a folder
    of TOML files.
    """
    key = _key(sources)
    place = folder() / f"{name}-{blake2b(os.fsencode(PACKAGE), digest_size=4).hexdigest()}.{sys.implementation.cache_tag}"
    with suppress(OSError, ValueError, EOFError, TypeError):
        with place.open("rb") as file:
            mine = os.name != "posix" or os.fstat(file.fileno()).st_uid == os.geteuid()
            data = file.read() if mine else b""
        if data.startswith(key):
            return marshal.loads(memoryview(data)[DIGEST:])  # noqa: S302  (ours, and whole: it appeared at once)
    made = make()
    with suppress(OSError, ValueError):
        data = marshal.dumps(made)
        place.parent.mkdir(parents=True, exist_ok=True)
        new = NamedTemporaryFile(dir=place.parent, delete=False)  # noqa: SIM115  (it is closed before it is moved)
        try:
            with new:
                new.write(key + data)
            Path(new.name).replace(place)
        except OSError:
            Path(new.name).unlink(missing_ok=True)
            raise
    return made


def tables(name: str) -> dict[str, Any]:
    """Return what one of our TOML files holds, by its path in the package."""
    return cast("dict[str, Any]", kept(name.removesuffix(".toml").replace("/", "-"), (name,), lambda: loaded(name)))


def loaded(name: str) -> dict[str, Any]:
    """Read a TOML file of ours."""
    import tomllib  # noqa: PLC0415  (not needed for what is kept)

    return tomllib.loads((PACKAGE / name).read_text(encoding="utf-8"))


def folder() -> Path:
    """Return our folder in the user's cache."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "bounces"


def _key(sources: Iterable[str]) -> bytes:
    """Return the digest of all that makes a difference: the files' names and contents, our code that reads them, and Python's own tables."""
    digest = blake2b(f"{marshal.version} {unicodedata.unidata_version}".encode(), digest_size=DIGEST)
    for name in (*CODE, *sources):
        place = PACKAGE / name
        for path in sorted(place.glob("*.toml")) if place.is_dir() else [place]:
            content = path.read_bytes()
            digest.update(f"{path.name} {len(content)} ".encode())
            digest.update(content)
    return digest.digest()
