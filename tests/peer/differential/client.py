"""The phone that asks both programs: one UDP socket for both, and a connection to each on demand.

A Kamailio script ends with a response of its own, 299, after whatever the registrar has sent. Ours
answers a request once: the end is its final response, with what the script has to say in it.
"""

import socket
from types import TracebackType
from typing import Self

from tests.peer.differential.outcome import TOLD, Message, parse
from tests.peer.processes import HOST

ANSWER_S = 5.0
MOST = 65535


class Client:
    """Asks one request at a time; use it in ``with``."""

    def __init__(self) -> None:
        self._udp = _datagrams()
        self._phone = _datagrams()
        self._streams: dict[tuple[str, int], socket.socket] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._udp.close()
        self._phone.close()
        for stream in self._streams.values():
            stream.close()

    @property
    def address(self) -> str:
        """Where datagrams come from."""
        return _name(self._udp)

    @property
    def phone(self) -> str:
        """Where something answers what is relayed to it."""
        return _name(self._phone)

    def stream_address(self, server: tuple[str, int]) -> str:
        """Where the connection to ``server`` comes from, which is made if there is none."""
        return _name(self._stream(server))

    def hang_up(self, server: tuple[str, int]) -> None:
        """Close the connection to ``server``."""
        self._streams.pop(server).close()

    def ask(self, data: bytes, server: tuple[str, int], *, ends: int) -> list[Message]:
        """Send a datagram; all responses until one of status ``ends``, 0: the first final one."""
        self._udp.sendto(data, server)
        found: list[Message] = []
        while not _is_over(found, ends):
            found.append(parse(self._udp.recv(MOST).decode(errors="surrogateescape")))
        return found

    def ask_stream(self, data: bytes, server: tuple[str, int], *, ends: int) -> list[Message]:
        """The same over the connection to ``server``."""
        stream = self._stream(server)
        stream.sendall(data)
        found: list[Message] = []
        text = ""
        while not _is_over(found, ends):
            received = stream.recv(MOST)
            assert received, "the connection was closed"
            text += received.decode(errors="surrogateescape")
            *whole, text = text.split("\r\n\r\n")
            found += [parse(one) for one in whole]
        return found

    def relayed(self, data: bytes, server: tuple[str, int]) -> list[str]:
        """Send a datagram; the start line and rows of what the phone is sent, which it answers."""
        self._udp.sendto(data, server)
        request, sender = self._phone.recvfrom(MOST)
        rows = request.decode(errors="surrogateescape").split("\r\n\r\n")[0].split("\r\n")
        copied = [row for row in rows if row.split(":")[0].lower() in _COPIED]
        answer = "\r\n".join([f"SIP/2.0 {TOLD} Told", *copied, "Content-Length: 0", "", ""])
        self._phone.sendto(answer.encode(errors="surrogateescape"), sender)
        while parse(self._udp.recv(MOST).decode()).status != TOLD:
            pass
        return rows

    def _stream(self, server: tuple[str, int]) -> socket.socket:
        if server not in self._streams:
            self._streams[server] = socket.create_connection(server, ANSWER_S)
        return self._streams[server]


_COPIED = ("via", "from", "to", "call-id", "cseq")


def _datagrams() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((HOST, 0))
    made.settimeout(ANSWER_S)
    return made


def _name(bound: socket.socket) -> str:
    host, port = bound.getsockname()
    return f"{host}:{port}"


def _is_over(found: list[Message], ends: int) -> bool:
    if not found:
        return False
    return found[-1].status == ends if ends else found[-1].status >= 200
