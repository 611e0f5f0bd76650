"""The benchmarks run: what they say is another matter, and no test's."""

import subprocess
import sys
from itertools import product

import msgspec
import pytest

from benchmarks.report import Report

pytestmark = pytest.mark.peer


def _run(*words: str) -> dict[str, Report]:
    """The reports of a benchmark that is as small as can be."""
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", *words, "--json"],
        capture_output=True,
        timeout=55,
        check=False,
    )
    assert (0, b"") == (run.returncode, run.stderr)
    return msgspec.json.decode(run.stdout, type=dict[str, Report])


def test_a_node_is_measured_beside_kamailio(kamailio: str) -> None:
    """Every contestant answers each request as it should, and each round of it has a cost."""
    assert kamailio

    report = _run("side-by-side", "--rounds", "2", "--requests", "100")["side-by-side"]

    works = ("first", "refresh", "lookup", "forward")
    parts = {
        ("Kamailio, memory", "node"),
        ("Kamailio, db_redis", "node"),
        ("Kamailio, db_redis", "store"),
        ("regcluster, Redis 7.0", "node"),
        ("regcluster, Redis 7.0", "store"),
        ("regcluster, Redis 7.0, file", "node"),
        ("regcluster, Redis 7.0, file", "store"),
    }
    measured = {
        (row["work"], (row["contestant"], row["part"])): row["rounds"]
        for row in report.rows
        if row["part"] != "all"
    }
    assert set(product(works, parts)) == measured.keys()
    assert all(
        isinstance(rounds, list) and len(rounds) == 2 and min(rounds) > 0
        for rounds in measured.values()
    )
