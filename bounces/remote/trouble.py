"""Whatever the libraries below fsspec raise in, a RemoteError with a sentence out; what may pass is tried again before."""

from __future__ import annotations

from contextlib import contextmanager
from time import sleep
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
EXTRAS = {
    **dict.fromkeys(("s3", "s3a"), "s3"),
    **dict.fromkeys(("gs", "gcs"), "gs"),
    **dict.fromkeys(("az", "abfs", "abfss"), "az"),
    **dict.fromkeys(("http", "https"), "http"),
    **dict.fromkeys(("sftp", "ssh"), "sftp"),
}
CREDENTIALS = {
    "s3": "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS, or run gcloud auth application-default login",
    "az": "set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
    "http": "set FSSPEC_HTTP to the options of fsspec's HTTP file system",
    "sftp": "load a key into ssh-agent, or set FSSPEC_SFTP_USERNAME and FSSPEC_SFTP_PASSWORD",
}
PAUSES = (0.5, 1.5)  # seconds before another try, where the library has none of its own
# what the libraries below fsspec raise, each its own
DENIED = (
    "NoCredentials", "PartialCredentials", "CredentialRetrieval", "TokenRetrieval", "ProfileNotFound", "DefaultCredentials", "ClientAuthentication",
    "AuthenticationEx",
)  # fmt: skip
PASSING = ("Connect", "Disconnected", "Timeout", "Payload", "ClientOSError")


class RemoteError(OSError):
    """What lies at a URL can't be read or written: the text says why, `remedy` what to do, and `gone` that there is nothing."""

    def __init__(self, why: str, remedy: str = "", *, gone: bool = False) -> None:
        super().__init__(why)
        self.remedy = remedy
        self.gone = gone

    def sentence(self, url: str) -> str:
        """Return where, what, and what to do."""
        return f"{without_password(url)}: {self}" + (f"; {self.remedy}" if self.remedy else "")


def scheme(url: str) -> str:
    """Return the extra's name, which is the same for https and http."""
    name = url.partition("://")[0].lower()
    return EXTRAS.get(name, name)


def needed(url: str, other: str) -> str:
    """Return the sentence that says what to install to read a URL."""
    extra = scheme(url)
    return f"needs bounces[{extra}]: pip install 'bounces[{extra}]'" if extra in CREDENTIALS else f"needs {other}"


def credentials(url: str) -> str:
    """Return how to give credentials for a URL."""
    return CREDENTIALS.get(scheme(url), "give credentials in fsspec's configuration")


def without_password(url: str) -> str:
    """Return a URL with its password, if it holds one, left out."""
    from urllib.parse import urlsplit  # noqa: PLC0415  (milliseconds, for few)

    try:
        parts = urlsplit(url)
        return url.replace(f":{parts.password}@", ":…@", 1) if parts.password else url
    except ValueError:  # "[" in the name of a host
        return url


def patiently(url: str, ask: Callable[[], T]) -> T:
    """Return what a call returns, tried again after a passing trouble where the library itself doesn't: s3fs, gcsfs and adlfs do."""
    for pause in PAUSES if scheme(url) == "http" else ():
        try:
            return ask()
        except Exception as error:
            if not passes(error):
                raise
            sleep(pause)
    return ask()


def passes(error: Exception) -> bool:
    """Say whether a trouble may pass: a server that is busy or failing, a connection that broke."""
    status = _status(error)
    return status >= 500 or status == 429 or any(word in type(error).__name__ for word in PASSING)


def _status(error: Exception) -> int:
    """Return the HTTP status that an error tells of, or 0."""
    found = next((value for name in ("status", "status_code", "code") if isinstance(value := getattr(error, name, None), (int, str))), 0)
    return int(found) if str(found).isdigit() else 0


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn whatever the libraries raise into a RemoteError."""
    try:
        yield
    except RemoteError:
        raise
    except Exception as error:
        raise understood(url, error) from error


def understood(url: str, error: Exception) -> RemoteError:
    """Return the RemoteError that tells in a sentence what an error means."""
    if isinstance(error, RemoteError):
        return error
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    name, text, status = type(error).__name__, " ".join(said.split())[:200], _status(error)
    if isinstance(error, FileNotFoundError) or status == 404:
        return RemoteError("there is nothing there", "check the bucket or host, and the path", gone=True)
    if any(word in name for word in DENIED):
        return RemoteError(f"no valid credentials: {text or name}", credentials(url))
    if isinstance(error, PermissionError) or status in {401, 403}:
        return RemoteError(f"access denied: {text or name}", f"check the permissions, and the credentials: {credentials(url)}")
    if status:
        return RemoteError(f"the server answered {status}: {text}", "try again later")
    return RemoteError(f"{text or name}", "check the address and the network")
