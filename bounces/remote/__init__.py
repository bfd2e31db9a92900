"""A URL in, what lies there out: listed, read by ranges or whole, written; what goes wrong becomes a RemoteError with a sentence.

fsspec and its kin are loaded when a URL is read or written. Credentials, endpoints and options come from the environment and from
fsspec's own configuration, never from here: a URL is all that another process or machine needs.
"""

from __future__ import annotations

import io
import re
from contextlib import contextmanager, suppress
from tempfile import NamedTemporaryFile, TemporaryFile
from time import sleep
from typing import IO, TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from bounces.remote.trouble import PAUSES, RemoteError, credentials, explained, needed, passes, patiently, scheme, understood, without_password

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
WHOLE = 8 << 20  # bytes; an object up to this size is read in one request
RANGE = 8 << 20  # bytes of a range of a larger one in a request
BLOCK = 4 << 20  # bytes that are read ahead of one that is read from its beginning
AT_ONCE = 64  # requests


class Found(NamedTuple):
    """What lies at a URL: a folder, or a file of so many bytes (None: the server doesn't say), given out in ranges or not, and its first bytes."""

    url: str
    size: int | None
    is_folder: bool = False
    ranged: bool = True
    head: bytes = b""


def is_url(path: object) -> bool:
    """Say whether a path is a URL; a local one that looks so needs "./" before it."""
    return isinstance(path, str) and URL.match(path) is not None


def look(url: str, head: int = 0) -> Found:
    """Return what lies at a URL, of a file with the first `head` bytes; raises RemoteError."""
    with explained(url):
        store, path = _store(url)
        store.invalidate_cache()
        if url.endswith("/"):
            return Found(url, None, is_folder=True)
        if scheme(url) == "http":
            return _probed(url, max(head, 1))
        about = store.info(path)
        wanted = about["type"] == "file" and min(head, about["size"])
        return Found(url, about["size"], about["type"] == "directory", head=store.cat_file(path, start=0, end=wanted) if wanted else b"")


def listing(url: str) -> Iterator[Found]:
    """Yield the files below a folder in the order of their names, as they are listed; raises RemoteError."""
    with explained(url):
        store, root = _store(url)
    found, base = _listed(store, root), url.rstrip("/")
    while True:
        with explained(url):
            about = next(found, None)
        if about is None:
            return
        if about["type"] == "file" and not about["name"].endswith("/"):  # what the consoles of object stores make of an empty folder
            yield Found(base + about["name"][len(root.rstrip("/")) :], about["size"])


def fetched(urls: Sequence[str], size: int = RANGE) -> Iterator[bytes | RemoteError]:
    """Yield the first `size` bytes of each of several files of one store, or why they can't be read; they are asked for together."""
    try:
        with explained(urls[0]):
            store, _ = _store(urls[0])
            asked, answers = list(urls), dict[str, Any]()
            for pause in (*(PAUSES if scheme(urls[0]) == "http" else ()), 0):
                options = {"batch_size": AT_ONCE} if store.async_impl else {}
                got = store.cat_ranges([_path(store, url) for url in asked], 0, size, on_error="return", **options)
                answers |= zip(asked, got, strict=True)
                asked = [url for url in asked if isinstance(answers[url], Exception) and passes(answers[url])]
                if not asked:
                    break
                sleep(pause)
    except RemoteError as error:
        answers = dict.fromkeys(urls, error)
    for url in urls:
        answer = answers[url]
        yield understood(url, answer) if isinstance(answer, Exception) else answer[:size]


def between(url: str, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes from `start` to `end` of a file, by ranges; raises RemoteError, also when the file ends before `end`."""
    while start < end:
        upto = end if end - start < RANGE * 3 // 2 else start + RANGE
        with explained(url):
            store, path = _store(url)
            block = patiently(url, lambda: store.cat_file(path, start=start, end=upto))  # noqa: B023  (called at once)
        if len(block) != upto - start:
            raise RemoteError("the file became shorter while it was read" if len(block) < upto - start else "the server gave out no range")
        start = upto
        yield block


def opened(url: str) -> BinaryIO:
    """Open a file that can be read and sought in; where the server gives out no ranges that is a temporary copy. Raises RemoteError."""
    with explained(url):
        store, path = _store(url)
        options: dict[str, Any] = {"block_size": BLOCK}
        if scheme(url) == "http":
            found = _probed(url, 1)
            if found.size is None or not found.ranged:
                return _copy(store, path)
            options["size"] = found.size
        return cast("BinaryIO", _Stream(url, store.open(path, "rb", **options)))


@contextmanager
def whole(url: str) -> Iterator[IO[bytes]]:
    """Open a temporary file for a block, and store it at a URL when the block ends well; raises RemoteError."""
    with NamedTemporaryFile(prefix="bounces-") as file:
        yield cast("IO[bytes]", file)
        file.flush()
        with explained(url):
            store, path = _store(url)
            if scheme(url) in {"s3", "gs", "az"}:  # these show an object when all of it is there
                store.put_file(file.name, path)
            else:
                store.put_file(file.name, f"{path}.part")
                store.mv(f"{path}.part", path)


def remove(url: str) -> None:
    """Remove a file, if there is one; raises RemoteError."""
    with explained(url):
        store, path = _store(url)
        with suppress(FileNotFoundError):
            store.rm_file(path)


def check(url: str) -> None:
    """Raise RemoteError if nothing can be written at a URL; leaves nothing behind."""
    with explained(url):
        store, path = _store(url)
        if scheme(url) == "http":
            raise RemoteError("a web server takes no files", "choose s3://, gs://, az://, sftp:// or a local path")
        if scheme(url) == "s3":
            bucket, _, key = path.partition("/")
            begun = store.call_s3("create_multipart_upload", Bucket=bucket, Key=key)
            store.call_s3("abort_multipart_upload", Bucket=bucket, Key=key, UploadId=begun["UploadId"])
        elif scheme(url) in {"gs", "az"}:
            store.info(path.partition("/")[0])
        elif scheme(url) != "memory":
            store.info(path.rpartition("/")[0] or "/")


class _Stream(io.RawIOBase):
    """A far file, whose errors say why."""

    def __init__(self, url: str, file: Any) -> None:
        self.url = url
        self.file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        with explained(self.url):
            return bytes(patiently(self.url, lambda: self.file.read(-1 if size is None else size)))

    def seek(self, offset: int, whence: int = 0) -> int:
        self.file.seek(offset, whence)
        return self.tell()

    def tell(self) -> int:
        return int(self.file.tell())

    def close(self) -> None:
        self.file.close()
        super().close()


def _store(url: str) -> tuple[Any, str]:
    """Return the file system of a URL and the path in it; raises RemoteError when a package is missing."""
    name = url.partition("://")[0].lower()
    if without_password(url) != url:
        raise RemoteError("holds a password, which would stand in tables and logs", f"take it out, and {credentials(url)}")
    try:
        from fsspec import get_filesystem_class  # noqa: PLC0415  (slow, and an extra)
    except ImportError as error:
        raise RemoteError(needed(url, "fsspec: pip install fsspec")) from error
    try:
        kind = get_filesystem_class(name)
    except ImportError as error:
        raise RemoteError(needed(url, f"a package: {error}")) from error
    except ValueError as error:
        raise RemoteError(f"{name}:// is nothing that fsspec knows", "write s3://, gs://, az://, https:// or sftp://") from error
    host, slash, _ = url.partition("://")[2].partition("/")
    store = kind(**kind._get_kwargs_from_urls(f"{name}://{host}{slash}"))  # noqa: SLF001  (what fsspec.core.url_to_fs does, without its chains)
    return store, _path(store, url)


def _path(store: Any, url: str) -> str:
    """Return the path of a URL in its file system; of one by SFTP fsspec would drop what follows "?"."""
    return "/" + url.partition("://")[2].partition("/")[2] if scheme(url) == "sftp" else store._strip_protocol(url)  # noqa: SLF001


def _listed(store: Any, root: str) -> Iterator[dict[str, Any]]:
    """Yield what fsspec says of each file below a path; of S3 page by page, for a bucket may hold more than memory does."""
    if not hasattr(store, "_iterdir"):
        yield from sorted(store.find(root, detail=True).values(), key=lambda about: str(about["name"]))
        return
    from fsspec.asyn import sync  # noqa: PLC0415

    bucket, _, prefix = root.partition("/")
    pages = store._iterdir(bucket, delimiter="", prefix=f"{prefix}/" if prefix else "")  # noqa: SLF001

    async def page() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        async for about in pages:
            found.append(about)
            if len(found) == 1000:
                break
        return found

    while found := sync(store.loop, page):
        yield from found


def _probed(url: str, size: int) -> Found:
    """Return what a web server has, by asking for its first bytes: what it says of ranges elsewhere may be wrong."""
    store, path = _store(url)

    def ask() -> Found:
        # a size is asked for first where none is given, and every refusal then passes for an absence
        with store.open(path, block_size=0, size=1, headers={"Range": f"bytes=0-{size - 1}", "Accept-Encoding": "identity"}) as stream:
            headers, ranged = stream.r.headers, stream.r.status == 206
            total = headers.get("Content-Range", "").rpartition("/")[2] if ranged else headers.get("Content-Length", "")
            head = b"".join(iter(lambda: stream.read(size), b"")) if ranged else stream.read(size)
            return Found(url, int(total) if total.isdigit() else None, ranged=ranged, head=head)

    with explained(url):
        return patiently(url, ask)


def _copy(store: Any, path: str) -> BinaryIO:
    """Return a temporary copy of a file that can only be read from its beginning."""
    file = TemporaryFile(prefix="bounces-")  # noqa: SIM115  (whoever opened the URL closes it)
    with store.open(path, block_size=0, size=1) as stream:
        while block := stream.read(BLOCK):
            file.write(block)
    file.seek(0)
    return cast("BinaryIO", file)
