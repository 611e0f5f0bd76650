"""The private server of a node: started, found, kept to one node, ended with nothing lost."""

import asyncio
import os
import signal
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from regcluster.config import StoreSettings
from regcluster.errors import ConfigError, StoreUnavailable
from regcluster.store import open_store
from regcluster.store.embedded import Embedded, embedded_url
from tests import servers
from tests.peer.processes import end_group, start, wait_until
from tests.store.private import client, problem_of, serving
from tests.store.wiring import LONG_S

pytestmark = [pytest.mark.anyio, pytest.mark.server]


@pytest.fixture(scope="module", autouse=True)
def _without_programs() -> Iterator[None]:
    """Only what pip brings is found, whatever this machine has installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "/nowhere")
        yield


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A place whose path leaves room for the name of a socket."""
    with tempfile.TemporaryDirectory(prefix="rc-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
async def running(folder: Path) -> AsyncIterator[Embedded]:
    """A server that tests may look at."""
    async with serving(folder / "running") as embedded:
        yield embedded


def process_id(url: str) -> int:
    with closing(client(url)) as view:
        return int(view.info("server")["process_id"])


def exists(file: Path) -> bool:
    return file.exists()


def is_alive(pid: int) -> bool:
    return exists(Path(f"/proc/{pid}"))


async def test_a_store_is_opened_on_a_running_server(running: Embedded, folder: Path) -> None:
    """By the URL that a worker is given, and by the one in the settings."""
    directory = f"embedded://{folder / 'running'}"
    for url in (running.url, directory):
        store = await open_store(StoreSettings(url=url))
        await store.check()
        await store.close()

    assert running.url == embedded_url(directory)


async def test_nobody_else_can_reach_a_server(running: Embedded, folder: Path) -> None:
    """It listens on a socket of its owner's in a directory of its owner's, and nowhere else."""
    directory = folder / "running"
    modes = [stat.S_IMODE(file.stat().st_mode) for file in (directory, directory / "redis.sock")]
    with closing(client(running.url)) as view:
        port = view.config_get("port")

    assert ([0o700, 0o700], {"port": "0"}) == (modes, port)


async def test_a_server_does_not_hear_what_the_terminal_says(running: Embedded) -> None:
    """Ctrl-C ends the workers first, and they have something to tell it."""
    pid = process_id(running.url)

    assert pid == os.getsid(pid)


async def test_two_nodes_do_not_share_a_directory(running: Embedded, folder: Path) -> None:
    """The second one is told both ways out, and the first goes on."""
    told = await problem_of(folder / "running")

    assert "another node has its embedded store in" in told
    assert "embedded:///directory" in told
    assert "redis://host:6379/0" in told
    assert is_alive(process_id(running.url))


async def test_a_server_that_was_stopped_has_lost_nothing(folder: Path) -> None:
    """It is gone when stop returns, and the next one has what it had."""
    async with serving(folder / "again") as first:
        with closing(client(first.url)) as view:
            view.set("a", "1")
        pid = process_id(first.url)
    gone = not is_alive(pid)
    await first.stop()

    async with serving(folder / "again") as second:
        with closing(client(second.url)) as view:
            assert (True, "1") == (gone, view.get("a"))


async def test_a_server_that_crashed_has_lost_nothing_it_acknowledged(folder: Path) -> None:
    """Whoever waits for its end is told how; started again it is where it was."""
    async with serving(folder / "crash") as first:
        with closing(client(first.url)) as view:
            view.set("a", "1")
        waiting = asyncio.ensure_future(first.wait())
        os.kill(process_id(first.url), signal.SIGKILL)
        code = await waiting

    async with serving(folder / "crash") as second:
        with closing(client(second.url)) as view:
            assert (-signal.SIGKILL, "1") == (code, view.get("a"))
        assert first.url == second.url


async def test_a_server_that_hangs_is_not_waited_for(folder: Path) -> None:
    """A node promises to end in time, and the server has on disk what it acknowledged."""
    begun = anyio.current_time()
    async with serving(folder / "hung") as embedded:
        with closing(client(embedded.url)) as view:
            view.set("binding", "1")
        os.kill(process_id(embedded.url), signal.SIGSTOP)
    ended = anyio.current_time()
    async with serving(folder / "hung") as embedded:
        with closing(client(embedded.url)) as view:
            found = view.get("binding")

    assert "1" == found
    assert ended - begun < 5.0


async def test_a_server_that_outlived_its_node_makes_room(folder: Path) -> None:
    """Its node was killed and could not end it; what it holds is on disk first."""
    directory = folder / "orphan"
    directory.mkdir()
    socket = directory / "redis.sock"
    command = [servers.valkey(), "--port", "0", "--unixsocket", str(socket), "--appendonly", "yes"]
    orphan = start([*command, "--dir", str(directory), "--save", ""], folder / "orphan.log")
    try:
        wait_until(socket.exists, LONG_S, "the orphan listens")
        with closing(client(f"unix://{socket}")) as view:
            view.set("a", "1")

        async with serving(directory) as embedded:
            with closing(client(embedded.url)) as view:
                assert (0, "1") == (orphan.wait(LONG_S), view.get("a"))
    finally:
        end_group(orphan)


async def test_a_server_that_cannot_end_is_not_joined_by_another(folder: Path) -> None:
    """Two of them writing one file would ruin it."""
    directory = folder / "stubborn"
    directory.mkdir()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"-ERR Errors trying to SHUTDOWN.\r\n")
        writer.close()

    async with await asyncio.start_unix_server(refuse, directory / "redis.sock"):
        told = await problem_of(directory)

    assert told.endswith("does not end: -ERR Errors trying to SHUTDOWN.")


async def test_a_directory_with_a_long_name_has_its_socket_elsewhere(folder: Path) -> None:
    """A socket's name is short by the kernel's law; who looks for it is led there."""
    directory = folder / ("d" * 120)
    given = f"embedded://{directory}"
    async with serving(directory) as embedded:
        socket = Path(embedded.url.removeprefix("unix://"))
        found = embedded_url(given)
        there = exists(socket)

    left = [exists(socket.parent), exists(directory / "redis.sock.path")]
    assert (embedded.url, True, [False, False]) == (found, there, left)
    with pytest.raises(StoreUnavailable):
        embedded_url(given)


def test_where_no_node_runs_there_is_no_server_to_reach(folder: Path) -> None:
    """The sentence names the directory and both ways on."""
    with pytest.raises(StoreUnavailable) as caught:
        embedded_url(f"embedded://{folder / 'none'}")

    assert (
        f"no node is running with the embedded store in {folder / 'none'}; "
        "start one with `regcluster serve`, or set store.url to a server's"
    ) == str(caught.value)


@pytest.mark.parametrize(
    ("url", "directory"),
    [
        ("embedded://", "state/regcluster"),
        ("embedded://~/mine", "home/mine"),
    ],
)
def test_a_directory_is_that_of_the_user(
    folder: Path, monkeypatch: pytest.MonkeyPatch, url: str, directory: str
) -> None:
    """State goes where the desktop standard puts it, and ~ is understood."""
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    monkeypatch.setenv("HOME", str(folder / "home"))

    with pytest.raises(StoreUnavailable, match=f"in {folder / directory};"):
        embedded_url(url)


def test_state_goes_home_where_no_place_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The standard's own default."""
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(folder))

    with pytest.raises(StoreUnavailable, match=f"in {folder}/.local/state/regcluster;"):
        embedded_url("embedded://")


def test_the_home_of_nobody_is_no_directory() -> None:
    """A misspelled user is told as such."""
    with pytest.raises(ConfigError, match="embedded://~no-such-user/x names no directory"):
        embedded_url("embedded://~no-such-user/x")


async def test_a_directory_that_is_a_file_is_refused(folder: Path) -> None:
    """With what the system says about it."""
    file = folder / "file"
    file.touch()

    assert f"store.url: {file} cannot be used: File exists" == await problem_of(file)


async def test_nobody_waits_for_ever_for_the_end_of_a_server(running: Embedded) -> None:
    """Who waits can be cancelled, and the server goes on."""
    with anyio.move_on_after(0.01) as scope:
        await running.wait()

    assert scope.cancelled_caught
    assert is_alive(process_id(running.url))
