"""A whole node as its operator starts it: a settings file and ``python -m regcluster serve``.

It listens on free loopback ports and is watched from outside only: over HTTP, through signals and
in /proc. Every call blocks; inside a test with traffic running, call it in a thread.
"""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.peer.processes import HOST, children, end, free_port, start, udp_owners, wait_until

START_S = 30.0
DRAIN_S = 5.0

Section = Mapping[str, object]
Sample = tuple[str, tuple[tuple[str, str], ...]]
"""A metric's name and its labels, sorted."""


class Node:
    """One running node; ``sections`` are laid over the settings that every test needs.

    It runs the code in ``checkout``, if one is given.
    """

    def __init__(
        self,
        folder: Path,
        store_url: str,
        sections: Mapping[str, Section],
        checkout: Path | None = None,
    ) -> None:
        self.port = free_port()
        self.http_port = free_port()
        self.settings = folder / f"node-{self.port}.toml"
        self.log = folder / f"node-{self.port}.log"
        self._sections: dict[str, Section] = {
            "node": {"name": f"node-{self.port}", "workers": 2, "drain_s": DRAIN_S},
            "listen": {"udp": [f"{HOST}:{self.port}"], "tcp": [f"{HOST}:{self.port}"]},
            "store": {"url": store_url},
            "http": {"listen": f"{HOST}:{self.http_port}"},
            "log": {"format": "json"},
        }
        self.write(sections)
        command = [sys.executable, "-m", "regcluster", "serve", "--config", str(self.settings)]
        if checkout:
            # Python looks for a module where it stands before anywhere else, unless told not to.
            command = ["env", "-u", "PYTHONSAFEPATH", *command]
        self.process = start(command, self.log, checkout)
        wait_until(self.is_ready, START_S, "the node is ready")

    @property
    def address(self) -> tuple[str, int]:
        """Where the node takes SIP, over UDP and TCP."""
        return (HOST, self.port)

    def write(self, sections: Mapping[str, Section]) -> None:
        """Lay ``sections`` over the settings file; a running node reads it on ``signal``."""
        for name, values in sections.items():
            self._sections[name] = {**self._sections.get(name, {}), **values}
        lines = []
        for name, values in self._sections.items():
            # What JSON writes for text, numbers and lists of them is TOML as well.
            lines += [f"[{name}]", *(f"{key} = {json.dumps(values[key])}" for key in values)]
        self.settings.write_text("\n".join(lines) + "\n")

    def workers(self) -> list[int]:
        """The processes of the node that take SIP."""
        return udp_owners(children(self.process.pid), self.port)

    def is_ready(self) -> bool:
        """What the node tells a balancer; fails the test when the node has ended by itself."""
        if self.process.poll() is not None:
            raise AssertionError(f"the node ended by itself:\n{self.log_tail()}")
        try:
            return self.fetch("/health/ready")[0] == 200
        except OSError:
            return False

    def fetch(self, resource: str) -> tuple[int, str]:
        """Status and text of one page of the node's HTTP port."""
        connection = http.client.HTTPConnection(HOST, self.http_port, timeout=5.0)
        try:
            connection.request("GET", resource)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def counters(self) -> dict[Sample, float]:
        """Every sample of /metrics that may only grow: counters, and the parts of histograms."""
        status, text = self.fetch("/metrics")
        assert status == 200
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            if family.type in {"counter", "histogram", "summary"}
            for sample in family.samples
            if not sample.name.endswith("_created")
        }

    def registers(self) -> float:
        """The REGISTERs that the node has counted as received."""
        return sum(
            value
            for (name, labels), value in self.counters().items()
            if name == "regcluster_sip_requests_total" and ("method", "REGISTER") in labels
        )

    def command(self, *words: str) -> str:
        """What ``regcluster`` prints, called with ``words`` and this node's settings."""
        run = subprocess.run(
            [sys.executable, "-m", "regcluster", *words, "--config", str(self.settings)],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert (0, "") == (run.returncode, run.stderr)
        return run.stdout

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the supervisor."""
        os.kill(self.process.pid, number)

    def stop(self) -> int:
        """End the node as its operator would; its exit status."""
        return end(self.process, DRAIN_S + 10.0)

    def log_tail(self) -> str:
        """The end of what the node has logged."""
        return self.log.read_text(errors="replace")[-6000:]
