"""What a node says to its store for a request: the server itself tells, command by command."""

import asyncio
import itertools
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from tests.chaos import stores
from tests.chaos.stores import SingleStore
from tests.peer.node import Node
from tests.peer.phone import Answer, Phone

pytestmark = [pytest.mark.chaos, pytest.mark.anyio, pytest.mark.timeout(60)]

T = TypeVar("T")
Asked = Callable[[Phone], Iterator[Awaitable[Answer]]]

USERS = 500

BACKGROUND = 50
"""Commands that nobody's request has caused, at most: a few a second."""


@contextmanager
def serving(folder: Path) -> Iterator[tuple[SingleStore, Node]]:
    """A store and a node on it; of one partition, so that the upkeep says little."""
    with stores.single(folder) as store:
        node = Node(folder, store.url, {"node": {"workers": 1}, "store": {"partitions": 1}})
        try:
            yield store, node
        finally:
            node.stop()


class Monitor:
    """Listens to MONITOR while entered."""

    def __init__(self, store: SingleStore) -> None:
        self._store = store
        member = store.primary()
        self._stream = socket.create_connection((member.host, member.port), 5.0)
        self._lines = self._stream.makefile("rb")
        self._stream.sendall(b"MONITOR\r\n")
        assert b"+OK\r\n" == self._lines.readline()

    def said(self) -> list[bytes]:
        """What clients have said until now; what scripts have called is not among it."""
        self._store.primary().ask(b"ECHO", b"that is all")
        said = []
        while b'"that is all"' not in (line := self._lines.readline()):
            if b" lua] " not in line:
                said.append(line.partition(b"] ")[2])
        return said

    def close(self) -> None:
        """Listen no more."""
        self._lines.close()
        self._stream.close()


def users_of(said: list[bytes]) -> tuple[Counter[int], set[bytes], int]:
    """How many commands named each user, what they were, and how many named none."""
    named: Counter[int] = Counter()
    words: set[bytes] = set()
    others = 0
    for line in said:
        _, found, rest = line.partition(b":b:user")
        if found:
            named[int(rest.partition(b"@")[0])] += 1
            words.add(line.partition(b" ")[0])
        else:
            others += 1
    return named, words, others


async def ask_all(requests: Iterable[Awaitable[Answer]]) -> set[int]:
    """What ``requests`` were answered, a few of them at a time and each sent once."""
    statuses: set[int] = set()
    for some in batches(requests, 32):
        answers = await asyncio.gather(*some)
        statuses |= {answer.status for answer in answers}
        assert {1} == {answer.sends for answer in answers}
    return statuses


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """``items``, so many at a time."""
    rest = iter(items)
    while some := list(itertools.islice(rest, size)):
        yield some


def registers(phone: Phone) -> Iterator[Awaitable[Answer]]:
    """One of each user."""
    return (phone.register(f"user{user}", f"sip:{user}@127.0.0.1") for user in range(USERS))


def calls(phone: Phone) -> Iterator[Awaitable[Answer]]:
    """One to each user."""
    return (phone.invite(f"user{user}") for user in range(USERS))


@pytest.mark.parametrize(
    ("before", "asked", "word", "status"),
    [
        pytest.param((), registers, b'"EVALSHA"', 200, id="new"),
        pytest.param((registers,), registers, b'"EVALSHA"', 200, id="refresh"),
        pytest.param((registers,), calls, b'"HGETALL"', 302, id="call"),
        pytest.param((), calls, b'"HGETALL"', 404, id="call in vain"),
    ],
)
async def test_a_request_is_one_command(
    tmp_path: Path, before: tuple[Asked, ...], asked: Asked, word: bytes, status: int
) -> None:
    """It names the user, and nothing is said besides for the request's sake."""
    with serving(tmp_path) as (store, node):
        async with Phone(node.address) as phone:
            for requests in before:
                await ask_all(requests(phone))
            with closing(Monitor(store)) as monitor:
                statuses = await ask_all(asked(phone))
                named, words, others = users_of(monitor.said())

    assert ({status}, {word}) == (statuses, words)
    assert dict.fromkeys(range(USERS), 1) == dict(named)
    assert others < BACKGROUND
