"""Messages out of a byte stream: Content-Length says where each one ends (RFC 3261 §18.3).

Call ``feed`` with what has arrived, then ``next`` until it gives None. Where a length is missing,
unreadable or ambiguous nobody knows where the next message begins: ``next`` raises, every time
from then on, and the connection has to be closed. Feeding byte by byte costs no more than at once.
"""

from typing import Final

from regcluster.errors import MalformedMessage, SipError
from regcluster.sip.grammar import LWS, parse_number
from regcluster.sip.head import split_lines, unfold
from regcluster.sip.parser import MAX_MESSAGE, answerable

_LINE_END: Final = b"\r\n"
_HEAD_END: Final = b"\r\n\r\n"


class Ping:
    """A keep-alive: two line ends where a message might begin (RFC 5626 §3.5.1)."""

    __slots__ = ()


PING: Final = Ping()
"""What ``StreamFramer.next`` gives for a keep-alive; the answer is a single CRLF."""


class StreamFramer:
    """Cuts one direction of one connection into messages."""

    __slots__ = ("_buffer", "_failure", "_is_half_ping", "_max_message", "_searched", "_size")

    def __init__(self, max_message: int = MAX_MESSAGE) -> None:
        self._max_message = max_message
        self._buffer = bytearray()
        self._searched = 0
        """Octets of the buffer known not to hold the end of the head."""
        self._size = 0
        """Octets of the message at the front; 0 while its head is incomplete."""
        self._is_half_ping = False
        self._failure: SipError | None = None

    @property
    def is_partial(self) -> bool:
        """Whether the peer owes us the rest of a message."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take what has arrived."""
        self._buffer += data

    def next(self) -> bytes | Ping | None:
        """One whole message, a keep-alive, or None when more has to arrive first.

        Raises ``BadRequest`` or ``MalformedMessage`` when the stream cannot be cut any further.
        """
        if self._failure:
            raise self._failure
        if not self._size:
            if self._skip_line_ends():
                return PING
            self._size = self._measure()
        if not 0 < self._size <= len(self._buffer):
            return None
        message = bytes(self._buffer[: self._size])
        del self._buffer[: self._size]
        self._searched = self._size = 0
        return message

    def _skip_line_ends(self) -> bool:
        """Drop line ends between messages; whether they made a ping. A single one means nothing."""
        while self._buffer.startswith(_LINE_END):
            del self._buffer[: len(_LINE_END)]
            self._is_half_ping = not self._is_half_ping
            if not self._is_half_ping:
                return True
        if self._buffer and self._buffer != b"\r":
            self._is_half_ping = False
        return False

    def _measure(self) -> int:
        """The size of the message at the front, 0 while its head is incomplete."""
        # The end may lie across what was searched before and what has come since.
        end = self._buffer.find(_HEAD_END, max(self._searched - 3, 0))
        self._searched = len(self._buffer)
        size = 0
        try:
            if end >= 0:
                head = self._buffer[:end].decode("utf-8", "surrogateescape")
                size = end + len(_HEAD_END) + _content_length(head)
            if (size or self._searched) > self._max_message:
                raise MalformedMessage(513, "Message Too Large")
        except SipError as broken:
            self._failure = self._refuse(broken)
            raise self._failure from None
        return size

    def _refuse(self, broken: SipError) -> SipError:
        # The last line may be cut short, and must not be read as if it were whole.
        lines, _, _ = bytes(self._buffer).rpartition(_LINE_END)
        self._buffer.clear()
        return answerable(lines, broken)


def _content_length(head: str) -> int:
    """The octets of body that the Content-Length in ``head`` announces."""
    lines = split_lines(head)[1:]
    if "\n " in head or "\n\t" in head:
        lines = unfold(lines)
    values = set()
    for line in lines:
        name, _, value = line.partition(":")
        if name.rstrip(LWS).lower() in ("content-length", "l"):
            values.add(value.strip(LWS))
    if len(values) != 1:
        problem = "Content-Length given twice" if values else "Missing Content-Length header field"
        raise MalformedMessage(400, problem)
    octets = parse_number(values.pop())
    if octets is None:
        raise MalformedMessage(400, "Bad Content-Length")
    return octets
