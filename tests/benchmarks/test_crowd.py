"""Bindings made by the hundred thousand are those that nodes would have made."""

import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import hiredis
import pytest

from benchmarks.client import Client
from benchmarks.contestants import Contestant, Setup, node
from benchmarks.crowd import Calls, Crowd, fill
from benchmarks.pace import StoreLine, pace
from benchmarks.phones import FIRST_OF_MILLIONS, Fleet
from regcluster.config import StoreSettings
from regcluster.store.keys import Keys
from tests.servers import RealServer

pytestmark = pytest.mark.server

SIZE = 100


@pytest.fixture(scope="module")
def running() -> Iterator[Contestant]:
    """A node on a Valkey that a crowd has filled."""
    # Not in pytest's own folder: the path of a unix socket has to be short.
    with (
        tempfile.TemporaryDirectory(prefix="rc-") as folder,
        node(Path(folder), "Valkey 9.1", Setup()) as contestant,
    ):
        assert contestant.store
        fill(contestant.store, Crowd(SIZE, socket=contestant.socket))
        yield contestant


def _events(store: RealServer | None) -> int:
    assert store
    return sum(store.ask(b"XLEN", feed) for feed in Keys(StoreSettings()).feeds)


def test_a_refresh_through_a_node_changes_nothing_that_a_reader_could_see(
    running: Contestant,
) -> None:
    """So there is no event, and none is paid for."""
    before = _events(running.store)
    fleet = Fleet(SIZE, 5060, FIRST_OF_MILLIONS)

    with closing(Client(running, SIZE)) as client:
        client.ask(fleet.registers(2), b"200")

    assert (SIZE, SIZE) == (before, _events(running.store))


def test_a_script_call_is_that_of_the_node(running: Contestant) -> None:
    """It refreshes what the node has made or refreshed, and has no event either."""
    assert running.store
    calls = Calls("feedfacecafe", running.socket)
    registers = Fleet(SIZE, 5060, FIRST_OF_MILLIONS).registers(3)

    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect(running.store.url.removeprefix("unix://"))
        paced = pace(StoreLine(stream), [calls.save(data) for data in registers], rate=2000)

    assert (SIZE, SIZE) == (len(paced.waits), _events(running.store))


def test_a_binding_is_due_when_it_is_told_to_be() -> None:
    """Whatever the phone asks for; all the rest is the node's."""
    calls = Calls("feedfacecafe")
    [register] = Fleet(1, 5060).registers(1)

    usual, due = (_words(calls.save(register, due_in_ms)) for due_in_ms in (0, 5000))

    changed = [pair for pair in zip(usual, due, strict=True) if pair[0] != pair[1]]
    assert (b"3600000", b"5000") in changed
    # The ruid is the other one: no two calls have the same.
    assert 2 == len(changed)


def _words(packed: bytes) -> list[bytes]:
    reader = hiredis.Reader()
    reader.feed(packed)
    words: list[bytes] = reader.gets()
    return words
