"""One server of a fleet: a process of its own, which a test may kill, stop and start again."""

import os
import random
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import redis

from regcluster.store.connection import Arg
from tests.peer.processes import end, end_group, start, wait_until

READY_S = 30.0
"""However busy the machine is, a fleet stands by then."""

_PORTS = range(10000, 32000)
"""Below those the kernel hands out by itself: a server must find its port free a second later."""


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """So many ports of TCP that nobody listens on at this moment."""
    found: list[int] = []
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while len(found) < count:
        port = random.choice(_PORTS)
        with socket.socket(family) as stream, suppress(OSError):
            stream.bind((host, port))
            if port not in found:
                found.append(port)
    return found


def spelled(host: str, port: int) -> str:
    """``host:port`` as a URL spells it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Member:
    """One server of a fleet; ``login`` is what redis-py needs to get in."""

    def __init__(
        self, binary: str, folder: Path, host: str, port: int, login: dict[str, Any]
    ) -> None:
        self.host = host
        self.port = port
        self.id = f"{port:040x}"
        """Its name in a Cluster or among Sentinels."""
        self.folder = folder / str(port)
        self.folder.mkdir()
        self.command = [binary]
        self.login = login
        self._client: redis.Redis | None = None

    @property
    def address(self) -> str:
        """Host and port as a URL spells them."""
        return spelled(self.host, self.port)

    def client(self) -> "redis.Redis":
        """A client of redis-py's, who closes it is its user."""
        return redis.Redis(
            host=self.host, port=self.port, socket_timeout=5.0, protocol=2, **self.login
        )

    def ask(self, *words: Arg) -> Any:
        """The reply to one command, as RESP2 spells it, past our own code."""
        if self._client is None:
            self._client = self.client()
            self._client.response_callbacks.clear()
        execute: Callable[..., Any] = self._client.execute_command
        return execute(*words)

    def facts(self, *words: Arg) -> dict[str, str]:
        """The reply to INFO or CLUSTER INFO; empty while there is none."""
        try:
            lines = self.ask(*words).decode().splitlines()
        except redis.RedisError:
            return {}
        return dict(line.split(":", 1) for line in lines if ":" in line)

    @property
    def is_primary(self) -> bool:
        """Whether it says of itself that it takes writes."""
        return self.facts(b"INFO", b"replication").get("role") == "master"

    def start(self) -> None:
        """Start the process, for the first time or again after its end."""
        self.process = start(self.command, self.folder / "log", self.folder)

    def kill(self) -> None:
        """End it as ``kill -9`` does."""
        end_group(self.process)

    def pause(self) -> None:
        """SIGSTOP: its kernel still accepts, itself says nothing."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on where it was."""
        os.kill(self.process.pid, signal.SIGCONT)

    def restart(self) -> None:
        """End it politely and start it again; returns once it answers."""
        end(self.process, 5.0)
        self.start()
        wait_until(self.is_answering, READY_S, f"{self.address} answers again")

    def is_answering(self) -> bool:
        """Whether it answers PING; fails if the process has ended by itself."""
        if self.process.poll() is not None:
            log = (self.folder / "log").read_text(errors="replace")
            raise AssertionError(f"{self.address} ended by itself:\n{log[-2000:]}")
        try:
            return bool(self.ask(b"PING"))
        except redis.RedisError:
            return False

    def stop(self) -> None:
        """End it for good, whatever state it is in."""
        if self._client:
            self._client.close()
        with suppress(ProcessLookupError):
            self.resume()
        end(self.process, 5.0)
