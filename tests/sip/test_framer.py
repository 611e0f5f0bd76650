"""Messages out of a byte stream (RFC 3261 §18.3, RFC 5626 §3.5.1)."""

import pytest

from regcluster.errors import MalformedMessage
from regcluster.sip.framer import PING, Ping, StreamFramer
from regcluster.sip.parser import MAX_MESSAGE, BadRequest
from tests.wire import AOR, Rows, register, request, response

ONE = register()
TWO = request("MESSAGE", AOR, b"hello\r\n\r\n\0\xff")


def drain(framer: StreamFramer) -> list[bytes | Ping]:
    """Everything that is whole."""
    whole = []
    while (item := framer.next()) is not None:
        whole.append(item)
    return whole


def framed(*pieces: bytes) -> list[bytes | Ping]:
    """What comes out when ``pieces`` arrive one after the other."""
    framer = StreamFramer()
    whole = []
    for piece in pieces:
        framer.feed(piece)
        whole += drain(framer)
    return whole


def broken(data: bytes, max_message: int = MAX_MESSAGE) -> MalformedMessage:
    """The error that ends the stream."""
    framer = StreamFramer(max_message)
    framer.feed(data)
    with pytest.raises(MalformedMessage) as caught:
        drain(framer)
    return caught.value


def options(**headers: Rows) -> bytes:
    return request("OPTIONS", AOR, b"", **headers)


def test_messages_in_one_segment_come_out_one_by_one() -> None:
    """Fifty in one write are fifty messages, bodies and all (18-10)."""
    assert [ONE, TWO] * 25 == framed((ONE + TWO) * 25)


def test_a_message_in_many_segments_comes_out_whole() -> None:
    """Byte by byte, through CRLFCRLF and body (18-10)."""
    data = ONE + TWO + response()

    assert [ONE, TWO, response()] == framed(*[data[n : n + 1] for n in range(len(data))])


@pytest.mark.parametrize("size", [2, 3, 5, 7, 100, 500])
def test_it_makes_no_difference_how_a_stream_was_cut(size: int) -> None:
    """Pings and messages are the same in any segments."""
    data = b"\r\n\r\n" + ONE + b"\r\n\r\n\r\n\r\n" + TWO + b"\r\n" + ONE

    assert [PING, ONE, PING, PING, TWO, ONE] == framed(
        *[data[n : n + size] for n in range(0, len(data), size)]
    )


@pytest.mark.parametrize(
    "row",
    [
        "l: 5",
        "L : 5",
        "Content-Length:5",
        "content-length :\t5 ",
        "Content-Length:\r\n 5",
        "l: 005",
    ],
)
def test_any_spelling_of_content_length_is_understood(row: str) -> None:
    """Short or long, any case, spaced or folded."""
    data = request("MESSAGE", AOR, b"hello").replace(b"Content-Length: 5", row.encode())

    assert [data, ONE] == framed(data + ONE)


def test_a_content_length_may_be_repeated_if_it_says_the_same() -> None:
    """Then there is nothing to choose."""
    data = request("MESSAGE", AOR, b"hello", content_length=[5, 5])

    assert [data, ONE] == framed(data + ONE)


@pytest.mark.parametrize(
    ("pieces", "items"),
    [
        ([b"\r\n\r\n"], [PING]),
        ([b"\r\n", b"\r\n"], [PING]),
        ([b"\r", b"\n\r", b"\n"], [PING]),
        ([b"\r\n" * 6], [PING] * 3),
        ([b"\r\n"], []),
        ([ONE, b"\r\n\r\n", ONE], [ONE, PING, ONE]),
        ([b"\r\n" + ONE + b"\r\n" + ONE], [ONE, ONE]),
        ([b"\r\n", ONE[:9], ONE[9:], b"\r\n"], [ONE]),
    ],
)
def test_two_line_ends_between_messages_are_a_ping(
    pieces: list[bytes], items: list[bytes | Ping]
) -> None:
    """One alone is nothing, it may be a pong (ob-50, ob-52, 7-21)."""
    assert items == framed(*pieces)


def test_line_ends_in_a_body_are_body() -> None:
    """A ping is only recognised between messages (ob-51)."""
    data = request("MESSAGE", AOR, b"\r\n\r\n\r\n\r\n")

    assert [data] == framed(data)


@pytest.mark.parametrize(
    ("data", "is_partial"),
    [
        (b"", False),
        (b"O", True),
        (ONE[:-1], True),
        (ONE, False),
        (ONE + b"O", True),
        (TWO[:-1], True),
        (b"\r\n", False),
        (b"\r\n\r\n", False),
        (b"\r", True),
    ],
)
def test_a_framer_knows_what_it_is_owed(data: bytes, is_partial: bool) -> None:
    """Part of a message is, an idle connection is not, whatever its keep-alives."""
    framer = StreamFramer()
    framer.feed(data)
    drain(framer)

    assert is_partial == framer.is_partial


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (options(content_length=None), "Missing Content-Length header field"),
        (options(content_length=-1), "Bad Content-Length"),
        (options(content_length="five"), "Bad Content-Length"),
        (options(content_length=""), "Bad Content-Length"),
        (options(content_length=[5, 13]), "Content-Length given twice"),
        (options(x_odd="a\nContent-Length: 9"), "Bare CR or LF in the header section"),
        (b"\n" + ONE, "Bare CR or LF in the header section"),
        (options(x_odd="a\0"), "NUL in the header section"),
    ],
)
def test_a_stream_whose_cuts_are_in_doubt_is_broken(data: bytes, reason: str) -> None:
    """It is answered if it can be, and never read on as if framed (18-09)."""
    failure = broken(data + ONE)

    assert isinstance(failure, BadRequest)
    assert (400, reason) == (failure.status, failure.reason)
    assert "127.0.0.1" == failure.request.via.host


@pytest.mark.parametrize(
    "data",
    [
        response(content_length=None),
        b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        options(via=None, content_length=None),
    ],
)
def test_a_broken_stream_without_a_readable_request_is_not_answered(data: bytes) -> None:
    """There is nobody to tell, but it is broken all the same."""
    assert not isinstance(broken(data), BadRequest)


def test_a_broken_stream_stays_broken() -> None:
    """Nothing that comes later is read, not even a whole message (18-09)."""
    framer = StreamFramer()
    framer.feed(options(content_length=None))
    for _ in range(2):
        with pytest.raises(MalformedMessage, match="Missing Content-Length"):
            framer.next()
        framer.feed(ONE)


@pytest.mark.parametrize("length", ["99999999999", "9" * 5000, "100"])
def test_a_message_beyond_the_limit_is_refused_by_its_head(length: str) -> None:
    """Nobody waits for its body (7-26, 18-09)."""
    data = options(content_length=length)
    failure = broken(data, len(data) + 99)

    assert isinstance(failure, BadRequest)
    assert (513, "Message Too Large") == (failure.status, failure.reason)


def test_a_head_beyond_the_limit_is_refused_before_it_ends() -> None:
    """What has come of it is enough to answer; a line cut short is not read (7-26, 18-11)."""
    head = options().partition(b"\r\nCall-ID")[0]
    failure = broken(head + b"\r\nCall-ID: half", len(head))

    assert isinstance(failure, BadRequest)
    assert 513 == failure.status
    assert failure.request.first("to") is not None
    assert failure.request.first("call-id") is None


def test_a_message_of_just_the_limit_is_accepted() -> None:
    """Others behind it do not count."""
    framer = StreamFramer(len(TWO))
    framer.feed(TWO + TWO + TWO)

    assert [TWO, TWO, TWO] == drain(framer)
