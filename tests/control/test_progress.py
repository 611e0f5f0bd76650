"""How far a long verb has come, shown to whoever looks at a terminal."""

import io
import sys

import pytest

from regcluster.control import progress


class Terminal(io.StringIO):
    """A standard error that somebody looks at."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to its end, and not beyond, where more was done than there was to do."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    with progress.shown("exporting", 10) as show:
        show(5)
        show(20)

    text = terminal.getvalue()
    assert ("exporting" in text, "100%" in text) == (True, True)


def test_nobody_else_is_shown_anything(capsys: pytest.CaptureFixture[str]) -> None:
    """A log would only be filled by it."""
    with progress.shown("exporting", 10) as show:
        show(5)

    assert ("", "") == tuple(capsys.readouterr())
