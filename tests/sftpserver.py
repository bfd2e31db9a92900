"""An SFTP server (paramiko) on loopback that serves a folder to anybody who knows the password."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "correct horse"


class Login(paramiko.ServerInterface):
    def check_auth_password(self, _username, password):
        return paramiko.AUTH_SUCCESSFUL if password == PASSWORD else paramiko.AUTH_FAILED

    def get_allowed_auths(self, _username):
        return "password"

    def check_channel_request(self, _kind, _number):
        return paramiko.OPEN_SUCCEEDED


class Folder(paramiko.SFTPServerInterface):
    """A folder's files under "/"."""

    root: Path

    def _place(self, path):
        return self.root / path.lstrip("/")

    def _answer(self, act):
        try:
            return act()
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    def list_folder(self, path):
        def act():
            return [paramiko.SFTPAttributes.from_stat(each.stat(), each.name) for each in self._place(path).iterdir()]

        return self._answer(act)

    def stat(self, path):
        return self._answer(lambda: paramiko.SFTPAttributes.from_stat(self._place(path).stat()))

    lstat = stat

    def open(self, path, flags, _attributes):
        def act():
            writes = flags & os.O_WRONLY
            file = self._place(path).open("wb" if writes else "rb")
            handle = paramiko.SFTPHandle(flags)
            handle.readfile = handle.writefile = file
            return handle

        return self._answer(act)

    def posix_rename(self, before, after):
        return self._answer(lambda: self._place(before).replace(self._place(after)) and paramiko.SFTP_OK)


@contextmanager
def serving(folder) -> Iterator[int]:
    """Serve a folder for a block; yields the port."""
    key, transports = paramiko.RSAKey.generate(2048), []
    interface = type("Here", (Folder,), {"root": Path(folder)})

    def accept():
        with suppress(OSError):
            while True:
                transport = paramiko.Transport(listener.accept()[0])
                transport.add_server_key(key)
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, interface)
                transport.start_server(server=Login())
                transports.append(transport)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for transport in transports:
                transport.close()
