"""A store of a hundred thousand bindings costs a request little more than one of ten thousand.

The benchmark tells the figures; ``make bench ARGS=million`` has ten times as many.
"""

import json
import subprocess
import sys
from typing import Any

import pytest

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]

BINDINGS = 100_000

DEARER = 1.15
"""What a request may cost, as a multiple."""

BYTES_EACH = 600
LIST_MB = 10
"""How much more memory a list of all may need than a list of a tenth."""

LONGEST_WAIT_MS = 50
LATEST_S = 1.5


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    """What the benchmark has found."""
    command = [sys.executable, "-m", "benchmarks", "million", "--json"]
    run = subprocess.run(
        [*command, "--bindings", str(BINDINGS)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert (0, "") == (run.returncode, run.stderr)
    found: dict[str, Any] = {"sizes": []}
    for row in json.loads(run.stdout)["million"]["rows"]:
        if (part := row.pop("part")) == "size":
            found["sizes"].append(row)
        else:
            found[part] = row
    return found


@pytest.mark.parametrize("request_", ["register_us", "call_us"])
def test_a_request_costs_hardly_more_in_a_larger_store(measured: Any, request_: str) -> None:
    """CPU of node and store together."""
    small, large = measured["sizes"]

    assert large[request_] / small[request_] <= DEARER


def test_a_binding_keeps_to_its_budget(measured: Any) -> None:
    """Bytes of the server's memory, all indexes included."""
    assert max(size["bytes_each"] for size in measured["sizes"]) <= BYTES_EACH


def test_a_list_of_all_needs_no_more_memory_than_one_of_a_few(measured: Any) -> None:
    """It is complete all the same."""
    small, large = measured["sizes"]

    assert [small["bindings"], large["bindings"]] == [small["listed"], large["listed"]]
    assert large["list_rss_mb"] - small["list_rss_mb"] < LIST_MB


def test_a_hundred_thousand_expiries_at_once_hold_up_no_register(measured: Any) -> None:
    """None waits, none is refused."""
    sweep = measured["sweep"]

    assert (100_000, 0) == (sweep["bindings"], sweep["refused"])
    assert sweep["longest_ms"] <= LONGEST_WAIT_MS


def test_an_expiry_is_told_in_time(measured: Any) -> None:
    """Each of a thousand a second, beside a hundred thousand bindings that stay."""
    lag = measured["lag"]

    assert lag["expiries"] == lag["told"]
    assert lag["p99_s"] < LATEST_S
