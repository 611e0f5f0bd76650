"""``regcluster top`` as its user sees it, on ports that play a node's part, and on a node."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from msgspec.structs import replace

from regcluster.control.top import COLUMNS, Row, cells, fitting, state, sums
from tests.control.command import run
from tests.control.page import playing
from tests.control.test_figures import BEFORE, EXPECTED, LATER
from tests.control.watch import PATIENCE_S
from tests.peer.node import Node
from tests.peer.processes import HOST, free_port

NODE_CELLS = (
    *("edge-1:8080", "draining", "1 min 40 s", "0 %", "4.0", "3.0", "0", "0.4", "0", "0.4"),
    *("-", "-", "1.0 ms", "9.8 ms", "1.0 ms", "4"),
)


def test_a_node_is_a_line_of_figures() -> None:
    """One for each column, with its unit; a dash for what is not known."""
    assert NODE_CELLS == cells(Row("edge-1:8080", figures=EXPECTED))


def test_a_node_that_does_not_answer_says_why() -> None:
    """In its place, so that the others stay where they are."""
    shown = cells(Row("edge-1:8080", problem="Connection refused"))

    assert (("edge-1:8080", "Connection refused"), {""}) == (shown[:2], set(shown[2:]))


@pytest.mark.parametrize(
    ("ready", "draining", "expected"),
    [
        (True, False, "ready"),
        (False, False, "not ready"),
        (None, None, "not ready"),
        (False, True, "draining"),
    ],
)
def test_its_state_is_a_word_or_two(
    ready: bool | None, draining: bool | None, expected: str
) -> None:
    """Draining is no trouble, and nothing else is either."""
    figures = replace(EXPECTED, is_ready=ready, is_draining=draining)

    assert expected == state(figures)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "-"),
        (0.4, "0 s"),
        (59.9, "59 s"),
        (3600.0, "1 h 0 min"),
        (90061.0, "1 d 1 h"),
    ],
)
def test_a_lifetime_is_told_in_two_units(seconds: float | None, expected: str) -> None:
    """Nobody counts the seconds of a day."""
    assert expected == cells(Row("n", figures=replace(EXPECTED, up_s=seconds)))[2]


def test_rates_are_added_up_and_quantiles_are_not() -> None:
    """The 99th percentile of two nodes is not the sum of theirs."""
    ready = replace(EXPECTED, is_ready=True, is_draining=False, in_flight=2.0, cpu_cores=0.5)
    rows = [Row("a", figures=ready), Row("b", figures=EXPECTED), Row("c", problem="gone")]

    assert (
        *("3 nodes", "1 ready", "", "50 %", "8.0", "6.0", "0", "0.8", "0", "0.8"),
        *("2", "0", "", "", "", "8"),
    ) == sums(rows)


def test_a_narrow_terminal_goes_without_the_least_of_the_columns() -> None:
    """And a wide one has them all."""
    names = [[COLUMNS[number] for number in fitting([NODE_CELLS], w)] for w in (300, 80, 1)]

    assert names[0] == list(COLUMNS)
    assert (
        *("NODE", "STATE", "CPU", "REQ/S", "REG/S", "5XX/S", "DROP/S", "REG P99", "STORE P99"),
    ) == tuple(names[1])
    assert ["NODE", "STATE", "REG/S", "5XX/S", "REG P99"] == names[2]


def test_once_is_one_table() -> None:
    """Of the time between two looks, all nodes below each other; 1, for one is away."""
    gone = f"{HOST}:{free_port()}"
    with playing((200, BEFORE), (200, LATER)) as port:
        result = run("top", port.address, gone, "--once", "--interval", "0.1")
        asked = port.asked
    lines = [line.split() for line in result.stdout.splitlines()]

    assert (1, "") == (result.exit_code, result.stderr)
    assert [("GET", "/metrics", "")] * 2 == asked
    assert ["NODE", "STATE", "UP", "CPU"] == lines[0][:4]
    assert [port.address, "draining"] == lines[1][:2]
    assert [gone, "Connection", "refused"] == lines[2]
    assert ["2", "nodes", "0", "ready"] == lines[3][:4]


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ([(404, "nothing here")], "answered 404"),
        ([(200, "<html></html>")], "these are no metrics"),
        ([(503, ""), (200, BEFORE)], "has only just come"),
    ],
)
def test_machines_get_a_line_a_look(answers: list[tuple[int, str]], problem: str) -> None:
    """Also of a node that has no figures."""
    with playing(*answers) as port:
        result = run("top", port.address, "--once", "--json", "--interval", "0.1")
    (node,) = json.loads(result.stdout)["nodes"]

    assert (port.address, None, 1) == (node["node"], node["figures"], result.exit_code)
    assert problem in node["problem"]


@pytest.mark.parametrize(
    "words", [["ftp://edge-1"], ["--set", "http.listen="], ["--interval", "0", "edge-1:1"]]
)
def test_wrong_usage_is_exit_code_2(words: list[str]) -> None:
    """Said before anything is looked at."""
    result = run("top", *words)

    assert (2, "") == (result.exit_code, result.stdout)


def on_terminal(*words: str, until: str) -> tuple[int, str]:
    """Run regcluster on a terminal, interrupt it when it has shown ``until``; what it has shown."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (20, 300))
    command = [sys.executable, "-m", "regcluster", *words]
    shown = ""
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        while until not in shown and select.select([ours], [], [], PATIENCE_S)[0]:
            shown += os.read(ours, 65536).decode()
        process.send_signal(signal.SIGINT)
        while True:
            try:
                shown += os.read(ours, 65536).decode()
            except OSError:
                # The other end is closed.
                break
    os.close(ours)
    return process.returncode, shown


@pytest.mark.server
def test_a_terminal_gets_one_picture_after_the_other() -> None:
    """On a screen of its own, which goes with the program; Ctrl-C is how to end it."""
    with playing((200, BEFORE), (200, LATER)) as port:
        code, shown = on_terminal("top", port.address, "--interval", "0.1", until="draining")
    enter, leave = "\x1b[?1049h", "\x1b[?1049l"

    assert 0 == code
    assert shown.startswith(enter)
    assert f"{port.address}" in shown
    assert leave in shown


@pytest.mark.server
def test_without_a_terminal_tables_follow_each_other() -> None:
    """As for a log: nothing that moves a cursor."""
    with playing((200, BEFORE), (200, LATER)) as port:
        command = [sys.executable, "-m", "regcluster", "top", port.address, "--interval", "0.1"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(4)]
            process.send_signal(signal.SIGINT)
            process.stdout.read()

    assert (0, ["NODE", port.address] * 2) == (
        process.returncode,
        [line.split()[0] for line in lines],
    )


@pytest.mark.server
def test_a_node_is_found_by_its_settings_and_tells_of_itself(
    server_url: str, tmp_path: Path
) -> None:
    """Wherever it listens: everywhere is also here."""
    node = Node(tmp_path, server_url, {})
    node.write({"http": {"listen": f"0.0.0.0:{node.http_port}"}})
    try:
        text = node.command("top", "--once", "--json", "--interval", "0.1")
    finally:
        node.stop()
    (row,) = json.loads(text)["nodes"]
    figures = row["figures"]

    assert f"{HOST}:{node.http_port}" == row["node"]
    assert (True, False, 2.0, 0.0) == (
        figures["is_ready"],
        figures["is_draining"],
        figures["workers"],
        figures["requests_per_s"],
    )
