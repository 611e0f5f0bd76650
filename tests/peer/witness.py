"""The order in which a server carried out what it was asked, by its own account.

MONITOR tells every command as it is executed, with the instant. What scripts do inside is left
out: one line stays for each script call and for each plain read, and their order is the serial
order that the server chose.
"""

import re
import socket
import subprocess
from ast import literal_eval
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.peer.processes import HOST, wait_until
from tests.peer.server import StoreServer

END = "end-of-the-account"

_LINE = re.compile(rb'^\+([0-9.]+) \[\d+ (?!lua)[^\]]*\] (".*")$')
_WORD = re.compile(rb'"(?:[^"\\]|\\.)*"')


@dataclass(slots=True)
class Step:
    """One command that the server executed."""

    at: float
    """Epoch seconds."""
    words: list[bytes]
    """The command and its arguments."""


class Witness:
    """Writes the account of ``server`` to a file while its ``with`` block runs."""

    def __init__(self, server: StoreServer, folder: Path) -> None:
        self._server = server
        self._file = folder / "account"

    def __enter__(self) -> Self:
        self._socket = socket.create_connection((HOST, self._server.port))
        self._socket.sendall(b"MONITOR\r\n")
        assert self._socket.recv(5) == b"+OK\r\n"
        # Most of the account is what scripts do inside; a filter in C keeps up with the server.
        with self._file.open("wb") as file:
            self._filter = subprocess.Popen(
                ["grep", "--line-buffered", "-aiE", r'\] "(evalsha|hgetall|echo)"'],
                stdin=self._socket.fileno(),
                stdout=file,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._server.client() as client:
            client.echo(END)
        wait_until(self._is_complete, 30.0, "the account is complete")
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._filter.wait(10.0)

    def steps(self) -> Iterator[Step]:
        """The commands in the order of their execution."""
        with self._file.open("rb") as lines:
            for line in lines:
                if match := _LINE.match(line.rstrip()):
                    words = [literal_eval(f"b{word.decode()}") for word in _WORD.findall(match[2])]
                    yield Step(float(match[1]), words)

    def _is_complete(self) -> bool:
        with self._file.open("rb") as file:
            file.seek(max(self._file.stat().st_size - 200, 0))
            return END.encode() in file.read()
