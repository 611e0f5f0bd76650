"""Nodes behind a balancer: each at an address of its own, killed, drained and started again.

All of 127.0.0.0/8 is this machine: nodes live at 127.0.1.11 and so on, while phones and balancers
use 127.0.0.1, so that a balancer can tell a node from a phone by its address.
"""

import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

from tests.peer.conftest import StartNode
from tests.peer.load import Load
from tests.peer.node import DRAIN_S, START_S, Section
from tests.peer.phone import Phone
from tests.peer.processes import HOST, children, end_group, free_port, start, udp_owners, wait_until

WORKERS = 2
"""Of each node, as ``Node`` has it."""

HOSTS = ("127.0.1.11", "127.0.1.12")


class Member:
    """One node of a fleet, at ``host`` and ``port``, or a free one."""

    def __init__(
        self, start_node: StartNode, host: str, sections: Mapping[str, Section], port: int = 0
    ) -> None:
        self.port = port or free_port()
        self.proxied_port = free_port()
        self.host = host
        listen = {
            "udp": [self.sip],
            "tcp": [self.sip],
            "tcp_proxied": [self.proxied],
            "proxied_from": [f"{HOST}/32"],
        }
        self.node = start_node(listen=listen, **sections)
        # A node is ready once one worker has the store; what follows is about all of them.
        wait_until(lambda: self._stores() == WORKERS, START_S, "all workers have the store")

    @property
    def sip(self) -> str:
        """Where it takes SIP, over UDP and TCP."""
        return f"{self.host}:{self.port}"

    @property
    def proxied(self) -> str:
        """Where it takes connections that a balancer passes on."""
        return f"{self.host}:{self.proxied_port}"

    @property
    def health(self) -> int:
        """The port at which it says whether it is ready; on ``HOST``."""
        return self.node.http_port

    @property
    def address(self) -> tuple[str, int]:
        """``sip`` as sockets have it."""
        return (self.host, self.port)

    def kill(self) -> None:
        """End it without a word, workers and all."""
        end_group(self.node.process)

    def drain(self) -> int:
        """Have it end as an operator would; its exit status."""
        self.node.signal(signal.SIGTERM)
        return self.node.process.wait(DRAIN_S + 10.0)

    def start_again(self) -> None:
        """Start it where it was, once it has ended."""
        command = [sys.executable, "-m", "regcluster", "serve", "--config", str(self.node.settings)]
        self.node.process = start(command, self.node.log)
        wait_until(self.node.is_ready, START_S, "the node is ready again")

    def forwarded(self) -> float:
        """How many requests it has sent on."""
        name, kind = "regcluster_sip_forwarded_total", ("kind", "request")
        counters = self.node.counters()
        return sum(
            n
            for (counter, labels), n in counters.items()
            if (counter, kind in labels) == (name, True)
        )

    def _stores(self) -> float:
        name = "regcluster_store_up "
        lines = self.node.fetch("/metrics")[1].splitlines()
        return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))

    def spread(self) -> list[int]:
        """How many requests each of its workers has taken."""
        workers = udp_owners(children(self.node.process.pid), self.port)
        return [_requests(worker) for worker in workers]


async def lost(load: Load, member: Member) -> list[str]:
    """Who was promised a binding, and cannot be found through ``member`` now."""
    async with Phone(member.address) as caller:
        missing = []
        for user, answer in load.answers.items():
            found = await caller.invite(user)
            if answer.status == 200 and f"<{load.contact(user)}>" not in found.text:
                missing.append(user)
        return missing


def _requests(worker: int) -> int:
    """The requests that a worker process has counted, in the file that it counts into."""
    lines = Path(f"/proc/{worker}/environ").read_text().split("\0")
    environ = dict(line.split("=", 1) for line in lines if line)
    name = f"counter_{environ['REGCLUSTER_WORKER']}.db"
    file = Path(environ["PROMETHEUS_MULTIPROC_DIR"]) / name
    samples = MmapedDict.read_all_values_from_file(str(file))  # type: ignore[no-untyped-call]
    return int(sum(s[1] for s in samples if '"regcluster_sip_requests_total"' in s[0]))
