"""Errands to a node over its socket, and those who have no business there."""

import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

from regcluster.control import porter
from regcluster.control.errand import SOCKET, Answer, Errand, ask
from regcluster.control.overlay import Overridden

pytestmark = pytest.mark.anyio

TIMEOUT_S = 10.0

ANSWER = Answer(
    node="edge-1",
    pid=4711,
    overridden={"routing.domains": Overridden(["é\n"], [], "default")},
    problems=["no"],
)


class Desk:
    """A node that answers all errands alike."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.heard: list[Errand] = []

    async def run(self, errand: Errand) -> Answer:
        """Note it down."""
        self.heard.append(errand)
        return ANSWER

    async def ask(self, errand: Errand) -> Answer:
        """Send an errand as the command line does."""
        return await to_thread.run_sync(ask, self.folder, errand, TIMEOUT_S)

    async def say(self, words: bytes) -> bytes:
        """Send anything, and no more; what comes back until the other side leaves."""
        async with await anyio.connect_unix(self.folder / SOCKET) as stream:
            await stream.send(words)
            await stream.send_eof()
            with anyio.fail_after(TIMEOUT_S):
                try:
                    return await stream.receive()
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    return b""


@asynccontextmanager
async def desk(
    folder: Path, is_welcome: Callable[[int], bool] = porter.may_ask
) -> AsyncIterator[Desk]:
    """One that is open until the test leaves it."""
    opened = Desk(folder)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(porter.serve, await porter.listen(folder), opened.run, is_welcome)
        yield opened
        tasks.cancel_scope.cancel()


async def test_errand_and_answer_arrive_as_they_were_sent(tmp_path: Path) -> None:
    """Whatever octets they hold."""
    errand = Errand({"node.name": "é\n", "log.level": None}, resets_all=True)
    async with desk(tmp_path) as opened:
        answer = await opened.ask(errand)

    assert (ANSWER, [errand]) == (answer, opened.heard)


async def test_nobody_else_may_enter(tmp_path: Path) -> None:
    """The socket is as private as the folder it is in."""
    async with desk(tmp_path):
        mode = (tmp_path / SOCKET).stat().st_mode & 0o777

    assert 0o600 == mode


async def test_another_user_is_not_heard(tmp_path: Path) -> None:
    """Even if somebody has opened the folder to everybody."""
    ours = os.geteuid()
    async with desk(tmp_path, lambda user: user != ours) as opened:
        said = await opened.say(b"{}\n")

    assert (b"", []) == (said, opened.heard)


@pytest.mark.parametrize(("user", "may"), [(1000, True), (0, True), (1001, False)])
def test_a_node_is_its_users_and_roots_to_command(
    user: int, may: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root might as well be that user: one who looks after a service need not become it."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert may == porter.may_ask(user)


@pytest.mark.parametrize(
    "words",
    [
        *(b"", b"{}", b"what?\n", b'{"changes":[]}\n', b"\xff\n"),
        pytest.param(b'{"more":' + b"[" * 100_000 + b"\n", id="nested"),
    ],
)
async def test_who_makes_no_sense_gets_no_answer_and_does_no_harm(
    tmp_path: Path, words: bytes
) -> None:
    """The next one is served."""
    async with desk(tmp_path) as opened:
        said = await opened.say(words)
        answer = await opened.ask(Errand())

    assert (b"", ANSWER) == (said, answer)


async def test_who_leaves_before_the_answer_does_no_harm(tmp_path: Path) -> None:
    """An operator with Ctrl-C."""
    async with desk(tmp_path) as opened:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as hasty:
            hasty.connect(str(tmp_path / SOCKET))
            hasty.sendall(b"{}\n")
        answer = await opened.ask(Errand())

    assert ANSWER == answer


async def test_a_node_that_goes_away_is_no_answer(tmp_path: Path) -> None:
    """It is not taken for a yes."""

    async def hang(_: Errand) -> Answer:
        tasks.cancel_scope.cancel()
        await anyio.sleep_forever()
        raise AssertionError

    outcome: list[Exception] = []

    async def send() -> None:
        with anyio.CancelScope(shield=True):
            try:
                await to_thread.run_sync(ask, tmp_path, Errand(), TIMEOUT_S)
            except OSError as why:
                outcome.append(why)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(porter.serve, await porter.listen(tmp_path), hang)
        tasks.start_soon(send)

    assert ["the node went away"] == [str(why) for why in outcome]
