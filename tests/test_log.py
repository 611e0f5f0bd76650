"""The log: one line an event, whatever is in it, for people or for machines."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from regcluster import log
from regcluster.config import LogSettings
from tests.control.watch import own_log

JSON = LogSettings(format="json")
CONSOLE = LogSettings(format="console")

logger = log.get_logger("regcluster.tests")


@pytest.fixture(autouse=True)
def afterwards() -> Iterator[None]:
    """The log as it was before the test."""
    with own_log():
        yield


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What has been written since the last look."""
    written = capsys.readouterr()
    assert "" == written.out
    assert written.err == "" or written.err.endswith("\n")
    return written.err.splitlines()


def entry(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The one line that was written, read as a machine does."""
    (line,) = lines(capsys)
    read: dict[str, Any] = json.loads(line)
    return read


def test_an_event_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    """With its level, its time in UTC, who says it, and what it is about."""
    log.configure(JSON, node="edge-1", worker=2)
    logger.info("settings changed", changed=["log.level"])
    told = entry(capsys)

    assert told.pop("timestamp").endswith("Z")
    assert {
        "event": "settings changed",
        "level": "info",
        "module": "regcluster.tests",
        "node": "edge-1",
        "worker": 2,
        "changed": ["log.level"],
    } == told


@pytest.mark.parametrize("settings", [JSON, CONSOLE])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\x85", "\u2028", "\x1b[2J"])
def test_no_value_can_forge_a_line(
    capsys: pytest.CaptureFixture[str], settings: LogSettings, end: str
) -> None:
    """What a peer chose may end in a value; it stays inside it, and clears no screen."""
    log.configure(settings)
    logger.info("message", text=f"x{end}forged")
    (line,) = lines(capsys)

    assert end not in line
    assert "forged" in line


def test_a_terminal_gets_columns_and_anything_else_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless the settings say otherwise."""
    log.configure(LogSettings(format="auto"))
    logger.info("node ready")
    piped = lines(capsys)
    log.configure(CONSOLE)
    logger.info("node ready")
    shown = lines(capsys)

    assert "node ready" == json.loads(piped[0])["event"]
    assert "node ready" in shown[0]
    assert not shown[0].startswith("{")


@pytest.mark.parametrize(
    ("level", "written"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_lines_below_the_level_are_not_written(
    capsys: pytest.CaptureFixture[str], level: Any, written: list[str]
) -> None:
    """And a reload changes that for loggers made before."""
    log.configure(JSON)
    log.configure(LogSettings(level=level, format="json"))
    for name in ("debug", "info", "warning", "error"):
        getattr(logger, name)("event")

    assert written == [json.loads(line)["level"] for line in lines(capsys)]


def test_an_exception_is_one_line_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    """Traceback included."""
    log.configure(JSON)
    try:
        raise KeyError("binding")
    except KeyError:
        logger.exception("request failed", method="REGISTER")
    told = entry(capsys)

    assert ("request failed", "error", "REGISTER") == (told["event"], told["level"], told["method"])
    assert "KeyError: 'binding'" in told["exception"]


def test_an_exception_shows_no_variables_to_people(capsys: pytest.CaptureFixture[str]) -> None:
    """They hold passwords, and whatever a peer has sent."""
    log.configure(CONSOLE)
    secret = "".join(["hunt", "er2"])
    try:
        raise KeyError(len(secret))
    except KeyError:
        logger.exception("request failed")
    written = "\n".join(lines(capsys))

    assert "KeyError: 7" in written
    assert "hunter2" not in written


def test_what_libraries_log_is_written_in_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    """asyncio tells of a task that broke unnoticed with the standard library's means."""
    log.configure(JSON, node="edge-1")
    try:
        raise KeyError("lost")
    except KeyError:
        logging.getLogger("asyncio").exception("Task %s", "broke")
    told = entry(capsys)

    assert ("Task broke", "error", "edge-1") == (told["event"], told["level"], told["node"])
    assert "KeyError: 'lost'" in told["exception"]


def test_libraries_are_heard_from_warnings_on(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever our own level is: their chatter is not about this node."""
    log.configure(LogSettings(level="debug", format="json"))
    logging.getLogger("uvicorn.error").info("Started server process")

    assert [] == lines(capsys)


def test_who_speaks_is_what_was_last_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Configuring again forgets what was bound before."""
    log.configure(JSON, node="edge-1", worker=1)
    log.configure(JSON, node="edge-2")
    logger.info("event")
    told = entry(capsys)

    assert ("edge-2", False) == (told["node"], "worker" in told)


def test_failures_are_told_of_once_in_a_while() -> None:
    """And how many there were since the last time; every one is told of in the end."""
    quiet = log.Quiet(10.0)

    assert [1, 0, 0, 3, 0] == [quiet.take(now) for now in (100.0, 105.0, 109.9, 110.0, 110.1)]
