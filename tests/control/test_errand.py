"""Where nodes of a machine have their folders."""

import tempfile
from pathlib import Path

import pytest

from regcluster.control.errand import RUN, home, homes


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory for temporary files, whatever the machine's is."""
    monkeypatch.setattr(tempfile, "tempdir", "/tmp/ours")


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (None, "/tmp/ours"),
        ("", "/tmp/ours"),
        ("/run/sip", "/run/sip"),
        ("/run/sip:/run/other", "/run/sip"),
    ],
)
def test_a_node_lives_where_systemd_says(
    named: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the first of its directories, and among temporary files without one."""
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    if named is not None:
        monkeypatch.setenv("RUNTIME_DIRECTORY", named)

    assert Path(expected) == home()


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("", [Path("/tmp/ours"), RUN]),
        ("/run/sip", [Path("/run/sip"), RUN, Path("/tmp/ours")]),
        ("/run/regcluster", [RUN, Path("/tmp/ours")]),
    ],
)
def test_an_operator_finds_it_from_outside(
    named: str, expected: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody tells a shell what systemd has told the node, so the unit's place is looked at too."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", named)

    assert expected == homes()
