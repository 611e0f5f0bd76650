"""Prometheus's own opinion: of a scrape, of the rules, and of the file that loads them."""

import http.client
import subprocess
from pathlib import Path

import pytest

from tests.peer.conftest import StartNode
from tests.peer.processes import HOST
from tests.peer.programs import program

pytestmark = pytest.mark.peer

FOLDER = Path(__file__).parents[2] / "deploy" / "prometheus"


@pytest.fixture
def promtool() -> str:
    """From Debian's package prometheus."""
    return program("promtool")


def scrape(port: int) -> bytes:
    """What a Prometheus gets."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5.0)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read()
    finally:
        connection.close()


def said(*command: str, stdin: bytes = b"") -> tuple[int, str]:
    """Exit code and words of a program, run where the rules are."""
    done = subprocess.run(command, input=stdin, capture_output=True, cwd=FOLDER, check=False)
    return done.returncode, (done.stdout + done.stderr).decode()


def test_a_scrape_is_clean(promtool: str, start_node: StartNode) -> None:
    """Names, types and explanations are as Prometheus wants them."""
    node = start_node()
    text = scrape(node.http_port)

    assert b"regcluster_ready 1.0" in text
    assert (0, "") == said(promtool, "check", "metrics", stdin=text)


def test_every_rule_passes_its_test(promtool: str) -> None:
    """It fires when it should, and nothing else does."""
    code, words = said(promtool, "test", "rules", "rules.test.yaml")

    assert (0, True) == (code, "SUCCESS" in words), words


def test_prometheus_takes_the_file_that_loads_the_rules(promtool: str) -> None:
    """With the rules that it names."""
    code, words = said(promtool, "check", "config", "prometheus.yaml")

    assert (0, True) == (code, "SUCCESS" in words), words
