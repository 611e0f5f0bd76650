"""The benchmark runs: what it says is another matter, and no test's."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.peer


def test_the_benchmark_measures_a_node_beside_kamailio(kamailio: str) -> None:
    """Every contestant answers each REGISTER 200, and each round of it has a cost."""
    assert kamailio
    command = [sys.executable, "-m", "benchmarks", "--phones", "50", "--rounds", "2", "--json"]

    run = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)

    assert (0, "") == (run.returncode, run.stderr)
    found = json.loads(run.stdout)
    assert {"parse", "plan", "encode", "decode", "answer", "render"} == found["stages"].keys()
    assert {
        "regcluster": {"node": 2, "store": 2},
        "regcluster, append-only file": {"node": 2, "store": 2},
        "Kamailio": {"node": 2},
    } == {
        name: {part: len(rounds) for part, rounds in parts.items()}
        for name, parts in found["side-by-side"].items()
    }
    assert all(
        cost > 0
        for parts in found["side-by-side"].values()
        for rounds in parts.values()
        for cost in rounds
    )
