"""What the chart would have a cluster start, started here: a node, and the Valkey for trials."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import redis

from tests import servers
from tests.helm.chart import Object, container, one, pod, render, trial
from tests.helm.container import prepare
from tests.peer.processes import HOST, end, free_port, start, wait_until
from tests.wire import register

pytestmark = pytest.mark.server

START_S = 30.0
NOTICE_S = 1.5
DRAIN_S = 6


@dataclass(frozen=True)
class Started:
    """A process that was started as the container of a node would be."""

    process: "subprocess.Popen[bytes]"
    container: Object
    grace_s: int
    sip: int
    http: int

    def probed(self, name: str) -> int:
        """The status that a probe of the container gets; 0 if it gets none."""
        path = self.container[name]["httpGet"]["path"]
        try:
            return httpx.get(f"http://{HOST}:{self.http}{path}").status_code
        except httpx.TransportError:
            return 0


@pytest.fixture
def started(server_url: str, tmp_path: Path) -> Iterator[Started]:
    """A node, as a pod on this machine would run it."""
    sip, http = free_port(), free_port()
    objects = render(
        {
            "store": {"url": server_url},
            "bind": [HOST],
            "sip": {"port": sip},
            "http": {"port": http},
            "settings": {"node": {"workers": 1, "drain_s": DRAIN_S, "notice_s": NOTICE_S}},
        }
    )
    ready = prepare(objects, tmp_path, {})
    variables = [f"{name}={value}" for name, value in ready.environ.items()]
    command = ["env", *variables, sys.executable, "-m", *ready.command]
    process = start(command, tmp_path / "log", tmp_path)
    grace_s = pod(objects)["spec"]["terminationGracePeriodSeconds"]
    try:
        yield Started(process, container(objects), grace_s, sip, http)
    finally:
        end(process, DRAIN_S + 2)


def answered(port: int) -> bytes:
    """The first line of the answer to a REGISTER."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.settimeout(5.0)
        phone.sendto(register(), (HOST, port))
        return phone.recv(4096).partition(b"\r\n")[0]


def test_a_node_is_ready_and_leaves_in_order(started: Started) -> None:
    """It is ready; while it gives notice it is not, and still answers; and it has ended by itself
    before anybody would kill it."""
    wait_until(lambda: started.probed("readinessProbe") == 200, START_S, "the node is ready")
    first = answered(started.sip)
    told_at = time.monotonic()
    started.process.send_signal(signal.SIGTERM)
    wait_until(lambda: started.probed("readinessProbe") == 503, NOTICE_S, "it gives notice")
    last = answered(started.sip)
    code = started.process.wait(DRAIN_S + 2)

    assert (b"SIP/2.0 200 OK", b"SIP/2.0 200 OK", 0) == (first, last, code)
    assert time.monotonic() - told_at < started.grace_s


def test_the_valkey_for_trials_takes_its_arguments(tmp_path: Path) -> None:
    """It keeps all there is, and evicts nothing."""
    workload = one(trial(), "StatefulSet", "demo-regcluster-valkey")
    (valkey,) = workload["spec"]["template"]["spec"]["containers"]
    port = str(free_port())
    places = {"/data": str(tmp_path), "6379": port}
    arguments = [places.get(argument, argument) for argument in valkey["args"]]
    process = start([servers.valkey(), *arguments, "--bind", HOST], tmp_path / "log")
    try:
        with redis.Redis(host=HOST, port=int(port), decode_responses=True) as client:
            wait_until(lambda: is_answering(client), START_S, "Valkey answers")
            names = ("appendonly", "maxmemory-policy", "save", "hash-max-listpack-value")
            found = client.config_get(*names)
    finally:
        end(process, 5.0)

    assert dict(zip(names, ("yes", "noeviction", "", "1024"), strict=True)) == found


def is_answering(client: "redis.Redis") -> bool:
    """Whether the server is there."""
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
