"""One connection: commands out in one write, replies back in order, every call ended."""

import asyncio
from typing import Any

import pytest

from regcluster.errors import StoreError, StoreUnavailable
from regcluster.store.connection import Arg, Call, Connection, error_code, pack, refusal

pytestmark = pytest.mark.anyio

PATIENCE_S = 0.5


class Wire(asyncio.Transport):
    """A transport in memory: keeps what is written, and breaks a turn after it is told to."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self._connection = connection
        self._is_closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def is_closing(self) -> bool:
        return self._is_closing

    def abort(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            asyncio.get_running_loop().call_soon(self._connection.connection_lost, None)


class Bench:
    """A connection on a wire, and whatever it told its owner."""

    def __init__(self) -> None:
        self.ends = 0
        self.connection = Connection(self._on_end)
        self.wire = Wire(self.connection)
        self.connection.connection_made(self.wire)

    def send(self, *args: Arg, deadline: float = 0.0) -> asyncio.Future[Any]:
        reply = asyncio.get_running_loop().create_future()
        self.connection.send(Call(args, pack(args), reply, deadline))
        return reply

    def receive(self, data: bytes) -> None:
        self.connection.data_received(data)

    def _on_end(self, connection: Connection) -> None:
        self.ends += connection is self.connection


async def turn() -> None:
    """Let the loop do what was due."""
    await asyncio.sleep(0)


async def why(reply: asyncio.Future[Any]) -> str:
    with pytest.raises(StoreUnavailable) as caught:
        await reply
    return str(caught.value)


async def test_the_calls_of_one_turn_leave_in_one_write() -> None:
    """A write costs more than a call, so neighbours share one."""
    bench = Bench()

    bench.send(b"GET", b"a")
    bench.send(b"SET", "b", 7)
    await turn()
    bench.send(b"TIME")
    await turn()

    first = b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n" + b"*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n7\r\n"
    assert [first, b"*1\r\n$4\r\nTIME\r\n"] == bench.wire.writes


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
async def test_replies_find_their_calls_however_they_are_cut(size: int) -> None:
    """The first reply is that of the first call, whatever the network makes packets of."""
    bench = Bench()
    replies = [bench.send(b"GET", name) for name in "abcd"]
    data = b"$3\r\none\r\n*2\r\n:2\r\n$-1\r\n+three\r\n$0\r\n\r\n"

    for at in range(0, len(data), size):
        bench.receive(data[at : at + size])

    assert [b"one", [2, None], b"three", b""] == [reply.result() for reply in replies]


async def test_an_error_ends_its_own_call_and_no_other() -> None:
    """The replies before and after it count as they are."""
    bench = Bench()
    replies = [bench.send(b"GET", name) for name in "abc"]

    bench.receive(b"+one\r\n-ERR no such thing\r\n+three\r\n")

    assert b"one" == replies[0].result()
    assert "the store answered: ERR no such thing" == str(replies[1].exception())
    assert b"three" == replies[2].result()


async def test_an_error_in_no_known_alphabet_is_an_error_like_any_other() -> None:
    """An error may quote what a phone sent, so it may hold any bytes."""
    bench = Bench()
    reply = bench.send(b"GET", b"a")

    bench.receive(b"-ERR about '\xff\xfe'\r\n")

    assert isinstance(reply.exception(), StoreError)
    assert bench.connection.is_open


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("NOSCRIPT No matching script.", "NOSCRIPT"),
        ("LOADING", "LOADING"),
        ("ERR unknown command", "ERR"),
        (
            "ERR Error running script (call to f_0ab1): @user_script:36: @user_script: 36: "
            "-OOM command not allowed when used memory > 'maxmemory'.",
            "OOM",
        ),
        ("READONLY You can't write. script: 0ab1, on @user_script:36.", "READONLY"),
    ],
)
def test_an_error_is_known_by_its_first_word(text: str, code: str) -> None:
    """Redis before 7 wraps what a command inside a script met; the word inside counts."""
    assert code == error_code(text)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("BUSY", StoreUnavailable),
        ("CLUSTERDOWN", StoreUnavailable),
        ("LOADING", StoreUnavailable),
        ("MASTERDOWN", StoreUnavailable),
        ("MISCONF", StoreUnavailable),
        ("NOREPLICAS", StoreUnavailable),
        ("OOM", StoreUnavailable),
        ("READONLY", StoreUnavailable),
        ("TRYAGAIN", StoreUnavailable),
        ("ERR", StoreError),
        ("NOPERM", StoreError),
        ("WRONGTYPE", StoreError),
    ],
)
def test_what_another_time_may_mend_is_unavailable(code: str, kind: type[StoreError]) -> None:
    """It becomes a 503, and the phone asks again; any other error is a fault to be found."""
    error = refusal(f"{code} for a reason")

    assert (kind, f"the store answered: {code} for a reason") == (type(error), str(error))


async def test_the_reply_to_a_caller_who_left_is_thrown_away() -> None:
    """The others still get their own."""
    bench = Bench()
    replies = [bench.send(b"GET", name) for name in "abc"]

    replies[1].cancel()
    bench.receive(b"+one\r\n+two\r\n")
    bench.receive(b"+three\r\n")

    assert (b"one", b"three") == (replies[0].result(), replies[2].result())


async def test_the_error_for_a_caller_who_left_is_thrown_away() -> None:
    """An error is a reply like any other."""
    bench = Bench()
    replies = [bench.send(b"GET", name) for name in "ab"]

    replies[0].cancel()
    bench.receive(b"-ERR one\r\n+two\r\n")

    assert b"two" == replies[1].result()


async def test_a_late_reply_is_thrown_away_in_its_turn() -> None:
    """A call that ran out of time does not leave its reply to the next."""
    bench = Bench()
    now = asyncio.get_running_loop().time()
    late, early = bench.send(b"GET", b"a", deadline=now), bench.send(b"GET", b"b", deadline=now + 9)

    expired = bench.connection.expire(now + 0.01, PATIENCE_S)
    bench.receive(b"+one\r\n+two\r\n")

    assert (1, b"two") == (expired, early.result())
    assert "the store did not answer in time" == await why(late)


async def test_a_deadline_ends_a_call_once() -> None:
    """Later looks find nothing to end, though the reply is still to come."""
    bench = Bench()
    now = asyncio.get_running_loop().time()
    late = bench.send(b"GET", b"a", deadline=now)

    counted = [bench.connection.expire(now + step, PATIENCE_S) for step in (0.0, 0.1, 0.2)]

    assert [1, 0, 0] == counted
    assert "the store did not answer in time" == await why(late)


async def test_a_connection_is_late_from_a_missed_deadline_to_the_next_word() -> None:
    """Readiness is told by it."""
    bench = Bench()
    now = asyncio.get_running_loop().time()
    reply = bench.send(b"GET", b"a", deadline=now)

    seen = [bench.connection.is_late]
    bench.connection.expire(now, PATIENCE_S)
    bench.connection.expire(now + 0.1, PATIENCE_S)
    seen.append(bench.connection.is_late)
    bench.receive(b"+")
    seen.append(bench.connection.is_late)

    assert [False, True, False] == seen
    assert "the store did not answer in time" == await why(reply)


async def test_a_silent_connection_is_given_up_with_the_first_missed_deadline() -> None:
    """Nothing was heard for as long as a call may take: whoever waits behind it waits in vain."""
    bench = Bench()
    heard = bench.connection.heard
    replies = [bench.send(b"GET", b"a", deadline=heard + at) for at in (PATIENCE_S, 9.0)]

    bench.connection.expire(heard + PATIENCE_S, PATIENCE_S)

    assert "the store did not answer in time" == await why(replies[0])
    assert "the connection broke: the store did not answer in time" == await why(replies[1])
    assert 1 == await bench.connection.lost


async def test_a_slow_connection_is_kept_while_it_talks() -> None:
    """A server that was slow for once may still answer the calls behind."""
    bench = Bench()
    heard = bench.connection.heard
    replies = [bench.send(b"GET", b"a", deadline=heard + 0.1) for _ in range(2)]

    bench.connection.expire(heard + 0.2, PATIENCE_S)

    assert ["the store did not answer in time"] * 2 == [await why(reply) for reply in replies]
    assert bench.connection.is_open


async def test_a_connection_whose_answers_are_all_too_late_is_given_up() -> None:
    """It talks, but of what nobody asks any more, and its queue would only grow."""
    bench = Bench()
    now = bench.connection.heard
    replies = [bench.send(b"GET", b"a", deadline=now - PATIENCE_S - 0.1) for _ in range(2)]

    bench.receive(b"+one\r\n")
    bench.connection.expire(now, PATIENCE_S)

    assert (b"one", False) == (replies[0].result(), bench.connection.is_open)
    assert "the store did not answer in time" == await why(replies[1])


async def test_a_connection_without_calls_has_nothing_to_miss() -> None:
    """Silence is what an idle server says."""
    bench = Bench()

    bench.connection.expire(bench.connection.heard + 99.0, PATIENCE_S)

    assert (True, False) == (bench.connection.is_open, bench.connection.is_late)


@pytest.mark.parametrize(
    ("failed", "reason"),
    [
        (None, "closed by the store"),
        (ConnectionResetError(104, "Connection reset by peer"), "Connection reset by peer"),
    ],
)
async def test_calls_in_flight_end_with_the_connection(
    failed: Exception | None, reason: str
) -> None:
    """Whether they were carried out is unknown; why it broke is told."""
    bench = Bench()
    replies = [bench.send(b"GET", name) for name in "abc"]
    bench.receive(b"+one\r\n")

    bench.connection.connection_lost(failed)

    assert b"one" == replies[0].result()
    assert [True, True] == [reason in await why(reply) for reply in replies[1:]]
    assert (2, 1) == (await bench.connection.lost, bench.ends)


async def test_a_connection_given_up_ends_its_calls_within_a_turn() -> None:
    """Its owner is told at once, so that no call follows them."""
    bench = Bench()
    reply = bench.send(b"GET", b"a")

    bench.connection.abort("had enough")
    ends = bench.ends
    await turn()

    assert (1, "the connection broke: had enough") == (ends, await why(reply))


async def test_what_had_come_before_a_connection_was_given_up_still_counts() -> None:
    """A link that sees READONLY ends the connection, and the replies behind it are in hand."""
    bench = Bench()
    bench.connection.on_error = lambda call, text: bench.connection.abort(text)
    replies = [bench.send(b"GET", name) for name in "abc"]

    bench.receive(b"-READONLY no\r\n+two\r\n")

    assert b"two" == replies[1].result()
    assert "the connection broke: READONLY no" == await why(replies[2])


@pytest.mark.parametrize("junk", [b"HTTP/1.1 400 Bad Request\r\n", b"$x\r\n", b"*-7\r\n"])
async def test_a_server_that_speaks_otherwise_is_left(junk: bytes) -> None:
    """Once bytes cannot be read, no later reply can be told from another."""
    bench = Bench()
    replies = [bench.send(b"GET", name) for name in "ab"]

    bench.receive(b"+one\r\n" + junk)

    assert b"one" == replies[0].result()
    expected = "the connection broke: the store sent what no call had asked for"
    assert expected == await why(replies[1])


async def test_a_reply_nobody_asked_for_ends_the_connection() -> None:
    """Who knows which call the next one belongs to?"""
    bench = Bench()
    reply = bench.send(b"GET", b"a")

    bench.receive(b"+one\r\n+two\r\n")

    assert (b"one", False) == (reply.result(), bench.connection.is_open)


async def test_a_server_that_hangs_up_with_a_word_is_quoted() -> None:
    """Protected mode and too many clients are told before the first command is read."""
    bench = Bench()

    bench.receive(b"-DENIED Redis is running in protected mode\r\n")

    expected = "the store answered: DENIED Redis is running in protected mode"
    assert (expected, False) == (bench.connection.why, bench.connection.is_open)


async def test_a_call_sent_on_a_lost_connection_ends_too() -> None:
    """Nobody waits for a reply that cannot come."""
    bench = Bench()
    bench.connection.connection_lost(None)

    reply = bench.send(b"GET", b"a")

    assert "the connection broke: closed by the store" == await why(reply)
    assert [] == bench.wire.writes


async def test_a_call_sent_while_the_connection_is_being_given_up_ends_too() -> None:
    """It is too late to write it, and too early for the loss to have been told."""
    bench = Bench()
    bench.connection.abort("had enough")

    reply = bench.send(b"GET", b"a")

    assert "the connection broke: had enough" == await why(reply)


async def test_closing_returns_once_every_call_has_ended() -> None:
    """So that a loop can be ended after it."""
    bench = Bench()
    reply = bench.send(b"GET", b"a")

    await bench.connection.close("the end")

    assert (True, False) == (reply.done(), bench.connection.is_open)
    assert "the connection broke: the end" == await why(reply)


async def test_a_lost_connection_can_be_given_up() -> None:
    """It tells why it was lost, not why it was given up."""
    bench = Bench()
    bench.connection.connection_lost(None)

    await bench.connection.close("the end")

    assert (False, "closed by the store") == (bench.connection.is_open, bench.connection.why)
