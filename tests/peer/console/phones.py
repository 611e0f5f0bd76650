"""Phones that block: one request, one answer, over a UDP socket or a connection that stays."""

import itertools
import socket
from types import TracebackType
from typing import Self

from tests import wire
from tests.wire import Rows

DOMAIN = "example.test"

TRIES = 5


class Phones:
    """Anybody's phone; use it in ``with``. Every request has to be answered 200."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.server = server
        self._numbers = itertools.count(1)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(2.0)
        self._socket.connect(server)
        self._connections: list[socket.socket] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for each in (self._socket, *self._connections):
            each.close()

    def register(self, user: str, contact: str, /, **rows: Rows) -> None:
        """Bind ``contact`` to ``user``; an ``expires`` of 0 removes it."""
        for _ in range(TRIES):
            self._socket.send(self._request("UDP", user, contact, rows))
            try:
                answer = self._socket.recv(65535)
            except TimeoutError:
                continue
            assert answer.startswith(b"SIP/2.0 200 "), answer
            return
        raise AssertionError(f"{self.server} does not answer")

    def register_over_tcp(
        self, server: tuple[str, int], user: str, contact: str, /, **rows: Rows
    ) -> None:
        """Bind it over a connection to ``server`` that is there until the end."""
        connection = socket.create_connection(server, timeout=5.0)
        self._connections.append(connection)
        connection.sendall(self._request("TCP", user, contact, rows))
        answer = connection.recv(65535)
        assert answer.startswith(b"SIP/2.0 200 "), answer

    def _request(self, transport: str, user: str, contact: str, rows: dict[str, Rows]) -> bytes:
        number = next(self._numbers)
        aor = f"<sip:{user}@{DOMAIN}>"
        common: dict[str, Rows] = {
            "via": f"SIP/2.0/{transport} 127.0.0.1:5066;branch=z9hG4bK-{number};rport",
            "from_": f"{aor};tag=1",
            "to": aor,
            "call_id": f"{user}-{contact}",
            "cseq": f"{number} REGISTER",
            "contact": f"<{contact}>",
            "expires": 3600,
        }
        return wire.register(f"sip:{DOMAIN}", b"", **{**common, **rows})
