"""The torture messages on a stream: where each ends, or that nobody can tell (RFC 3261 §18.3)."""

import pytest

from regcluster.sip.framer import Ping, StreamFramer
from regcluster.sip.parser import BadRequest
from tests.sip.torture.index import CORPUS


def cut(data: bytes) -> list[bytes]:
    """The messages that a stream of ``data`` is cut into; none of it may be left over."""
    framer = StreamFramer()
    framer.feed(data)
    messages = []
    while message := framer.next():
        assert not isinstance(message, Ping)
        messages.append(message)
    assert not framer.is_partial
    return messages


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ncl", "Bad Content-Length"),
        ("mcl01", "Content-Length given twice"),
        ("inv2543", "Missing Content-Length header field"),
    ],
)
def test_a_stream_without_a_size_ends(name: str, reason: str) -> None:
    """Nobody knows where the next message would begin; the sender is told."""
    framer = StreamFramer()
    framer.feed(CORPUS[name].data)

    with pytest.raises(BadRequest, match=reason):
        framer.next()


def test_a_stream_waits_for_a_body_that_was_announced() -> None:
    """The rest of clerr may be on its way."""
    framer = StreamFramer()
    framer.feed(CORPUS["clerr"].data)

    assert framer.next() is None
    assert framer.is_partial


@pytest.mark.parametrize(
    "name",
    [name for name in CORPUS if name not in ("ncl", "mcl01", "inv2543", "clerr", "dblreq")],
)
def test_a_stream_is_cut_where_messages_end(name: str) -> None:
    """Whatever else is wrong with a message, the one behind it is found."""
    data = CORPUS[name].data

    assert [data, data] == cut(data + data)


def test_a_stream_of_two_requests_holds_both() -> None:
    """What is no part of a datagram is a message of its own on a stream."""
    first, second = cut(CORPUS["dblreq"].data)

    assert first.startswith(b"REGISTER sip:example.com SIP/2.0\r\n")
    assert second.startswith(b"INVITE sip:joe@example.com SIP/2.0\r\n")
