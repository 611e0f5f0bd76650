"""The cluster of ``deploy/compose.yaml`` without containers: each of its services a process.

Files, commands and environments are those of the services, but for their addresses, ports and
paths: what is a network there is a part of 127.0.0.0/8 here.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import redis

from regcluster.control.web import Page
from tests.control.command import run
from tests.deploy.compose import mounts, services
from tests.deploy.dockerfile import BALANCER, last
from tests.peer.processes import end, end_group, free_port, start, wait_until
from tests.servers import redis8

NETWORKS = {"192.0.2.": "127.0.2.", "198.51.100.": "127.0.100."}

NODES = ("edge-1", "edge-2", "edge-3")
SERVERS = ("redis-1", "redis-2", "sentinel-1", "sentinel-2", "sentinel-3")

START_S = 30.0
END_S = 20.0


class Composed:
    """All services that a call passes through; started one by one, stopped together."""

    def __init__(self, folder: Path, kamailio: str) -> None:
        self._folder = folder
        self._kamailio = kamailio
        sip, self.http = free_port(), free_port()
        self._ports = {"26379": str(free_port()), "6379": str(free_port()), "5060": str(sip)}
        self.balancer = (self.address("balancer"), sip)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        programs = folder / "programs"
        programs.mkdir()
        for name in ("redis-server", "redis-sentinel"):
            (programs / name).symlink_to(redis8())
        self._path = f"{programs}:{os.environ['PATH']}"

    def address(self, name: str) -> str:
        """Where a service is, on this machine."""
        networks = services()[name]["networks"].values()
        given: str = next(network["ipv4_address"] for network in networks if network)
        return self._here(given)

    def start_server(self, name: str) -> None:
        """A Redis or a Sentinel, by its entrypoint."""
        own = self._folder / name
        data, scripts = own / "data", own / "compose"
        data.mkdir(parents=True, exist_ok=True)
        scripts.mkdir(exist_ok=True)
        address = self.address(name)
        # A container has one address; here, what is not said comes from 127.0.0.1.
        bind = f"bind {address}\nbind-source-addr {address}"
        paths = {"/data": str(data), "/compose": str(scripts), "bind 0.0.0.0": bind}
        for file in mounts(services()[name])["/compose"].iterdir():
            (scripts / file.name).write_text(self._here(file.read_text(), paths))
        words = [self._here(word, paths) for word in services()[name]["entrypoint"]]
        self._start(name, words, {"PATH": self._path})

    def start_node(self, name: str) -> None:
        """A node, by its settings and its environment."""
        service = services()[name]
        settings = self._folder / f"{name}.toml"
        text = mounts(service)["/etc/regcluster/regcluster.toml"].read_text()
        settings.write_text(self._here(text, {"0.0.0.0:8080": f"{self.address(name)}:{self.http}"}))
        listen = f"{self.address(name)}:{self._ports['5060']}"
        environ = {
            **service["environment"],
            "REGCLUSTER_LISTEN__UDP": listen,
            "REGCLUSTER_LISTEN__TCP": listen,
            "REGCLUSTER_NODE__WORKERS": "1",
        }
        command = [sys.executable, "-m", "regcluster", "serve", "--config", str(settings)]
        self._start(name, command, environ)

    def start_balancer(self) -> None:
        """Kamailio, by the command of its image."""
        own = self._folder / "balancer"
        own.mkdir()
        paths = {"/run/kamailio": str(own), "/etc/kamailio": str(own)}
        for target, file in mounts(services()["balancer"]).items():
            (own / Path(target).name).write_text(self._here(file.read_text(), paths))
        words = json.loads(last(BALANCER, "ENTRYPOINT")) + json.loads(last(BALANCER, "CMD"))
        command = [self._kamailio, *[self._here(word, paths) for word in words[1:]]]
        self._start("balancer", command, {})

    def info(self, name: str) -> dict[str, Any]:
        """What a server says of itself; nothing while it does not answer."""
        port = self._ports["26379" if name.startswith("sentinel") else "6379"]
        with redis.Redis(self.address(name), int(port), socket_timeout=5.0) as client:
            try:
                found: dict[str, Any] = client.info()
            except redis.RedisError:
                return {}
        return found

    def is_ready(self, name: str) -> bool:
        """Whether a node is, as the health check of its service asks."""
        try:
            return Page("http", self.address(name), self.http).ask("GET", "/health/ready")[0] == 200
        except OSError:
            return False

    def settings(self, name: str) -> str:
        """The file with a node's settings."""
        return str(self._folder / f"{name}.toml")

    def drain(self, name: str) -> int:
        """Have a node end as an operator would; its exit status."""
        process = self.processes[name]
        # Nodes of other tests may have the same name.
        drained = run("drain", "--node", str(process.pid), "--wait")
        assert (0, "") == (drained.exit_code, drained.stderr)
        return self.processes.pop(name).wait(END_S)

    def kill(self, name: str) -> None:
        """End a service without a word."""
        end_group(self.processes.pop(name))

    def wait(self, claim: Callable[[], object], what: str) -> None:
        """Return when ``claim`` holds; fail if a service ends meanwhile."""

        def holds() -> bool:
            ended = [name for name, process in self.processes.items() if process.poll() is not None]
            assert not ended, f"{ended[0]} has ended: {self.log(ended[0])}"
            return bool(claim())

        wait_until(holds, START_S, what)

    def stop(self) -> None:
        """End them all, the nodes first; what is in the servers nobody wants."""
        for name in NODES:
            if name in self.processes:
                self.processes[name].terminate()
        for name in ("balancer", *NODES):
            if name in self.processes:
                end(self.processes.pop(name), END_S)
        # One that has just been sent a copy of another does not end when it is asked to.
        for name in list(self.processes):
            self.kill(name)

    def log(self, name: str) -> str:
        """The end of what a service has said."""
        return (self._folder / f"{name}.log").read_text(errors="replace")[-3000:]

    def _start(self, name: str, command: list[str], environ: Mapping[str, str]) -> None:
        words = [f"{key}={value}" for key, value in environ.items()]
        self.processes[name] = start(["env", *words, *command], self._folder / f"{name}.log")

    def _here(self, text: str, paths: Mapping[str, str] | None = None) -> str:
        """``text`` with what is so only in the containers changed."""
        changes = {**(paths or {}), **NETWORKS, **self._ports}
        # All in one pass: what one puts in is not for the next to change.
        pattern = "|".join(re.escape(old) for old in sorted(changes, key=len, reverse=True))
        return re.sub(pattern, lambda match: changes[match[0]], text)
