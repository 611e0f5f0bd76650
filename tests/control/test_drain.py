"""``regcluster drain`` as its user sees it: a node here, one elsewhere, and what each may say."""

import json
from pathlib import Path

import pytest

from regcluster.control.drain import TOKEN
from tests.control.command import run
from tests.control.page import playing
from tests.peer.node import Node
from tests.peer.processes import HOST, free_port

DRAINING = (202, "{}")
ALIVE = (200, "{}")


@pytest.fixture(autouse=True)
def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment of the tests has."""
    monkeypatch.delenv(TOKEN, raising=False)


def test_a_node_elsewhere_is_asked_over_http(tmp_path: Path) -> None:
    """With the token in a file, which may end in a new line."""
    file = tmp_path / "token"
    file.write_text("correct-horse-battery\n")
    with playing(DRAINING) as port:
        result = run("drain", "--url", port.address, "--token-file", str(file))
        asked = port.asked

    assert (0, f"{port.address} is draining\n", "") == (
        result.exit_code,
        result.stdout,
        result.stderr,
    )
    assert [("POST", "/api/v1/drain", "Bearer correct-horse-battery")] == asked


def test_a_token_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it stands in no list of processes."""
    monkeypatch.setenv(TOKEN, "correct-horse-battery")
    with playing(DRAINING) as port:
        result = run("drain", "--url", f"http://{port.address}/", "--json")
        asked = port.asked

    document = {"url": f"http://{port.address}", "draining": True, "ended": False}
    assert (document, ["Bearer correct-horse-battery"]) == (
        json.loads(result.stdout),
        [authorization for *_, authorization in asked],
    )


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((401, '{"title": "Unauthorized"}'), "401 Unauthorized"),
        ((403, '{"title": "Forbidden", "detail": "say \\u001b[2J"}'), "403 say \\x1b[2J"),
        ((404, "<html>"), "404"),
        ((500, "[]"), "500"),
    ],
)
def test_a_no_is_told_with_its_reason(answer: tuple[int, str], reason: str) -> None:
    """As one sentence that moves no cursor; the exit code is 1."""
    with playing(answer) as port:
        result = run("drain", "--url", port.address)

    assert (1, "", f"regcluster: {port.address} says no: {reason}\n") == (
        result.exit_code,
        result.stdout,
        result.stderr,
    )


def test_nobody_there_is_a_no_too() -> None:
    """A node that is gone cannot be told."""
    address = f"{HOST}:{free_port()}"
    result = run("drain", "--url", address)

    assert (1, "") == (result.exit_code, result.stdout)
    assert f"{address} did not answer: " in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["--url", "edge-1:8080", "--node", "edge-1"],
        ["--token-file", __file__],
        ["--url", "edge-1:8080", "--token-file", __file__],
        ["--url", "edge-1:8080", "--token-file", "/nowhere"],
        ["--url", "edge-1:8080/drain"],
    ],
)
def test_wrong_usage_is_exit_code_2(words: list[str]) -> None:
    """Seen before anybody is asked."""
    result = run("drain", *words)

    assert (2, "") == (result.exit_code, result.stdout)
    assert "Error: " in result.stderr


@pytest.mark.server
def test_a_node_here_has_ended_when_that_is_waited_for(server_url: str, tmp_path: Path) -> None:
    """In order: with the exit status of one that SIGTERM was sent to."""
    node = Node(tmp_path, server_url, {})
    try:
        result = run("drain", "--wait", "--json", "--node", str(node.process.pid))
        status = node.process.poll()
    finally:
        node.stop()

    told = {"pid": node.process.pid, "node": f"node-{node.port}", "draining": True, "ended": True}
    assert (0, "", told) == (result.exit_code, result.stderr, json.loads(result.stdout))
    assert 0 == status
    assert '"event": "draining"' in node.log_tail()


@pytest.mark.server
def test_a_node_elsewhere_answers_no_more_when_its_end_is_waited_for(
    server_url: str, tmp_path: Path
) -> None:
    """HTTP is the last that a node gives up."""
    node = Armed(tmp_path, server_url)
    address = f"{HOST}:{node.http_port}"
    try:
        result = run("drain", "--wait", "--url", address, "--token-file", str(node.token_file))
        with pytest.raises(ConnectionRefusedError):
            node.fetch("/health/live")
        status = node.process.wait(5.0)
    finally:
        node.stop()

    assert (0, f"{address} has ended\n") == (result.exit_code, result.stdout)
    assert 0 == status


class Armed(Node):
    """A node that takes orders over HTTP too."""

    def __init__(self, folder: Path, store_url: str) -> None:
        self.token_file = folder / "own-token"
        self.token_file.write_text("correct-horse-battery")
        tokens = folder / "tokens"
        tokens.write_text("write correct-horse-battery\n")
        super().__init__(folder, store_url, {"http": {"token_file": str(tokens)}})
