"""The balancers of ``deploy/loadbalancer``, as Debian's packages run them.

The files are used as they are, except for the addresses and paths that their readers are told to
change. A file that does not hold one of these fails the test.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.peer.balancers.fleet import Member
from tests.peer.node import Section
from tests.peer.processes import HOST, end, free_port, start, wait_until

FILES = Path(__file__).parents[3] / "deploy" / "loadbalancer"
START_S = 20.0

NODES = ("10.0.0.11", "10.0.0.12")
"""The nodes of the examples."""


class Balancer:
    """A running balancer, which takes SIP on ``port`` and, where it can, TLS on ``tls_port``."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.tls_port = free_port()
        self.folder = folder
        self.log = folder / f"balancer-{self.port}.log"

    @property
    def address(self) -> tuple[str, int]:
        """Where phones find it."""
        return (HOST, self.port)

    def write(self, file: str, changes: Mapping[str, str]) -> Path:
        """A copy of ``file`` with other addresses in it."""
        text = (FILES / file).read_text()
        for old, new in changes.items():
            assert old in text, f"{file} does not hold {old}"
            text = text.replace(old, new)
        copy = self.folder / Path(file).name
        copy.write_text(text)
        return copy

    def start(self, command: Sequence[str], sockets: Sequence[str]) -> None:
        """Start it, and return once it has all of ``sockets``, such as ``udp``."""
        self._process = start(command, self.log)
        wait_until(lambda: self._has(sockets), START_S, f"{command[0]} listens")

    def stop(self) -> None:
        """End it and all its processes."""
        end(self._process, 5.0)

    def _has(self, sockets: Sequence[str]) -> bool:
        if self._process.poll() is not None:
            raise AssertionError(f"it ended by itself:\n{self.log.read_text(errors='replace')}")
        mark = f":{self.port:04X} "
        return all(mark in Path(f"/proc/net/{name}").read_text() for name in sockets)


def node_settings(kind: str) -> dict[str, Section]:
    """What nodes behind a ``kind`` of balancer need, but for what each test has of its own."""
    sections: dict[str, Section] = tomllib.loads((FILES / kind / "regcluster.toml").read_text())
    own = ("store", "http", "listen")
    return {name: values for name, values in sections.items() if name not in own} | {
        "routing": {**sections["routing"], "domains": []}
    }


def kamailio(program: str, folder: Path, members: Sequence[Member]) -> Balancer:
    """Kamailio with ``dispatcher`` and ``path``."""
    balancer = Balancer(folder)
    nodes = {f"{old}:5060": member.sip for old, member in zip(NODES, members, strict=True)}
    listing = balancer.write("kamailio/dispatcher.list", nodes)
    control = folder / "kamailio_ctl"
    script = balancer.write(
        "kamailio/kamailio.cfg",
        {
            "192.0.2.10:5060": f"{HOST}:{balancer.port}",
            "balancer@192.0.2.10": f"balancer@{HOST}",
            "/etc/kamailio/dispatcher.list": str(listing),
            "/run/kamailio/kamailio_ctl": str(control),
        },
    )
    command = [program, "-DD", "-E", "-f", str(script), "-m", "64", "-Y", str(folder)]
    balancer.start([*command, "-P", str(folder / "kamailio.pid")], ("udp", "tcp"))
    return balancer


def nginx(program: str, folder: Path, members: Sequence[Member]) -> Balancer:
    """nginx with its stream module."""
    balancer = Balancer(folder)
    changes = {"/run/nginx.pid": str(folder / "nginx.pid"), "/var/log/nginx/error.log": "stderr"}
    for old, member in zip(NODES, members, strict=True):
        changes |= {f"{old}:5060": member.sip, f"{old}:5062": member.proxied}
    changes["listen 5060"] = f"listen {HOST}:{balancer.port}"
    file = balancer.write("nginx/nginx.conf", changes)
    command = [program, "-c", str(file), "-e", "stderr", "-g", "daemon off;"]
    balancer.start(command, ("udp", "tcp"))
    return balancer


def haproxy(program: str, folder: Path, members: Sequence[Member], certificate: Path) -> Balancer:
    """HAProxy, which takes TCP, and ends TLS with ``certificate``."""
    balancer = Balancer(folder)
    changes = {
        "0.0.0.0:5060": f"{HOST}:{balancer.port}",
        "0.0.0.0:5061": f"{HOST}:{balancer.tls_port}",
        "/etc/haproxy/sip.pem": str(certificate),
        "/run/haproxy/admin.sock": str(folder / "haproxy.sock"),
    }
    for old, member in zip(NODES, members, strict=True):
        changes[f"{old}:5062 port 8080"] = f"{member.proxied} addr {HOST} port {member.health}"
    file = balancer.write("haproxy/haproxy.cfg", changes)
    balancer.start([program, "-db", "-f", str(file)], ("tcp",))
    return balancer
