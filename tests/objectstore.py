"""A real S3 server (moto) and a web server on loopback, each with a log of what was asked of it and with troubles on demand."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from s3fs import S3FileSystem
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_MAX_ATTEMPTS": "2",
    "AWS_DEFAULT_REGION": "us-east-1",
}


class Asked(NamedTuple):
    """A request, and how many bytes its answer had."""

    method: str
    path: str
    query: str
    range: str | None
    length: int


class Quiet(WSGIRequestHandler):
    """Logs nothing, and keeps connections open as S3 does."""

    protocol_version = "HTTP/1.1"

    def log(self, *_):
        pass


class Store:
    """The server: what it holds, what was asked, and by path what it answers instead: (how many times, status, code)."""

    def __init__(self):
        self.asked: list[Asked] = []
        self.troubles: dict[str, list] = {}
        self.backend = s3_backends["123456789012"]["aws"]
        self.app = DomainDispatcherApplication(create_backend_app)

    def clear(self):
        """Forget everything."""
        self.backend.buckets.clear()
        s3_backends.bucket_accounts.clear()
        self.asked.clear()
        self.troubles.clear()

    def put(self, bucket, **objects):
        """Put objects into a bucket, which is made if need be, without a request."""
        if bucket not in self.backend.buckets:
            self.backend.create_bucket(bucket, "us-east-1")
        for key, data in objects.items():
            self.backend.put_object(bucket, key, data)

    def get(self, bucket, key):
        return self.backend.get_object(bucket, key).value

    def keys(self, bucket):
        return sorted(self.backend.buckets[bucket].keys)

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        trouble = self.troubles.get(path)
        length = 0
        if trouble and trouble[0] > 0:
            trouble[0] -= 1
            answer = f"<Error><Code>{trouble[2]}</Code><Message>{trouble[2]}</Message></Error>".encode()
            start_response(trouble[1], [("Content-Type", "application/xml"), ("Content-Length", str(len(answer)))])
            body = [] if environ["REQUEST_METHOD"] == "HEAD" else [answer]
        else:

            def started(status, headers, *rest):
                nonlocal length
                length = int(dict(headers).get("Content-Length", 0))
                return start_response(status, headers, *rest)

            body = self.app(environ, started)
        self.asked.append(Asked(environ["REQUEST_METHOD"], path, environ["QUERY_STRING"], environ.get("HTTP_RANGE"), length))
        return body


class Site:
    """A web server's files by path; `ranges` says whether it gives out parts of them, `troubles` as in Store."""

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.ranges = True
        self.asked: list[Asked] = []
        self.troubles: dict[str, list] = {}

    def __call__(self, environ, start_response):
        path, wanted = environ["PATH_INFO"], environ.get("HTTP_RANGE")
        trouble = self.troubles.get(path)
        status, data = ("200 OK", self.files[path]) if path in self.files else ("404 Not Found", b"")
        headers = [("Content-Type", "text/html" if data.startswith(b"<html") else "application/octet-stream")]
        if trouble and trouble[0] > 0:
            trouble[0] -= 1
            status, data = trouble[1], b""
        elif wanted and data and self.ranges:
            start, end = (int(number) for number in wanted.removeprefix("bytes=").split("-"))
            status = "206 Partial Content"
            headers.append(("Content-Range", f"bytes {start}-{min(end, len(data) - 1)}/{len(data)}"))
            data = data[start : end + 1]
        start_response(status, [*headers, ("Content-Length", str(len(data)))])
        self.asked.append(Asked(environ["REQUEST_METHOD"], path, environ["QUERY_STRING"], wanted, len(data)))
        return [data]


@contextmanager
def web() -> Iterator[tuple[Site, str]]:
    """Run a web server for a block; yields it and its URL."""
    site = Site()
    with _serving(site) as port:
        yield site, f"http://127.0.0.1:{port}"


@contextmanager
def _serving(app) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=[0.02])
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def s3() -> Iterator[Store]:
    """Run the server for a block, and set the environment that leads to it."""
    before = dict(os.environ)
    store = Store()
    with _serving(store) as port:
        os.environ.update(ENVIRONMENT, AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}")
        try:
            yield store
        finally:
            S3FileSystem.clear_instance_cache()  # it knows the way to this server, and another one's port will not be this one's
            os.environ.clear()
            os.environ.update(before)
