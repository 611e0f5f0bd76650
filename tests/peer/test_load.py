"""Load on whole nodes: ``bench`` over UDP and TCP, and the same mixes by SIPp."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from regcluster.load import Load, Report, run
from tests.peer.conftest import StartNode
from tests.peer.node import Node
from tests.peer.processes import HOST, free_port

pytestmark = [pytest.mark.peer, pytest.mark.timeout(120)]

SIPP = Path(__file__).parents[2] / "benchmarks" / "sipp"

REDIRECTED = ("register", "refresh", "lookup", "options", "miss", "mix")
"""The scenarios for a node that does not forward."""

MIX = {"register": 2, "refresh": 5, "lookup": 2, "miss": 1}


def load(node: Node, **fields: object) -> Load:
    """A short load that any machine bears, with ``fields`` laid over it."""
    plain = {"targets": [f"{HOST}:{node.port}"], "mix": MIX, "users": 100, "rate": 200.0}
    short = {"count": 200, "warmup_s": 0.2, "timeout_s": 20.0}
    return Load(**{**plain, **short, **fields})  # type: ignore[arg-type]


def outcome(report: Report) -> dict[str, dict[str, int]]:
    """Answers by kind and status, of a report that has no others."""
    assert report.lost == 0
    return report.statuses()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_every_kind_of_request_gets_the_answer_it_is_meant_to(
    start_node: StartNode, transport: str, method: str
) -> None:
    """From a node that redirects, over several sockets of several processes."""
    node = start_node()

    report = run(load(node, transport=transport, method=method, sockets=3, processes=2))

    assert {
        "register": {"200": 40},
        "refresh": {"200": 100},
        "lookup": {"302": 40},
        "miss": {"404": 20},
    } == outcome(report)


def test_requests_that_are_forwarded_are_answered_by_the_phones(start_node: StartNode) -> None:
    """Through another node than the one they registered with, in a second run too."""
    nodes = [start_node(routing={"mode": "forward"}) for _ in range(2)]
    both = [f"{HOST}:{node.port}" for node in nodes]

    for _ in range(2):
        report = run(load(nodes[0], targets=both, mix={"forward": 1}))

        assert {"forward": {"200": 200}} == outcome(report)


def test_new_phones_are_in_the_store_afterwards(start_node: StartNode) -> None:
    """With the contact they named: as many as were answered 200."""
    node = start_node()

    report = run(load(node, mix={"register": 1}, window=8, rate=0.0, first=5000, retransmit=True))

    assert {"register": {"200": 200}} == outcome(report)
    shown = json.loads(node.command("aor", "show", "u00005199@example.test", "--json"))
    assert ["sip:u00005199@192.0.2.10:5060;line=b00005199"] == [
        contact["contact"] for contact in shown["contacts"]
    ]


def test_phones_persist_until_an_overloaded_node_takes_them(start_node: StartNode) -> None:
    """Those refused 503 come back when they were told to, and are all registered in the end."""
    node = start_node(node={"workers": 1}, limits={"in_flight": 20, "retry_after_s": 1})

    report = run(
        load(node, mix={"register": 1}, rate=1e5, retransmit=True, persist_s=60.0, warmup_s=0.0)
    )

    assert report.refused > 0
    assert report.ledger.retry_afters == report.refused == report.ledger.retried
    assert 200 == report.good


def test_bench_measures_a_node_from_the_command_line(start_node: StartNode) -> None:
    """As its user calls it."""
    node = start_node()
    command = [sys.executable, "-m", "regcluster", "bench", f"{HOST}:{node.port}", "--json"]
    command += ["--count", "200", "--rate", "200", "--users", "50", "--warmup", "0.2"]

    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert found.returncode in (0, 4)
    assert 200 == json.loads(found.stdout)["good"]


@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_sipp_offers_the_same_mixes(
    start_node: StartNode, sipp: str, tmp_path: Path, transport: str
) -> None:
    """Every scenario succeeds on a node, in the order in which they need each other's phones."""
    node = start_node()

    ends = {name: offered(sipp, name, node, transport, tmp_path) for name in REDIRECTED}

    assert dict.fromkeys(REDIRECTED, 0) == ends


@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_sipp_offers_what_is_forwarded(
    start_node: StartNode, sipp: str, tmp_path: Path, transport: str
) -> None:
    """Phones and callers are one SIPp; a second one elsewhere takes the phones over."""
    node = start_node(routing={"mode": "forward"})

    ends = [offered(sipp, "forward", node, transport, tmp_path) for _ in range(2)]

    assert [0, 0] == ends


def test_every_scenario_is_run() -> None:
    """By one of the tests above."""
    assert {*REDIRECTED, "forward"} == {file.stem for file in SIPP.glob("*.xml")}


def offered(sipp: str, name: str, node: Node, transport: str, folder: Path) -> int:
    """SIPp's exit code after fifty calls of a scenario: 0 if all of them succeeded."""
    command = [sipp, f"{HOST}:{node.port}", "-sf", str(SIPP / f"{name}.xml"), "-t", transport]
    command += ["-inf", str(SIPP / "users.csv"), "-r", "200", "-m", "50"]
    command += ["-i", HOST, "-p", str(free_port())]
    command += ["-nostdin", "-timeout", "30", "-timeout_error"]
    run = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False)
    return run.returncode
